#include "base/canonical.h"
#include "ledger/erasure.h"
#include "ledger/snapshot.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

/// Above every key of a chain's records.
const Bytes kEnd(64, '\xff');

/// That a snapshot of `height` shows whether it is of the pinned block's history.
Status CheckReach(const Genesis& genesis, Height height, Height pinned) {
  if (height < pinned) {
    return Fail(Code::kPrecondition,
                "the snapshot is of height {}, older than the pinned block at height {}", height,
                pinned);
  }
  if (pinned < WindowStart(genesis, height)) {
    return Fail(
        Code::kPrecondition,
        "the snapshot of height {} leads back to height {} only, not to the pinned block at "
        "height {}; pin a newer one",
        height, WindowStart(genesis, height), pinned);
  }
  return {};
}

/// What this node has sealed itself, and a snapshot must agree with.
Status NoteOwn(const ChainStore& store, const Chain& chain, pb::StoredRestore& progress) {
  const Head own = chain.head();
  progress.set_own_height(own.height.value);
  progress.set_own_hash(own.hash.ToBytes());
  const StoredState state(store);
  for (Epoch ended; ended < chain.epoch()->number(); ++ended) {
    const EpochState epoch = TRY(ReadEndedEpoch(state, ended));
    const auto last = TRY(store.ReadHeader(epoch.end->last));
    progress.add_own_epochs(BlockHash(last.header()).ToBytes());
  }
  return {};
}

/// That `head` comes by the epochs that ended here, and so from validators this node knows: those
/// of former epochs could have sealed another history since.
Status CheckEpochs(const pb::StoredRestore& progress, const pb::SnapshotHead& head) {
  if (head.epochs_size() < progress.own_epochs_size()) {
    return Fail(Code::kDiverged,
                "the snapshot is of epoch {}, and this node is in epoch {} already",
                head.epochs_size(), progress.own_epochs_size());
  }
  for (int i = 0; i < progress.own_epochs_size(); ++i) {
    if (BlockHash(head.epochs(i).header().header()).View() != progress.own_epochs(i)) {
      return Fail(Code::kDiverged, "epoch {} ends with another block in the snapshot than here", i);
    }
  }
  return {};
}

}  // namespace

Result<std::optional<pb::SnapshotHead>> SnapshotRestore::Unfinished(const Database& database,
                                                                    const ChainId& chain) {
  const ChainStore store = TRY(ChainStore::Open(database, chain));
  auto progress = TRY(store.ReadRestore());
  if (!progress) return std::nullopt;
  return std::move(*progress->mutable_head());
}

Result<SnapshotRestore> SnapshotRestore::Begin(Database& database, const Genesis& genesis,
                                               const Application& application,
                                               const pb::SnapshotHead& head,
                                               const std::optional<PinnedBlock>& pinned) {
  // It is stored, and must be read again.
  TRY(Decode<pb::SnapshotHead>(Encode(head)));
  SnapshotRestore out(genesis, TRY(ChainStore::Open(database, genesis.chain_id())),
                      TRY(VerifySnapshotHead(genesis, head)));
  out.pinned_ = pinned;
  if (pinned) TRY(CheckReach(genesis, out.height(), pinned->height));
  if (auto progress = TRY(out.store_.ReadRestore())) {
    out.progress_ = std::move(*progress);
    if (out.progress_.head().header().header() == head.header().header()) return out;
    // The index of transactions already holds what lies below these: an older state would find ids
    // of its future there.
    const auto begun = TRY(VerifySnapshotHead(genesis, out.progress_.head()));
    const Height known =
        std::max(Height(begun.header.height()), TRY(out.store_.ReadHead()).value_or(Height(0)));
    if (out.height() < known) {
      return Fail(Code::kPrecondition,
                  "what is here already goes up to height {}; the snapshot is of height {}: take "
                  "a newer one, or begin with an empty database",
                  known, out.height());
    }
  } else {
    const auto chain = TRY(Chain::Open(database, genesis, application));
    if (chain->head().height >= out.height()) {
      return Fail(Code::kPrecondition,
                  "the chain is at height {} here already; the snapshot is of height {}",
                  chain->head().height, out.height());
    }
    TRY(NoteOwn(out.store_, *chain, out.progress_));
  }
  TRY(CheckEpochs(out.progress_, head));
  *out.progress_.mutable_head() = head;
  out.BeginWindow();
  out.check_to_ = out.LowestKnown();
  if (!out.check_to_) TRY(out.Clear());
  return out;
}

void SnapshotRestore::BeginWindow() {
  progress_.set_next_window(header_.hash.ToBytes());
  progress_.set_next_window_height(height().value);
}

