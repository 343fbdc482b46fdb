// Corrections: a new record in the place of an older one, whose bytes stay as they are.

#include <set>

#include "tiers/contest.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

constexpr int kMaxDisputes = 64;  // more than the reviews a record can have on the consortium

// Token kinds and decisions are missing on purpose: units that have moved and people who have been
// placed are not moved back by a text.
constexpr Correctable kCorrectable[] = {
    {"AbilityAssessed", CorrectAssessment},
    {"TrainingCompleted", CorrectTraining},
    {"InvestmentConfirmed", CorrectInvestment},
    {"SupervisionFlagged", CorrectFlag},
};

Result<Correctable> FindCorrectable(const std::string& kind) {
  for (const Correctable& candidate : kCorrectable) {
    if (candidate.kind == kind) return candidate;
  }
  return Fail(Code::kPrecondition, "records of kind '{}' cannot be corrected", kind);
}

Status ValidateReason(const pb::Corrected& message) {
  if (message.reason() == pb::CORRECTION_REASON_UNSPECIFIED ||
      !pb::CorrectionReason_IsValid(message.reason())) {
    return Fail(Code::kInvalidArgument, "reason is missing or unknown");
  }
  if (message.disputes_size() > kMaxDisputes) {
    return Fail(Code::kInvalidArgument, "{} disputes, the most is {}", message.disputes_size(),
                kMaxDisputes);
  }
  std::set<std::string_view> seen;
  for (const std::string& dispute : message.disputes()) {
    TRY(RequireId("disputes", dispute));
    if (!seen.insert(dispute).second) {
      return Fail(Code::kInvalidArgument, "disputes names {} twice", ToHex(dispute));
    }
  }
  if (message.reason() == pb::CORRECTION_REASON_DISPUTE && message.disputes().empty()) {
    return Fail(Code::kInvalidArgument, "reason is a dispute, disputes names none");
  }
  return {};
}

Result<pb::PrivateRecord> RequireCurrent(const pb::Corrected& message, const Call& call,
                                         const pb::Party& centre) {
  TRY(RequireId("supersedes", message.supersedes()));
  auto record = kPrivateRecords.Get(call.state, message.supersedes());
  if (!record) {
    return Fail(Code::kNotFound, "record {} is not on this chain", ToHex(message.supersedes()));
  }
  if (record->author() != centre.id()) {
    return Fail(Code::kUnauthorized, "record {} was written by '{}', not by '{}'",
                ToHex(message.supersedes()), record->author(), centre.id());
  }
  TRY(RequireContent("record", message.supersedes(), *record));
  if (record->content_kind() != message.content_kind()) {
    return Fail(Code::kInvalidArgument, "content_kind is '{}', the superseded record is of '{}'",
                message.content_kind(), record->content_kind());
  }
  if (!record->superseded_by().empty()) {
    return Fail(Code::kPrecondition, "record {} was superseded by {} before",
                ToHex(message.supersedes()), ToHex(record->superseded_by()));
  }
  // Classes ascend. Who has read the record, and reviewed it, reads what takes its place.
  if (call.tx.disclosure < record->disclosure()) {
    return Fail(Code::kPrecondition, "disclosure is {}, that of the superseded record is {}",
                ledger::pb::Disclosure_Name(call.tx.disclosure),
                ledger::pb::Disclosure_Name(record->disclosure()));
  }
  return *std::move(record);
}

Status Correct(const pb::Corrected& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(ValidateReason(message));
  pb::PrivateRecord superseded = TRY(RequireCurrent(message, call, centre));
  const Correctable rule = TRY(FindCorrectable(message.content_kind()));
  auto facts = rule.correct(call, message.content(), centre, message.supersedes());
  if (!facts) return Within("content", facts.error());
  if (facts->entry.subject_id() != superseded.subject_id()) {
    return Fail(Code::kPrecondition, "content is about another subject");
  }
  facts->entry.set_content_kind(message.content_kind());
  facts->supersedes = message.supersedes();
  superseded.set_superseded_by(call.tx.id.ToBytes());
  kPrivateRecords.Put(call.state, message.supersedes(), superseded);
  AnswerContest(call, message.supersedes(), pb::CONTEST_STATUS_CORRECTED);
  return WriteRecord(call, *std::move(facts));
}

constexpr Kind kCorrectionKinds[] = {{"Corrected", Run<pb::Corrected, Correct>, Lane<0>}};

}  // namespace

std::span<const Kind> CorrectionKinds() { return kCorrectionKinds; }

}  // namespace talent::tiers
