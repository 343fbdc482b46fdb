#include "career_fixture.h"

namespace talent::tiers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Plans : public CareerTest {};
class Placement : public CareerTest {};

TEST_F(Plans, ClassFollowsTheSoldShare) {
  const auto refused = [&](pb::BudgetClass budget_class) {
    return CodeOf(chain_.Write("centre-a", Planned(budget_class)));
  };
  EXPECT_EQ(refused(pb::BUDGET_CLASS_C), Code::kPrecondition);  // nothing is sold
  ASSERT_TRUE(Buy("acme", 19));
  EXPECT_EQ(refused(pb::BUDGET_CLASS_B), Code::kPrecondition);
  ASSERT_TRUE(Buy("globex", 1));
  EXPECT_EQ(refused(pb::BUDGET_CLASS_C), Code::kPrecondition);
  ASSERT_TRUE(Buy("acme", 30));
  EXPECT_EQ(refused(pb::BUDGET_CLASS_B), Code::kPrecondition);
  const TxId plan = Must(chain_.Write("centre-a", Planned(pb::BUDGET_CLASS_A)));
  EXPECT_EQ(CareerNow().plan(), plan.View());
  EXPECT_EQ(CareerNow().budget_class(), pb::BUDGET_CLASS_A);
  EXPECT_EQ(CareerNow().stage(), pb::CAREER_STAGE_IN_TRAINING);
}

TEST_F(Plans, StatedFiguresAreTheChains) {
  ASSERT_TRUE(Buy("acme", 60));
  auto message = Planned(pb::BUDGET_CLASS_A);
  message.mutable_figures()->set_sold(61);
  const auto result = chain_.Write("centre-a", message);
  EXPECT_EQ(CodeOf(result), Code::kPrecondition);
  EXPECT_THAT(result.error().message, HasSubstr("sold"));
}

TEST_F(Plans, OneIsOpenAtATime) {
  ASSERT_TRUE(Buy("acme", 60));
  Must(chain_.Write("centre-a", Planned(pb::BUDGET_CLASS_A)));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Planned(pb::BUDGET_CLASS_A))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Continuing())), Code::kPrecondition);
}

TEST_F(Plans, BoundsEveryField) {
  ASSERT_TRUE(Buy("acme", 60));
  const auto code_of = [&](auto change) {
    auto message = Planned(pb::BUDGET_CLASS_A);
    change(*message.mutable_plan());
    return CodeOf(chain_.Write("centre-a", message));
  };
  EXPECT_EQ(code_of([](auto& m) { m.clear_courses(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.add_courses(""); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_hours(0); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_hours(10001); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_budget(4'000'001); }), Code::kPrecondition);
  EXPECT_EQ(code_of([](auto& m) { m.set_bar(5999); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_bar(10001); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_before_assessment(Id("none")); }), Code::kNotFound);
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Planned(pb::BUDGET_CLASS_A))), Code::kNotFound);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Planned(pb::BUDGET_CLASS_A))), Code::kUnauthorized);
}

TEST_F(Plans, ContinuingEducation_IsForThoseInWhomNobodyInvestedAndCostsLeast) {
  auto dear = Continuing();
  dear.mutable_plan()->set_budget(DefaultMarketPolicy().budgets(3) + 1);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", dear)), Code::kPrecondition);
  EXPECT_LT(DefaultMarketPolicy().budgets(3), DefaultMarketPolicy().budgets(2));
  ASSERT_TRUE(Buy("acme", 1));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Continuing())), Code::kPrecondition);
}

TEST_F(Plans, Training_CarriesOutTheOpenPlanOnceInItsClass) {
  ASSERT_TRUE(Buy("acme", 60));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Carried(TxId(), pb::BUDGET_CLASS_A))),
            Code::kPrecondition);
  const TxId plan = Must(chain_.Write("centre-a", Planned(pb::BUDGET_CLASS_A)));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Carried(plan, pb::BUDGET_CLASS_B))),
            Code::kInvalidArgument);
  const TxId training = Must(chain_.Write("centre-a", Carried(plan, pb::BUDGET_CLASS_A)));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Carried(plan, pb::BUDGET_CLASS_A))), Code::kDuplicate);
  auto failed = Carried(plan, pb::BUDGET_CLASS_A);
  failed.set_outcome(pb::TRAINING_OUTCOME_FAILED);
  const TxId corrected = Must(chain_.Write("centre-a", Correction(training, failed)));
  EXPECT_EQ(CareerNow().training(), corrected.View());
  EXPECT_EQ(CareerNow().outcome(), pb::TRAINING_OUTCOME_FAILED);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(corrected, Training(entry_)))),
            Code::kPrecondition);  // of no plan
}

