// Review, dispute, settlement, points and gated reading on the consortium chain.

#include "network.h"
#include "tiers/consortium_rules.h"
#include "tiers/points.h"

namespace talent::tiers {
namespace {

class Review : public ::testing::Test, protected Network {
 protected:
  Review() {
    Enrol();
    record_ = Must(source.Write("centre-a", Assessment()));  // value class 1: weight 2
    promotion_ = Promote(record_);
  }
  pb::RecordStatus Status() const { return StateOf(record_).status(); }
  std::vector<pb::PointsEntry> AccountOf(std::string_view member) const {
    std::vector<pb::PointsEntry> out;
    kPoints.Scan(*consortium.chain().SealedState(), Concat({member, "/"}), {},
                 [&](BytesView, const pb::PointsEntry& entry) {
                   out.push_back(entry);
                   return true;
                 });
    return out;
  }
  /// An assessment of one in whom acme has invested, promoted.
  TxId RecordConcerningAcme() {
    Must(source.Write(
        "centre-a",
        CosignInvestment(source.genesis().chain_id(),
                         Statement(1000, fmt::format("r{}", ++investments_)), KeyOf("acme"))));
    const TxId record = Must(source.Write("centre-a", Assessment(6000)));
    Promote(record);
    return record;
  }
  TxId record_;
  TxId promotion_;
  int investments_ = 0;
};

TEST_F(Review, Confirmations_VerifyAndWaitByValueClass) {
  Network::Review(record_, {{"acme", false}, {"globex", false}});
  EXPECT_EQ(Status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(WaitingOfMember("acme"), 2);
  ASSERT_EQ(AccountOf("globex").size(), 1u);
  const auto entry = AccountOf("globex").front();
  EXPECT_EQ(entry.reason(), pb::POINTS_REASON_CONFIRMATION_STANDS);
  EXPECT_EQ(entry.record_id(), record_.View());
  EXPECT_EQ(entry.balance(), 0);
  EXPECT_EQ(entry.waiting(), 2);
  EXPECT_EQ(entry.policy_version(), 1u);
  const auto settled = consortium.Read(kSettled, BigEndian(1));
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->record_id(), record_.View());
  EXPECT_TRUE(StateOf(record_).path().empty());
}

TEST_F(Review, TooFew_LeaveTheRecordUnverifiedWithoutPoints) {
  Network::Review(record_, {{"acme", false}});
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_FALSE(consortium.Read(kSettled, BigEndian(1)));
}

TEST_F(Review, Commits_AreForRegisteredOthersInTimeOnce) {
  EXPECT_EQ(CodeOf(Commit(record_, "stranger", false)), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Commit(record_, "centre-a", false)), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Commit(TxId(), "acme", false)), Code::kNotFound);
  Must(Commit(record_, "acme", false));
  EXPECT_EQ(CodeOf(Commit(record_, "acme", true)), Code::kDuplicate);
  Must(Commit(record_, "centre-b", false));
  CloseCommits(record_);
  EXPECT_EQ(CodeOf(Commit(record_, "globex", false)), Code::kPrecondition);
}

TEST_F(Review, Reveals_MatchTheirCommitInTheirWindow) {
  Must(Commit(record_, "acme", false));
  Must(Commit(record_, "globex", false));
  EXPECT_EQ(CodeOf(Reveal(record_, "acme", false)), Code::kPrecondition);
  CloseCommits(record_);
  EXPECT_EQ(CodeOf(Reveal(record_, "acme", true)), Code::kBadSignature);
  EXPECT_EQ(CodeOf(Reveal(record_, "initech", false)), Code::kNotFound);
  Must(Reveal(record_, "acme", false));
  EXPECT_EQ(CodeOf(Reveal(record_, "acme", false)), Code::kDuplicate);
  CloseReveals(record_);
  EXPECT_EQ(CodeOf(Reveal(record_, "globex", false)), Code::kPrecondition);
  EXPECT_EQ(PointsOfMember("globex"), -10) << "what a wrong confirmation costs";
  EXPECT_EQ(AccountOf("globex").front().reason(), pb::POINTS_REASON_NOT_REVEALED);
}

