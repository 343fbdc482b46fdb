// An Erased has come from a private chain: what it names goes here too, and never comes again.

#include "tiers/consortium_rules.h"
#include "tiers/erasure.h"

namespace talent::tiers {
namespace {

/// The record has not come yet: it stays out.
void KeepOut(const Call& call, BytesView record_id, BytesView source_chain,
             const pb::PromotionDecision& decision, BytesView by) {
  pb::ConsortiumRecord record;
  record.set_source_chain(Bytes(source_chain));
  record.set_centre(decision.centre());
  record.set_status(pb::RECORD_STATUS_ERASED);
  record.set_height(call.block.height.value);
  record.set_erased_by(Bytes(by));
  kConsortiumRecords.Put(call.state, record_id, record);
}

/// Payloads that say what the record said: its promotion, and reveals, whose hashes of proposed
/// values are of few possible ones.
void ErasePayloads(const Call& call, BytesView record_id, const pb::ConsortiumRecord& record,
                   BytesView by) {
  const auto erase = [&](const std::string& id) {
    ledger::ErasePayload(call.state, call.block, TxId::FromBytes(id).value(), by);
  };
  erase(record.promotion_tx());
  std::vector<std::string> reveals;  // bounded by kMaxReviews
  kReviews.Scan(call.state, record_id, {}, [&](BytesView, const pb::Review& review) {
    if (!review.reveal_tx().empty()) reveals.push_back(review.reveal_tx());
    return true;
  });
  for (const std::string& reveal : reveals) erase(reveal);
}

}  // namespace

void EraseRecords(const Call& call, BytesView source_chain, BytesView by,
                  const pb::PromotionDecision& decision) {
  for (const std::string& id : decision.erases()) {
    auto record = FindPromoted(call.state, source_chain, id);
    // A chain speaks for its own records only.
    if (record && record->source_chain() != source_chain) continue;
    EraseCopies(call.block, call.state, id, by);
    if (!record) {
      KeepOut(call, id, source_chain, decision, by);
      continue;
    }
    if (!record->erased_by().empty()) continue;
    ErasePayloads(call, id, *record, by);
    AddStep(*record, call.tx.id);
    record->set_erased_by(Bytes(by));
    record->clear_parties();
    ledger::EraseEntry(call.state, call.block, kConsortiumRecords.Key(id), Encode(*record));
    SettleErasure(call.block, call.state, id, *record);
  }
}

}  // namespace talent::tiers
