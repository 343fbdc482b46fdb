// The originating centre's answer to the disputes of a record.

#include "tiers/consortium_rules.h"
#include "tiers/contest.h"

namespace talent::tiers {
namespace {

Status ValidateAnswer(const pb::DisputeAnswered& message) {
  if (message.answer_case() == pb::DisputeAnswered::kCorrection) {
    const auto id = RecordId::FromBytes(message.correction());
    if (!id) return Within("correction", id.error());
    return {};
  }
  if (message.answer_case() != pb::DisputeAnswered::kRefusal) {
    return Fail(Code::kInvalidArgument, "answer is neither a correction nor a refusal");
  }
  return ValidateRefusal(message.refusal());
}

Status Answer(const pb::DisputeAnswered& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(ValidateAnswer(message));
  auto record = TRY(RequireRecord(call, message.record_id()));
  if (record.centre() != centre.id()) {
    return Fail(Code::kUnauthorized, "record {} is answered for by '{}', not by '{}'",
                ToHex(message.record_id()), record.centre(), centre.id());
  }
  if (record.status() != pb::RECORD_STATUS_DISPUTED ||
      call.block.time.value >= record.answer_by_ms()) {
    return Fail(Code::kPrecondition, "no dispute of record {} awaits an answer",
                ToHex(message.record_id()));
  }
  AddStep(record, call.tx.id);
  if (message.answer_case() == pb::DisputeAnswered::kCorrection) {
    record.set_answered_by(message.correction());
    AwaitCorrection(call.block, call.state, message.record_id(), record);
  } else {
    SettleRefusal(call.block, call.state, message.record_id(), record);
  }
  return {};
}

constexpr Kind kDisputeKinds[] = {{"DisputeAnswered", Run<pb::DisputeAnswered, Answer>, Lane<1>}};

}  // namespace

std::span<const Kind> DisputeKinds() { return kDisputeKinds; }

}  // namespace talent::tiers