TEST_F(Review, CopiedCommitment_CannotBeRevealed) {
  const auto opening = OpeningOf(record_, "acme", false);
  pb::ReviewCommitted commit;
  commit.set_record_id(record_.ToBytes());
  commit.set_commitment(ReviewCommitment(opening).ToBytes());
  Must(consortium.Write("acme", commit));
  Must(consortium.Write("globex", commit));
  CloseCommits(record_);
  pb::ReviewRevealed reveal;
  reveal.set_record_id(record_.ToBytes());
  *reveal.mutable_verdict() = opening.verdict();
  reveal.set_salt(opening.salt());
  Must(consortium.Write("acme", reveal));
  EXPECT_EQ(CodeOf(consortium.Write("globex", reveal)), Code::kBadSignature);
}

TEST_F(Review, MalformedVerdict_IsRefused) {
  Must(Commit(record_, "acme", false));
  CloseCommits(record_);
  const auto code_of = [&](auto change) {
    pb::ReviewRevealed message;
    message.set_record_id(record_.ToBytes());
    *message.mutable_verdict() = OpeningOf(record_, "acme", false).verdict();
    message.set_salt(Id("salt of acme"));
    change(message);
    return CodeOf(consortium.Write("acme", message));
  };
  EXPECT_EQ(code_of([](auto& m) { m.clear_verdict(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { *m.mutable_verdict()->add_fields() = m.verdict().fields(0); }),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) {
              m.mutable_verdict()->mutable_fields(0)->set_verdict(pb::FIELD_VERDICT_DISPUTE);
            }),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_salt("s"); }), Code::kInvalidArgument);
}

TEST_F(Review, LargestVerdict_LeavesRoomForACorrectionWithEveryReview) {
  const auto verdict_of = [](std::size_t fields, std::size_t name) {
    pb::ReviewVerdict verdict;
    for (std::size_t i = 0; i < fields; ++i) {
      auto* const field = verdict.add_fields();
      field->set_field(Bytes(name - 1, 'x') + static_cast<char>('a' + i));
      field->set_verdict(pb::FIELD_VERDICT_DISPUTE);
      field->set_proposed_value_hash(Id("8000"));
      field->set_evidence_hash(Id("letter"));
    }
    return verdict;
  };
  auto opening = OpeningOf(record_, "acme", true);
  *opening.mutable_verdict() = verdict_of(16, 64);
  pb::ReviewCommitted commit;
  commit.set_record_id(record_.ToBytes());
  commit.set_commitment(ReviewCommitment(opening).ToBytes());
  Must(consortium.Write("acme", commit));
  CloseCommits(record_);
  pb::ReviewRevealed reveal;
  reveal.set_record_id(record_.ToBytes());
  reveal.set_salt(opening.salt());
  *reveal.mutable_verdict() = verdict_of(17, 64);
  EXPECT_EQ(CodeOf(consortium.Write("acme", reveal)), Code::kInvalidArgument);
  *reveal.mutable_verdict() = verdict_of(16, 65);
  EXPECT_EQ(CodeOf(consortium.Write("acme", reveal)), Code::kInvalidArgument);
  *reveal.mutable_verdict() = opening.verdict();
  Must(consortium.Write("acme", reveal));
  CloseReveals(record_);
  Promote(Must(source.Write("centre-a", Correction(record_, Assessment(8000)))));

  pb::OutboxEntry entry;
  entry.set_record_id(record_.ToBytes());
  entry.set_status(pb::RECORD_STATUS_CORRECTED);
  const auto delivery =
      PublishSettlement(consortium.chain(), entry, consortium.chain().head().height);
  const auto message = Decode<pb::CorrectionPublished>(delivery->payload).value();
  constexpr std::size_t kPaths = 2 * 12 * 34;  // in a block of 4096 transactions
  constexpr std::size_t kRecords = 32 << 10;   // both
  constexpr std::size_t kTags = 64;            // of protobuf, in a step
  pb::ArbitrationVoted vote;
  vote.set_record_id(record_.ToBytes());
  vote.set_verdict(pb::ARBITRATION_VERDICT_DISPUTE_UPHELD);
  const std::size_t vote_step = consortium.Make("centre-b", vote).size() + kTags + kPaths;
  EXPECT_LT(kRecords + kMaxReviews * (message.steps(1).ByteSizeLong() + kPaths) +
                (kMaxArbiters + 1) * vote_step,
            outlet.genesis().consensus().max_transaction_bytes);
}

