// A person contests what is recorded about it, from the private chain to the public one.

#include "tiers/contest.h"

#include "network.h"
#include "tiers/private_state.h"

namespace talent::tiers {
namespace {

class Contest : public ::testing::Test, protected Network {
 protected:
  Contest() {
    Enrol();
    record_ = Must(source.Write("centre-a", Assessment()));
  }
  static pb::RecordContested ContestOf(const TxId& record, std::string_view name = "li") {
    pb::RecordContested message;
    message.set_subject_id(Id(name));
    message.set_record_id(record.ToBytes());
    message.set_field("scores.experience");
    message.set_reason(pb::CONTEST_REASON_NOT_AS_IT_WAS);
    message.set_evidence_hash(Id("letter"));
    return message;
  }
  static pb::ContestRefused RefusalOf(const TxId& record) {
    pb::ContestRefused message;
    message.set_subject_id(Id("li"));
    message.set_record_id(record.ToBytes());
    message.mutable_refusal()->set_reason(pb::REFUSAL_REASON_SOURCE_AGREES);
    message.mutable_refusal()->set_statement_hash(Id("statement"));
    return message;
  }
  TxId Contested() { return Must(source.Write("centre-a", ContestOf(record_))); }
  TxId Corrected(const TxId& record, std::uint32_t score) {
    return Must(source.Write("centre-a", Correction(record, Assessment(score))));
  }
  pb::Contest Stored() const { return source.Read(kContests, record_.View()).value(); }

