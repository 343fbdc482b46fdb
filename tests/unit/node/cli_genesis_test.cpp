// Founding a chain with the commands alone, as its operators do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "ledger/genesis.h"
#include "node/cli/command.h"
#include "node/ops/config.h"
#include "support/temp_dir.h"
#include "unit/node/captured_command.h"

namespace talent::node {
namespace {

using cli::kGood;
using cli::kRefused;
using cli::kUsage;
using testing::HasSubstr;

class Founded : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (dir_.path() / name).string(); }

  CapturedCommand Run(std::vector<std::string> arguments) {
    return RunCaptured(std::move(arguments));
  }
  /// Makes the home of a node, and its card.
  void Init(const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"init",  "--home",      Path(name), "--name", name,
                                          "--kdf", "interactive", "--output", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto made = Run(arguments);
    ASSERT_EQ(made.code, kGood) << made.err;
    ASSERT_TRUE(WriteFile(Path(name + ".card"), made.out, 0600, IfExists::kFail));
  }
  CapturedCommand Create(const std::string& name, const std::string& tier,
                         const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"genesis", "create", "--name", name,
                                          "--tier",  tier,     "--out",  Path(name + ".json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }
  ledger::Genesis Genesis(const std::string& name) const {
    return ledger::Genesis::Load(Path(name + ".json")).value();
  }

  const std::string key_ = std::string(64, '1');  // of an enterprise
  TempDir dir_;
};

TEST_F(Founded, ThreeTiers_AreTakenByTheirNodesWithoutAHandOnAFile) {
  for (const char* const name : {"c1", "c2"}) {
    Init(name, {"--validate", "city", "--validate", "all", "--promote", "city:all"});
  }
  Init("viewer", {"--follow", "open", "--peer", "c1:7001"});
  const std::vector<std::string> nodes = {"--node", Path("c1.card"), "--node", Path("c2.card")};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), nodes.begin(), nodes.end());
    return more;
  };
  auto made =
      Create("city", "private", with({"--enterprise", "acme=" + key_, "--title", "c1=人才中心"}));
  ASSERT_EQ(made.code, kGood) << made.err;
  EXPECT_THAT(made.out, HasSubstr(Genesis("city").chain_id().Hex()));
  ASSERT_TRUE(WriteFile(Path("policy"), R"({"commit_window_ms": 60000})", 0600, IfExists::kFail));
  made = Create("all", "consortium",
                with({"--node", Path("viewer.card"), "--source", Path("city.json"), "--policy",
                      Path("policy")}));
  ASSERT_EQ(made.code, kGood) << made.err;

  const auto city = Genesis("city"), all = Genesis("all");
  EXPECT_EQ(city.validators().size(), 2u);
  EXPECT_EQ(city.app().at("parties").at(0).at("name"), "人才中心");
  EXPECT_EQ(city.app().at("parties").at(2).at("keys").at(0), key_);
  EXPECT_EQ(all.followers().at(0).name, "viewer");
  EXPECT_EQ(all.followers().at(0).party, "") << "it has no party's key";
  EXPECT_EQ(all.app().at("sources").at(0).at("chain_id"), city.chain_id().Hex());
  EXPECT_EQ(all.app().at("sources").at(0).at("centres"), (nlohmann::json{"c1", "c2"}));
  EXPECT_EQ(all.app().at("policy").at("commit_window_ms"), 60000);

  for (const char* const chain : {"city", "all"}) {
    ASSERT_TRUE(WriteFile(dir_.path() / "c1" / "genesis" / (std::string(chain) + ".json"),
                          Genesis(chain).bytes(), 0600, IfExists::kFail));
  }
  const auto checked = Run({"config", "check", "--home", Path("c1")});
  EXPECT_EQ(checked.code, kGood) << checked.err;
  EXPECT_EQ(LoadConfig(Path("c1") + "/config.toml")->promotions.at(0).to, "all");
  EXPECT_EQ(LoadConfig(Path("viewer") + "/config.toml")->peers.at(0).address, "c1:7001");
}

TEST_F(Founded, Check_TellsTheIdAndRefusesWhatNoNodeTakes) {
  Init("c1", {"--validate", "city"});
  ASSERT_EQ(Create("city", "private", {"--node", Path("c1.card")}).code, kGood);
  const auto good = Run({"genesis", "check", Path("city.json")});
  EXPECT_EQ(good.code, kGood);
  EXPECT_THAT(good.out, HasSubstr(Genesis("city").chain_id().Hex()));

  auto json = nlohmann::json::parse(Genesis("city").bytes());
  json["app"]["parties"][0]["role"] = "king";
  ASSERT_TRUE(WriteFile(Path("bad.json"), json.dump(), 0600, IfExists::kFail));
  const auto bad = Run({"genesis", "check", Path("bad.json")});
  EXPECT_EQ(bad.code, kRefused);
  EXPECT_THAT(bad.err, HasSubstr("bad.json: app.parties[0].role"));
}

TEST_F(Founded, WhatMakesNoChain_IsRefusedByNameAndLeavesNoFile) {
  Init("c1", {"--validate", "city"});
  ASSERT_TRUE(WriteFile(Path("keyless.card"), R"({"home": "h", "name": "n", "keys": {}})", 0600,
                        IfExists::kFail));
  const std::vector<std::string> c1 = {"--node", Path("c1.card")};
  const auto refused = [&](const std::string& tier, std::vector<std::string> more,
                           const std::string& says) {
    const auto made = Create("city", tier, more);
    EXPECT_EQ(made.code, kUsage);
    EXPECT_THAT(made.err, HasSubstr(says));
    EXPECT_FALSE(std::filesystem::exists(Path("city.json")));
  };
  refused("private", {"--node", Path("keyless.card")}, "keyless.card: keys.node is missing");
  refused("private", {"--node", Path("c1.card"), "--node", Path("c1.card")}, "validators");
  refused("private", {c1[0], c1[1], "--enterprise", "acme"}, "write ID=");
  refused("private", {c1[0], c1[1], "--enterprise", "acme=12"}, "--enterprise acme");
  refused("private", {c1[0], c1[1], "--enterprise", "c1=" + key_}, "app.parties");
  refused("crown", c1, "--tier");
  refused("consortium", {c1[0], c1[1], "--source", Path("c1.card")}, "INVALID_ARGUMENT");

  ASSERT_EQ(Create("city", "private", c1).code, kGood);
  const Bytes first = Genesis("city").bytes();
  EXPECT_EQ(Create("city", "private", c1).code, kUsage) << "others may have it already";
  EXPECT_EQ(Genesis("city").bytes(), first);
}

}  // namespace
}  // namespace talent::node
