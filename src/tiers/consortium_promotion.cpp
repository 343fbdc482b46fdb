// RecordPromoted: a record of a private chain arrives with its evidence. Every validator checks all
// of it, and takes nothing from the submitter's word.

#include <algorithm>

#include "tiers/consortium_rules.h"
#include "tiers/erasure.h"
#include "tiers/promotion_policy.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

// The record as its author signed it, with its payload exactly where it may leave.
Result<ledger::Transaction> ReadRecord(const pb::RecordPromoted& message) {
  const bool has_payload = message.has_payload();
  auto record =
      ledger::ParseTransaction(message.record(), has_payload ? &message.payload() : nullptr);
  if (!record) return Within("record", record.error());
  const ChainId source = TRY(ChainId::FromBytes(message.source_chain()));
  if (const Status status = ledger::VerifySignature(*record, source); !status) {
    return Within("record", status.error());
  }
  const bool full = record->disclosure == ledger::pb::DISCLOSURE_FULL;
  if (!full && record->disclosure != ledger::pb::DISCLOSURE_COMMITMENT) {
    return Fail(Code::kUnauthorized, "the record's disclosure class keeps it on its chain");
  }
  if (full != has_payload) {
    return Fail(Code::kInvalidArgument, "payload is {}",
                full ? "missing from a record of class FULL" : "not to leave its chain");
  }
  return record;
}

// A proof shows that the source's validators wrote the decision, not that its rules did: a source
// whose quorum is faulty must not put numbers here that index this chain's tables, or free text
// into its state.
Status CheckDecision(const pb::PromotionDecision& decision, const TxId& record_id) {
  const auto& parties = decision.parties();
  const auto not_ascending = [](const auto& a, const auto& b) { return a >= b; };
  const bool numbers_fit =
      decision.priority() <= kLowestPriority && decision.value_class() <= kHighestValueClass;
  const bool names_fit =
      FindKind(PrivateKinds(), decision.content_kind()) != nullptr &&
      IsPartyId(decision.centre()) && (decision.author().empty() || IsPartyId(decision.author())) &&
      static_cast<std::size_t>(parties.size()) <= kMaxParties &&
      std::all_of(parties.begin(), parties.end(), [](const auto& id) { return IsPartyId(id); }) &&
      std::adjacent_find(parties.begin(), parties.end(), not_ascending) == parties.end() &&
      (decision.contests().empty() || decision.kind() == "RecordContested");
  const auto& erases = decision.erases();
  const bool erases_fit =
      (erases.empty() || decision.kind() == "Erased") &&
      static_cast<std::size_t>(erases.size()) <= kMaxErased &&
      std::all_of(erases.begin(), erases.end(),
                  [](const auto& id) { return RecordId::FromBytes(id).has_value(); }) &&
      std::adjacent_find(erases.begin(), erases.end(), not_ascending) == erases.end();
  if (!numbers_fit || !names_fit || !erases_fit || decision.supersedes() == record_id.View() ||
      decision.contests() == record_id.View()) {
    return Fail(Code::kBadSignature, "decision breaks the rules of a private chain");
  }
  return {};
}

// The source's own decision, proven from its state: the policy was applied by the source's
// validators when they executed the record, so nobody has to run it again here.
Result<pb::PromotionDecision> ProveDecision(const pb::RecordPromoted& message,
                                            const ledger::Transaction& record,
                                            const ledger::pb::BlockHeader& header) {
  if (const Status status =
          VerifyPresent(header, kDecisions.Key(record.id.View()), message.decision());
      !status) {
    return Within("decision", status.error());
  }
  auto decision = TRY(Decode<pb::PromotionDecision>(message.decision().value()));
  if (decision.kind() != record.kind || decision.disclosure() != record.disclosure) {
    return Fail(Code::kBadSignature, "decision is of another kind or disclosure than the record");
  }
  TRY(CheckDecision(decision, record.id));
  return decision;
}

/// Whether it corrects or contests what this source has put to review here in the centre's name,
/// and what is not over yet.
bool IsAboutOpen(const pb::RecordPromoted& message, const Call& call,
                 const pb::PromotionDecision& decision) {
  const auto& about = decision.supersedes().empty() ? decision.contests() : decision.supersedes();
  const auto known = kConsortiumRecords.Get(call.state, about);
  return known && IsOpen(*known) && known->source_chain() == message.source_chain() &&
         known->centre() == decision.centre();
}