  TxId record_;
};

TEST_F(Contest, IsForWhoSpeaksForThePersonOnceARecord) {
  const auto code_of = [&](auto change, std::string_view author = "centre-a") {
    auto message = ContestOf(record_);
    change(message);
    return CodeOf(source.Write(author, message));
  };
  EXPECT_EQ(code_of([](auto&) {}, "centre-b"), Code::kNotFound);
  EXPECT_EQ(code_of([](auto&) {}, "acme"), Code::kUnauthorized);
  EXPECT_EQ(code_of([](auto& m) { m.set_record_id(Id("none")); }), Code::kNotFound);
  EXPECT_EQ(code_of([](auto& m) { m.clear_field(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.clear_reason(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_evidence_hash("short"); }), Code::kInvalidArgument);
  const TxId contest = Contested();
  EXPECT_EQ(code_of([](auto&) {}), Code::kDuplicate);
  EXPECT_EQ(code_of([&](auto& m) { m.set_record_id(contest.ToBytes()); }), Code::kPrecondition);
}

TEST_F(Contest, OfAPersonWithAnOwnKey_IsItsOwn) {
  auto registration = Registration("wu");
  registration.set_subject_key(KeyOf("wu").public_key().ToBytes());
  Must(source.Write("centre-a", registration));
  const TxId record = Must(source.Write("centre-a", Assessment(7000, "wu")));
  EXPECT_EQ(CodeOf(source.Write("centre-a", ContestOf(record, "wu"))), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(source.Write("wu", ContestOf(record_, "wu"))), Code::kNotFound)
      << "of another person";
  Must(source.Write("wu", ContestOf(record, "wu")));
}

TEST_F(Contest, IsAnsweredByACorrection) {
  const TxId contest = Contested();
  EXPECT_EQ(Stored().status(), pb::CONTEST_STATUS_OPEN);
  EXPECT_EQ(Stored().record(), contest.View());
  const TxId correction = Corrected(record_, 8000);
  EXPECT_EQ(Stored().status(), pb::CONTEST_STATUS_CORRECTED);
  EXPECT_EQ(Stored().answer(), correction.View());
  EXPECT_EQ(CodeOf(source.Write("centre-a", RefusalOf(record_))), Code::kPrecondition);
  source.Commit({}, Stored().answer_by_ms() + 1);
  EXPECT_EQ(Stored().status(), pb::CONTEST_STATUS_CORRECTED) << "nothing is due any more";
  EXPECT_EQ(Stored().silent_ms(), 0u);
  Must(source.Write("centre-a", ContestOf(correction)));
}

TEST_F(Contest, IsRefusedByTheCentreThatAnswersForTheRecordWithAReason) {
  EXPECT_EQ(CodeOf(source.Write("centre-a", RefusalOf(record_))), Code::kNotFound);
  Contested();
  EXPECT_EQ(CodeOf(source.Write("centre-b", RefusalOf(record_))), Code::kNotFound);
  auto without_reason = RefusalOf(record_);
  without_reason.mutable_refusal()->clear_reason();
  EXPECT_EQ(CodeOf(source.Write("centre-a", without_reason)), Code::kInvalidArgument);
  const TxId refusal = Must(source.Write("centre-a", RefusalOf(record_)));
  EXPECT_EQ(Stored().status(), pb::CONTEST_STATUS_REFUSED);
  EXPECT_EQ(Stored().answer(), refusal.View());
  EXPECT_EQ(CodeOf(source.Write("centre-a", RefusalOf(record_))), Code::kPrecondition);
  Corrected(record_, 8000);
  EXPECT_EQ(Stored().status(), pb::CONTEST_STATUS_CORRECTED) << "it thought again";
}

TEST_F(Contest, SilenceIsNotedOnAnIdleChainAndStays) {
  Contested();
  const std::uint64_t due = Stored().answer_by_ms();
  EXPECT_EQ(due, Stored().contested_ms() + 3 * 86'400'000ull);
  const auto& app = source.application();
  EXPECT_FALSE(app.HasDueWork(Timestamp(due - 1), source.chain().tip_state()));
  EXPECT_TRUE(app.HasDueWork(Timestamp(due), source.chain().tip_state()));
  source.Commit({}, due);
  EXPECT_EQ(Stored().status(), pb::CONTEST_STATUS_SILENT);
  EXPECT_EQ(Stored().silent_ms(), due);
  EXPECT_FALSE(app.HasDueWork(Timestamp(due + 1), source.chain().tip_state()));
  Must(source.Write("centre-a", RefusalOf(record_)));
  EXPECT_EQ(Stored().status(), pb::CONTEST_STATUS_REFUSED);
  EXPECT_EQ(Stored().silent_ms(), due) << "late all the same";
}

TEST_F(Contest, GoesWhereTheRecordWentAndIsADisputeThere) {
  const TxId unseen = Must(source.Write("centre-a", Assessment(5000)));
  const TxId promotion = Promote(record_);
  const TxId contest = Contested();
  const TxId arrival = Promote(contest);
  EXPECT_EQ(StateOf(contest).status(), pb::RECORD_STATUS_CONTEST);
  EXPECT_EQ(StateOf(contest).contests(), record_.View());
  EXPECT_EQ(StateOf(record_).contested_by(), contest.View());
  Review(record_, {{"acme", false}, {"globex", false}});
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_DISPUTED) << "the centre has to answer";
  const TxId correction = Corrected(record_, 8000);
  const TxId corrected = Promote(correction);
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_CORRECTED);
  ASSERT_EQ(StateOf(record_).path_size(), 3);
  EXPECT_EQ(StateOf(record_).path(0), promotion.View());
  EXPECT_EQ(StateOf(record_).path(1), arrival.View());
  EXPECT_EQ(StateOf(record_).path(2), corrected.View());
  Must(Publish(record_));
  EXPECT_EQ(outlet.Read(kPublished, record_.View())->superseded_by(), correction.View());
  const TxId of_unseen = Must(source.Write("centre-a", ContestOf(unseen)));
  AcceptHeaderOf(of_unseen);
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", PromotionOf(of_unseen))), Code::kNotFound)
      << "the record comes first";
}

// A centre speaks for a person, contests its own record and puts as right a one in its place: there
// is nothing that anybody could dispute in good faith.
TEST_F(Contest, AloneWithACorrection_TakesNothingFromWhoConfirmed) {
  Promote(record_);
  Promote(Contested());
  Review(record_, {{"acme", false}, {"globex", false}});
  const TxId correction = Corrected(record_, 7001);
  Promote(correction);
  Review(correction, {{"initech", false}, {"centre-b", false}});
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_FALSE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(PointsOfMember("globex"), 0);
}

TEST_F(Contest, BesideAMembersDispute_SettlesAsWithoutIt) {
  Promote(record_);
  Promote(Contested());
  Review(record_, {{"acme", true}, {"globex", false}});
  const TxId correction = Corrected(record_, 8000);
  Promote(correction);
  CloseReveals(correction);
  EXPECT_TRUE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("acme"), 10);
  EXPECT_EQ(PointsOfMember("globex"), -10);
}

// The centre contests its right correction for the person, and puts another one in its place.
TEST_F(Contest, OfACorrection_LeavesWhatItCorrectedItsVerdict) {
  Promote(record_);
  Review(record_, {{"acme", true}, {"globex", false}});
  const TxId first = Corrected(record_, 8000);
  Promote(first);
  Promote(Must(source.Write("centre-a", ContestOf(first))));
  CloseReveals(first);
  ASSERT_EQ(StateOf(first).status(), pb::RECORD_STATUS_DISPUTED);
  EXPECT_FALSE(StateOf(record_).upheld()) << "not yet over";
  Promote(Corrected(first, 8001));
  EXPECT_EQ(StateOf(first).status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_TRUE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("acme"), 10);
  EXPECT_EQ(PointsOfMember("globex"), -10);
}

// The other centres uphold what the person says against the correction.
TEST_F(Contest, OfACorrection_UpheldByTheArbiters_DecidesNothingOfWhatItCorrected) {
  Promote(record_);
  Review(record_, {{"acme", true}, {"globex", false}});
  const TxId first = Corrected(record_, 1);
  Promote(first);
  Promote(Must(source.Write("centre-a", ContestOf(first))));
  CloseReveals(first);
  Must(Refuse(first));
  CloseArbitration(first);
  Must(Arbitrate(first, "centre-b", pb::ARBITRATION_VERDICT_DISPUTE_UPHELD));
  Promote(Corrected(first, 7000));
  EXPECT_EQ(StateOf(first).status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_FALSE(StateOf(record_).upheld());
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(PointsOfMember("globex"), 0);
}

// The person is no party of the consortium, and everybody there has confirmed.
TEST_F(Contest, Refused_IsHeardByTheOtherCentresWithoutAsking) {
  Promote(record_);
  Promote(Contested());
  Review(record_, {{"acme", false}, {"globex", false}});
  Must(Refuse(record_));
  CloseArbitration(record_);
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_ARBITRATION);
  EXPECT_EQ(consortium.Read(kArbitrations, record_.View())->opened_by(), "");
  Must(Arbitrate(record_, "centre-b", pb::ARBITRATION_VERDICT_DISPUTE_UPHELD));
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_ANSWERED);
  EXPECT_EQ(PointsOfMember("acme"), -10);
}

