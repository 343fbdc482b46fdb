// A person's moves between enterprises, and what they are under supervision.

#include <map>

#include "tiers/market_policy.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

constexpr int kMaxSignatures = 3;  // two enterprises and the person

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
  return *std::move(career);
}

Status ValidateStatement(const Call& call, const pb::FlowStatement& statement) {
  TRY(RequireId("statement.reference", statement.reference()));
  TRY(RequireEnterpriseId(call, "statement.from", statement.from()));
  if (statement.to().empty()) return {};
  TRY(RequireEnterpriseId(call, "statement.to", statement.to()));
  if (statement.to() == statement.from()) {
    return Fail(Code::kInvalidArgument, "statement.to is where the subject works");
  }
  return {};
}

// Of the two enterprises and the person; every signature given must be good and of one of them.
// Returns whether all have signed. A person without a key consents through the custodian, who
// writes the record.
Result<bool> VerifySignatures(const Call& call, const pb::FlowRecorded& message,
                              const pb::FlowStatement& statement, const pb::Subject& subject) {
  if (message.signatures_size() > kMaxSignatures) {
    return Fail(Code::kInvalidArgument, "{} signatures, the most is {}", message.signatures_size(),
                kMaxSignatures);
  }
  std::map<std::string, bool> signers = {{statement.from(), false}};
  if (!statement.to().empty()) signers[statement.to()] = false;
  const std::string person;  // no party has an empty id
  if (!subject.key().empty()) signers[person] = false;
  std::string_view last_key;
  for (const pb::Cosignature& cosignature : message.signatures()) {
    const auto key = crypto::PublicKey::FromBytes(cosignature.key());
    if (!key) return Within("signatures.key", key.error());
    const auto signature = crypto::Signature::FromBytes(cosignature.signature());
    if (!signature) return Within("signatures.signature", signature.error());
    if (cosignature.key() <= last_key) {
      return Fail(Code::kInvalidArgument, "signatures are not in ascending order of key");
    }
    last_key = cosignature.key();
    const auto party = FindPartyOf(call.state, *key);
    const bool is_person = cosignature.key() == subject.key();
    const auto signer = signers.find(is_person || !party ? person : party->id());
    if (signer == signers.end() || (!is_person && !party) || signer->second) {
      return Fail(Code::kUnauthorized,
                  "signatures has one of nobody whose consent counts, or two of one");
    }
    if (!crypto::Verify(*key, crypto::Domain::kConsentSignature, call.block.chain,
                        message.statement(), *signature)) {
      return Fail(Code::kBadSignature,
                  "signatures has one that does not verify over the statement");
    }
    signer->second = true;
  }
  return std::ranges::all_of(signers, [](const auto& signer) { return signer.second; });
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

/// What a move is by the rules: fills in `moves`, `finding` and `suspicions`.
void Judge(const Call& call, const pb::FlowStatement& statement, const pb::Career& career,
           bool all_signed, pb::FlowRecorded& flow) {
  const bool supervised = call.block.time.value < career.supervised_until_ms();
  flow.clear_suspicions();
  flow.set_moves(career.moves() + (supervised && !statement.to().empty() ? 1 : 0));
  if (statement.to().empty()) return flow.set_finding(pb::FLOW_FINDING_LEFT);
  if (!supervised) return flow.set_finding(pb::FLOW_FINDING_UNSUPERVISED);
  const auto concern = kConcerns.Get(call.state, Concat({statement.subject_id(), statement.to()}));
  if (!concern || concern->units() == 0) flow.add_suspicions(pb::FLOW_SUSPICION_NOT_A_HOLDER);
  if (flow.transfer().empty()) flow.add_suspicions(pb::FLOW_SUSPICION_NO_TRANSFER);
  if (flow.moves() > MarketPolicyOf(call.state).max_moves()) {
    flow.add_suspicions(pb::FLOW_SUSPICION_TOO_MANY_MOVES);
  }
  if (!all_signed) flow.add_suspicions(pb::FLOW_SUSPICION_NO_CONSENT);
  flow.set_finding(flow.suspicions().empty() ? pb::FLOW_FINDING_RATIONAL
                                             : pb::FLOW_FINDING_SUSPECTED);
}

void RaiseFlag(const Call& call, const pb::FlowStatement& statement, const pb::FlowRecorded& flow) {
  pb::Flag flag;
  flag.set_subject_id(statement.subject_id());
  flag.set_from(statement.from());
  flag.set_to(statement.to());
  *flag.mutable_suspicions() = flow.suspicions();
  kFlags.Put(call.state, call.tx.id.View(), flag);
  for (const std::string& id : {statement.subject_id(), statement.to()}) {
    auto standing = kFlowStandings.Get(call.state, id).value_or(pb::FlowStanding());
    standing.set_open_flags(standing.open_flags() + 1);
    standing.set_flags(standing.flags() + 1);
    kFlowStandings.Put(call.state, id, standing);
  }
}

Status Move(const pb::FlowRecorded& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  const auto statement = TRY(Decode<pb::FlowStatement>(message.statement()));
  const pb::Subject subject = TRY(RequireSubject(call, statement.subject_id(), centre));
  TRY(ValidateStatement(call, statement));
  pb::Career career = TRY(RequireEmployment(call, statement));
  TRY(UseStatement(call, message.statement()));
  const bool all_signed = TRY(VerifySignatures(call, message, statement, subject));
  if (!message.transfer().empty()) TRY(UseTransfer(call, message, statement, career));
  pb::FlowRecorded judged = message;
  Judge(call, statement, career, all_signed, judged);
  TRY(RequireComputed("the finding", message, judged));
  career.set_moves(judged.moves());
  if (statement.to().empty()) {
    career.set_stage(pb::CAREER_STAGE_LEFT);
  } else {
    career.set_stage(pb::CAREER_STAGE_PLACED);
    career.set_employer(statement.to());
    NoteConcern(call, statement.subject_id(), statement.to(), 0);
  }
  kCareers.Put(call.state, statement.subject_id(), career);
  if (judged.finding() == pb::FLOW_FINDING_SUSPECTED) RaiseFlag(call, statement, judged);
  WriteRecord(call, FactsOf(statement.subject_id(), centre));
  return {};
}

constexpr Kind kKinds[] = {{"FlowRecorded", Run<pb::FlowRecorded, Move>}};

}  // namespace

std::span<const Kind> FlowKinds() { return kKinds; }

}  // namespace talent::tiers