TEST_F(Placement, NeedsTrainingAndAssessment) {
  ASSERT_TRUE(Buy("acme", 60));
  const auto due = [&] {
    return DecisionDue(*chain_.chain().SealedState(), Id("li"), Timestamp(kStart));
  };
  EXPECT_EQ(CodeOf(due()), Code::kPrecondition);
  const TxId plan = Must(chain_.Write("centre-a", Planned(pb::BUDGET_CLASS_A)));
  EXPECT_EQ(CodeOf(due()), Code::kPrecondition);
  Must(chain_.Write("centre-a", Carried(plan, pb::BUDGET_CLASS_A)));
  EXPECT_EQ(CodeOf(due()), Code::kPrecondition);  // passed, not assessed
  Assess(7000, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  EXPECT_TRUE(due()->placed);
}

// 6 · share + 4 · will: acme 6·4000 + 4·5000 = 44000, globex 6·3000 + 4·10000 = 58000.
TEST_F(Placement, WeighsShareAndWill) {
  ASSERT_TRUE(Buy("acme", 40));
  ASSERT_TRUE(Buy("globex", 30));
  ASSERT_TRUE(Buy("initech", 10));
  Must(chain_.Write("centre-a", WillFor({"globex", "acme"})));
  Train();
  const pb::Placed placed = Due().placed.value();
  EXPECT_EQ(placed.enterprise(), "globex");
  std::vector<std::uint64_t> scores;
  for (const auto& candidate : placed.inputs().candidates()) scores.push_back(candidate.score());
  EXPECT_THAT(scores, ElementsAre(58000, 44000, 6000));
  Must(chain_.Write("centre-a", placed));
  EXPECT_EQ(CareerNow().stage(), pb::CAREER_STAGE_PLACED);
  EXPECT_EQ(CareerNow().employer(), "globex");
  EXPECT_EQ(CareerNow().supervised_until_ms(), CareerNow().placed_ms() + kYear);
}

TEST_F(Placement, TiesGoToWhoHeldFirst) {
  ASSERT_TRUE(Buy("initech", 20));
  ASSERT_TRUE(Buy("acme", 20));
  Train();
  EXPECT_EQ(Due().placed.value().enterprise(), "initech");
}

TEST_F(Placement, IsNeverWhereThePersonRefuses) {
  ASSERT_TRUE(Buy("acme", 60));
  ASSERT_TRUE(Buy("globex", 1));
  Must(chain_.Write("centre-a", WillFor({}, {"acme"})));
  Train();
  EXPECT_EQ(Due().placed.value().enterprise(), "globex");
}

TEST_F(Placement, IsNeverWithASuspendedEnterprise) {
  ASSERT_TRUE(Buy("acme", 60));
  ASSERT_TRUE(Buy("globex", 1));
  SuspendOn(chain_, "acme");
  Train();
  EXPECT_EQ(Due().placed.value().enterprise(), "globex");
}

TEST_F(Placement, AWillCountsWhileItIsInForce) {
  ASSERT_TRUE(Buy("acme", 60));
  auto will = WillFor({}, {"acme"});
  will.set_until_ms(chain_.chain().head().time.value + 10);
  Must(chain_.Write("centre-a", will));
  Train();
  EXPECT_TRUE(Due().retraining);
  chain_.Commit({}, will.until_ms());
  EXPECT_EQ(Due().placed.value().enterprise(), "acme");
}

TEST_F(Placement, StatedIsWhatTheRuleComputes) {
  ASSERT_TRUE(Buy("acme", 40));
  ASSERT_TRUE(Buy("globex", 30));
  Train();
  const pb::Placed due = Due().placed.value();
  const auto refused = [&](auto change) {
    pb::Placed message = due;
    change(message);
    const auto result = chain_.Write("centre-a", message);
    EXPECT_EQ(CodeOf(result), Code::kPrecondition);
  };
  refused([](auto& m) { m.set_enterprise("globex"); });
  refused([](auto& m) { m.mutable_inputs()->set_mean_score(9999); });
  refused([](auto& m) { m.mutable_inputs()->mutable_candidates(0)->set_units(41); });
  refused([](auto& m) { m.mutable_inputs()->mutable_candidates()->RemoveLast(); });
  refused([](auto& m) { m.set_basis(pb::PLACEMENT_BASIS_CENTRE); });
  refused([](auto& m) { m.set_reason("because"); });
  pb::RetrainingAssigned other;
  other.set_subject_id(Id("li"));
  *other.mutable_inputs() = due.inputs();
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", other)), Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", due)), Code::kNotFound);
  ASSERT_TRUE(Buy("globex", 20));  // and it is the state at its execution that counts
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", due)), Code::kPrecondition);
  Must(chain_.Write("centre-a", Due().placed.value()));
}