TEST_F(Contest, Refused_ThatNobodyDecidesCostsTheSilentArbiterAlone) {
  Promote(record_);
  Promote(Contested());
  Review(record_, {{"acme", false}, {"globex", false}});
  Must(Refuse(record_));
  CloseArbitration(record_);
  CloseArbitration(record_);
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_UNVERIFIED);
  for (const char* const party : {"", "acme", "centre-a"}) EXPECT_EQ(PointsOfMember(party), 0);
  EXPECT_EQ(PointsOfMember("centre-b"), -10);
}

// The record's erasure overtook it and names the custodian, who is another than wrote the record.
TEST_F(Contest, OfARecordErasedUnderAnotherCentre_Arrives) {
  auto registration = Registration("wu");
  registration.set_custodian("centre-b");
  Must(source.Write("centre-b", registration));
  auto consent = ConsentToAll("wu");
  consent.add_centres("centre-a");
  Must(source.Write("centre-b", consent));
  const TxId record = Must(source.Write("centre-a", Assessment(7000, "wu")));
  const TxId contest = Must(source.Write("centre-b", ContestOf(record, "wu")));
  pb::Erased erased;
  erased.set_subject_id(Id("wu"));
  erased.add_records(record.ToBytes());
  erased.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
  erased.set_reference("R-1");
  Promote(Must(
      source.Submit(source.Make("centre-b", "Erased", erased, ledger::pb::DISCLOSURE_COMMITMENT))));
  ASSERT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ERASED);
  Promote(contest);
  EXPECT_EQ(StateOf(record).contested_by(), contest.View());
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ERASED);
}