// A private chain speaks for its own centres only, of those that it spoke for before it finishes
// what is open here, and of a suspended one it brings nothing new. An erasure reaches only records
// of its own chain.
Status RequireCentreOf(const pb::RecordPromoted& message, const Call& call,
                       const pb::Source& source, const pb::PromotionDecision& decision) {
  const std::string& centre = decision.centre();
  if (!std::ranges::binary_search(source.centres(), centre) && decision.erases().empty() &&
      !IsAboutOpen(message, call, decision)) {
    return Fail(Code::kUnauthorized, "source '{}' does not speak for centre '{}'", source.name(),
                centre);
  }
  const bool is_new =
      decision.supersedes().empty() && decision.contests().empty() && decision.erases().empty();
  if (IsSuspended(call.state, centre) && is_new) {
    return Fail(Code::kPrecondition, "centre '{}' is suspended: its records wait", centre);
  }
  return {};
}

pb::ConsortiumRecord NewRecord(const pb::RecordPromoted& message, const Call& call,
                               const pb::PromotionDecision& decision) {
  pb::ConsortiumRecord record;
  record.set_source_chain(message.source_chain());
  record.set_kind(decision.kind());
  record.set_content_kind(decision.content_kind());
  record.set_disclosure(decision.disclosure());
  record.set_author(decision.author());
  record.set_centre(decision.centre());
  record.set_priority(decision.priority());
  record.set_value_class(decision.value_class());
  *record.mutable_parties() = decision.parties();
  record.set_publish(decision.publish());
  record.set_promotion_tx(call.tx.id.ToBytes());
  record.set_height(call.block.height.value);
  record.set_promoted_ms(call.block.time.value);
  record.set_supersedes(decision.supersedes());
  record.set_contests(decision.contests());
  return record;
}

// Links the corrected record to its correction and settles what was open about it.
Status LinkCorrection(const pb::RecordPromoted& message, const Call& call, const TxId& correction,
                      const pb::PromotionDecision& decision) {
  auto original = TRY(RequireRecord(call, decision.supersedes()));
  const bool foreign = original.centre() != decision.centre() && original.erased_by().empty();
  if (original.source_chain() != message.source_chain() || foreign ||
      !original.superseded_by().empty()) {
    return Fail(Code::kPrecondition, "record {} is another centre's or corrected before",
                ToHex(decision.supersedes()));
  }
  // What nobody can read nobody disputes: it decides nothing about what was reviewed.
  const auto full = ledger::pb::DISCLOSURE_FULL;
  if (original.disclosure() == full && decision.disclosure() != full) {
    return Fail(Code::kPrecondition, "record {} is of class FULL, and its correction is not",
                ToHex(decision.supersedes()));
  }
  original.set_superseded_by(correction.ToBytes());
  AddStep(original, call.tx.id);
  SettleCorrection(call.block, call.state, decision.supersedes(), original);
  return {};
}

Status RequireNew(const pb::RecordPromoted& message, const Call& call, const TxId& record_id) {
  const auto known = FindPromoted(call.state, message.source_chain(), record_id.View());
  if (!known) return {};
  if (known->erased_by().empty()) {
    return Fail(Code::kDuplicate, "record {} was promoted before", record_id.Hex());
  }
  return Fail(Code::kPruned, "record {} was erased by {}", record_id.Hex(),
              ToHex(known->erased_by()));
}

// The person's word is a dispute by who has a stake: in a running review it asks for an answer.
Status LinkContest(const pb::RecordPromoted& message, const Call& call, const TxId& contest,
                   const pb::PromotionDecision& decision) {
  auto contested = TRY(RequireRecord(call, decision.contests()));
  const bool foreign = contested.centre() != decision.centre() && contested.erased_by().empty();
  if (contested.source_chain() != message.source_chain() || foreign ||
      !contested.contested_by().empty()) {
    return Fail(Code::kPrecondition, "record {} is another centre's or contested before",
                ToHex(decision.contests()));
  }
  contested.set_contested_by(contest.ToBytes());
  AddStep(contested, call.tx.id);
  if (contested.status() == pb::RECORD_STATUS_IN_REVIEW) {
    contested.set_party_disputes(contested.party_disputes() + 1);
  }
  kConsortiumRecords.Put(call.state, decision.contests(), contested);
  return {};
}

