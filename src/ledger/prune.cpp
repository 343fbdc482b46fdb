#include "ledger/prune.h"

#include "base/canonical.h"
#include "ledger/chain_store.h"
#include "ledger/snapshot_chunk.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

/// Records deleted in one synced write: some megabytes of memory at most.
constexpr std::uint64_t kDeletesPerWrite = 50'000;

using Progress = std::function<void(Height, Height)>;

class Pruner {
 public:
  Pruner(const ChainStore& store, const Genesis& genesis, const PruneOptions& options,
         const Progress& progress)
      : store_(store), genesis_(genesis), options_(options), progress_(progress) {}

  Result<PruneReport> Run() {
    TRY(Announce());
    TRY(DropStates());
    if (options_.blocks != PruneOptions::Blocks::kNone) TRY(DropBlocks());
    TRY(Flush());
    return report_;
  }

 private:
  /// Before anything goes: from here on nobody is promised what is about to.
  Status Announce() {
    auto retention = TRY(store_.ReadRetention());
    const std::uint64_t below = options_.below.value;
    retention.set_state_from(std::max(retention.state_from(), below));
    if (options_.blocks != PruneOptions::Blocks::kNone) {
      retention.set_blocks_from(std::max(retention.blocks_from(), below));
    }
    store_.PutRetention(batch_, retention);
    return Flush();
  }

  Status DropStates() {
    // The root of height 0 stays: it tells that the genesis makes the state it always made.
    CHECK(batch_.DeleteRange(store_.family(Use::kTree), RootKey(Height(1)), RootKey(options_.below))
              .ok());
    const auto garbage = store_.Iterate(Use::kTree);
    for (garbage->Seek(GarbageKey(Height(0))); garbage->Valid(); garbage->Next()) {
      const BytesView key = garbage->key().ToStringView();
      if (key > GarbageKey(options_.below)) break;  // 'g' ‖ height; 'p' and 'r' come after
      const auto dropped = Decode<pb::StoredGarbage>(garbage->value().ToStringView());
      if (!dropped) return Fail(Code::kCorruption, "tree: {}", dropped.error().message);
      for (const Bytes& page : dropped->pages()) Delete(Use::kTree, page);
      for (const Bytes& value : dropped->values()) Delete(Use::kValues, value);
      Delete(Use::kTree, key);
      report_.tree_records +=
          static_cast<std::uint64_t>(dropped->pages_size() + dropped->values_size());
      TRY(FlushIfFull());
      if (progress_) progress_(Height(ReadBigEndian(key.substr(1))), options_.below);
    }
    return Checked(*garbage);
  }

  Status DropBlocks() {
    const Bytes window_end = BigEndian(WindowStart(genesis_, options_.below).value);
    CHECK(batch_.DeleteRange(store_.family(Use::kWindow), BigEndian(0), window_end).ok());
    const auto bodies = store_.Iterate(Use::kBodies);
    for (bodies->SeekToFirst(); bodies->Valid(); bodies->Next()) {
      const Height height(ReadBigEndian(bodies->key().ToStringView()));
      if (height >= options_.below) break;
      auto body = Decode<pb::StoredBody>(bodies->value().ToStringView());
      if (!body) return Fail(Code::kCorruption, "block {}: {}", height, body.error().message);
      TRY(DropBlock(height, *body));
      TRY(FlushIfFull());
      if (progress_) progress_(height, options_.below);
    }
    return Checked(*bodies);
  }

  Status DropBlock(Height height, const pb::StoredBody& body) {
    if (options_.blocks == PruneOptions::Blocks::kWithoutRecords && TRY(HoldsRecord(body))) {
      ++report_.blocks_kept;
      return {};
    }
    if (height >= WindowStart(genesis_, options_.below)) {
      const auto window = TRY(store_.ReadWindowBlock(height));
      CHECK(batch_.Put(store_.family(Use::kWindow), BigEndian(height.value), Encode(window)).ok());
    }
    for (const pb::SignedEnvelope& envelope : body.transactions()) {
      const TxId id = TransactionId(envelope.envelope());
      const auto place = TRY(store_.ReadLocation(id));
      if (!place || place->height != height) continue;  // its payload belongs to another block
      if (!TRY(store_.Get(Use::kPayloads, id.View()))) continue;
      Delete(Use::kPayloads, id.View());
      ++report_.payloads;
    }
    Delete(Use::kBodies, BigEndian(height.value));
    ++report_.blocks;
    return {};
  }

  Result<bool> HoldsRecord(const pb::StoredBody& body) const {
    for (const pb::SignedEnvelope& envelope : body.transactions()) {
      const auto tx = ParseTransaction(envelope, nullptr);
      if (!tx || tx->disclosure == pb::DISCLOSURE_UNSPECIFIED) continue;
      if (TRY(store_.Get(Use::kPayloads, tx->id.View()))) return true;
    }
    return false;
  }

  void Delete(Use use, BytesView key) {
    CHECK(batch_.Delete(store_.family(use), rocksdb::Slice(key.data(), key.size())).ok());
  }
  Status FlushIfFull() { return batch_.Count() < kDeletesPerWrite ? Status() : Flush(); }
  Status Flush() {
    TRY(store_.database().Commit(batch_));
    batch_.Clear();
    return {};
  }
  static Status Checked(const rocksdb::Iterator& walk) {
    if (walk.status().ok()) return {};
    return Fail(CodeOf(walk.status()), "{}", walk.status().ToString());
  }

  const ChainStore& store_;
  const Genesis& genesis_;
  const PruneOptions& options_;
  const Progress& progress_;
  rocksdb::WriteBatch batch_;
  PruneReport report_;
};

}  // namespace

Result<PruneReport> PruneChain(Database& database, const Genesis& genesis,
                               const PruneOptions& options, const Progress& progress) {
  const ChainStore store = TRY(ChainStore::Open(database, genesis.chain_id()));
  const auto head = TRY(store.ReadHead());
  if (TRY(store.ReadRestore())) {
    return Fail(Code::kUnavailable, "a restore from a snapshot is unfinished; finish it first");
  }
  if (!head || options.below > *head) {
    return Fail(Code::kPrecondition, "height {} is above the head, {}: the latest state stays",
                options.below, head.value_or(Height(0)));
  }
  const auto report = TRY(Pruner(store, genesis, options, progress).Run());
  // Gives the space back now; otherwise it comes back as the database is written to.
  for (const Use use : {Use::kTree, Use::kValues, Use::kBodies, Use::kPayloads}) {
    const rocksdb::Status compacted = database.db().CompactRange(
        rocksdb::CompactRangeOptions(), store.family(use), nullptr, nullptr);
    if (!compacted.ok()) return Fail(Code::kIo, "compaction: {}", compacted.ToString());
  }
  return report;
}

}  // namespace talent::ledger
