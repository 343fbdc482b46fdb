#include "ledger/snapshot.h"

#include "base/canonical.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

SnapshotSource::Chunk Pack(const google::protobuf::Message& message, std::uint64_t count) {
  const Bytes raw = Encode(message);
  return {PackChunk(raw), raw.size(), count};
}

}  // namespace

Result<SnapshotSource> SnapshotSource::Open(const Database& database, const Genesis& genesis,
                                            Height at) {
  SnapshotSource source(TRY(ChainStore::Open(database, genesis.chain_id())).Snapshot(), genesis);
  const ChainStore& store = source.store_;
  const auto sealed = TRY(store.ReadHead());
  if (!sealed || at > *sealed || at == Height(0) || TRY(store.ReadRestore())) {
    return Fail(Code::kNotFound, "height {} is not sealed here; the head is {}", at,
                sealed.value_or(Height(0)));
  }
  source.height_ = at;
  source.root_ = TRY(store.ReadRoot(at));
  TRY(store.ReadWindowBlock(WindowStart(genesis, at)));
  return source;
}

Result<pb::SnapshotHead> SnapshotSource::Head() const {
  pb::SnapshotHead head;
  head.set_format(kSnapshotFormat);
  *head.mutable_header() = TRY(store_.ReadHeader(height_));
  const StoredState state(store_);
  for (Epoch ended; ended < Epoch(head.header().certificate().epoch()); ++ended) {
    const EpochState epoch = TRY(ReadEndedEpoch(state, ended));
    pb::EpochChange& change = *head.add_epochs();
    *change.mutable_header() = TRY(store_.ReadHeader(epoch.end->last));
    *change.mutable_next_validators() = ToProto(epoch.end->next);
  }
  return head;
}

Result<SnapshotSource::Chunk> SnapshotSource::StateChunk(const StateSubtree& place) const {
  pb::StateChunk chunk;
  std::size_t size = 0;
  const auto siblings =
      TRY(CheckSubtree(StoredPages(store_), root_, place, [&](const TreeSlot& leaf) -> Status {
        pb::StateEntry entry = TRY(store_.ReadEntry(leaf));
        if (StateValueHash(entry.value()) != leaf.value_hash ||
            StatePath(entry.key()) != leaf.path) {
          return Fail(Code::kCorruption, "the value at {} is not the one its leaf names",
                      leaf.path.Hex());
        }
        size += entry.key().size() + entry.value().size() + kEntryFraming;
        if (size > kChunkBytes && !chunk.entries().empty()) {
          return Fail(Code::kTooLarge, "more than one chunk lies there");
        }
        *chunk.add_entries() = std::move(entry);
        return {};
      }));
  chunk.set_depth(static_cast<std::uint32_t>(place.depth));
  chunk.set_prefix(Bytes(place.first.View().substr(0, (place.depth + 7) / 8)));
  for (const Hash& sibling : siblings) chunk.add_siblings(sibling.ToBytes());
  return Pack(chunk, static_cast<std::uint64_t>(chunk.entries_size()));
}

Result<SnapshotSource::Chunk> SnapshotSource::WindowChunk(Height newest) const {
  const Height start = window_start();
  if (newest > height_ || newest < start) {
    return Fail(Code::kInvalidArgument, "height {} is not in the window, {} to {}", newest, start,
                height_);
  }
  pb::WindowChunk chunk;
  std::size_t size = 0;
  for (Height height = newest; height >= start && size < kChunkBytes; height = height - 1) {
    pb::WindowBlock block = TRY(store_.ReadWindowBlock(height));
    size += block.header().size() + block.tx_ids().size();
    *chunk.add_blocks() = std::move(block);
  }
  return Pack(chunk, static_cast<std::uint64_t>(chunk.blocks_size()));
}

Bytes WantSnapshotKey(const ChainId& chain) { return "wants_snapshot/" + chain.Hex(); }

Status WantSnapshot(const Database& database, const ChainId& chain) {
  if (TRY(WantsSnapshot(database, chain))) return {};
  rocksdb::WriteBatch batch;
  CHECK(batch.Put(WantSnapshotKey(chain), "").ok());
  return database.Commit(batch);
}

Result<bool> WantsSnapshot(const Database& database, const ChainId& chain) {
  return TRY(database.Get(database.db().DefaultColumnFamily(), WantSnapshotKey(chain))).has_value();
}

Status WalkStatePlaces(const std::function<Status(const StateSubtree&)>& take) {
  std::vector<StateSubtree> left = {StateSubtree()};
  while (!left.empty()) {
    const StateSubtree place = left.back();
    left.pop_back();
    const Status taken = take(place);
    if (taken) continue;
    if (taken.error().code != Code::kTooLarge || place.depth == kStateTreeDepth) return taken;
    const auto [first, second] = place.Halves();
    left.push_back(second);
    left.push_back(first);
  }
  return {};
}

}  // namespace talent::ledger
