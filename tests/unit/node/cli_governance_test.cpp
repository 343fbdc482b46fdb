// `talentd policy`, `member` and `governance` against a node that answers over gRPC.
#include <gmock/gmock.h>

#include "node/cli/command.h"
#include "unit/node/cli_node_fixture.h"

namespace talent::node {
namespace {

using cli::kGood;
using cli::kRefused;
using cli::kUsage;
using Json = nlohmann::json;
using testing::HasSubstr;

class CliGovernance : public CliNode {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFile(Path(name), text, 0600, IfExists::kReplace));
    return Path(name);
  }
  /// Without --chain: these commands take it under another name.
  int RunAs(const std::string& key, std::vector<std::string> arguments) {
    for (const std::string& more :
         {std::string("--key"), Path(key), std::string("--passphrase-file"), Path("pass")}) {
      arguments.push_back(more);
    }
    return Run(std::move(arguments));
  }
  /// The policy of that name that is in force.
  Json Shown(const std::string& policy) {
    EXPECT_EQ(RunAs("centre", {"policy", "show", "test"}), kGood) << err_;
    for (const Json& shown : Said()) {
      if (shown.contains(policy)) return shown;
    }
    return {};
  }
  /// A statement of `id` with the key of that name, which is made.
  std::string Statement(const std::string& id, const std::string& key) {
    const auto pair = crypto::KeyPair::Generate(random_);
    EXPECT_TRUE(crypto::WriteKeyFile(Path(key), pair, "party:" + id, "correct horse",
                                     crypto::KdfCost::kInteractive, random_));
    Write("genesis", chain_.chain().genesis().bytes());
    EXPECT_EQ(RunCaptured({"member", "statement", id, "--role", "enterprise", "--key", Path(key),
                           "--passphrase-file", Path("pass"), "--genesis", Path("genesis"), "--out",
                           Path(id + ".statement")})
                  .code,
              kGood);
    return Path(id + ".statement");
  }
};

TEST_F(CliGovernance, Policy_IsShownEditedProposedAndInForce) {
  Json market = Shown("market");
  ASSERT_EQ(market["market"]["version"], 1);
  market["market"]["version"] = 2;
  market["market"]["min_bar"] = 6100;
  const std::string file = Write("next.json", market.dump());
  ASSERT_EQ(RunAs("centre", {"policy", "check", file, "--against", "test"}), kGood) << err_;
  EXPECT_EQ(Said()["differences"].size(), 2u);
  EXPECT_EQ(Said()["differences"][0],
            Json({{"field", "market.min_bar"}, {"from", "6000"}, {"to", "6100"}}));

  ASSERT_EQ(Run({"policy", "propose", file, "--open-for", "2"}, "centre"), kGood) << err_;
  ASSERT_EQ(Run({"governance", "list", "--all"}, "centre"), kGood) << err_;
  EXPECT_EQ(Said()[0]["status"], "passed") << "the only centre decides";
  EXPECT_EQ(Said()[0]["policy"], market);
  EXPECT_TRUE(Shown("market").contains("next"));
  while (chain_.chain().head().height < Height(4)) chain_.SealOne();
  EXPECT_EQ(Shown("market"), market) << "in force, and nothing decided for later";
}

TEST_F(CliGovernance, PolicyFile_ThatTheChainWouldRefuseIsRefusedByTheCheck) {
  Json market = Shown("market");
  const auto check = [&](const Json& policy) {
    return RunAs("centre",
                 {"policy", "check", Write("p.json", policy.dump()), "--against", "test"});
  };
  EXPECT_EQ(check(market), kRefused);
  EXPECT_THAT(err_, HasSubstr("the next is 2"));
  market["market"]["version"] = 2;
  market["market"]["plan_a_bps"] = 1;
  EXPECT_EQ(check(market), kRefused);
  EXPECT_THAT(err_, HasSubstr("market.plan_a_bps"));
  EXPECT_EQ(check({{"consortium", {{"version", 2}}}}), kRefused);
  EXPECT_THAT(err_, HasSubstr("has no policy 'consortium'"));
}

