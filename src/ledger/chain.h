// A chain: its sealed blocks and state on disk, and the executed blocks waiting for their seals.
//
// Block, receipts, payloads, state, certificate and head marker are one synced RocksDB batch, so a
// crash leaves a whole block or none.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "crypto/validator_set.h"
#include "ledger/application.h"
#include "ledger/batch.h"
#include "ledger/database.h"
#include "ledger/epochs.h"
#include "ledger/genesis.h"

namespace talent::ledger {

struct Head {
  Height height;  // 0: only the genesis
  Hash hash;      // block hash; the chain id at height 0
  Timestamp time;
  Hash state_root;
};

struct ExecutedBlock {
  Height height;
  Hash hash;
  Bytes header;  // canonical BlockHeader
  std::vector<TxId> tx_ids;
  std::vector<pb::ReceiptCode> receipts;
  Height epoch_end{};  // last height of the block's epoch, where it is decided by now; else 0
};

/// With the codes of its transactions' receipts, in order.
struct SealedBlock {
  pb::Block block;
  std::vector<pb::ReceiptCode> receipts;
};

struct TxLocation {
  Height height;
  std::uint32_t index = 0;
};

/// Verifies the signatures of transactions of this chain, or says which one is bad.
using SignatureCheck = std::function<Status(const std::vector<TxPtr>& transactions)>;

/// One writer (the chain's strand) for the methods of the first part; readers of the second part
/// from any thread.
class Chain {
 public:
  /// Opens or creates the chain of `genesis`; re-checks the head block on opening. `database` and
  /// `application` must outlive the chain. Errors: kWrongGenesis (a chain of this name with another
  /// genesis lies there), kFormatVersion, kCorruption (names the key), kIo, kInvalidArgument
  /// (genesis).
  static Result<std::unique_ptr<Chain>> Open(Database& database, const Genesis& genesis,
                                             const Application& application);
  ~Chain();

  const Genesis& genesis() const;
  const ChainId& id() const;

  // Writer.

  /// Executes an ordered batch as the next height on top of everything executed so far. `batch` is
  /// canonical Batch bytes, or empty for a null batch; `payloads` canonical Payloads bytes.
  /// Requires well-formed transactions (vetted by consensus); a null or duplicate or expired one is
  /// a receipt, not an error. Errors: kInvalidArgument (batch does not parse), kPrecondition (a
  /// payload is missing, or is another one than the envelope names), kExhausted (a window of
  /// executed blocks waits for seals), kIo and kCorruption (the stored state cannot be read).
  Result<ExecutedBlock> Execute(BytesView batch, BytesView payloads);
  /// The same of a batch whose bytes CheckBatch has read.
  Result<ExecutedBlock> Execute(const CheckedBatch& batch);

  /// Makes the lowest executed block final. Durable on return.
  /// Requires: height == head().height + 1 was executed; certificate verified by the caller;
  /// asserted.
  Status Seal(Height height, const crypto::Certificate& certificate);

  /// Checks a sealed block of somebody else's (certificate, hashes, signatures of transactions),
  /// executes it and makes it final. Executed unsealed blocks are kept when they agree. Errors:
  /// kPrecondition (not the next height), kBadSignature, kCorruption (the block's parts do not
  /// belong to its header), kDiverged (certified, and not what this node computed: stop this chain;
  /// the message says which root).
  Status Apply(const pb::BlockWithPayloads& block);
  /// The same with the authors' signatures checked by `check` (a pool, a cache of what was checked
  /// before), whose error becomes Apply's.
  Status Apply(const pb::BlockWithPayloads& block, const SignatureCheck& check);

  /// Highest executed height (>= head().height) and its hash and time.
  Head tip() const;
  /// State on top of the highest executed block. Valid until the next call of a writer method.
  const StateReader& tip_state() const;
  /// Is there a reason for an empty block at `time` on top of the tip: due work of the application,
  /// an epoch's end to be reached, or an erasure that is less than a window deep?
  bool HasDueWork(Timestamp time) const;

  // Readers.

