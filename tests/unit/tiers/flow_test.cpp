#include "career_fixture.h"

namespace talent::tiers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A person placed with acme, which holds 60 of 100 units; globex holds 10.
class Flow : public CareerTest {
 protected:
  Flow() {
    EXPECT_TRUE(Buy("acme", 60));
    EXPECT_TRUE(Buy("globex", 10));
    placement_ = PlaceNow();
  }

  pb::FlowStatement StatementOf(const std::string& from, const std::string& to,
                                std::string_view reference = "move 1") const {
    pb::FlowStatement statement;
    statement.set_subject_id(Id("li"));
    statement.set_placement(placement_.ToBytes());
    statement.set_from(from);
    statement.set_to(to);
    statement.set_reference(Id(reference));
    return statement;
  }
  pb::FlowRecorded MoveOf(const pb::FlowStatement& statement,
                          const std::vector<std::string>& signers,
                          const TxId* transfer = nullptr) const {
    std::vector<crypto::KeyPair> keys;
    for (const auto& signer : signers) keys.push_back(KeyOf(signer));
    pb::FlowRecorded message = SignFlow(chain_.genesis().chain_id(), statement, keys);
    if (transfer != nullptr) message.set_transfer(transfer->ToBytes());
    return message;
  }
  static pb::FlowRecorded Found(pb::FlowRecorded message, pb::FlowFinding finding,
                                std::uint32_t moves,
                                const std::vector<pb::FlowSuspicion>& suspicions = {}) {
    message.set_finding(finding);
    message.set_moves(moves);
    for (const auto suspicion : suspicions) message.add_suspicions(suspicion);
    return message;
  }
  TxId Sell(std::uint64_t units, const std::string& seller, const std::string& buyer,
            std::string_view reference) {
    return Must(chain_.Write(seller, Transferred(TransferOf(units, seller, buyer, reference))));
  }
  /// To initech, which holds nothing.
  TxId Suspected() {
    return Must(chain_.Write(
        "centre-a", Found(MoveOf(StatementOf("acme", "initech"), {"acme", "initech"}),
                          pb::FLOW_FINDING_SUSPECTED, 1,
                          {pb::FLOW_SUSPICION_NOT_A_HOLDER, pb::FLOW_SUSPICION_NO_TRANSFER})));
  }
  pb::SupervisionFlagged FlaggedOf(const TxId& flow) const {
    const auto flag = chain_.Read(kFlags, flow.View()).value();
    pb::SupervisionFlagged message;
    message.set_subject_id(Id("li"));
    message.set_flow(flow.ToBytes());
    message.set_from(flag.from());
    message.set_to(flag.to());
    *message.mutable_suspicions() = flag.suspicions();
    return message;
  }
  std::uint32_t OpenFlagsOf(BytesView id) const {
    const auto& table = id.size() == Hash::kSize ? kPersonStandings : kPartyStandings;
    return chain_.Read(table, id).value_or(pb::FlowStanding()).open_flags();
  }

  TxId placement_;
};

TEST_F(Flow, WithTransferAndConsents_IsRational) {
  const TxId transfer = Sell(5, "acme", "globex", "t");
  const auto move = MoveOf(StatementOf("acme", "globex"), {"acme", "globex"}, &transfer);
  Must(chain_.Write("centre-a", Found(move, pb::FLOW_FINDING_RATIONAL, 1)));
  EXPECT_EQ(CareerNow().employer(), "globex");
  EXPECT_EQ(CareerNow().moves(), 1u);
  EXPECT_EQ(OpenFlagsOf(Id("li")), 0u);
}

TEST_F(Flow, IsWhatTheRuleFinds_NotWhatTheCentreSays) {
  const auto bare = MoveOf(StatementOf("acme", "globex"), {"acme", "globex"});
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Found(bare, pb::FLOW_FINDING_RATIONAL, 1))),
            Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Found(bare, pb::FLOW_FINDING_SUSPECTED, 1))),
            Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Found(bare, pb::FLOW_FINDING_SUSPECTED, 0,
                                                  {pb::FLOW_SUSPICION_NO_TRANSFER}))),
            Code::kPrecondition);
  Must(chain_.Write("centre-a",
                    Found(bare, pb::FLOW_FINDING_SUSPECTED, 1, {pb::FLOW_SUSPICION_NO_TRANSFER})));
}

TEST_F(Flow, ToANonHolder_LowersTheStandingOfBoth) {
  const TxId flow = Suspected();
  EXPECT_EQ(OpenFlagsOf(Id("li")), 1u);
  EXPECT_EQ(OpenFlagsOf("initech"), 1u);
  EXPECT_EQ(OpenFlagsOf("acme"), 0u);
  EXPECT_THAT(chain_.Read(kFlags, flow.View())->suspicions(),
              ElementsAre(pb::FLOW_SUSPICION_NOT_A_HOLDER, pb::FLOW_SUSPICION_NO_TRANSFER));
}