TEST_F(CliGovernance, PromotionPolicy_IsHeldAgainstTheRecordsThereAre) {
  for (int i = 0; i < 3; ++i) chain_.SealOne();
  std::string subject;
  chain_.chain().SealedState()->Scan("subject/", "", [&](BytesView key, BytesView) {
    subject = ToHex(key.substr(std::string_view("subject/").size()));
    return false;
  });
  const Json assessment = {
      {"subject_id", subject},
      {"scores", {{{"dimension", "experience"}, {"value", 7000}}}},
      {"method", "interview"},
      {"assessor", "board-1"},
      {"phase", "ASSESSMENT_PHASE_ENTRY"},
      {"tags", {{{"industry", "steel"}, {"match", "TAG_MATCH_MATCHED"}, {"weight", 1}}}}};
  ASSERT_EQ(Run({"record", "submit", "AbilityAssessed", assessment.dump(), "--disclosure", "full"},
                "centre"),
            kGood)
      << err_;
  const std::string full = Said().at("id");
  ASSERT_EQ(
      Run({"record", "submit", "AbilityAssessed", assessment.dump(), "--disclosure", "commitment"},
          "centre"),
      kGood);
  const std::string committed = Said().at("id");

  const Json rules = {
      {{"kind", "AbilityAssessed"},
       {"disclosure", "full"},
       {"industry", "steel"},
       {"priority", 1},
       {"value_class", 2}},
      {{"kind", "*"}, {"disclosure", "commitment"}, {"priority", 9}, {"value_class", 0}}};
  const std::string file =
      Write("next.json", Json({{"promotion", {{"version", 2}, {"rules", rules}}}}).dump());
  ASSERT_EQ(RunAs("centre", {"policy", "check", file, "--against", "test"}), kGood) << err_;
  const Json records = Said().at("records");
  EXPECT_EQ(records.at("checked"), 5);
  EXPECT_EQ(records.at("changed"), 2);
  for (const Json& change : records.at("changes")) {
    if (change.at("change") == "newly promotable") {
      EXPECT_EQ(change.at("examples"), Json({committed}));
      EXPECT_EQ(change.at("without_consent"), 1) << "nobody has consented";
    } else {
      EXPECT_EQ(change.at("change"), "priority 3 -> 1");
      EXPECT_EQ(change.at("examples"), Json({full}));
    }
  }
  ASSERT_EQ(RunAs("acme", {"policy", "check", file, "--against", "test"}), kGood) << err_;
  EXPECT_EQ(Said().at("records").at("checked"), 0) << "these people do not concern acme";
}

TEST_F(CliGovernance, Member_AppliesIsAdmittedSuspendedAndReadmitted) {
  const std::string statement = Statement("initech", "initech");
  ASSERT_EQ(Run({"member", "propose", "admit", statement, "--name", "Initech"}, "centre"), kGood)
      << err_;
  const auto initech = [&]() -> Json {
    EXPECT_EQ(Run({"member", "list"}, "initech"), kGood) << err_;
    for (const Json& party : Said()) {
      if (party.at("id") == "initech") return party;
    }
    return {};
  };
  EXPECT_EQ(initech().at("suspended"), false);
  ASSERT_EQ(Run({"member", "propose", "suspend", "initech"}, "centre"), kGood) << err_;
  EXPECT_EQ(initech().at("suspended"), true);
  EXPECT_EQ(Run({"member", "propose", "suspend", "initech"}, "centre"), kRefused);
  ASSERT_EQ(Run({"member", "propose", "readmit", "initech"}, "centre"), kGood) << err_;
  EXPECT_EQ(initech().at("suspended"), false);

  const Json before = initech().at("keys");
  ASSERT_EQ(Run({"member", "propose", "rekey", Statement("initech", "second")}, "centre"), kGood)
      << err_;
  EXPECT_EQ(Run({"member", "list"}, "initech"), kUsage) << "its old key logs in nowhere";
  ASSERT_EQ(Run({"member", "list"}, "second"), kGood) << err_;
  EXPECT_THAT(out_, testing::Not(HasSubstr(before[0].get<std::string>())));
}