TEST_F(Review, Silence_CostsTheCentreAndLetsTwoThirdsUpholdTheDispute) {
  Network::Review(record_, {{"acme", true}, {"globex", false}, {"initech", true}});
  EXPECT_EQ(Status(), pb::RECORD_STATUS_DISPUTED);
  EXPECT_EQ(StateOf(record_).path_size(), 3);
  CloseAnswer(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_REFUSED) << "globex could have it arbitrated";
  EXPECT_TRUE(StateOf(record_).silent());
  EXPECT_EQ(PointsOfMember("centre-a"), -10);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(CodeOf(Refuse(record_)), Code::kPrecondition);
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 10);
  EXPECT_EQ(PointsOfMember("globex"), -10);
  EXPECT_EQ(PointsOfMember("centre-a"), -10) << "once";
}

TEST_F(Review, Silence_AloneUpholdsNothing) {
  Network::Review(record_, {{"acme", true}});
  CloseAnswer(record_);
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_FALSE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("acme"), 0);
}

TEST_F(Review, Silence_MayBeArbitratedForTheRecord) {
  Network::Review(record_, {{"acme", true}, {"globex", false}, {"initech", true}});
  CloseAnswer(record_);
  Must(OpenArbitration(record_, "globex"));
  Must(Arbitrate(record_, "centre-b", pb::ARBITRATION_VERDICT_RECORD_STANDS));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), -6);
  EXPECT_EQ(WaitingOfMember("globex"), 2);
}

TEST_F(Review, Refusal_BorneOutByTwoThirdsVerifiesUnlessArbitrated) {
  Network::Review(record_, {{"acme", true}, {"globex", false}, {"initech", false}});
  EXPECT_EQ(CodeOf(Refuse(record_, "centre-b")), Code::kUnauthorized);
  Must(Refuse(record_));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_REFUSED);
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), -6);
  EXPECT_EQ(WaitingOfMember("globex"), 2);
  EXPECT_EQ(StateOf(record_).path_size(), 3);
  EXPECT_EQ(PointsOfMember("centre-a"), 0) << "it has answered";
}

TEST_F(Review, Refusal_OfAMajorityIsOverturnedByOneWhoAppeals) {
  Network::Review(record_, {{"acme", true}, {"globex", false}, {"initech", false}});
  Must(Refuse(record_));
  Must(OpenArbitration(record_, "acme"));
  Must(Arbitrate(record_, "centre-b", pb::ARBITRATION_VERDICT_DISPUTE_UPHELD));
  CloseAnswer(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 10);
  EXPECT_EQ(PointsOfMember("globex"), -10);
}

TEST_F(Review, Refusal_ContestedDecidesNothing) {
  Network::Review(record_, {{"acme", true}, {"globex", false}});
  Must(Refuse(record_));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_REFUSED) << "centre-b could arbitrate";
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(PointsOfMember("globex"), 0);
}