TEST_F(Flow, WithoutConsent_IsSuspected) {
  const TxId transfer = Sell(5, "acme", "globex", "t");
  const auto move = MoveOf(StatementOf("acme", "globex"), {"globex"}, &transfer);
  Must(chain_.Write("centre-a",
                    Found(move, pb::FLOW_FINDING_SUSPECTED, 1, {pb::FLOW_SUSPICION_NO_CONSENT})));
}

TEST_F(Flow, MoreThanOneMoveInTheWindow_IsSuspected) {
  const TxId there = Sell(5, "acme", "globex", "t1");
  Must(chain_.Write("centre-a",
                    Found(MoveOf(StatementOf("acme", "globex"), {"acme", "globex"}, &there),
                          pb::FLOW_FINDING_RATIONAL, 1)));
  const TxId back = Sell(5, "globex", "acme", "t2");
  const auto again = MoveOf(StatementOf("globex", "acme", "move 2"), {"acme", "globex"}, &back);
  Must(chain_.Write("centre-a", Found(again, pb::FLOW_FINDING_SUSPECTED, 2,
                                      {pb::FLOW_SUSPICION_TOO_MANY_MOVES})));
}

TEST_F(Flow, AfterTheWindow_IsFree) {
  chain_.Commit({}, CareerNow().supervised_until_ms());
  Must(chain_.Write("centre-a", Found(MoveOf(StatementOf("acme", "initech"), {}),
                                      pb::FLOW_FINDING_UNSUPERVISED, 0)));
  EXPECT_EQ(OpenFlagsOf("initech"), 0u);
}

TEST_F(Flow, Leaving_IsNoMoveButTheNextEnterpriseIs) {
  Must(chain_.Write("centre-a",
                    Found(MoveOf(StatementOf("acme", ""), {}), pb::FLOW_FINDING_LEFT, 0)));
  EXPECT_EQ(CareerNow().stage(), pb::CAREER_STAGE_LEFT);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Found(MoveOf(StatementOf("acme", "", "again"), {}),
                                                  pb::FLOW_FINDING_LEFT, 0))),
            Code::kPrecondition);
  Must(chain_.Write(
      "centre-a",
      Found(MoveOf(StatementOf("acme", "initech"), {"initech"}), pb::FLOW_FINDING_SUSPECTED, 1,
            {pb::FLOW_SUSPICION_NOT_A_HOLDER, pb::FLOW_SUSPICION_NO_TRANSFER,
             pb::FLOW_SUSPICION_NO_CONSENT})));
  EXPECT_EQ(CareerNow().employer(), "initech");
}

TEST_F(Flow, ATransferGoesWithOneMoveOfItsOwnPeople) {
  const TxId transfer = Sell(5, "acme", "globex", "t");
  const auto other = MoveOf(StatementOf("acme", "initech"), {}, &transfer);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", other)), Code::kPrecondition);
  const auto unknown = MoveOf(StatementOf("acme", "globex"), {}, &placement_);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", unknown)), Code::kNotFound);
  const auto first = MoveOf(StatementOf("acme", "globex"), {"acme", "globex"}, &transfer);
  Must(chain_.Write("centre-a", Found(first, pb::FLOW_FINDING_RATIONAL, 1)));
  const TxId back = Sell(1, "globex", "acme", "t2");
  Must(chain_.Write("centre-a",
                    Found(MoveOf(StatementOf("globex", "acme", "m2"), {"acme", "globex"}, &back),
                          pb::FLOW_FINDING_SUSPECTED, 2, {pb::FLOW_SUSPICION_TOO_MANY_MOVES})));
  const auto third = MoveOf(StatementOf("acme", "globex", "m3"), {"acme", "globex"}, &transfer);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", third)), Code::kDuplicate);
}

TEST_F(Flow, BadStatementsAndSignatures_AreRefused) {
  const auto code_of = [&](const pb::FlowRecorded& message, std::string_view who = "centre-a") {
    return CodeOf(chain_.Write(who, message));
  };
  EXPECT_EQ(code_of(MoveOf(StatementOf("globex", "acme"), {})), Code::kPrecondition);
  EXPECT_EQ(code_of(MoveOf(StatementOf("acme", "acme"), {})), Code::kPrecondition);
  EXPECT_EQ(code_of(MoveOf(StatementOf("acme", "nobody"), {})), Code::kNotFound);
  EXPECT_EQ(code_of(MoveOf(StatementOf("acme", "globex"), {"initech"})), Code::kUnauthorized);
  EXPECT_EQ(code_of(MoveOf(StatementOf("acme", "globex"), {"stranger"})), Code::kUnauthorized);
  EXPECT_EQ(code_of(MoveOf(StatementOf("acme", "globex"), {}), "centre-b"), Code::kNotFound);
  auto forged = MoveOf(StatementOf("acme", "globex"), {"acme"});
  forged.mutable_signatures(0)->set_signature(Bytes(64, 'x'));
  EXPECT_EQ(code_of(forged), Code::kBadSignature);
  auto twice = MoveOf(StatementOf("acme", "globex"), {"acme"});
  *twice.add_signatures() = twice.signatures(0);
  EXPECT_EQ(code_of(twice), Code::kInvalidArgument);
  auto old = StatementOf("acme", "globex");
  old.set_placement(entry_.ToBytes());
  EXPECT_EQ(code_of(MoveOf(old, {})), Code::kPrecondition);
}

