// Inside of Chain, shared by chain.cpp (writer) and chain_reads.cpp (readers).
#pragma once

#include <deque>
#include <map>
#include <mutex>

#include "ledger/chain_store.h"
#include "ledger/executor.h"

namespace talent::ledger {

/// An executed block that waits for its seal.
struct StagedBlock {
  Head head;  // what the chain's head becomes
  Bytes header;
  OrderedTransactions ordered;
  std::vector<ExecutedTransaction> executed;
  StateOverlay::Writes writes;
  TreeUpdate tree;
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

struct Chain::Impl {
  Impl(const Genesis& chain_genesis, const Application& app, ChainStore chain_store)
      : genesis(chain_genesis), application(app), store(std::move(chain_store)) {}

  const Genesis genesis;
  const Application& application;
  const ChainStore store;
  const StoredState stored{store};

  // Writer only.
  std::deque<StagedBlock> staged;                   // at most a window of them, ascending
  StateOverlay tip_state{stored};                   // their writes together
  std::map<Bytes, Height, std::less<>> last_write;  // which of them wrote a key of tip_state last
  std::map<TxId, Height> staged_ids;                // last place of each
  StagedPages staged_pages{staged, store};
  TreePageCache pages{staged_pages};
  TreeSlot sealed_root;

  mutable std::mutex mutex;  // guards head
  Head head;

  Head SealedHead() const {
    const std::lock_guard lock(mutex);
    return head;
  }
  Head Tip() const { return staged.empty() ? SealedHead() : staged.back().head; }

  Status Load();
  Status LoadHead(Height height, const Hash& genesis_root);
  Result<StagedBlock> Run(const Origin& origin, OrderedTransactions ordered);
  pb::BlockHeader MakeHeader(const Head& parent, const Origin& origin, const StagedBlock& block,
                             Timestamp time) const;
  void Stage(StagedBlock block);
  /// Takes the block's writes and ids out of what lies on top of the sealed state.
  void Forget(const StagedBlock& block);
  void DropStaged();
  Status Seal(const crypto::Certificate& certificate);
  Status ApplyNext(const pb::BlockWithPayloads& block, const pb::BlockHeader& header,
                   const Hash& hash, const SignatureCheck& check);
};

}  // namespace talent::ledger
