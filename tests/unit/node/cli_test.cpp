// Commands as a shell sees them: what they print and how they exit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/file.h"
#include "ledger/chain.h"
#include "node/chain/vote_log.h"
#include "node/cli/command.h"
#include "node/ops/config.h"
#include "support/temp_dir.h"
#include "unit/node/captured_command.h"
#include "unit/node/one_node_chain.h"

namespace talent::node {
namespace {

using cli::kGood;
using cli::kRefused;
using cli::kUsage;
using testing::HasSubstr;

class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFile(Path("pass"), "correct horse\n", 0600, IfExists::kFail));
    ASSERT_TRUE(WriteFile(Path("other-pass"), "wrong\n", 0600, IfExists::kFail));
  }

  std::string Path(const std::string& name) const { return (dir_.path() / name).string(); }

  int Run(std::vector<std::string> arguments) {
    auto captured = RunCaptured(std::move(arguments));
    out_ = std::move(captured.out);
    err_ = std::move(captured.err);
    return captured.code;
  }

  TempDir dir_;
  std::string out_;
  std::string err_;
};

TEST_F(CliTest, HelpAndVersion_AreGoodAndMistakesAreUsage) {
  EXPECT_EQ(Run({"--help"}), kGood);
  EXPECT_THAT(out_, HasSubstr("Examples:"));
  EXPECT_EQ(Run({"--version"}), kGood);
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {}, {"no-such-command"}, {"query"}, {"verify"}, {"status"}, {"keys", "new"}}) {
    EXPECT_EQ(Run(arguments), kUsage) << testing::PrintToString(arguments);
    EXPECT_THAT(err_, HasSubstr("error: INVALID_ARGUMENT: "));
    EXPECT_EQ(out_, "");
  }
}

TEST_F(CliTest, Keys_AreMadeShownAndCheckedAgainstTheirPassphrase) {
  const std::string key = Path("party.key");
  ASSERT_EQ(Run({"keys", "new", key, "--purpose", "party:acme", "--kdf", "interactive",
                 "--passphrase-file", Path("pass"), "--output", "json"}),
            kGood)
      << err_;
  const auto made = nlohmann::json::parse(out_);
  EXPECT_EQ(
      Run({"keys", "show", key, "--check", "--passphrase-file", Path("pass"), "--output", "json"}),
      kGood);
  EXPECT_EQ(nlohmann::json::parse(out_), made);
  EXPECT_EQ(Run({"keys", "show", key, "--check", "--passphrase-file", Path("other-pass")}),
            kRefused);
  EXPECT_THAT(err_, HasSubstr("error: UNAUTHORIZED: "));
  EXPECT_EQ(Run({"keys", "new", key, "--purpose", "again", "--kdf", "interactive",
                 "--passphrase-file", Path("pass")}),
            kUsage);
  EXPECT_THAT(err_, HasSubstr("PRECONDITION"));
  EXPECT_EQ(Run({"keys", "show", Path("missing.key")}), kUsage);
}

TEST_F(CliTest, Init_MakesAHomeThatConfigCheckTakesOnceItsGenesisIsThere) {
  const std::string home = Path("home");
  ASSERT_EQ(Run({"init", "--home", home, "--name", "viewer", "--follow", "test", "--kdf",
                 "interactive", "--output", "json"}),
            kGood)
      << err_;
  EXPECT_TRUE(nlohmann::json::parse(out_)["keys"].contains("node"));
  EXPECT_EQ(Run({"config", "check", "--home", home}), kRefused);  // no genesis yet
  const OneNodeChain chain;
  ASSERT_TRUE(WriteFile(home + "/genesis/test.json", chain.chain().genesis().bytes(), 0600,
                        IfExists::kFail));
  EXPECT_EQ(Run({"config", "check", "--home", home}), kGood) << err_;
  EXPECT_THAT(out_, HasSubstr(chain.chain().id().Hex()));
  EXPECT_EQ(Run({"init", "--home", home, "--name", "viewer"}), kUsage);
  ASSERT_TRUE(WriteFile(home + "/config.toml", "[node]\n", 0600, IfExists::kReplace));
  EXPECT_EQ(Run({"config", "check", "--home", home}), kRefused);
  EXPECT_THAT(err_, HasSubstr("node.name"));
}

TEST_F(CliTest, Init_LeavesALogThatSaysThatItsKeyHasNeverVoted) {
  ASSERT_EQ(Run({"init", "--home", Path("home"), "--name", "centre", "--validate", "test", "--kdf",
                 "interactive", "--output", "json"}),
            kGood)
      << err_;
  const auto key = crypto::PublicKey::FromHexString(
      nlohmann::json::parse(out_)["keys"]["vote-test"].get<std::string>());
  ASSERT_TRUE(key);
  const auto opened = VoteLog::Open(VoteLogFile(Path("home"), "test"), ChainId(), *key);
  ASSERT_TRUE(opened) << opened.error().ToString();
  EXPECT_TRUE(opened->unused);
}