std::optional<Height> SnapshotRestore::LowestKnown() const {
  std::optional<Height> lowest;
  if (pinned_) lowest = pinned_->height;
  const Height own(progress_.own_height());
  if (own == Height(0) || own < WindowStart(genesis_, height())) return lowest;
  return std::min(own, lowest.value_or(own));
}

Status SnapshotRestore::CheckKnown(const WindowHeight& at) const {
  if (pinned_ && at.height == pinned_->height && at.hash != pinned_->hash) {
    return Fail(Code::kDiverged, "block {} is {} in the snapshot; the pinned one is {}", at.height,
                at.hash.Hex(), pinned_->hash.Hex());
  }
  if (at.height == Height(progress_.own_height()) && at.hash.View() != progress_.own_hash()) {
    return Fail(Code::kDiverged, "block {} is {} in the snapshot; this node has sealed {}",
                at.height, at.hash.Hex(), ToHex(progress_.own_hash()));
  }
  return {};
}

Status SnapshotRestore::Clear() {
  check_to_.reset();
  BeginWindow();
  progress_.set_next_path(Hash().ToBytes());
  progress_.set_root(EncodeTreeSlot(TreeSlot()));
  progress_.set_entries(0);
  const TreeSlot genesis_root = TRY(store_.ReadRoot(Height(0)));
  rocksdb::WriteBatch batch;
  for (const Use use : {Use::kState, Use::kValues, Use::kTree, Use::kWindow}) {
    CHECK(batch.DeleteRange(store_.family(use), rocksdb::Slice(), kEnd).ok());
  }
  CHECK(
      batch.Put(store_.family(Use::kTree), RootKey(Height(0)), EncodeTreeSlot(genesis_root)).ok());
  return Save(batch);
}

Status SnapshotRestore::Save(rocksdb::WriteBatch& batch) {
  store_.PutRestore(batch, &progress_);
  return store_.database().Commit(batch);
}

std::optional<Hash> SnapshotRestore::next_state() const {
  if (checking() || progress_.next_path().empty()) return std::nullopt;
  return Hash::FromBytes(progress_.next_path()).value_or(Hash());
}

std::optional<Height> SnapshotRestore::next_window() const {
  if (progress_.next_window().empty()) return std::nullopt;
  return Height(progress_.next_window_height());
}

double SnapshotRestore::state_done() const {
  if (checking()) return 0;
  const auto next = next_state();
  if (!next) return 1;
  return static_cast<double>(ReadBigEndian(next->View().substr(0, 8))) / 18446744073709551616.0;
}

Status SnapshotRestore::AddState(BytesView packed) {
  const Hash root = TRY(Hash::FromBytes(header_.header.state_root()));
  return AddState(TRY(ReadStateChunk(packed, root)));
}

Status SnapshotRestore::AddState(const ledger::StateChunk& chunk) {
  const auto next = next_state();
  if (!next || !chunk.place.Holds(*next)) {
    return Fail(Code::kPrecondition, "the chunk begins at {}, and what is wanted next lies at {}",
                chunk.place.first.Hex(), next ? next->Hex() : "none");
  }
  const TreeSlot root = TRY(DecodeTreeSlot(progress_.root()));
  const TreeUpdate tree = TRY(UpdateTree(StoredPages(store_), root, height(), chunk.changes));
  rocksdb::WriteBatch batch;
  const auto put = [&](Use use, const Bytes& key, const Bytes& value) {
    CHECK(batch.Put(store_.family(use), key, value).ok());
  };
  for (std::size_t i = 0; i < chunk.changes.size(); ++i) {
    const pb::StateEntry& entry = chunk.message.entries(static_cast<int>(i));
    put(Use::kState, entry.key(), entry.value());
    put(Use::kValues, ValueKey(chunk.changes[i].path, height()), Encode(entry));
  }
  for (const auto& [key, page] : tree.pages) {
    put(Use::kTree, StoredPageKey(key), EncodeTreePage(*page));
  }
  const auto after = chunk.place.Next();
  progress_.set_next_path(after ? after->ToBytes() : Bytes());
  progress_.set_root(EncodeTreeSlot(tree.root));
  progress_.set_entries(progress_.entries() + chunk.changes.size());
  return Save(batch);
}

