// Arbitration of what a centre refuses.

#include "network.h"
#include "tiers/consortium_rules.h"

namespace talent::tiers {
namespace {

using ::testing::ElementsAre;

constexpr auto kRecord = pb::ARBITRATION_VERDICT_RECORD_STANDS;
constexpr auto kDispute = pb::ARBITRATION_VERDICT_DISPUTE_UPHELD;

class Arbitration : public ::testing::Test, protected Network {
 protected:
  // Disputed by acme, confirmed by globex, refused: one against one.
  Arbitration() : Network({"centre-c", "centre-d"}) {
    Enrol();
    record_ = Must(source.Write("centre-a", Assessment()));  // value class 1: weight 2
    Promote(record_);
    Review(record_, {{"acme", true}, {"globex", false}});
    Must(Refuse(record_));
  }
  pb::RecordStatus Status() const { return StateOf(record_).status(); }
  pb::Arbitration Stored() const { return *consortium.Read(kArbitrations, record_.View()); }
  TxId record_;
};

TEST_F(Arbitration, NobodyOpensIt_LeavesTheRecordUnverified) {
  EXPECT_EQ(Status(), pb::RECORD_STATUS_REFUSED);
  EXPECT_EQ(StateOf(record_).arbitration_by_ms(), Now() + 8000);
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(CodeOf(OpenArbitration(record_, "acme")), Code::kPrecondition);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(PointsOfMember("centre-a"), 0);
}

TEST_F(Arbitration, Opening_IsForWhoReviewedAndTheCentre) {
  EXPECT_EQ(CodeOf(OpenArbitration(TxId(), "acme")), Code::kNotFound);
  EXPECT_EQ(CodeOf(OpenArbitration(record_, "initech")), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(OpenArbitration(record_, "centre-b")), Code::kUnauthorized);
  const TxId opened = Must(OpenArbitration(record_, "acme"));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_ARBITRATION);
  EXPECT_EQ(Stored().opened_by(), "acme");
  EXPECT_THAT(Stored().arbiters(), ElementsAre("centre-b", "centre-c", "centre-d"));
  EXPECT_EQ(*StateOf(record_).path().rbegin(), opened.View());
  EXPECT_EQ(CodeOf(OpenArbitration(record_, "centre-a")), Code::kPrecondition) << "it is open";
}

TEST_F(Arbitration, Opening_ByTheCentre) {
  Must(OpenArbitration(record_, "centre-a"));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_ARBITRATION);
}

TEST_F(Arbitration, Votes_AreForArbitersOnceInTime) {
  EXPECT_EQ(CodeOf(Arbitrate(record_, "centre-b", kRecord)), Code::kPrecondition) << "not open";
  Must(OpenArbitration(record_, "acme"));
  EXPECT_EQ(CodeOf(Arbitrate(record_, "centre-a", kRecord)), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Arbitrate(record_, "initech", kRecord)), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Arbitrate(record_, "centre-b", pb::ARBITRATION_VERDICT_UNSPECIFIED)),
            Code::kInvalidArgument);
  Must(Arbitrate(record_, "centre-b", kRecord));
  EXPECT_EQ(CodeOf(Arbitrate(record_, "centre-b", kDispute)), Code::kDuplicate);
  CloseArbitration(record_);
  EXPECT_EQ(CodeOf(Arbitrate(record_, "centre-c", kRecord)), Code::kPrecondition);
}

TEST_F(Arbitration, TwoThirdsForTheRecord_VerifyAndPublishItWithEveryStep) {
  Must(OpenArbitration(record_, "centre-a"));
  Must(Arbitrate(record_, "centre-b", kRecord));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_ARBITRATION) << "one of three";
  Must(Arbitrate(record_, "centre-d", kRecord));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), -6);
  EXPECT_EQ(WaitingOfMember("globex"), 2);
  EXPECT_EQ(StateOf(record_).path_size(), 6);
  EXPECT_EQ(CodeOf(Arbitrate(record_, "centre-c", kRecord)), Code::kPrecondition);
  Must(Publish(record_));
  EXPECT_EQ(outlet.Read(kPublished, record_.View())->status(), pb::RECORD_STATUS_VERIFIED);
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_VERIFIED) << "nothing is due any more";
}

