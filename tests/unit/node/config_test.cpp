#include "node/ops/config.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "support/temp_dir.h"

namespace talent::node {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kMinimal[] = R"(
[node]
name = "centre-1"
home = "data"
passphrase_file = "/etc/talentd/passphrase"
[[chains]]
genesis = "genesis/a.json"
role = "validator"
vote_key_file = "keys/vote.key"
)";

Config Full() {
  const auto key = crypto::PublicKey::FromBytes(std::string(32, 'k')).value();
  Config out;
  out.name = "centre-1";
  out.home = "/var/lib/talentd";
  out.node_key_file = "/var/lib/talentd/keys/node.key";
  out.passphrase_file = "/etc/talentd/a \"quoted\" path\\with a backslash";
  out.p2p_listen = "0.0.0.0:7001";
  out.peers = {{"10.0.0.2:7001", key}, {"centre-3.example:7001", std::nullopt}};
  out.grpc_listen = "[::1]:9001";
  out.http_listen = "127.0.0.1:0";
  out.web = WebConfig{"127.0.0.1:8080", "/srv/explorer", true, 7, 9};
  out.log = {"warn", "/var/log/talentd.log", true};
  out.chains = {
      {"/etc/a.json", ChainRole::kValidator, "/keys/vote-a", "/keys/party", 0, std::nullopt},
      {"/etc/b.json", ChainRole::kFollower, "", std::nullopt, 50'000,
       ledger::PinnedBlock{Height(7), Hash()}}};
  out.promotions = {{"private-a", "consortium"}, {"consortium", "public"}};
  return out;
}

std::string ErrorOf(const std::string& toml) {
  const auto parsed = ParseConfig(toml, "node.toml", "/etc");
  return parsed ? "accepted" : parsed.error().message;
}

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(Config, WhatIsWrittenReadsBackTheSame) {
  const auto parsed = ParseConfig(DefaultConfig(Full()), "node.toml", Full().home);
  ASSERT_TRUE(parsed) << parsed.error().ToString();
  EXPECT_TRUE(*parsed == Full());
}

TEST(Config, AHomeThatIsMoved_FindsWhatIsInItAndWhatIsNot) {
  const auto moved = ParseConfig(DefaultConfig(Full()), "node.toml", "/srv/restored");
  ASSERT_TRUE(moved) << moved.error().ToString();
  EXPECT_EQ(moved->home, "/srv/restored");
  EXPECT_EQ(moved->node_key_file, "/srv/restored/keys/node.key");
  EXPECT_EQ(moved->passphrase_file, Full().passphrase_file);
  EXPECT_EQ(moved->chains.at(0).genesis, "/etc/a.json");
}

TEST(Config, ShortFileGetsDefaultsAndPathsFromItsFolder) {
  const auto parsed = ParseConfig(kMinimal, "node.toml", "/etc/talentd");
  ASSERT_TRUE(parsed) << parsed.error().ToString();
  EXPECT_EQ(parsed->home, "/etc/talentd/data");
  EXPECT_EQ(parsed->node_key_file, "/etc/talentd/data/keys/node.key");
  EXPECT_EQ(parsed->passphrase_file, "/etc/talentd/passphrase");
  EXPECT_EQ(parsed->p2p_listen, "127.0.0.1:7001");
  EXPECT_EQ(parsed->http_listen, "127.0.0.1:8001");
  EXPECT_FALSE(parsed->web);
  EXPECT_TRUE(parsed->log == LogConfig());
  EXPECT_EQ(parsed->chains.at(0).vote_key_file, "/etc/talentd/keys/vote.key");
}

TEST(Config, LoadsAFile) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "config_test.toml";
  ASSERT_TRUE(WriteFile(file, kMinimal, 0600, IfExists::kReplace));
  const auto loaded = LoadConfig(file);
  ASSERT_TRUE(loaded) << loaded.error().ToString();
  EXPECT_EQ(loaded->home, file.parent_path() / "data");
  EXPECT_EQ(LoadConfig("/nowhere/node.toml").error().code, Code::kNotFound);
}