TEST_F(CliTest, ConfigCheck_RefusesASnapshotForAValidatorThatHasVotes) {
  const OneNodeChain chain;
  ASSERT_TRUE(WriteFile(Path("test.json"), chain.chain().genesis().bytes(), 0600, IfExists::kFail));
  Config config;
  config.name = "centre";
  config.home = dir_.path();
  config.node_key_file = Path("node.key");
  config.passphrase_file = Path("pass");
  config.p2p_listen = "127.0.0.1:7001";
  config.grpc_listen = "127.0.0.1:7002";
  config.http_listen = "127.0.0.1:7003";
  ChainConfig& hosted = config.chains.emplace_back();
  hosted.genesis = Path("test.json");
  hosted.role = ChainRole::kValidator;
  hosted.vote_key_file = Path("vote.key");
  hosted.snapshot_behind = 1000;
  ASSERT_TRUE(WriteFile(Path("config.toml"), DefaultConfig(config), 0600, IfExists::kFail));
  EXPECT_EQ(Run({"config", "check", "--home", Path("")}), kGood) << err_;
  ASSERT_TRUE(MakeDirectories(Path("votes")));
  ASSERT_TRUE(WriteFile(VoteLogFile(config.home, "test"), "", 0600, IfExists::kFail));
  EXPECT_EQ(Run({"config", "check", "--home", Path("")}), kRefused);
  EXPECT_THAT(err_, HasSubstr("snapshot_behind must be 0: this validator has votes"));
}

TEST_F(CliTest, Proof_HoldsAndEveryChangedByteIsRefused) {
  OneNodeChain chain;
  const TxId id = chain.SealOne();
  const Bytes proof = Encode(*ledger::BuildTransactionProof(chain.chain(), id));
  ASSERT_TRUE(
      WriteFile(Path("genesis.json"), chain.chain().genesis().bytes(), 0600, IfExists::kFail));
  ASSERT_TRUE(WriteFile(Path("proof"), proof, 0600, IfExists::kFail));
  const std::vector<std::string> verify = {"verify", "--proof", Path("proof"), "--genesis",
                                           Path("genesis.json")};
  EXPECT_EQ(Run(verify), kGood) << err_;
  EXPECT_THAT(out_, HasSubstr(id.Hex()));
  for (std::size_t i = 0; i < proof.size(); ++i) {
    Bytes damaged = proof;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(WriteFile(Path("proof"), damaged, 0600, IfExists::kReplace));
    ASSERT_EQ(Run(verify), kRefused) << "byte " << i << ": " << out_;
    ASSERT_THAT(out_, HasSubstr("FAILED"));
  }
  EXPECT_EQ(Run({"verify", "--proof", Path("proof"), "--genesis", Path("missing")}), kUsage);
}

TEST_F(CliTest, UnreachableNode_IsSaid) {
  EXPECT_EQ(Run({"status", "--endpoints", Path("missing.json")}), kUsage);
  ASSERT_TRUE(
      WriteFile(Path("endpoints.json"), R"({"chains":[],"nodes":[]})", 0600, IfExists::kFail));
  EXPECT_EQ(Run({"query", "chain", "--endpoints", Path("endpoints.json")}), kUsage);
  EXPECT_THAT(err_, HasSubstr("NOT_FOUND"));
}

TEST_F(CliTest, Join_WithAWrongOption_MakesNothing) {
  const OneNodeChain chain;
  ASSERT_TRUE(
      WriteFile(Path("genesis.json"), chain.chain().genesis().bytes(), 0600, IfExists::kFail));
  const auto join = [&](std::vector<std::string> more) {
    std::vector<std::string> all = {
        "join",        "--home",    Path("new"),          "--validator", "--kdf",
        "interactive", "--genesis", Path("genesis.json"), "--wait",      "0"};
    all.insert(all.end(), more.begin(), more.end());
    return Run(all);
  };
  EXPECT_EQ(join({"--name", "n", "--peer", "no address"}), kUsage);
  EXPECT_EQ(join({"--name", "n", "--peer", "127.0.0.1:1", "--peer-key", "no key"}), kUsage);
  EXPECT_EQ(join({"--peer", "127.0.0.1:1"}), kUsage) << "a new home needs a name";
  EXPECT_EQ(join({"--name", "n", "--peer", "127.0.0.1:1", "--p2p", "nowhere"}), kUsage);
  EXPECT_FALSE(std::filesystem::exists(Path("new")));
}

}  // namespace
}  // namespace talent::node