TEST_F(Placement, OneDecisionAPlan) {
  ASSERT_TRUE(Buy("acme", 60));
  Train();
  const pb::Placed due = Due().placed.value();
  Must(chain_.Write("centre-a", due));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", due)), Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Planned(pb::BUDGET_CLASS_A))), Code::kPrecondition);
}

TEST_F(Placement, ACorrectedAssessmentDecides) {
  ASSERT_TRUE(Buy("acme", 60));
  const TxId after = Train(6499);
  EXPECT_THAT(Due().retraining.value().lacks(), ElementsAre(pb::PLACEMENT_LACK_SCORE));
  Must(chain_.Write(
      "centre-a", Correction(after, Assessment(6500, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING))));
  EXPECT_TRUE(Due().placed);
}

TEST_F(Placement, AnAssessmentCorrectedToAnotherPhase_DecidesNothing) {
  ASSERT_TRUE(Buy("acme", 60));
  const TxId after = Train(9000);
  Must(chain_.Write("centre-a", Correction(after, Assessment(3000))));
  const auto due = DecisionDue(*chain_.chain().SealedState(), Id("li"), Timestamp(kStart));
  EXPECT_EQ(CodeOf(due), Code::kPrecondition);
}

TEST_F(Placement, TheNewestAssessmentDecidesAndNoneFromBeforeThePlan) {
  ASSERT_TRUE(Buy("acme", 60));
  const TxId early = Assess(9000, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  Train(6000);
  Must(chain_.Write(
      "centre-a", Correction(early, Assessment(9500, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING))));
  EXPECT_EQ(Due().inputs.mean_score(), 6000u);
  Assess(6600, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  EXPECT_EQ(Due().inputs.mean_score(), 6600u);
}

TEST_F(Placement, RetrainsTwiceAtMost_ThenTheCentreDecides) {
  ASSERT_TRUE(Buy("acme", 29));
  for (std::uint32_t round = 0; round < 2; ++round) {
    Train();
    const auto retraining = Due().retraining.value();
    EXPECT_THAT(retraining.lacks(), ElementsAre(pb::PLACEMENT_LACK_SHARE));
    EXPECT_EQ(retraining.inputs().retrainings(), round);
    Must(chain_.Write("centre-a", retraining));
    EXPECT_EQ(CareerNow().stage(), pb::CAREER_STAGE_RETRAINING);
  }
  Must(chain_.Write("centre-a", WillFor({}, {"globex"})));
  Train();
  const Decided due = Due();
  EXPECT_FALSE(due.placed);
  EXPECT_FALSE(due.retraining);
  pb::Placed own;
  own.set_subject_id(Id("li"));
  *own.mutable_inputs() = due.inputs;
  own.set_basis(pb::PLACEMENT_BASIS_CENTRE);
  own.set_enterprise("initech");
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", own)), Code::kInvalidArgument);  // why?
  own.set_reason("wants to work there, and it takes on trainees");
  own.set_enterprise("globex");
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", own)), Code::kPrecondition);  // refused by the person
  own.set_enterprise("initech");
  Must(chain_.Write("centre-a", own));
  EXPECT_EQ(CareerNow().employer(), "initech");
  EXPECT_EQ(CareerNow().retrainings(), 0u);
}

TEST_F(Placement, RetrainingsUsedUp_MayGoOnWithContinuingEducation) {
  ASSERT_TRUE(Buy("acme", 29));
  for (int round = 0; round < 2; ++round) {
    Train();
    EXPECT_EQ(CodeOf(chain_.Write("centre-a", Continuing())), Code::kPrecondition);
    Must(chain_.Write("centre-a", Due().retraining.value()));
  }
  Train();
  const TxId plan = Must(chain_.Write("centre-a", Continuing()));
  EXPECT_EQ(CareerNow().plan(), plan.View());
  EXPECT_EQ(CareerNow().budget_class(), pb::BUDGET_CLASS_D);
}

TEST_F(Placement, AFailedTrainingNeedsNoAssessmentToBeRetrained) {
  ASSERT_TRUE(Buy("acme", 60));
  const TxId plan = Must(chain_.Write("centre-a", Planned(pb::BUDGET_CLASS_A)));
  auto failed = Carried(plan, pb::BUDGET_CLASS_A);
  failed.set_outcome(pb::TRAINING_OUTCOME_FAILED);
  Must(chain_.Write("centre-a", failed));
  EXPECT_THAT(Due().retraining.value().lacks(), ElementsAre(pb::PLACEMENT_LACK_SCORE));
}

TEST_F(CareerTest, Will_IsThePersonsAndNamesEnterprisesOnce) {
  const auto code_of = [&](const pb::WillDeclared& will, std::string_view who = "centre-a") {
    return CodeOf(chain_.Write(who, will));
  };
  EXPECT_EQ(code_of(WillFor({"acme", "acme"})), Code::kInvalidArgument);
  EXPECT_EQ(code_of(WillFor({"acme"}, {"acme"})), Code::kInvalidArgument);
  EXPECT_EQ(code_of(WillFor({}, {"globex", "acme"})), Code::kInvalidArgument);
  EXPECT_EQ(code_of(WillFor({"centre-b"})), Code::kNotFound);
  EXPECT_EQ(code_of(WillFor({"No!"})), Code::kInvalidArgument);
  EXPECT_EQ(code_of(WillFor({"acme"}), "acme"), Code::kUnauthorized);
  EXPECT_EQ(code_of(WillFor({"acme"}), "centre-b"), Code::kNotFound);
  auto registration = Registration("wu");
  registration.set_subject_key(KeyOf("wu").public_key().ToBytes());
  Must(chain_.Write("centre-a", registration));
  auto will = WillFor({"acme"});
  will.set_subject_id(Id("wu"));
  EXPECT_EQ(code_of(will), Code::kUnauthorized);
  Must(chain_.Write("wu", will));
}

TEST_F(CareerTest, Transfer_NeedsBothSignaturesAndMovesUnits) {
  ASSERT_TRUE(Buy("acme", 10));
  EXPECT_EQ(CodeOf(chain_.Write("acme", Transferred(TransferOf(11)))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("globex", Transferred(TransferOf(4)))), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Transferred(TransferOf(4, "acme", "acme")))),
            Code::kInvalidArgument);
  auto forged = Transferred(TransferOf(4));
  forged.set_buyer_signature(Bytes(64, 'x'));
  EXPECT_EQ(CodeOf(chain_.Write("acme", forged)), Code::kBadSignature);
  auto others = CosignTransfer(chain_.genesis().chain_id(), TransferOf(4), KeyOf("initech"));
  EXPECT_EQ(CodeOf(chain_.Write("acme", others)), Code::kUnauthorized);
  const TxId sold = Must(chain_.Write("acme", Transferred(TransferOf(4))));
  EXPECT_EQ(CodeOf(chain_.Write("acme", Transferred(TransferOf(4)))), Code::kDuplicate);
  EXPECT_EQ(chain_.Read(kHoldings, Concat({token_.View(), "acme"}))->units(), 6u);
  EXPECT_EQ(chain_.Read(kHoldings, Concat({token_.View(), "globex"}))->units(), 4u);
  EXPECT_EQ(chain_.Read(kTransfers, sold.View())->buyer(), "globex");
  Must(chain_.Write("acme", Transferred(TransferOf(6, "acme", "globex", "t2"))));
  EXPECT_FALSE(chain_.Read(kHoldings, Concat({token_.View(), "acme"})));
  EXPECT_EQ(Figures().sold(), 10u);
}