TEST(Config, EveryErrorNamesFileKeyAndWhatIsExpected) {
  const std::string full = DefaultConfig(Full());
  const struct {
    const char* what;
    const char* by;
    const char* error;
  } cases[] = {
      {"name = ", "nmae = ", "node.toml: node.name: missing; a text is expected"},
      {"\"centre-1\"", "7", "node.toml: node.name: a text is expected, not integer at line 6"},
      {"\"centre-1\"", "\"Zentrum 1\"", "node.name: 'Zentrum 1' must be at most 64 of a-z"},
      {"home = \".\"", "home = \"\"", "node.toml: node.home: must not be empty"},
      {"0.0.0.0:7001", "7001", "p2p.listen: '7001' is not an address; write host:port"},
      {"0.0.0.0:7001", "localhost:7001", "p2p.listen: 'localhost:7001': to listen on, write an IP"},
      {"10.0.0.2:7001", "10.0.0.2:70010", "p2p.peers[0].address: '10.0.0.2:70010' is not an"},
      {"10.0.0.2:7001", "10.0.0.2:0", "p2p.peers[0].address: port 0 cannot be dialled"},
      {"10.0.0.2:7001", "centre-3.example:7001", "p2p.peers[1].address: stands here twice"},
      {"6b6b", "6b6", "p2p.peers[0].node_key: "},
      {"peers = [", "peers = [7,", "p2p.peers[0]: a table is expected, not integer"},
      {"\"warn\"", "\"loud\"", "log.level: 'loud' is none of debug, info, warn, error"},
      {"json = true", "json = \"yes\"", "log.json: true or false is expected, not string"},
      {"json = true", "jsn = true", "log.jsn: no such key (line"},
      {"\"validator\"", "\"king\"", "chains[0].role: 'king' is neither validator nor follower"},
      {"\"validator\"", "\"follower\"", "chains[0].vote_key_file: a follower does not vote"},
      {"\"follower\"", "\"validator\"", "chains[1].vote_key_file: missing"},
      {"/etc/b.json", "/etc/../etc/a.json", "chains[1].genesis: stands here twice"},
      {"to = \"consortium\"", "to = \"private-a\"", "promotions[0].to: 'private-a' cannot promote"},
      {"from = \"private-a\"\nto = \"consortium\"", "from = \"consortium\"\nto = \"public\"",
       "promotions[1].to: consortium to public stands here twice"},
      {"127.0.0.1:0", "0.0.0.0:7001", "http.listen: 0.0.0.0:7001 is listened on already"},
      {"[grpc]", "[grcp]", "node.toml: grcp: no such key"},
      {"[http]", "[http", "node.toml: line "},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(ErrorOf(Replaced(full, c.what, c.by)), HasSubstr(c.error)) << c.by;
  }
}

TEST(Config, AValidatorThatHasVotes_DoesNotBeginFromASnapshot) {
  const TempDir dir;
  Config config;
  config.home = dir.path();
  ChainConfig chain;
  chain.role = ChainRole::kValidator;
  chain.snapshot_behind = 1000;
  EXPECT_TRUE(CheckSnapshotBehind(config, chain, "public")) << "it is new";
  ASSERT_TRUE(MakeDirectories(dir.path() / "votes"));
  ASSERT_TRUE(WriteFile(VoteLogFile(config.home, "public"), "", 0600, IfExists::kFail));
  const Status votes = CheckSnapshotBehind(config, chain, "public");
  ASSERT_FALSE(votes);
  EXPECT_EQ(votes.error().code, Code::kPrecondition);
  EXPECT_THAT(votes.error().message, HasSubstr("snapshot_behind must be 0"));
  EXPECT_THAT(votes.error().message, HasSubstr("votes/public.log"));
  EXPECT_TRUE(CheckSnapshotBehind(config, chain, "another"));
  chain.role = ChainRole::kFollower;
  EXPECT_TRUE(CheckSnapshotBehind(config, chain, "public"));
  config.promotions.push_back({"public", "another"});
  EXPECT_FALSE(CheckSnapshotBehind(config, chain, "public")) << "it needs all blocks";
  chain.role = ChainRole::kValidator;
  chain.snapshot_behind = 0;
  EXPECT_TRUE(CheckSnapshotBehind(config, chain, "public"));
}

TEST(Config, ANodeHostsAChainAndOneVoteKeyVotesOnOne) {
  const std::string text = kMinimal;
  EXPECT_THAT(ErrorOf(text.substr(0, text.find("[[chains]]"))),
              HasSubstr("node.toml: chains: missing; a node hosts at least one chain"));
  EXPECT_THAT(ErrorOf(text + Replaced(text.substr(text.find("[[chains]]")), "a.json", "b.json")),
              HasSubstr("chains[1].vote_key_file: votes on another chain already"));
}

}  // namespace
}  // namespace talent::node
