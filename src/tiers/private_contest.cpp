// The person's own contest: a record, a field, a reason; the centre corrects, refuses, or is late.

#include "ledger/erasure.h"
#include "tiers/contest.h"
#include "tiers/market_policy.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

constexpr std::size_t kMaxContestedField = 64;

/// Changes a block makes at its start at most; the rest waits for the next.
constexpr std::size_t kMaxLateAnswersPerBlock = 64;

Bytes DueKey(const pb::Contest& contest, BytesView record_id) {
  return Concat({BigEndian(contest.answer_by_ms()), record_id});
}

bool IsAnswer(std::string_view kind) {
  return kind == "RecordContested" || kind == "ContestRefused";
}

// A record of the person that stands. Errors: kInvalidArgument, kNotFound, kPrecondition.
Result<pb::PrivateRecord> RequireContestable(const pb::RecordContested& message, const Call& call) {
  TRY(RequireId("record_id", message.record_id()));
  auto record = kPrivateRecords.Get(call.state, message.record_id());
  if (!record || record->subject_id() != message.subject_id()) {
    return Fail(Code::kNotFound, "record {} is not one about this subject",
                ToHex(message.record_id()));
  }
  if (!record->superseded_by().empty()) {
    return Fail(Code::kPrecondition, "record {} was superseded by {}; contest that one",
                ToHex(message.record_id()), ToHex(record->superseded_by()));
  }
  TRY(RequireContent("record", message.record_id(), *record));
  if (IsAnswer(record->kind())) {
    return Fail(Code::kPrecondition, "record {} is itself part of a contest",
                ToHex(message.record_id()));
  }
  if (kContests.Has(call.state, message.record_id())) {
    return Fail(Code::kDuplicate, "record {} has been contested", ToHex(message.record_id()));
  }
  return *std::move(record);
}

Status ContestRecord(const pb::RecordContested& message, const Call& call) {
  const Voice voice = TRY(RequireVoice(call, message.subject_id()));
  const pb::PrivateRecord record = TRY(RequireContestable(message, call));
  TRY(RequireText("field", message.field(), kMaxContestedField));
  if (message.reason() == pb::CONTEST_REASON_UNSPECIFIED ||
      !pb::ContestReason_IsValid(message.reason())) {
    return Fail(Code::kInvalidArgument, "reason is missing or unknown");
  }
  TRY(RequireId("evidence_hash", message.evidence_hash()));
  const std::uint64_t now = call.block.time.value;
  pb::Contest contest;
  contest.set_record(call.tx.id.ToBytes());
  contest.set_subject_id(message.subject_id());
  contest.set_centre(record.centre());
  contest.set_status(pb::CONTEST_STATUS_OPEN);
  contest.set_contested_ms(now);
  contest.set_answer_by_ms(now + MarketPolicyOf(call.state).contest_window_ms());
  kContests.Put(call.state, message.record_id(), contest);
  kContestsDue.Put(call.state, DueKey(contest, message.record_id()), {});
  RecordFacts facts = FactsOf(message.subject_id(), voice);
  facts.entry.set_centre(record.centre());
  facts.contests = message.record_id();
  return WriteRecord(call, std::move(facts));
}

Status Refuse(const pb::ContestRefused& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireId("record_id", message.record_id()));
  TRY(ValidateRefusal(message.refusal()));
  const auto contest = kContests.Get(call.state, message.record_id());
  if (!contest || contest->subject_id() != message.subject_id() ||
      contest->centre() != centre.id()) {
    return Fail(Code::kNotFound, "no contest of record {} by this subject is for '{}' to answer",
                ToHex(message.record_id()), centre.id());
  }
  if (!contest->answer().empty()) {
    return Fail(Code::kPrecondition, "the contest was answered by {}", ToHex(contest->answer()));
  }
  AnswerContest(call, message.record_id(), pb::CONTEST_STATUS_REFUSED);
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

constexpr Kind kContestKinds[] = {
    {"RecordContested", Run<pb::RecordContested, ContestRecord>, Lane<1>},
    {"ContestRefused", Run<pb::ContestRefused, Refuse>, Lane<1>},
};

}  // namespace

std::span<const Kind> ContestKinds() { return kContestKinds; }

Status ValidateRefusal(const pb::Refusal& refusal) {
  if (refusal.reason() == pb::REFUSAL_REASON_UNSPECIFIED ||
      !pb::RefusalReason_IsValid(refusal.reason())) {
    return Fail(Code::kInvalidArgument, "refusal.reason is missing or unknown");
  }
  return RequireId("refusal.statement_hash", refusal.statement_hash());
}

void AnswerContest(const Call& call, BytesView record_id, pb::ContestStatus status) {
  auto contest = kContests.Get(call.state, record_id);
  if (!contest || contest->status() == pb::CONTEST_STATUS_CORRECTED) return;
  kContestsDue.Delete(call.state, DueKey(*contest, record_id));
  contest->set_status(status);
  contest->set_answer(call.tx.id.ToBytes());
  contest->set_answered_ms(call.block.time.value);
  kContests.Put(call.state, record_id, *contest);
}

void EraseContest(const Call& call, BytesView record_id) {
  const auto contest = kContests.Get(call.state, record_id);
  if (!contest) return;
  kContestsDue.Delete(call.state, DueKey(*contest, record_id));
  ledger::EraseEntry(call.state, call.block, kContests.Key(record_id));
}

void NoteLateAnswers(const ledger::BlockContext& block, ledger::StateOverlay& state) {
  std::vector<Bytes> due;  // time ‖ contested record
  kContestsDue.Scan(state, {}, {}, [&](BytesView key, const pb::ContestDue&) {
    if (FromBigEndian(key.substr(0, 8)) > block.time.value) return false;
    due.emplace_back(key);
    return due.size() < kMaxLateAnswersPerBlock;
  });
  for (const Bytes& key : due) {
    const BytesView record_id = BytesView(key).substr(8);
    auto contest = kContests.Get(state, record_id);
    CHECK(contest && contest->status() == pb::CONTEST_STATUS_OPEN, "an answered contest is due");
    kContestsDue.Delete(state, key);
    contest->set_status(pb::CONTEST_STATUS_SILENT);
    contest->set_silent_ms(block.time.value);
    kContests.Put(state, record_id, *contest);
  }
}

bool IsAnswerDue(Timestamp time, const ledger::StateReader& state) {
  bool due = false;
  kContestsDue.Scan(state, {}, {}, [&](BytesView key, const pb::ContestDue&) {
    due = FromBigEndian(key.substr(0, 8)) <= time.value;
    return false;
  });
  return due;
}

}  // namespace talent::tiers