TEST_F(Contest, OfARecordThatStays_Stays) {
  pb::ConsentWithdrawn withdrawn;
  withdrawn.set_subject_id(Id("li"));
  withdrawn.set_consent(source.Read(kConsents, Id("li"))->record());
  Must(source.Write("centre-a", withdrawn));
  const TxId kept = Must(source.Write("centre-a", Assessment(5000)));
  Must(source.Write("centre-a", ConsentToAll()));
  const TxId contest = Must(source.Write("centre-a", ContestOf(kept)));
  EXPECT_FALSE(source.Read(kDecisions, contest.View()));
}

// The first correction is wrong: its own review disputes it, and the second one answers.
TEST_F(Contest, SupersededTwice_ShowsTheWholeHistoryOnAllTiers) {
  const TxId promotion = Promote(record_);
  Review(record_, {{"acme", true}, {"globex", false}, {"initech", false}});
  const TxId first = Corrected(record_, 8000);
  const TxId answer = Must(AnswerWith(record_, first));
  const TxId first_arrival = Promote(first);
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(StateOf(first).status(), pb::RECORD_STATUS_IN_REVIEW) << "it is reviewed in its turn";
  Must(Publish(record_));
  EXPECT_EQ(outlet.Read(kPublished, first.View())->status(), pb::RECORD_STATUS_CORRECTION);

  Review(first, {{"acme", false}, {"globex", true}, {"initech", false}});
  EXPECT_EQ(StateOf(first).status(), pb::RECORD_STATUS_DISPUTED);
  Must(Refuse(first));
  Must(OpenArbitration(first, "globex"));
  Must(Arbitrate(first, "centre-b", pb::ARBITRATION_VERDICT_DISPUTE_UPHELD));
  const TxId second = Corrected(first, 7500);
  const TxId second_arrival = Promote(second);
  Must(Publish(first));
  Review(second, {{"acme", false}, {"globex", false}});
  EXPECT_EQ(StateOf(second).status(), pb::RECORD_STATUS_VERIFIED);

  const TxId row[] = {record_, first, second};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto kept = source.Read(kPrivateRecords, row[i].View()).value();
    const auto reviewed = StateOf(row[i]);
    const auto published = outlet.Read(kPublished, row[i].View()).value();
    const Bytes next = i < 2 ? row[i + 1].ToBytes() : Bytes();
    const Bytes before = i > 0 ? row[i - 1].ToBytes() : Bytes();
    EXPECT_EQ(kept.superseded_by(), next) << i;
    EXPECT_EQ(reviewed.superseded_by(), next) << i;
    EXPECT_EQ(reviewed.supersedes(), before) << i;
    EXPECT_EQ(published.superseded_by(), next) << i;
    EXPECT_EQ(published.supersedes(), before) << i;
    EXPECT_TRUE(source.chain().GetTransaction(row[i])->has_payload()) << "the old bytes stay";
  }
  EXPECT_EQ(StateOf(record_).path_size(), 4) << "promotion, dispute, answer, correction";
  EXPECT_EQ(StateOf(record_).path(0), promotion.View());
  EXPECT_EQ(StateOf(record_).path(2), answer.View());
  EXPECT_EQ(StateOf(record_).path(3), first_arrival.View());
  EXPECT_EQ(StateOf(first).path_size(), 6) << "and refusal, opening, vote";
  EXPECT_EQ(StateOf(first).path(5), second_arrival.View());
  EXPECT_GT(PointsOfMember("globex"), 0) << "who saw that the correction was wrong";
}

}  // namespace
}  // namespace talent::tiers
