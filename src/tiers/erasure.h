// What the three tiers share of erasure.
#pragma once

#include "ledger/erasure.h"
#include "talent/tiers/v1/erasure.pb.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// Records that one Erased names, and that its promotion carries.
inline constexpr std::size_t kMaxErased = 256;

/// By record and transaction id, on consortium and public chains: further transactions that hold
/// the record's payload.
inline constexpr Table<pb::RecordCopy> kCopies{"copy/"};

/// Erases the payloads of all transactions in kCopies that brought the record again.
void EraseCopies(const ledger::BlockContext& block, ledger::StateOverlay& state,
                 BytesView record_id, BytesView by);

// What each tier notes of a refused transaction (ledger::Application::NoteRefused).

void NoteRefusedRecord(const ledger::Transaction& tx, const ledger::BlockContext& block,
                       ledger::StateOverlay& state);
void NoteRefusedPromotion(const ledger::Transaction& tx, const ledger::BlockContext& block,
                          ledger::StateOverlay& state);
void NoteRefusedPublication(const ledger::Transaction& tx, const ledger::BlockContext& block,
                            ledger::StateOverlay& state);

}  // namespace talent::tiers