TEST_F(Review, WaitingConfirmations_ArePaidByAnUpheldDisputeUpToABound) {
  std::uint64_t waiting = 0;
  for (int i = 0; i < 12; ++i, waiting += 2) {
    const TxId right = Must(source.Write("centre-a", Assessment(5000)));
    Promote(right);
    Network::Review(right, {{"acme", false}, {"globex", false}});
    ASSERT_EQ(WaitingOfMember("acme"), static_cast<std::int64_t>(waiting) + 2);
  }
  const TxId wrong = Must(source.Write("centre-a", Assessment(5000)));
  Promote(wrong);
  Network::Review(wrong, {{"acme", true}, {"globex", false}});
  const TxId correction = Must(source.Write("centre-a", Correction(wrong, Assessment(8000))));
  Promote(correction);
  CloseReveals(correction);
  EXPECT_EQ(PointsOfMember("acme"), 10 + 20) << "ten confirmations of its class";
  EXPECT_EQ(WaitingOfMember("acme"), 4);
  const auto account = AccountOf("acme");
  EXPECT_EQ(account.back().reason(), pb::POINTS_REASON_CONFIRMATIONS_PAID);
  EXPECT_EQ(account.back().record_id(), wrong.View());
  EXPECT_EQ(account.back().delta(), 20);
  EXPECT_EQ(account.back().waiting(), -20);
  EXPECT_EQ(PointsOfMember("globex"), -10);
  EXPECT_EQ(WaitingOfMember("globex"), 0) << "forfeited";
  EXPECT_EQ(AccountOf("globex").back().waiting(), -24);
}

TEST_F(Review, AnsweredCorrection_SettlesWhenItArrives) {
  Network::Review(record_, {{"acme", true}, {"globex", false}});
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(8000))));
  Must(AnswerWith(record_, correction));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_ANSWERED);
  const TxId arrival = Promote(correction);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(PointsOfMember("acme"), 0) << "globex may dispute the correction";
  EXPECT_EQ(PointsOfMember("globex"), 0);
  CloseReveals(correction);
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_UNVERIFIED) << "and has not";
  EXPECT_TRUE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("acme"), 10);
  EXPECT_EQ(PointsOfMember("globex"), -10);
  EXPECT_EQ(StateOf(record_).path_size(), 4);
  EXPECT_EQ(StateOf(record_).path(0), promotion_.View());
  EXPECT_EQ(StateOf(record_).path(3), arrival.View());
  CloseAnswer(record_);
  EXPECT_EQ(PointsOfMember("centre-a"), 0);
  EXPECT_EQ(consortium.Read(kSettled, BigEndian(1))->status(), pb::RECORD_STATUS_CORRECTED);
}

TEST_F(Review, AnsweredCorrection_ThatNeverArrivesIsSilence) {
  Network::Review(record_, {{"acme", true}, {"globex", false}});
  Must(AnswerWith(record_, TxId::FromBytes(Id("promise")).value()));
  CloseAnswer(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_REFUSED) << "globex could have it arbitrated";
  EXPECT_TRUE(StateOf(record_).silent());
  EXPECT_EQ(PointsOfMember("centre-a"), -10);
  CloseArbitration(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("globex"), 0) << "the promise was the centre's word alone";
}

// A colluding centre and its friend: the record is right, the dispute and the correction are not.
TEST_F(Review, OwnCorrection_DisputedInItsTurn_TakesNothing) {
  Network::Review(record_, {{"acme", true}, {"globex", false}, {"initech", false}});
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(1))));
  Must(AnswerWith(record_, correction));
  Promote(correction);
  Network::Review(correction, {{"acme", false}, {"globex", true}});
  CloseAnswer(correction);
  CloseArbitration(correction);
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_UNVERIFIED) << "one against one";
  EXPECT_FALSE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("globex"), 0);
  EXPECT_EQ(PointsOfMember("initech"), 0);
  EXPECT_EQ(PointsOfMember("acme"), 0);
}

// Corrected back at once: nobody could dispute the second correction, which is right.
TEST_F(Review, OwnCorrection_CorrectedAtOnce_IsReviewedToItsEnd) {
  Network::Review(record_, {{"acme", true}, {"globex", false}, {"initech", false}});
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(1))));
  Promote(correction);
  const TxId back = Must(source.Write("centre-a", Correction(correction, Assessment())));
  Promote(back);
  Network::Review(correction, {{"globex", true}});
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_CORRECTED);
  CloseReveals(back);
  EXPECT_TRUE(StateOf(correction).upheld());
  EXPECT_EQ(PointsOfMember("globex"), 20) << "of the correction it disputed, of class 2";
  EXPECT_FALSE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("initech"), 0);
}