  Head head() const;
  /// The epoch of the block after head(). Changes when the last block of an epoch is sealed; who
  /// holds it keeps one answer.
  std::shared_ptr<const EpochState> epoch() const;
  std::shared_ptr<const crypto::ValidatorSet> validators() const;  // of epoch()
  /// Of any epoch up to that of the next block. Errors: kNotFound, kCorruption, kIo.
  Result<std::shared_ptr<const crypto::ValidatorSet>> ValidatorsOf(Epoch number) const;
  Result<pb::Block> GetBlock(Height height) const;          // kNotFound
  Result<SealedBlock> GetSealedBlock(Height height) const;  // kNotFound
  Result<pb::BlockWithPayloads> GetBlockWithPayloads(Height height) const;
  Result<pb::CertifiedHeader> GetHeader(Height height) const;  // kNotFound
  /// Of transactions whose valid_until lies below this height it is not known whether they were
  /// sealed, where they are not found: the chain began from a snapshot. 0: all are known.
  Height known_from() const;
  /// nullopt: not sealed (but see known_from). Errors: kIo, kCorruption.
  Result<std::optional<TxLocation>> FindTransaction(const TxId& id) const;
  /// The transaction with its payload if that is kept. kNotFound.
  Result<Transaction> GetTransaction(const TxId& id) const;
  Result<pb::Receipt> GetReceipt(const TxLocation& at) const;
  /// Codes of all its transactions, in order. kNotFound.
  Result<std::vector<pb::ReceiptCode>> GetReceipts(Height height) const;
  /// State after the sealed head; a consistent snapshot for as long as it is held.
  std::unique_ptr<StateReader> SealedState() const;
  /// Path of a transaction to its block's roots. kNotFound.
  Result<pb::TransactionPath> ProveTransaction(const TxLocation& at) const;
  /// Proof of `key` under the state root of sealed height `at`. kNotFound (no such height, pruned).
  Result<pb::StateProof> ProveState(BytesView key, Height at) const;

 private:
  struct Impl;
  explicit Chain(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Proof of a sealed transaction from the genesis of its chain, with the payload if that is kept
/// (the caller takes it out for a reader who may not see it), and the changes of validators up to
/// the head. Errors: kNotFound, kCorruption, kIo.
Result<pb::TransactionProof> BuildTransactionProof(const Chain& chain, const TxId& id);

/// Adds to `proof` what the state has at `key` after sealed block `at`, and the changes of
/// validators that lead there. Errors: as Chain::ProveState.
Status AddStatement(const Chain& chain, BytesView key, Height at, pb::TransactionProof& proof);

/// The last header of an epoch that has ended, and who came next. Errors: kNotFound, kCorruption,
/// kIo.
Result<pb::EpochChange> GetEpochChange(const Chain& chain, Epoch ended);

/// Result of walking a chain.
struct VerifyReport {
  Height base;  // what comes before its next height is not here; 0: all is here
  Height height;
  Height executed;  // up to here everything was executed again; see below
  std::uint64_t transactions = 0;
  std::uint64_t payloads_erased = 0;   // as the state says, by what and when
  std::uint64_t payloads_missing = 0;  // the others that are not here: withheld
  Hash head_hash;
};

/// Walks the stored chain from its genesis and checks every hash, signature, root and certificate
/// by executing it again on a scratch state (under TMPDIR), and compares every stored record with
/// what execution gives. From the first block on whose payloads are not all here execution is
/// impossible: there hashes, signatures, transaction and receipt roots and the state at the head
/// are checked, and that intermediate state roots are right rests on their certificates. Takes a
/// snapshot, so the chain may go on meanwhile. Of a chain that was pruned or began from a snapshot,
/// the oldest state that is left is checked against its certified header, and the walk starts
/// there. `progress(height, of)` is called now and then. Errors: kCorruption (names height and
/// step), kIo, kNotFound (no such chain).
Result<VerifyReport> VerifyStoredChain(const Database& database, const Genesis& genesis,
                                       const Application& application,
                                       const std::function<void(Height, Height)>& progress);

}  // namespace talent::ledger