Status SnapshotRestore::AddWindow(BytesView packed) {
  const auto next = next_window();
  if (!next) return Fail(Code::kPrecondition, "no more of the window is wanted");
  const Height start = WindowStart(genesis_, height());
  const Hash expected = TRY(Hash::FromBytes(progress_.next_window()));
  const auto heights = TRY(ReadWindowChunk(packed, *next, expected));
  for (const WindowHeight& at : heights) TRY(CheckKnown(at));
  if (checking()) {
    progress_.set_next_window(heights.back().previous_hash.ToBytes());
    progress_.set_next_window_height(heights.back().height.value - 1);
    return heights.back().height <= *check_to_ ? Clear() : Status();
  }
  const auto message = TRY(Decode<pb::WindowChunk>(TRY(InflateChunk(packed))));
  rocksdb::WriteBatch batch;
  std::map<TxId, TxLocation> places;
  for (std::size_t i = 0; i < heights.size() && heights[i].height >= start; ++i) {
    const WindowHeight& at = heights[i];
    CHECK(batch
              .Put(store_.family(Use::kWindow), BigEndian(at.height.value),
                   Encode(message.blocks(static_cast<int>(i))))
              .ok());
    for (std::size_t j = 0; j < at.tx_ids.size(); ++j) {
      // Downwards, so that the last place of an id stays: the one that tells a repetition.
      places.try_emplace(at.tx_ids[j], TxLocation{at.height, static_cast<std::uint32_t>(j)});
    }
    progress_.set_next_window(at.previous_hash.ToBytes());
    progress_.set_next_window_height(at.height.value - 1);
  }
  for (const auto& [id, place] : places) {
    const auto known = TRY(store_.ReadLocation(id));
    if (known && known->height >= place.height) continue;
    CHECK(batch
              .Put(store_.family(Use::kTransactions), rocksdb::Slice(id.ToBytes()),
                   EncodeLocation(place))
              .ok());
  }
  if (Height(progress_.next_window_height()) < start) progress_.clear_next_window();
  return Save(batch);
}

/// What was erased while this node was away: payloads of its own blocks, and the state it had.
Status SnapshotRestore::EraseKnown(rocksdb::WriteBatch& batch) const {
  pb::StoredErasing erasing;
  erasing.set_state(progress_.own_height() > 0);
  const StoredState state(store_);
  Status status;
  state.Scan(kErasedPayloads, {}, [&](BytesView key, BytesView) {
    const BytesView id = key.substr(kErasedPayloads.size());
    const auto here = store_.Get(Use::kPayloads, id);
    if (!here) status = tl::unexpected(here.error());
    if (here && *here) erasing.add_payloads(Bytes(id));
    return status.has_value();
  });
  TRY(std::move(status));
  TRY(state.status());
  store_.NoteErasing(batch, height(), erasing);
  return {};
}

Status SnapshotRestore::Finish() {
  if (next_state() || next_window()) {
    return Fail(Code::kPrecondition, "{} of the snapshot is missing",
                next_state() ? "state" : "the window of transactions");
  }
  const TreeSlot root = TRY(DecodeTreeSlot(progress_.root()));
  if (root.hash.View() != header_.header.state_root()) {
    return Fail(Code::kCorruption, "the restored state has root {}, not {}", root.hash.Hex(),
                ToHex(header_.header.state_root()));
  }
  if (pinned_) {  // also where the window was added by a run that had another pin, or none
    const auto block = TRY(store_.ReadWindowBlock(pinned_->height));
    if (BlockHash(block.header()) != pinned_->hash) {
      return Fail(Code::kDiverged, "block {} is {} here; the pinned one is {}", pinned_->height,
                  BlockHash(block.header()).Hex(), pinned_->hash.Hex());
    }
  }
  rocksdb::WriteBatch batch;
  TRY(EraseKnown(batch));
  const auto put_header = [&](const pb::CertifiedHeader& certified) -> Status {
    const auto header = TRY(Decode<pb::BlockHeader>(certified.header()));
    CHECK(batch.Put(store_.family(Use::kHeaders), BigEndian(header.height()), Encode(certified))
              .ok());
    return {};
  };
  TRY(put_header(progress_.head().header()));
  for (const pb::EpochChange& change : progress_.head().epochs()) TRY(put_header(change.header()));
  CHECK(batch.Put(store_.family(Use::kTree), RootKey(height()), EncodeTreeSlot(root)).ok());
  store_.PutHead(batch, height());
  pb::StoredRetention retention;
  retention.set_state_from(height().value);
  retention.set_blocks_from(height().value + 1);
  retention.set_restored(true);
  store_.PutRetention(batch, retention);
  store_.PutRestore(batch, nullptr);
  CHECK(batch.Delete(WantSnapshotKey(genesis_.chain_id())).ok());
  return store_.database().Commit(batch);
}

}  // namespace talent::ledger