TEST_F(Arbitration, TwoThirdsForTheDispute_DemandACorrection) {
  Must(OpenArbitration(record_, "acme"));
  Must(Arbitrate(record_, "centre-b", kDispute));
  Must(Arbitrate(record_, "centre-c", kRecord));
  Must(Arbitrate(record_, "centre-d", kDispute));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_ANSWERED);
  EXPECT_EQ(StateOf(record_).answer_by_ms(), Now() + kAnswerWindow);
  EXPECT_EQ(PointsOfMember("acme"), 10) << "they have decided";
  Promote(Must(source.Write("centre-a", Correction(record_, Assessment(8000)))));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(PointsOfMember("acme"), 10);
  EXPECT_EQ(PointsOfMember("globex"), -10);
  EXPECT_EQ(PointsOfMember("centre-a"), 0);
  EXPECT_EQ(StateOf(record_).path_size(), 8);
  Must(Publish(record_));
  EXPECT_EQ(outlet.Read(kPublished, record_.View())->status(), pb::RECORD_STATUS_CORRECTED);
}

TEST_F(Arbitration, CentreThatDoesNotObey_IsSilent) {
  Must(OpenArbitration(record_, "acme"));
  Must(Arbitrate(record_, "centre-b", kDispute));
  Must(Arbitrate(record_, "centre-c", kDispute));
  CloseAnswer(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 10);
  EXPECT_EQ(PointsOfMember("globex"), -10);
  EXPECT_EQ(PointsOfMember("centre-a"), -10);
}

TEST_F(Arbitration, WhoOpensItAndIsNotBorneOut_PaysOnceMore) {
  Must(OpenArbitration(record_, "acme"));
  for (const char* const centre : {"centre-b", "centre-c"}) {
    Must(Arbitrate(record_, centre, kRecord));
  }
  EXPECT_EQ(PointsOfMember("acme"), -12) << "a false dispute, and an arbitration for it";

  const TxId wrong = Must(source.Write("centre-a", Assessment(6000)));
  Promote(wrong);
  Review(wrong, {{"acme", true}, {"globex", false}});
  Must(Refuse(wrong));
  Must(OpenArbitration(wrong, "centre-a"));
  for (const char* const centre : {"centre-b", "centre-c"}) {
    Must(Arbitrate(wrong, centre, kDispute));
  }
  EXPECT_EQ(PointsOfMember("centre-a"), -6);
}

TEST_F(Arbitration, NoDecisionInTime_CostsWhoDidNotVote) {
  Must(OpenArbitration(record_, "acme"));
  Must(Arbitrate(record_, "centre-b", kDispute));
  Must(Arbitrate(record_, "centre-c", kRecord));
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 0) << "as many spoke for it as against it";
  EXPECT_EQ(PointsOfMember("globex"), 0);
  EXPECT_EQ(PointsOfMember("centre-a"), 0);
  EXPECT_EQ(PointsOfMember("centre-b"), 0);
  EXPECT_EQ(PointsOfMember("centre-d"), -10) << "the one that could have decided";
}

TEST_F(Arbitration, SilentArbiters_DoNotMakeItsOpenerPay) {
  Must(OpenArbitration(record_, "acme"));
  pb::MemberProposed suspension;
  suspension.mutable_change()->set_suspend("centre-d");
  suspension.set_open_until(consortium.chain().head().height.value + 50);
  pb::ProposalVoted vote;
  vote.set_proposal(Must(consortium.Write("centre-a", suspension)).ToBytes());
  vote.set_approve(true);
  for (const char* const centre : {"centre-b", "centre-c"}) Must(consortium.Write(centre, vote));
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(PointsOfMember("centre-b"), -10);
  EXPECT_EQ(PointsOfMember("centre-c"), -10);
  EXPECT_EQ(PointsOfMember("centre-d"), 0) << "it may not vote";
}

TEST_F(Arbitration, NoDecisionInTime_CostsWhoAskedWhereTheVotesAreAgainstIt) {
  Must(OpenArbitration(record_, "acme"));
  Must(Arbitrate(record_, "centre-b", kRecord));
  CloseArbitration(record_);
  EXPECT_EQ(PointsOfMember("acme"), -6) << "as for one that is lost";

  const TxId wrong = Must(source.Write("centre-a", Assessment(6000)));
  Promote(wrong);
  Review(wrong, {{"acme", true}, {"globex", false}});
  Must(Refuse(wrong));
  Must(OpenArbitration(wrong, "globex"));
  Must(Arbitrate(wrong, "centre-b", kDispute));
  CloseArbitration(wrong);
  EXPECT_EQ(PointsOfMember("globex"), -6) << "it stood by the record";
}