Status Promote(const pb::RecordPromoted& message, const Call& call) {
  TRY(RequireCentre(call));
  const ledger::Transaction record = TRY(ReadRecord(message));
  const pb::Source source = TRY(RequireSource(call.state, message.source_chain()));
  TRY(RequireNew(message, call, record.id));
  const auto header = CitedHeader(call.state, message.source_chain(), message.height());
  const auto decision_header =
      CitedHeader(call.state, message.source_chain(), message.decision_height());
  if (!header || !decision_header) {
    if (call.admission) return {};
    return tl::unexpected<Error>(header ? decision_header.error() : header.error());
  }
  TRY(VerifyEffective(*header, record.id, message.path()));
  const auto decision = TRY(ProveDecision(message, record, *decision_header));
  TRY(RequireCentreOf(message, call, source, decision));
  pb::ConsortiumRecord entry = NewRecord(message, call, decision);
  if (entry.disclosure() != ledger::pb::DISCLOSURE_FULL) {
    entry.set_status(pb::RECORD_STATUS_COMMITMENT);
    kConsortiumRecords.Put(call.state, record.id.View(), entry);
    EraseRecords(call, message.source_chain(), record.id.View(), decision);
  } else if (!entry.contests().empty()) {
    entry.set_status(pb::RECORD_STATUS_CONTEST);
    kConsortiumRecords.Put(call.state, record.id.View(), entry);
  } else {
    OpenReview(call.block, call.state, record.id.View(), entry);
  }
  if (!entry.contests().empty()) return LinkContest(message, call, record.id, decision);
  if (!entry.supersedes().empty()) return LinkCorrection(message, call, record.id, decision);
  return {};
}

// The record's own priority, behind everything that keeps a review or a dispute moving.
std::uint32_t PromotionLane(const ledger::Transaction& tx) {
  constexpr std::uint32_t kFirst = 2;
  const auto message = Decode<pb::RecordPromoted>(tx.payload);
  if (!message) return ledger::Application::kBulkLane;
  const auto decision = Decode<pb::PromotionDecision>(message->decision().value());
  if (!decision) return ledger::Application::kBulkLane;
  if (decision->priority() == 0) return ledger::Application::kUrgentLane;
  return std::clamp(decision->priority(), kFirst, ledger::Application::kBulkLane);
}

constexpr Kind kPromotionKinds[] = {
    {"RecordPromoted", Run<pb::RecordPromoted, Promote>, PromotionLane}};

}  // namespace

std::span<const Kind> PromotionKinds() { return kPromotionKinds; }

std::optional<pb::ConsortiumRecord> FindPromoted(const ledger::StateReader& state,
                                                 BytesView source_chain, BytesView record_id) {
  auto record = kConsortiumRecords.Get(state, record_id);
  const bool foreign = record && record->source_chain() != source_chain;
  if (foreign && !record->erased_by().empty()) return std::nullopt;
  return record;
}

Result<pb::ConsortiumRecord> RequireRecord(const Call& call, BytesView record_id) {
  if (const auto id = RecordId::FromBytes(record_id); !id) return Within("record_id", id.error());
  auto record = kConsortiumRecords.Get(call.state, record_id);
  if (!record) return Fail(Code::kNotFound, "record {} was not promoted", ToHex(record_id));
  return *std::move(record);
}

bool IsPartyTo(const pb::ConsortiumRecord& record, const std::string& party) {
  return party == record.author() || std::ranges::binary_search(record.parties(), party);
}

void AddStep(pb::ConsortiumRecord& record, const TxId& step) {
  const bool promoted = !record.promotion_tx().empty();  // else its erasure came first
  if (record.path().empty() && promoted) record.add_path(record.promotion_tx());
  record.add_path(step.ToBytes());
}

}  // namespace talent::tiers
