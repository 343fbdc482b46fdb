// Records that a consortium or public chain was brought more than once.

#include "tiers/erasure.h"

#include <vector>

#include "tiers/consortium_state.h"
#include "tiers/public_rules.h"

namespace talent::tiers {
namespace {

/// `erased_by`: of the record, where it is erased already.
void NoteCopy(const ledger::Transaction& tx, const ledger::BlockContext& block,
              ledger::StateOverlay& state, const ledger::pb::SignedEnvelope& record,
              const std::string& erased_by) {
  if (!erased_by.empty()) return ledger::ErasePayload(state, block, tx.id, erased_by);
  const TxId record_id = ledger::TransactionId(record.envelope());
  kCopies.Put(state, Concat({record_id.View(), tx.id.View()}), {});
}

}  // namespace

void EraseCopies(const ledger::BlockContext& block, ledger::StateOverlay& state,
                 BytesView record_id, BytesView by) {
  std::vector<Bytes> copies;  // of few: the mempool refuses what is here already
  kCopies.Scan(state, record_id, {}, [&](BytesView id, const pb::RecordCopy&) {
    copies.emplace_back(id);
    return true;
  });
  for (const Bytes& id : copies) {
    ledger::ErasePayload(state, block, TxId::FromBytes(id).value(), by);
    kCopies.Delete(state, Concat({record_id, id}));
  }
}

void NoteRefusedPromotion(const ledger::Transaction& tx, const ledger::BlockContext& block,
                          ledger::StateOverlay& state) {
  if (tx.kind != "RecordPromoted") return;
  const auto message = Decode<pb::RecordPromoted>(tx.payload);
  if (!message || !message->has_payload()) return;
  const TxId id = ledger::TransactionId(message->record().envelope());
  const auto known = kConsortiumRecords.Get(state, id.View());
  const bool erased = known && known->source_chain() == message->source_chain();
  NoteCopy(tx, block, state, message->record(), erased ? known->erased_by() : std::string());
}

void NoteRefusedPublication(const ledger::Transaction& tx, const ledger::BlockContext& block,
                            ledger::StateOverlay& state) {
  const auto note = [&](const pb::RecordEvidence& evidence) {
    const TxId id = ledger::TransactionId(evidence.record().envelope());
    const auto known = kPublished.Get(state, id.View());
    NoteCopy(tx, block, state, evidence.record(), known ? known->erased_by() : std::string());
  };
  if (tx.kind == "RecordPublished") {
    if (const auto message = Decode<pb::RecordPublished>(tx.payload)) note(message->record());
  } else if (tx.kind == "CorrectionPublished") {
    const auto message = Decode<pb::CorrectionPublished>(tx.payload);
    if (!message) return;
    note(message->original());
    note(message->correction());
  }
}

}  // namespace talent::tiers
