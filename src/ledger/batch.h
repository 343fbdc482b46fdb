// What a validator checks of a proposed batch without looking at the state.
#pragma once

#include <vector>

#include "ledger/genesis.h"
#include "ledger/transaction.h"

namespace talent::ledger {

struct CheckedBatch {
  // As the batch says; nothing of a null batch.
  Timestamp time;
  View view;
  ValidatorIndex proposer;
  std::vector<Transaction> transactions;  // in order, with their payloads
};

/// Vets an ordered batch: canonical Batch and Payloads within the chain's limits, every transaction
/// well-formed, for this chain, with its payload and once in the batch. An empty batch (a gap
/// filled by a view change) passes with empty payloads. Leaves to the caller: signatures (so that a
/// pool can check them), freshness of time, view and proposer, and what depends on the state.
/// Errors: kInvalidArgument, kTooLarge, kWrongChain, kDuplicate; name the transaction.
Result<CheckedBatch> CheckBatch(const Genesis& genesis, BytesView batch, BytesView payloads);

/// Reads a batch as Chain::Execute does: canonical, a time that is one. Errors: kInvalidArgument.
Result<pb::Batch> ParseBatch(BytesView batch);

}  // namespace talent::ledger