// Else a centre could keep an enterprise from those it would be computed for.
TEST_F(Flow, AnOpenFlag_DecidesNoPlacement) {
  Suspected();
  EXPECT_TRUE(Buy("initech", 20));
  Must(chain_.Write("centre-a",
                    Found(MoveOf(StatementOf("initech", "", "m2"), {}), pb::FLOW_FINDING_LEFT, 1)));
  Train();
  const auto inputs = Due().inputs;
  EXPECT_TRUE(std::ranges::any_of(inputs.candidates(), [](const auto& candidate) {
    return candidate.enterprise() == "initech";
  }));
}

TEST_F(Flow, TheCentresWordAlone_AccusesNobody) {
  const auto bare = MoveOf(StatementOf("acme", "initech"), {});
  EXPECT_EQ(CodeOf(chain_.Write(
                "centre-a", Found(bare, pb::FLOW_FINDING_SUSPECTED, 1,
                                  {pb::FLOW_SUSPICION_NOT_A_HOLDER, pb::FLOW_SUSPICION_NO_TRANSFER,
                                   pb::FLOW_SUSPICION_NO_CONSENT}))),
            Code::kPrecondition);
  Must(chain_.Write(
      "centre-a",
      Found(MoveOf(StatementOf("acme", "initech"), {"acme"}), pb::FLOW_FINDING_SUSPECTED, 1,
            {pb::FLOW_SUSPICION_NOT_A_HOLDER, pb::FLOW_SUSPICION_NO_TRANSFER,
             pb::FLOW_SUSPICION_NO_CONSENT})));
  EXPECT_FALSE(chain_.Read(kConcerns, Concat({Id("li"), "initech"}))) << "it has not signed";
}

// It can neither sign nor sell.
TEST_F(Flow, LeavingASuspendedEnterprise_IsNoSuspicion) {
  SuspendOn(chain_, "acme");
  const auto move = MoveOf(StatementOf("acme", "globex"), {"globex"});
  Must(chain_.Write("centre-a", Found(move, pb::FLOW_FINDING_RATIONAL, 1)));
  EXPECT_EQ(OpenFlagsOf(Id("li")), 0u);
}

TEST_F(Flow, WhoLeft_MayComeBack) {
  Must(chain_.Write("centre-a",
                    Found(MoveOf(StatementOf("acme", ""), {}), pb::FLOW_FINDING_LEFT, 0)));
  Must(chain_.Write("centre-a", Found(MoveOf(StatementOf("acme", "acme", "back"), {"acme"}),
                                      pb::FLOW_FINDING_RETURNED, 0)));
  EXPECT_EQ(CareerNow().stage(), pb::CAREER_STAGE_PLACED);
  EXPECT_EQ(CareerNow().employer(), "acme");
}

TEST_F(Flow, Announcements_SayWhatTheStateHolds) {
  pb::SupervisionOpened opened;
  opened.set_subject_id(Id("li"));
  opened.set_placement(placement_.ToBytes());
  opened.set_from_ms(CareerNow().placed_ms());
  opened.set_until_ms(CareerNow().supervised_until_ms() + 1);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", opened)), Code::kPrecondition);
  opened.set_until_ms(CareerNow().supervised_until_ms());
  Must(chain_.Write("centre-a", opened));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", opened)), Code::kDuplicate);

  const TxId flow = Suspected();
  auto flagged = FlaggedOf(flow);
  flagged.set_to("globex");
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", flagged)), Code::kPrecondition);
  const TxId announced = Must(chain_.Write("centre-a", FlaggedOf(flow)));
  EXPECT_EQ(chain_.Read(kFlags, flow.View())->announced(), announced.View());
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", FlaggedOf(flow))), Code::kDuplicate);
}

