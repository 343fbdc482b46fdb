// Where a chain lies in RocksDB: its column families, keys and records. Used inside this layer
// only.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "ledger/chain.h"
#include "ledger/database.h"
#include "ledger/state_tree.h"
#include "talent/ledger/v1/erasure.pb.h"
#include "talent/ledger/v1/storage.pb.h"

namespace talent::ledger {

/// Column family of a chain: "<first 16 hex digits of the chain id>.<use>".
enum class Use : std::uint8_t {
  kHeaders,       // height → CertifiedHeader
  kBodies,        // height → StoredBody
  kPayloads,      // transaction id → Payload; what is erased or withheld is not there
  kTransactions,  // transaction id → height ‖ index (4 bytes), of its first place in the chain
  kState,         // state key → value, after the sealed head
  kValues,        // height that wrote it ‖ path → StateEntry; what old state roots refer to
  kTree,  // 'r' ‖ height → root slot; 'p' ‖ page key → page; 'g' ‖ height → StoredGarbage
  kWindow,  // height → WindowBlock, where a snapshot brought it
};
inline constexpr std::array kUses = {Use::kHeaders,      Use::kBodies, Use::kPayloads,
                                     Use::kTransactions, Use::kState,  Use::kValues,
                                     Use::kTree,         Use::kWindow};
std::string_view UseName(Use use);

Bytes EncodeLocation(const TxLocation& at);
/// 'p' ‖ page key.
Bytes StoredPageKey(const Bytes& page_key);
/// 'r' ‖ height.
Bytes RootKey(Height height);
/// 'g' ‖ height.
Bytes GarbageKey(Height height);
Bytes ValueKey(const Hash& path, Height version);
Bytes EncodeStateEntry(BytesView key, BytesView value);

/// A chain's records as of now, or as of a snapshot. Copies are cheap. Thread-safe. Errors of all
/// reads: kIo, kCorruption.
class ChainStore {
 public:
  /// Errors: kNotFound (read-only and not there), kIo.
  static Result<ChainStore> Open(const Database& database, const ChainId& chain);

  /// The same as of now, whatever is written later.
  ChainStore Snapshot() const;

  const Database& database() const { return *database_; }
  rocksdb::ColumnFamilyHandle* family(Use use) const {
    return families_[static_cast<std::size_t>(use)];
  }
  std::unique_ptr<rocksdb::Iterator> Iterate(Use use) const;

  Result<std::optional<Bytes>> Get(Use use, BytesView key) const;
  /// What is not here below some height; nothing is missing where nothing was recorded.
  Result<pb::StoredRetention> ReadRetention() const;
  Result<std::optional<pb::StoredRestore>> ReadRestore() const;
  /// What blocks have erased and may still lie in files, by height; the lowest `most` of them.
  Result<std::map<Height, pb::StoredErasing>> ReadErasing(std::size_t most) const;
  /// Height of the sealed head; nullopt where not even the genesis is stored.
  Result<std::optional<Height>> ReadHead() const;
  // The rest: kNotFound too; kPruned for what a node with the whole chain would have.
  Result<pb::CertifiedHeader> ReadHeader(Height height) const;
  Result<pb::StoredBody> ReadBody(Height height) const;
  Result<TreeSlot> ReadRoot(Height height) const;
  /// Key and value of a leaf of a sealed height's tree. kPruned where it was erased.
  Result<pb::StateEntry> ReadEntry(const TreeSlot& leaf) const;
  /// Header and ids of the transactions of a block, from the block or from a snapshot's window.
  Result<pb::WindowBlock> ReadWindowBlock(Height height) const;
  Result<std::optional<pb::Payload>> ReadPayload(const TxId& id) const;
  Result<std::optional<TxLocation>> ReadLocation(const TxId& id) const;
  /// Block with whatever payloads are there.
  Result<pb::BlockWithPayloads> ReadBlock(Height height) const;

  /// Writes of a state change as of `height`.
  void PutState(rocksdb::WriteBatch& batch, Height height, const StateOverlay::Writes& writes,
                const TreeUpdate& tree) const;
  void PutHead(rocksdb::WriteBatch& batch, Height height) const;
  void PutRetention(rocksdb::WriteBatch& batch, const pb::StoredRetention& retention) const;
  /// nullptr: no restore is under way.
  void PutRestore(rocksdb::WriteBatch& batch, const pb::StoredRestore* restore) const;
  /// nullptr: nothing of it is left.
  void PutErasing(rocksdb::WriteBatch& batch, Height height,
                  const pb::StoredErasing* erasing) const;
  /// Notes what a block erases, where it does.
  void NoteErasing(rocksdb::WriteBatch& batch, Height height,
                   const pb::StoredErasing& erasing) const;

 private:
  Result<std::optional<Bytes>> GetOwn(const Bytes& key, std::string_view what) const;
  Result<Bytes> Must(Use use, BytesView key, Height height) const;

  const Database* database_ = nullptr;
  ChainId chain_;
  std::array<rocksdb::ColumnFamilyHandle*, kUses.size()> families_{};
  std::shared_ptr<const rocksdb::Snapshot> snapshot_;  // shared by the copies; may be null
};

/// State after the sealed head of `store`. A failed read answers "absent" and shows in status().
class StoredState final : public StateReader {
 public:
  explicit StoredState(ChainStore store) : store_(std::move(store)) {}
  std::optional<Bytes> Get(BytesView key) const override;
  void Scan(BytesView prefix, BytesView from,
            const std::function<bool(BytesView, BytesView)>& visit) const override;
  Status status() const override;

 private:
  void Failed(Error error) const;

  ChainStore store_;
  mutable std::mutex mutex_;  // guards status_
  mutable Status status_;
};

/// Pages of sealed heights.
class StoredPages final : public TreePages {
 public:
  explicit StoredPages(ChainStore store) : store_(std::move(store)) {}
  Result<TreePagePtr> Load(const Bytes& key) const override;

 private:
  ChainStore store_;
};

/// Changes of the state as changes of the tree, ascending by path.
std::vector<TreeChange> TreeChanges(const StateOverlay::Writes& writes);

}  // namespace talent::ledger
