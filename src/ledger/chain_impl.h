// Inside of Chain, shared by chain.cpp (writer) and chain_reads.cpp (readers).
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>

#include "crypto/merkle.h"
#include "ledger/chain_store.h"
#include "ledger/executor.h"
#include "ledger/state_cache.h"

namespace talent::ledger {

/// An executed block that waits for its seal.
struct StagedBlock {
  Head head;  // what the chain's head becomes
  Bytes header;
  std::vector<OrderedTransaction> ordered;
  std::vector<ExecutedTransaction> executed;
  StateOverlay::Writes writes;
  TreeUpdate tree;
  std::shared_ptr<const EpochState> next_epoch;  // of the block after it
  Height epoch_end;                              // as ExecutedBlock's
};

/// Where a block comes from, as far as its header says.
struct Origin {
  Timestamp time;              // proposed
  std::uint64_t view = 0;      // 0 for a null batch
  std::uint32_t proposer = 0;  // index plus one; 0 for a null batch
};

/// Pages of the executed blocks, then those on disk.
class StagedPages final : public TreePages {
 public:
  StagedPages(const std::deque<StagedBlock>& staged, ChainStore store)
      : staged_(staged), stored_(std::move(store)) {}
  Result<TreePagePtr> Load(const Bytes& key) const override;

 private:
  const std::deque<StagedBlock>& staged_;
  StoredPages stored_;
};

/// The trees of one block, so that proofs of many of its transactions hash it once. Thread-safe.
class ProofCache {
 public:
  struct Block {
    Height height;
    std::vector<Bytes> receipts;  // canonical
    crypto::MerkleTree ids_tree, receipts_tree;
  };
  /// Errors: those of reading the body.
  Result<std::shared_ptr<const Block>> Of(const ChainStore& store, Height height);

 private:
  std::mutex mutex_;  // guards last_
  std::shared_ptr<const Block> last_;
};

struct Chain::Impl {
  Impl(const Genesis& chain_genesis, const Application& app, ChainStore chain_store)
      : genesis(chain_genesis), application(app), store(std::move(chain_store)) {}

  const Genesis genesis;
  const Application& application;
  const ChainStore store;
  const StoredState stored{store};

  // Writer only.
  std::deque<StagedBlock> staged;  // at most a window of them, ascending
  StateCache sealed_state{stored};
  StateOverlay tip_state{sealed_state};             // their writes together
  std::map<Bytes, Height, std::less<>> last_write;  // which of them wrote a key of tip_state last
  std::unordered_map<TxId, Height> staged_ids;      // last place of each
  StagedPages staged_pages{staged, store};
  TreePageCache pages{staged_pages};
  TreeSlot sealed_root;
  Height known_from;  // above 0: began from a snapshot

  mutable std::mutex mutex;  // guards both
  Head head;
  std::shared_ptr<const EpochState> epoch;  // of the block after head

  mutable ProofCache proofs;

  Head SealedHead() const {
    const std::lock_guard lock(mutex);
    return head;
  }
  Head Tip() const { return staged.empty() ? SealedHead() : staged.back().head; }
  std::shared_ptr<const EpochState> SealedEpoch() const {
    const std::lock_guard lock(mutex);
    return epoch;
  }
  std::shared_ptr<const EpochState> TipEpoch() const {
    return staged.empty() ? SealedEpoch() : staged.back().next_epoch;
  }

  Status Load();
  Status LoadHead(Height height, const Hash& genesis_root);
  Result<crypto::ValidatorSet> LoadEpoch(Height height);
  Result<StagedBlock> Run(const Origin& origin, std::vector<OrderedTransaction> ordered);
  Result<ExecutedBlock> Execute(const Origin& origin, std::vector<OrderedTransaction> ordered);
  pb::BlockHeader MakeHeader(const Head& parent, const Origin& origin, const EpochState& epoch,
                             const StagedBlock& block, Timestamp time) const;
  void Stage(StagedBlock block);
  /// Takes the block's writes and ids out of what lies on top of the sealed state.
  void Forget(const StagedBlock& block);
  void DropStaged();
  Status Seal(const crypto::Certificate& certificate);
  Status ApplyNext(const pb::BlockWithPayloads& block, const pb::BlockHeader& header,
                   const Hash& hash, const SignatureCheck& check);
};

}  // namespace talent::ledger