TEST_F(Review, OwnCorrection_ConfirmedInItsTurn_UpholdsTheDispute) {
  Network::Review(record_, {{"acme", true}, {"globex", false}});
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(8000))));
  Promote(correction);
  Network::Review(correction, {{"acme", false}, {"initech", false}});
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_TRUE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("acme"), 10 + 4) << "which pays its confirmation of the correction";
  EXPECT_EQ(PointsOfMember("globex"), -10);
}

TEST_F(Review, CorrectionOfAnUndisputedRecord_TakesNothingFromItsConfirmers) {
  Network::Review(record_, {{"acme", false}, {"globex", false}});
  EXPECT_EQ(WaitingOfMember("acme"), 2);
  Promote(Must(source.Write("centre-a", Correction(record_, Assessment(8000)))));
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_FALSE(StateOf(record_).upheld());
  EXPECT_EQ(WaitingOfMember("acme"), 2);
  EXPECT_EQ(AccountOf("acme").size(), 1u);
  EXPECT_EQ(consortium.Read(kSettledCount, {})->count(), 2u);
}

TEST_F(Review, CorrectionDuringAnUndisputedReview_BooksNothing) {
  Must(Commit(record_, "acme", false));
  Must(Commit(record_, "globex", false));
  Promote(Must(source.Write("centre-a", Correction(record_, Assessment(8000)))));
  CloseCommits(record_);
  Must(Reveal(record_, "acme", false));
  CloseReveals(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(PointsOfMember("globex"), -10) << "committed and did not reveal";
}

TEST_F(Review, LateCorrection_UpholdsADisputeThatWasRefused) {
  Network::Review(record_, {{"acme", true}, {"globex", false}, {"initech", false}});
  Must(Refuse(record_));
  CloseArbitration(record_);
  EXPECT_EQ(PointsOfMember("acme"), -6);
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(8000))));
  Promote(correction);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  CloseReveals(correction);
  EXPECT_EQ(PointsOfMember("acme"), 4);
  EXPECT_EQ(PointsOfMember("globex"), -10);
  EXPECT_EQ(WaitingOfMember("globex"), 0);
}

TEST_F(Review, CorrectionDuringReview_ClosesCommitsAndSettlesAtTheEnd) {
  Must(Commit(record_, "acme", true));
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(8000))));
  Promote(correction);
  EXPECT_EQ(CodeOf(Commit(record_, "globex", true)), Code::kPrecondition);
  CloseCommits(record_);
  Must(Reveal(record_, "acme", true));
  CloseReveals(record_);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_CORRECTED);
  CloseReveals(correction);
  EXPECT_EQ(PointsOfMember("acme"), 10);
}

TEST_F(Review, Stakeholder_ConfirmsForNothing) {
  const TxId record = RecordConcerningAcme();
  Network::Review(record, {{"acme", false}, {"globex", false}});
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_UNVERIFIED) << "one other is too few";
  EXPECT_EQ(StateOf(record).confirmations(), 1u);
  EXPECT_EQ(StateOf(record).party_confirmations(), 1u);
  const TxId next = RecordConcerningAcme();
  Network::Review(next, {{"acme", false}, {"globex", false}, {"initech", false}});
  EXPECT_EQ(StateOf(next).status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(WaitingOfMember("acme"), 0);
  EXPECT_EQ(WaitingOfMember("globex"), 2);
}

