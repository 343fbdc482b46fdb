// What a validator checks of a proposed batch without looking at the state.
#pragma once

#include <functional>
#include <vector>

#include "ledger/genesis.h"
#include "ledger/transaction.h"

namespace talent::ledger {

struct CheckedBatch {
  // As the batch says; nothing of a null batch, and no other has no time.
  Timestamp time;
  View view;
  ValidatorIndex proposer;
  std::vector<TxPtr> transactions;  // in order, with their payloads
};

/// What was read before under an id, or nullptr.
using KnownTransactions = std::function<TxPtr(const TxId&)>;

/// Vets an ordered batch: canonical Batch and Payloads within the chain's limits, every transaction
/// well-formed, for this chain, with its payload and once in the batch. An empty batch (a gap
/// filled by a view change) passes with empty payloads. A transaction that is `known` is not read
/// again but compared, byte by byte. Leaves to the caller: signatures (so that a
/// pool can check them), freshness of time, view and proposer, and what depends on the state.
/// Errors: kInvalidArgument, kTooLarge, kWrongChain, kDuplicate; name the transaction.
Result<CheckedBatch> CheckBatch(const Genesis& genesis, BytesView batch, BytesView payloads,
                                const KnownTransactions& known = nullptr);

/// Reads a batch as Chain::Execute does: canonical, a time that is one. Errors: kInvalidArgument.
Result<pb::Batch> ParseBatch(BytesView batch);

}  // namespace talent::ledger
