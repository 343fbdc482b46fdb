// ErasurePublished: the consortium's word that a record was erased.

#include "tiers/consortium_state.h"
#include "tiers/erasure.h"
#include "tiers/parties.h"
#include "tiers/public_rules.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

Result<pb::ConsortiumRecord> ProveErased(const pb::ErasurePublished& message,
                                         const ledger::pb::BlockHeader& header) {
  TRY(VerifyPresent(header, kConsortiumRecords.Key(message.record_id()), message.state()));
  auto state = TRY(Decode<pb::ConsortiumRecord>(message.state().value()));
  if (state.status() == pb::RECORD_STATUS_ERASED && state.publish()) return state;
  return Fail(Code::kPrecondition, "the consortium has {} the record",
              state.publish() ? "not erased" : "never let go");
}

Status Erase(const pb::ErasurePublished& message, const Call& call) {
  TRY(RequireCentre(call));
  if (const auto id = RecordId::FromBytes(message.record_id()); !id) {
    return Within("record_id", id.error());
  }
  TRY(RequireSource(call.state, message.source_chain()));
  auto entry = TRY(FindPublished(call, message.record_id(), message.source_chain()));
  const auto header = CitedHeader(call.state, message.source_chain(), message.height());
  if (!header) return call.admission ? Status{} : tl::unexpected<Error>(header.error());
  const auto state = ProveErased(message, *header);
  if (!state) return Within("state", state.error());
  const auto erase = [&](const std::string& id) {
    if (id.empty()) return;
    ledger::ErasePayload(call.state, call.block, TxId::FromBytes(id).value(), state->erased_by());
  };
  EraseCopies(call.block, call.state, message.record_id(), state->erased_by());
  if (entry) {
    // A correction was published in one transaction with what it corrects: both go.
    erase(entry->publication_tx());
    erase(entry->correction_tx());
  } else {
    entry.emplace();  // it was not published yet, and never is
    entry->set_consortium(message.source_chain());
    entry->set_source_chain(state->source_chain());
    entry->set_kind(state->kind());
    entry->set_content_kind(state->content_kind());
    entry->set_centre(state->centre());
    entry->set_height(call.block.height.value);
    entry->set_published_ms(call.block.time.value);
  }
  entry->set_status(pb::RECORD_STATUS_ERASED);
  entry->set_erased_by(state->erased_by());
  kPublished.Put(call.state, message.record_id(), *entry);
  return {};
}

constexpr Kind kPublicErasureKinds[] = {
    {"ErasurePublished", Run<pb::ErasurePublished, Erase>, Lane<ledger::Application::kUrgentLane>},
};

}  // namespace

std::span<const Kind> PublicErasureKinds() { return kPublicErasureKinds; }

}  // namespace talent::tiers