TEST_F(Review, Stakeholder_DisputesForAnAnswerAndNotForAShareOfTheDecision) {
  const TxId record = RecordConcerningAcme();
  Network::Review(record, {{"acme", true}, {"globex", false}, {"initech", false}});
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_DISPUTED);
  EXPECT_EQ(StateOf(record).disputes(), 0u);
  EXPECT_EQ(StateOf(record).party_disputes(), 1u);
  Must(Refuse(record));
  CloseArbitration(record);
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), -6) << "a false dispute costs everybody";
  EXPECT_EQ(WaitingOfMember("globex"), 2);

  const TxId silent = RecordConcerningAcme();
  Network::Review(silent, {{"acme", true}, {"globex", false}});
  CloseAnswer(silent);
  Must(OpenArbitration(silent, "acme"));
  Must(Arbitrate(silent, "centre-b", pb::ARBITRATION_VERDICT_DISPUTE_UPHELD));
  CloseAnswer(silent);
  EXPECT_EQ(StateOf(silent).status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), -6) << "no reward for a stakeholder";
  EXPECT_EQ(PointsOfMember("globex"), -10);
  EXPECT_EQ(PointsOfMember("centre-a"), -20) << "it answered neither the dispute nor the arbiters";
}

TEST_F(Review, Stakeholder_CannotBearOutARefusal) {
  const TxId record = RecordConcerningAcme();
  Network::Review(record,
                  {{"acme", false}, {"globex", true}, {"initech", false}, {"centre-b", true}});
  Must(Refuse(record));
  EXPECT_NE(StateOf(record).status(), pb::RECORD_STATUS_VERIFIED);
}

TEST_F(Review, Debtors_MayNotReview) {
  for (int i = 0; i < 12; ++i) {  // -10 each
    const TxId next = Must(source.Write("centre-a", Assessment(5000)));
    Promote(next);
    const auto result = Commit(next, "initech", false);
    if (i == 11) {
      EXPECT_EQ(CodeOf(result), Code::kUnauthorized);
    } else {
      Must(result);
    }
    CloseReveals(next);
  }
  EXPECT_EQ(PointsOfMember("initech"), -110);
}

TEST_F(Review, Points_HalveTowardsZeroAndCapADay) {
  TempDir scratch;
  pb::ConsortiumPolicy policy = PolicyOf(*consortium.chain().SealedState());
  policy.set_daily_cap(2);
  policy.set_half_life_ms(1000 * 86400000ull);
  ledger::StateOverlay state(consortium.chain().tip_state());
  for (int i = 0; i < 3; ++i) {
    BookPoints(state, policy, Timestamp(kStart),
               {"acme", 5, pb::POINTS_REASON_DISPUTE_UPHELD, {}, {}, 8});
  }
  EXPECT_EQ(PointsOf(state, policy, "acme", Timestamp(kStart)), 10);
  BookPoints(state, policy, Timestamp(kStart + 86400000),
             {"acme", 5, pb::POINTS_REASON_DISPUTE_UPHELD, {}, {}, 8});
  EXPECT_EQ(PointsOf(state, policy, "acme", Timestamp(kStart)), 15);
  const Timestamp later(kStart + policy.half_life_ms());
  EXPECT_EQ(PointsOf(state, policy, "acme", later), 7);
  EXPECT_EQ(WaitingOf(state, policy, "acme", later), 12);
  EXPECT_EQ(PointsOf(state, policy, "acme", Timestamp(kStart + 5 * policy.half_life_ms())), 0);
  BookPoints(state, policy, later, {"acme", -10, pb::POINTS_REASON_NOT_REVEALED, {}, {}});
  EXPECT_EQ(PointsOf(state, policy, "acme", later), -3);
}

TEST_F(Review, Points_SurviveAVoteOnTheirHalfLife) {
  pb::ConsortiumPolicy policy = PolicyOf(*consortium.chain().SealedState());
  policy.set_half_life_ms(1000 * 86400000ull);
  ledger::StateOverlay state(consortium.chain().tip_state());
  BookPoints(state, policy, Timestamp(kStart),
             {"acme", 100, pb::POINTS_REASON_DISPUTE_UPHELD, {}, {}});
  for (const std::uint64_t days : {0, 1, 10, 2000}) {
    policy.set_half_life_ms(days * 86400000ull);
    EXPECT_EQ(PointsOf(state, policy, "acme", Timestamp(kStart)), 100) << days;
  }
  const std::uint64_t half_life = 10 * 86400000ull;
  policy.set_half_life_ms(half_life);
  EXPECT_EQ(PointsOf(state, policy, "acme", Timestamp(kStart + half_life)), 50);
}

