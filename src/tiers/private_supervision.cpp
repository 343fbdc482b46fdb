// What is said of a supervision: that it began, that a move is suspected, that it ended. The state
// behind it changed with the placement and the move themselves, so that nothing can be left unsaid
// to anybody's favour.

#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

Result<pb::Career> RequirePlacement(const Call& call, BytesView subject_id, std::string_view field,
                                    BytesView placement) {
  TRY(RequireId(field, placement));
  auto career = kCareers.Get(call.state, subject_id);
  if (!career || career->placement() != placement) {
    return Fail(Code::kPrecondition, "{} {} is not the subject's last placement", field,
                ToHex(placement));
  }
  return *std::move(career);
}

Result<pb::Flag> RequireFlag(const Call& call, BytesView subject_id, std::string_view field,
                             BytesView flow) {
  TRY(RequireId(field, flow));
  auto flag = kFlags.Get(call.state, flow);
  if (!flag || flag->subject_id() != subject_id) {
    return Fail(Code::kNotFound, "{} names no suspected move of this subject", field);
  }
  return *std::move(flag);
}

Result<pb::Flag> RequireOpenFlag(const Call& call, BytesView subject_id, std::string_view field,
                                 BytesView flow) {
  pb::Flag flag = TRY(RequireFlag(call, subject_id, field, flow));
  if (!flag.lifted().empty()) {
    return Fail(Code::kDuplicate, "the flag of move {} was lifted by {}", ToHex(flow),
                ToHex(flag.lifted()));
  }
  return flag;
}

void LiftFlag(const Call& call, BytesView flow, pb::Flag flag) {
  flag.set_lifted(call.tx.id.ToBytes());
  kFlags.Put(call.state, flow, flag);
  const auto lower = [&](const Table<pb::FlowStanding>& table, BytesView id) {
    auto standing = table.Get(call.state, id);
    CHECK(standing && standing->open_flags() > 0, "an open flag counts in two standings");
    standing->set_open_flags(standing->open_flags() - 1);
    table.Put(call.state, id, *standing);
  };
  lower(kPersonStandings, flag.subject_id());
  lower(kPartyStandings, flag.to());
}

Status Open(const pb::SupervisionOpened& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubject(call, message.subject_id(), centre));
  pb::Career career =
      TRY(RequirePlacement(call, message.subject_id(), "placement", message.placement()));
  if (!career.opened().empty()) {
    return Fail(Code::kDuplicate, "{} has said so", ToHex(career.opened()));
  }
  pb::SupervisionOpened computed = message;
  computed.set_from_ms(career.placed_ms());
  computed.set_until_ms(career.supervised_until_ms());
  TRY(RequireComputed("the supervision", message, computed));
  career.set_opened(call.tx.id.ToBytes());
  kCareers.Put(call.state, message.subject_id(), career);
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

Status Announce(const pb::SupervisionFlagged& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubject(call, message.subject_id(), centre));
  pb::Flag flag = TRY(RequireOpenFlag(call, message.subject_id(), "flow", message.flow()));
  if (!flag.announced().empty()) {
    return Fail(Code::kDuplicate, "{} has announced it", ToHex(flag.announced()));
  }
  pb::SupervisionFlagged computed = message;
  computed.set_from(flag.from());
  computed.set_to(flag.to());
  *computed.mutable_suspicions() = flag.suspicions();
  TRY(RequireComputed("the flag", message, computed));
  flag.set_announced(call.tx.id.ToBytes());
  kFlags.Put(call.state, message.flow(), flag);
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

Status CloseWindow(const pb::SupervisionClosed& message, const Call& call) {
  pb::Career career = TRY(RequirePlacement(call, message.subject_id(), "closes", message.closes()));
  if (!message.answer_hash().empty()) {
    return Fail(Code::kInvalidArgument, "answer_hash is not empty, nothing was answered");
  }
  if (!career.closed().empty()) {
    return Fail(Code::kDuplicate, "{} has closed it", ToHex(career.closed()));
  }
  if (call.block.time.value < career.supervised_until_ms()) {
    return Fail(Code::kPrecondition, "the supervision lasts until {} ms, this is {}",
                career.supervised_until_ms(), call.block.time.value);
  }
  career.set_closed(call.tx.id.ToBytes());
  kCareers.Put(call.state, message.subject_id(), career);
  return {};
}

Status Close(const pb::SupervisionClosed& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubject(call, message.subject_id(), centre));
  if (message.reason() == pb::SUPERVISION_END_WINDOW_PASSED) {
    TRY(CloseWindow(message, call));
  } else if (message.reason() == pb::SUPERVISION_END_FLAG_ANSWERED) {
    TRY(RequireId("answer_hash", message.answer_hash()));
    LiftFlag(call, message.closes(),
             TRY(RequireOpenFlag(call, message.subject_id(), "closes", message.closes())));
  } else {
    return Fail(Code::kInvalidArgument, "reason is missing or unknown");
  }
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

constexpr Kind kSupervisionKinds[] = {
    {"SupervisionOpened", Run<pb::SupervisionOpened, Open>},
    {"SupervisionFlagged", Run<pb::SupervisionFlagged, Announce>},
    {"SupervisionClosed", Run<pb::SupervisionClosed, Close>},
};

}  // namespace

std::span<const Kind> SupervisionKinds() { return kSupervisionKinds; }

// The one correction of a flag is that it should not have been raised: it is lifted, where an
// answer has not done so before.
Result<RecordFacts> CorrectFlag(const Call& call, BytesView content, const pb::Party& centre,
                                BytesView supersedes) {
  const auto message = TRY(Decode<pb::SupervisionFlagged>(content));
  pb::Flag flag = TRY(RequireFlag(call, message.subject_id(), "flow", message.flow()));
  if (flag.announced() != supersedes) {
    return Fail(Code::kPrecondition, "flow is another move than the corrected record's");
  }
  if (message.from() != flag.from() || message.to() != flag.to() || !message.suspicions().empty()) {
    return Fail(Code::kPrecondition,
                "a flag is corrected by taking back its suspicions, and nothing else");
  }
  if (flag.lifted().empty()) LiftFlag(call, message.flow(), std::move(flag));
  return FactsOf(message.subject_id(), centre);
}

}  // namespace talent::tiers