// Whatever is bought and sold: supply = unsold + holdings for each token, and what the person's
// entry and the concerns say is their sum.
TEST_F(CareerTest, Units_AreConservedOverTokensAndTransfers) {
  const TxId second = Must(chain_.Write("centre-a", Issue(Invest(2000, "r2"), 70)));
  const std::vector<std::string> parties = {"acme", "globex", "initech"};
  std::uint64_t seed = 7;
  const auto draw = [&](std::uint64_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
  };
  int accepted = 0;
  for (int i = 0; i < 120; ++i) {
    const TxId& token = draw(2) == 0 ? token_ : second;
    const std::string& who = parties[draw(3)];
    Result<TxId> done;
    if (draw(2) == 0) {
      done = chain_.Write(who, Purchase(token, draw(12)));
    } else {
      auto statement = TransferOf(draw(12), who, parties[draw(3)], fmt::format("ref {}", i));
      statement.set_token(token.ToBytes());
      done = chain_.Write(who, Transferred(statement));
    }
    accepted += done.has_value() ? 1 : 0;
    const auto state = chain_.chain().SealedState();
    std::map<std::string, std::uint64_t> held;
    std::uint64_t unsold = 0;
    for (const TxId& id : {token_, second}) {
      std::uint64_t of_token = 0;
      kHoldings.Scan(*state, id.View(), {}, [&](BytesView party, const pb::Holding& holding) {
        of_token += holding.units();
        held[std::string(party)] += holding.units();
        return true;
      });
      const auto entry = chain_.Read(kTokens, id.View());
      ASSERT_EQ(of_token + entry->unsold(), entry->supply());
      unsold += entry->unsold();
    }
    ASSERT_EQ(Figures().supply(), 170u);
    ASSERT_EQ(Figures().sold(), 170 - unsold);
    kConcerns.Scan(*state, Id("li"), {}, [&](BytesView party, const pb::Concern& concern) {
      EXPECT_EQ(concern.units(), held[std::string(party)]);
      EXPECT_EQ(concern.units() == 0, concern.holds_since_ms() == 0);
      return true;
    });
  }
  EXPECT_GT(accepted, 30);
}

