// A person's moves between enterprises, and what they are under supervision.

#include "tiers/career.h"
#include "tiers/market_policy.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

Result<pb::Career> RequireEmployment(const Call& call, const pb::FlowStatement& statement) {
  TRY(RequireId("statement.placement", statement.placement()));
  auto career = kCareers.Get(call.state, statement.subject_id());
  if (!career || career->placement() != statement.placement()) {
    return Fail(Code::kPrecondition, "{} is not the subject's last placement",
                ToHex(statement.placement()));
  }
  const bool may_move = career->stage() == pb::CAREER_STAGE_PLACED ||
                        (career->stage() == pb::CAREER_STAGE_LEFT && !statement.to().empty());
  if (!may_move || career->employer() != statement.from()) {
    return Fail(Code::kPrecondition, "the subject does not work for '{}' any more",
                statement.from());
  }
  if (career->stage() == pb::CAREER_STAGE_PLACED && statement.to() == statement.from()) {
    return Fail(Code::kPrecondition, "statement.to is where the subject works");
  }
  return *std::move(career);
}

Status ValidateStatement(const Call& call, const pb::FlowStatement& statement) {
  TRY(RequireId("statement.reference", statement.reference()));
  TRY(RequireEnterpriseId(call, "statement.from", statement.from()));
  if (statement.to().empty()) return {};
  return RequireEnterpriseId(call, "statement.to", statement.to());
}

// A transfer from one enterprise to the other since the placement, which goes with one move only.
Status UseTransfer(const Call& call, const pb::FlowRecorded& message,
                   const pb::FlowStatement& statement, const pb::Career& career) {
  TRY(RequireId("transfer", message.transfer()));
  auto transfer = kTransfers.Get(call.state, message.transfer());
  if (!transfer) {
    return Fail(Code::kNotFound, "transfer {} is not on this chain", ToHex(message.transfer()));
  }
  if (transfer->subject_id() != statement.subject_id() || transfer->seller() != statement.from() ||
      transfer->buyer() != statement.to() || transfer->time_ms() < career.placed_ms()) {
    return Fail(
        Code::kPrecondition,
        "transfer {} is of another person or other enterprises, or older than the placement",
        ToHex(message.transfer()));
  }
  if (!transfer->flow().empty()) {
    return Fail(Code::kDuplicate, "transfer {} went with move {}", ToHex(message.transfer()),
                ToHex(transfer->flow()));
  }
  transfer->set_flow(call.tx.id.ToBytes());
  kTransfers.Put(call.state, message.transfer(), *transfer);
  return {};
}

bool HasSigned(const Call& call, const pb::FlowRecorded& message, const std::string& enterprise) {
  return std::ranges::any_of(message.signatures(), [&](const pb::Cosignature& cosignature) {
    const auto key = crypto::PublicKey::FromBytes(cosignature.key());
    const auto party = key ? FindPartyOf(call.state, *key) : std::nullopt;
    return party && party->id() == enterprise;
  });
}

void RaiseFlag(const Call& call, const pb::FlowStatement& statement, const pb::FlowRecorded& flow) {
  pb::Flag flag;
  flag.set_subject_id(statement.subject_id());
  flag.set_from(statement.from());
  flag.set_to(statement.to());
  *flag.mutable_suspicions() = flow.suspicions();
  kFlags.Put(call.state, call.tx.id.View(), flag);
  const auto raise = [&](const Table<pb::FlowStanding>& table, BytesView id) {
    auto standing = table.Get(call.state, id).value_or(pb::FlowStanding());
    standing.set_open_flags(standing.open_flags() + 1);
    standing.set_flags(standing.flags() + 1);
    table.Put(call.state, id, standing);
  };
  raise(kPersonStandings, statement.subject_id());
  raise(kPartyStandings, statement.to());
}

Status Move(const pb::FlowRecorded& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  const auto statement = TRY(Decode<pb::FlowStatement>(message.statement()));
  TRY(RequireSubject(call, statement.subject_id(), centre));
  TRY(ValidateStatement(call, statement));
  pb::Career career = TRY(RequireEmployment(call, statement));
  TRY(UseStatement(call, message.statement()));
  if (!message.transfer().empty()) TRY(UseTransfer(call, message, statement, career));
  const auto judged = TRY(JudgeFlow(call.state, call.block.chain, message, call.block.time));
  TRY(RequireComputed("the finding", message, judged));
  career.set_moves(judged.moves());
  if (statement.to().empty()) {
    career.set_stage(pb::CAREER_STAGE_LEFT);
  } else {
    career.set_stage(pb::CAREER_STAGE_PLACED);
    career.set_employer(statement.to());
    // Who has not signed may not know of the move, and learns nothing of the person by it.
    if (HasSigned(call, message, statement.to())) {
      NoteConcern(call, statement.subject_id(), statement.to(), 0);
    }
  }
  kCareers.Put(call.state, statement.subject_id(), career);
  if (judged.finding() == pb::FLOW_FINDING_SUSPECTED) RaiseFlag(call, statement, judged);
  return WriteRecord(call, FactsOf(statement.subject_id(), centre));
}

constexpr Kind kFlowKinds[] = {{"FlowRecorded", Run<pb::FlowRecorded, Move>}};

}  // namespace

std::span<const Kind> FlowKinds() { return kFlowKinds; }

}  // namespace talent::tiers