TEST_F(Flow, AnAnswer_LiftsTheFlagOnce) {
  const TxId flow = Suspected();
  pb::SupervisionClosed closed;
  closed.set_subject_id(Id("li"));
  closed.set_closes(flow.ToBytes());
  closed.set_reason(pb::SUPERVISION_END_FLAG_ANSWERED);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", closed)), Code::kInvalidArgument);  // no answer
  closed.set_answer_hash(Id("letter"));
  EXPECT_EQ(CodeOf(chain_.Write("initech", closed)), Code::kUnauthorized);
  Must(chain_.Write("centre-a", closed));
  EXPECT_EQ(OpenFlagsOf(Id("li")), 0u);
  EXPECT_EQ(OpenFlagsOf("initech"), 0u);
  EXPECT_EQ(chain_.Read(kPartyStandings, "initech")->flags(), 1u);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", closed)), Code::kDuplicate);
}

TEST_F(Flow, ACorrection_TakesTheFlagBack) {
  const TxId flow = Suspected();
  const TxId announced = Must(chain_.Write("centre-a", FlaggedOf(flow)));
  auto content = FlaggedOf(flow);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(announced, content))), Code::kPrecondition);
  content.clear_suspicions();
  Must(chain_.Write("centre-a", Correction(announced, content)));
  EXPECT_EQ(OpenFlagsOf("initech"), 0u);
}

// What was promoted can be disputed after it was answered, and has to be taken back there too.
TEST_F(Flow, ALiftedFlag_CanStillBeTakenBack) {
  const TxId flow = Suspected();
  const TxId announced = Must(chain_.Write("centre-a", FlaggedOf(flow)));
  pb::SupervisionClosed closed;
  closed.set_subject_id(Id("li"));
  closed.set_closes(flow.ToBytes());
  closed.set_reason(pb::SUPERVISION_END_FLAG_ANSWERED);
  closed.set_answer_hash(Id("letter"));
  const TxId lifted = Must(chain_.Write("centre-a", closed));
  auto content = FlaggedOf(flow);
  content.clear_suspicions();
  Must(chain_.Write("centre-a", Correction(announced, content)));
  EXPECT_EQ(OpenFlagsOf("initech"), 0u);
  EXPECT_EQ(chain_.Read(kFlags, flow.View())->lifted(), lifted.View());
}

TEST_F(Flow, Supervision_ClosesWhenItsWindowHasPassed) {
  pb::SupervisionClosed closed;
  closed.set_subject_id(Id("li"));
  closed.set_closes(placement_.ToBytes());
  closed.set_reason(pb::SUPERVISION_END_WINDOW_PASSED);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", closed)), Code::kPrecondition);
  chain_.Commit({}, CareerNow().supervised_until_ms());
  const TxId id = Must(chain_.Write("centre-a", closed));
  EXPECT_EQ(CareerNow().closed(), id.View());
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", closed)), Code::kDuplicate);
}

// Other than a person without a key, whom the custodian speaks for.
TEST_F(Flow, APersonWithAKey_ConsentsByIt) {
  auto registration = Registration("wu");
  registration.set_subject_key(KeyOf("wu").public_key().ToBytes());
  Must(chain_.Write("centre-a", registration));
  const TxId entry = Assess(7000, "wu");
  auto statement = Statement(1000, "wu");
  statement.set_subject_id(Id("wu"));
  auto issue = Issue(Must(chain_.Write("centre-a", Cosigned(statement))));
  issue.set_subject_id(Id("wu"));
  const TxId token = Must(chain_.Write("centre-a", issue));
  Must(chain_.Write("acme", Purchase(token, 60)));
  const auto state = chain_.chain().SealedState();
  pb::TrainingPlanned planned;
  planned.set_subject_id(Id("wu"));
  *planned.mutable_plan() = PlanOf();
  planned.mutable_plan()->set_before_assessment(entry.ToBytes());
  planned.set_budget_class(pb::BUDGET_CLASS_A);
  *planned.mutable_figures() = FiguresOf(*state, MarketPolicyOf(*state), Id("wu"));
  auto training = Training(entry, "wu");
  training.set_plan(Must(chain_.Write("centre-a", planned)).ToBytes());
  Must(chain_.Write("centre-a", training));
  Assess(7000, "wu", pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  const auto due =
      DecisionDue(*chain_.chain().SealedState(), Id("wu"), chain_.chain().head().time).value();
  const TxId placement = Must(chain_.Write("centre-a", due.placed.value()));

  auto transfer = TransferOf(5);
  transfer.set_token(token.ToBytes());
  const TxId sold = Must(chain_.Write("acme", Transferred(transfer)));
  auto flow = StatementOf("acme", "globex");
  flow.set_subject_id(Id("wu"));
  flow.set_placement(placement.ToBytes());
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Found(MoveOf(flow, {"acme", "globex"}, &sold),
                                                  pb::FLOW_FINDING_RATIONAL, 1))),
            Code::kPrecondition);
  Must(chain_.Write("centre-a", Found(MoveOf(flow, {"acme", "globex", "wu"}, &sold),
                                      pb::FLOW_FINDING_RATIONAL, 1)));
}

}  // namespace
}  // namespace talent::tiers