TEST_F(CliGovernance, MemberStatement_ThatIsNotProvenForThisChainIsRefused) {
  const std::string file = Statement("initech", "initech");
  const Json good = Json::parse(ReadFile(file, 1 << 16).value());
  const auto propose = [&](const Json& statement) {
    return Run({"member", "propose", "admit", Write("s", statement.dump()), "--name", "I"},
               "centre");
  };
  Json bad = good;
  bad["chain_id"] = std::string(64, '0');
  EXPECT_EQ(propose(bad), kRefused);
  EXPECT_THAT(err_, HasSubstr("WRONG_CHAIN"));
  bad = good;
  bad["signatures"] = Json::array();
  EXPECT_EQ(propose(bad), kRefused);
  EXPECT_THAT(err_, HasSubstr("BAD_SIGNATURE"));
  bad = good;
  bad["signatures"][0] = 7;
  EXPECT_EQ(propose(bad), kRefused);
  EXPECT_THAT(err_, HasSubstr("signatures[0]"));
  EXPECT_EQ(chain_.chain().head().height, Height(0)) << "nothing reached the chain";
}

TEST_F(CliGovernance, SourceStatement_ProvesTheChainByABlock) {
  Write("genesis", chain_.chain().genesis().bytes());
  const auto state = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {
        "source",        "statement",    "--genesis",
        Path("genesis"), "--centre",     "centre",
        "--key",         Path("centre"), "--passphrase-file",
        Path("pass"),    "--address",    server_->listen_address(),
        "--tls-ca",      Path("ca"),     "--out",
        Path("source")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunCaptured(std::move(arguments)).code;
  };
  EXPECT_EQ(state({}), kUsage) << "no block yet";
  chain_.SealOne();
  chain_.SealOne();
  for (const bool current : {false, true}) {
    ASSERT_EQ(state(current ? std::vector<std::string>{"--current"} : std::vector<std::string>{}),
              kGood);
    const Json statement = Json::parse(ReadFile(Path("source"), 1 << 16).value());
    EXPECT_EQ(statement.at("chain_id"), chain_.chain().id().Hex());
    EXPECT_EQ(statement.at("centres"), Json({"centre"}));
    EXPECT_EQ(statement.at("validators").size(), 1u);
    // Whole, and of no use to a private chain.
    EXPECT_EQ(Run({"source", "propose", "admit", Path("source")}, "centre"), kRefused);
    EXPECT_THAT(err_, HasSubstr("'SourceProposed' is not known on this tier"));
  }
  Json bad = Json::parse(ReadFile(Path("source"), 1 << 16).value());
  bad["validators"][0]["vote_key"] = "0";
  EXPECT_EQ(Run({"source", "propose", "admit", Write("bad", bad.dump())}, "centre"), kRefused);
  EXPECT_THAT(err_, HasSubstr("validators[0].vote_key"));
  EXPECT_EQ(Run({"source", "propose", "close", "nobody"}, "centre"), kRefused);
  EXPECT_THAT(err_, HasSubstr("has no source 'nobody'"));
  ASSERT_EQ(Run({"source", "list"}, "centre"), kGood) << err_;
  EXPECT_TRUE(Said().empty());
}

TEST_F(CliGovernance, AnEnterprise_ProposesNothing) {
  EXPECT_EQ(Run({"member", "propose", "suspend", "centre"}, "acme"), kRefused);
  EXPECT_THAT(err_, HasSubstr("UNAUTHORIZED"));
  EXPECT_EQ(Run({"governance", "vote", std::string(64, 'a')}, "centre"), kRefused);
  EXPECT_THAT(err_, HasSubstr("NOT_FOUND"));
}

}  // namespace
}  // namespace talent::node
