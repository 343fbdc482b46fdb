// `talentd career` and `talentd erase` against a node that answers over gRPC.
#include <gmock/gmock.h>

#include "node/cli/command.h"
#include "unit/node/cli_node_fixture.h"

namespace talent::node {
namespace {

using cli::kGood;
using cli::kRefused;
using testing::HasSubstr;

class CliCareer : public CliNode {
 protected:
  void SetUp() override {
    CliNode::SetUp();
    chain_.SealOne();
    chain_.chain().SealedState()->Scan("subject/", "", [&](BytesView key, BytesView) {
      subject_ = ToHex(key.substr(std::string_view("subject/").size()));
      return false;
    });
  }
  /// As the centre would: an entry assessment of the person; its record id.
  std::string Assess() {
    const nlohmann::json assessment = {{"subject_id", subject_},
                                       {"scores", {{{"dimension", "experience"}, {"value", 7000}}}},
                                       {"method", "interview"},
                                       {"assessor", "board-1"},
                                       {"phase", "ASSESSMENT_PHASE_ENTRY"}};
    EXPECT_EQ(Run({"record", "submit", "AbilityAssessed", assessment.dump()}, "centre"), kGood)
        << err_;
    return Said().at("id");
  }
  std::vector<std::string> Plan(const std::string& before, const std::string& budget) const {
    return {"career", "plan",     subject_, "--course", "welding", "--hours",
            "40",     "--budget", budget,   "--before", before};
  }

  std::string subject_;
};

TEST_F(CliCareer, Plan_IsOfTheClassTheChainComputesAndWaitsForItsTraining) {
  ASSERT_EQ(Run({"career", "show", subject_}, "centre"), kGood) << err_;
  EXPECT_EQ(Said().at("plan_class"), "BUDGET_CLASS_D") << "nobody has invested";
  const std::string before = Assess();
  EXPECT_EQ(Run(Plan(before, "500001"), "centre"), kRefused) << "over the budget of class D";
  EXPECT_EQ(Run(Plan(before, "500000"), "centre"), kGood) << err_;
  ASSERT_EQ(Run({"career", "show", subject_}, "centre"), kGood) << err_;
  EXPECT_EQ(Said().at("career").at("stage"), "CAREER_STAGE_IN_TRAINING");
  EXPECT_EQ(Run({"career", "decide", subject_}, "centre"), kRefused);
  EXPECT_THAT(err_, HasSubstr("is not completed"));
}

TEST_F(CliCareer, TheCentresOwnChoice_IsRefusedWhileItIsNotTheCentreThatDecides) {
  EXPECT_EQ(
      Run({"career", "decide", subject_, "--enterprise", "acme", "--reason", "why not"}, "centre"),
      kRefused);
  EXPECT_THAT(err_, HasSubstr("leave out --enterprise"));
}

TEST_F(CliCareer, APersonIsShownToThoseItConcernsAlone) {
  EXPECT_EQ(Run({"career", "show", subject_}, "acme"), kRefused);
  EXPECT_THAT(err_, HasSubstr("NOT_FOUND"));
}

TEST_F(CliCareer, Erase_TakesARecordThenThePerson) {
  const std::string record = Assess();
  const auto erase = [&](std::vector<std::string> what) {
    std::vector<std::string> args = {"erase",   subject_,      "--ground",
                                     "request", "--reference", "R-1"};
    args.insert(args.end(), what.begin(), what.end());
    return Run(args, "centre");
  };
  EXPECT_EQ(erase({}), cli::kUsage) << "neither records nor all";
  EXPECT_EQ(erase({"--record", std::string(64, 'a')}), kRefused);
  EXPECT_THAT(err_, HasSubstr("NOT_FOUND"));
  EXPECT_EQ(erase({"--record", record}), kGood) << err_;
  EXPECT_EQ(erase({"--all"}), kGood) << err_;
  EXPECT_EQ(erase({"--all"}), kRefused);
  EXPECT_THAT(err_, HasSubstr("was erased by"));
}

TEST_F(CliCareer, AMove_NeedsAPlacement) {
  EXPECT_EQ(
      Run({"career", "state-move", subject_, "--to", "acme", "--out", Path("move")}, "centre"),
      kRefused);
  EXPECT_THAT(err_, HasSubstr("never placed"));
}

TEST_F(CliCareer, Custody_IsReleasedIntoAFile_ForWhomItNames) {
  const auto release = [&](const std::string& who) {
    return Run({"custody", "release", subject_, "--to", "centre-2", "--out", Path("release")}, who);
  };
  EXPECT_EQ(release("acme"), kRefused);
  ASSERT_EQ(release("centre"), kGood) << err_;
  EXPECT_THAT(out_, HasSubstr("lets 'centre-2' take the person over from 'centre'"));
  EXPECT_EQ(Run({"custody", "take", Path("release")}, "centre"), kRefused);
  EXPECT_THAT(err_, HasSubstr("statement.to is 'centre-2'"));
}

}  // namespace
}  // namespace talent::node
