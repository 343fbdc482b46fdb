// Making a batch to propose, and judging one that somebody else proposes.
#pragma once

#include <deque>
#include <mutex>
#include <unordered_map>

#include "consensus/replica.h"
#include "ledger/batch.h"
#include "node/chain/mempool.h"

namespace talent::node {

/// Remembers which transactions' signatures have been verified, so that each is verified once a
/// node. Thread-safe. Bounded: the oldest are forgotten, which costs a second verification and
/// nothing else.
class VerifiedCache {
 public:
  static constexpr std::size_t kMaxEntries = 200'000;  // a few mempools' worth; about 25 MB

  bool Contains(const ledger::Transaction& tx) const;
  void Add(const ledger::Transaction& tx);

 private:
  mutable std::mutex mutex_;  // guards both
  std::unordered_map<TxId, crypto::Signature> verified_;
  std::deque<TxId> order_;
};

/// The bytes of a batch and of its payloads.
consensus::ProposalPtr MakeProposal(const ledger::CheckedBatch& made);

using CheckedBatchPtr = std::shared_ptr<const ledger::CheckedBatch>;  // immutable

/// Everything about a proposal that needs no state: form, limits, payload hashes, signatures and,
/// where it is fresh, its claimed origin and time. Transactions that are `known` are not read
/// again. Thread-safe. Errors: as ledger::CheckBatch; kBadSignature; kPrecondition (origin or
/// time).
Result<CheckedBatchPtr> VetProposal(const ledger::Genesis& genesis, const consensus::Vet& vet,
                                    Timestamp now, VerifiedCache& cache,
                                    const ledger::KnownTransactions& known);

}  // namespace talent::node