TEST_F(CareerTest, AnotherCentre_WritesAndReadsByConsentAlone) {
  const auto tx = *chain_.chain().GetTransaction(entry_);
  const auto may_read = [&] {
    return MayReadPayload(chain_.genesis(), *chain_.chain().SealedState(),
                          chain_.chain().head().time, tx, KeyOf("centre-b").public_key());
  };
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Assessment())), Code::kNotFound);
  EXPECT_FALSE(may_read());
  auto consent = ConsentToAll();
  consent.clear_tiers();
  consent.add_centres("centre-b");
  consent.add_kinds("AbilityAssessed");
  const TxId given = Must(chain_.Write("centre-a", consent));
  const TxId theirs = Must(chain_.Write("centre-b", Assessment()));
  EXPECT_EQ(chain_.Read(kPrivateRecords, theirs.View())->centre(), "centre-b");
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Training(entry_))), Code::kNotFound);
  EXPECT_TRUE(may_read());
  pb::ConsentWithdrawn withdrawn;
  withdrawn.set_subject_id(Id("li"));
  withdrawn.set_consent(given.ToBytes());
  Must(chain_.Write("centre-a", withdrawn));
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Assessment())), Code::kNotFound);
  EXPECT_FALSE(may_read());
}

TEST_F(CareerTest, Consent_IsWithdrawnOnceByWhoSpeaksForThePerson) {
  const TxId consent = Must(chain_.Write("centre-a", ConsentToAll()));
  pb::ConsentWithdrawn message;
  message.set_subject_id(Id("li"));
  message.set_consent(entry_.ToBytes());
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", message)), Code::kPrecondition);
  message.set_consent(consent.ToBytes());
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", message)), Code::kNotFound);
  Must(chain_.Write("centre-a", message));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", message)), Code::kPrecondition);
  EXPECT_FALSE(chain_.Read(kDecisions, Assess().View()));
}

TEST_F(CareerTest, MarketPolicy_OfTheGenesisIsCheckedAndInForce) {
  const auto read = [](const char* text) -> Result<pb::MarketPolicy> {
    const nlohmann::json json = nlohmann::json::parse(text);
    auto fields = TRY(JsonFields::Of(json, "market"));
    return ReadMarketPolicy(fields);
  };
  EXPECT_EQ(read(R"({"version": 2, "max_retrainings": 1})")->max_retrainings(), 1u);
  EXPECT_EQ(read(R"({"version": 2})")->placement_bps(), 3000u);
  EXPECT_EQ(CodeOf(read(R"({"version": 2, "plan_a_bps": 10001})")), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(read(R"({"version": 2, "plan_a_bps": 100})")), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(read(R"({"version": 2, "budgets": [4, 3, 2, 2]})")), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(read(R"({"version": 2, "budgets": [4, 3, 2]})")), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(read(R"({"version": 2, "nonsense": 1})")), Code::kInvalidArgument);
  EXPECT_EQ(MarketPolicyOf(*chain_.chain().SealedState()).version(), 1u);
}

}  // namespace
}  // namespace talent::tiers