TEST_F(Arbitration, Correction_EndsIt) {
  Must(OpenArbitration(record_, "acme"));
  const std::uint64_t votes_until = StateOf(record_).arbitration_by_ms();
  Promote(Must(source.Write("centre-a", Correction(record_, Assessment(8000)))));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(CodeOf(Arbitrate(record_, "centre-b", kRecord)), Code::kPrecondition);
  WaitUntil(votes_until);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
}

// The arbiters have verified the record; then its centre corrects it all the same.
TEST_F(Arbitration, OwnCorrectionAfterwards_TakesNothingUnlessItStandsItself) {
  Must(OpenArbitration(record_, "acme"));
  for (const char* const centre : {"centre-b", "centre-c"}) {
    Must(Arbitrate(record_, centre, kRecord));
  }
  ASSERT_EQ(Status(), pb::RECORD_STATUS_VERIFIED);
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(8000))));
  Promote(correction);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(PointsOfMember("globex"), 0);
  EXPECT_EQ(WaitingOfMember("globex"), 2);
  Review(correction, {{"acme", false}, {"globex", true}});
  Must(Refuse(correction));
  Must(OpenArbitration(correction, "globex"));
  for (const char* const centre : {"centre-b", "centre-c"}) {
    Must(Arbitrate(correction, centre, kDispute));
  }
  CloseAnswer(correction);
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_FALSE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("globex"), 20 + 2) << "it has found the correction wrong, of class 2";
  EXPECT_EQ(PointsOfMember("acme"), -12 - 20) << "a false dispute, its appeal, a false friend";
}

TEST_F(Arbitration, CentreThatReviewed_HasNoVote) {
  const TxId record = Must(source.Write("centre-a", Assessment(6000)));
  Promote(record);
  Review(record, {{"centre-b", true}, {"globex", false}});
  Must(Refuse(record));
  Must(OpenArbitration(record, "centre-b"));
  EXPECT_EQ(CodeOf(Arbitrate(record, "centre-b", kDispute)), Code::kUnauthorized);
  Must(Arbitrate(record, "centre-c", kRecord));
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ARBITRATION) << "one of two";
  Must(Arbitrate(record, "centre-d", kRecord));
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_VERIFIED);
}

// One of three is left: alone it would be the judge of all.
TEST_F(Arbitration, CentresThatReviewed_LeaveNoQuorum) {
  const TxId record = Must(source.Write("centre-a", Assessment(6000)));
  Promote(record);
  Review(record, {{"centre-b", true}, {"centre-c", true}, {"globex", false}});
  Must(Refuse(record));
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_UNVERIFIED) << "the reviewers' word";
  EXPECT_EQ(CodeOf(OpenArbitration(record, "globex")), Code::kPrecondition);
  EXPECT_FALSE(consortium.Read(kArbitrations, record.View()));
}

// Between the refusal and the opening a centre is suspended, and another is not enough.
TEST_F(Arbitration, Quorum_IsAskedForWhenItIsOpened) {
  const TxId record = Must(source.Write("centre-a", Assessment(6000)));
  Promote(record);
  Review(record, {{"centre-b", true}, {"globex", false}});
  Must(Refuse(record));
  ASSERT_EQ(StateOf(record).status(), pb::RECORD_STATUS_REFUSED) << "two of three are left";
  ledger::StateOverlay state(consortium.chain().tip_state());
  auto party = *kParties.Get(state, "centre-c");
  party.set_suspended(true);
  kParties.Put(state, "centre-c", party);
  EXPECT_TRUE(ArbitersOf(state, record.View(), StateOf(record)).empty()) << "one of two";
  auto policy = PolicyOf(state, StateOf(record));
  policy.set_arbiters_quorum_bps(4999);
  PutConsortiumPolicy(state, policy);
  EXPECT_THAT(ArbitersOf(state, record.View(), StateOf(record)), ElementsAre("centre-d"));
}

TEST_F(Arbitration, NoCentreWithoutAPart_LeavesTheRecordUnverifiedAtOnce) {
  const TxId record = Must(source.Write("centre-a", Assessment(6000)));
  Promote(record);
  Review(record, {{"centre-b", true}, {"centre-c", true}, {"centre-d", false}});
  Must(Refuse(record));
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_UNVERIFIED);
}

}  // namespace
}  // namespace talent::tiers