TEST_F(Review, ASuspendedCentre_IsNotTakenAtItsSilence) {
  for (const char* const member : {"acme", "globex"}) Must(Commit(record_, member, true));
  CloseCommits(record_);
  for (const char* const member : {"acme", "globex"}) Must(Reveal(record_, member, true));
  CloseReveals(record_);
  ASSERT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_DISPUTED);
  const auto before = PointsOfMember("acme");
  const TxId waiting = Must(source.Write("centre-a", Assessment(1)));
  SuspendOn(consortium, "centre-a");
  AcceptHeaderOf(waiting, "centre-b");
  EXPECT_EQ(CodeOf(consortium.Write("centre-b", PromotionOf(waiting))), Code::kPrecondition);
  CloseAnswer(record_);
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("acme"), before);
  EXPECT_EQ(PointsOfMember("centre-a"), 0);
}

TEST_F(Review, Payload_OpensByValueClassAndPoints) {
  const auto tx = *consortium.chain().GetTransaction(promotion_);
  const std::uint64_t promoted = StateOf(record_).promoted_ms();
  const auto may = [&](std::string_view who, std::uint64_t time) {
    return MayReadPayload(consortium.genesis(), *consortium.chain().SealedState(), Timestamp(time),
                          tx, KeyOf(who).public_key());
  };
  EXPECT_TRUE(may("centre-b", promoted));
  EXPECT_FALSE(may("acme", promoted));
  EXPECT_FALSE(may("acme", promoted + 24 * 3600000 - 1));
  EXPECT_TRUE(may("acme", promoted + 24 * 3600000));
  EXPECT_FALSE(may("stranger", promoted + kYear));
  const auto policy = PolicyOf(*consortium.chain().SealedState());
  EXPECT_EQ(PointsTier(policy, -5), 0u);
  EXPECT_EQ(PointsTier(policy, 49), 0u);
  EXPECT_EQ(PointsTier(policy, 50), 1u);
  EXPECT_EQ(PointsTier(policy, 5000), 3u);
  EXPECT_EQ(ReleaseDelay(policy, 3, 0), Millis(168 * 3600000));
  EXPECT_EQ(ReleaseDelay(policy, 1, 1), Millis(6 * 3600000));
}

TEST_F(Review, DueWork_IsAnnouncedAndBounded) {
  std::vector<ledger::Transaction> records;
  for (std::size_t i = 0; i < kMaxDuePerBlock; ++i) {
    records.push_back(source.Make("centre-a", Assessment(static_cast<std::uint32_t>(i))));
  }
  source.Commit(records);
  std::vector<ledger::Transaction> promotions = {
      consortium.Make("centre-a", HeaderOf(source, source.chain().head().height))};
  for (const auto& tx : records)
    promotions.push_back(consortium.Make("centre-a", PromotionOf(tx.id)));
  consortium.Commit(promotions);
  const auto& app = consortium.application();
  const std::uint64_t due = StateOf(records.back().id).reveals_close_ms();
  const std::uint64_t first = StateOf(record_).reveals_close_ms();
  EXPECT_FALSE(app.HasDueWork(Timestamp(first - 1), consortium.chain().tip_state()));
  EXPECT_TRUE(app.HasDueWork(Timestamp(first), consortium.chain().tip_state()));
  WaitUntil(due);
  EXPECT_EQ(Status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_TRUE(app.HasDueWork(Timestamp(due), consortium.chain().tip_state())) << "one is left over";
  WaitUntil(due + 1);
  EXPECT_FALSE(app.HasDueWork(Timestamp(due + 1), consortium.chain().tip_state()));
}

}  // namespace
}  // namespace talent::tiers
