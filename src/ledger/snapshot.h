// Snapshots of a chain: making them from what is stored, and starting a chain from one.
//
// A snapshot is the state at a sealed height and the ids of the transactions that can still be
// repeated after it. Its chunks follow from the chain alone, so that those of several nodes fit
// together: state is cut where a subtree fits a chunk and the one above does not.
#pragma once

#include "ledger/chain.h"
#include "ledger/chain_store.h"
#include "ledger/snapshot_chunk.h"

namespace talent::ledger {

/// What a node serves of one height, as of the moment of opening. Thread-safe.
class SnapshotSource {
 public:
  /// Errors: kNotFound (not sealed), kPruned (its state or the ids are not here any more),
  /// kCorruption, kIo.
  static Result<SnapshotSource> Open(const Database& database, const Genesis& genesis, Height at);

  /// Made anew at each call. Errors: kCorruption, kIo.
  Result<pb::SnapshotHead> Head() const;
  Height height() const { return height_; }
  Height window_start() const { return WindowStart(genesis_, height_); }

  struct Chunk {
    Bytes packed;
    std::size_t inflated = 0;
    std::uint64_t count = 0;  // of state entries, or of heights
  };
  /// All of the state below `place`. Errors: kTooLarge (does not fit a chunk: ask for its
  /// halves), kInvalidArgument (the state does not branch there), kPruned, kCorruption, kIo.
  Result<Chunk> StateChunk(const StateSubtree& place) const;
  /// Ids of the transactions of `newest` and so many heights below it as fit a chunk.
  /// Errors: kInvalidArgument (not in the snapshot's window), kPruned, kCorruption, kIo.
  Result<Chunk> WindowChunk(Height newest) const;

 private:
  SnapshotSource(ChainStore store, Genesis genesis)
      : store_(std::move(store)), genesis_(std::move(genesis)) {}

  ChainStore store_;
  Genesis genesis_;
  Height height_;
  TreeSlot root_;
};

/// Starts a chain from a snapshot, chunk by chunk in order, wherever they come from. What is done
/// is on disk: a restore that was interrupted goes on where it was. Until it is finished the chain
/// does not open.
class SnapshotRestore {
 public:
  /// Begins, or goes on where a restore of the same snapshot stopped. Whatever state the chain had
  /// is dropped, its blocks stay; but not before the snapshot has shown to be of the history of the
  /// pinned block and of what this node has sealed itself, as far as its window reaches. Errors:
  /// kPrecondition (the chain is at this height already, or further; the snapshot is older than the
  /// pinned block, or too new to lead back to it), kDiverged (an epoch that ended here ends
  /// otherwise there), those of VerifySnapshotHead and Chain::Open.
  static Result<SnapshotRestore> Begin(Database& database, const Genesis& genesis,
                                       const Application& application, const pb::SnapshotHead& head,
                                       const std::optional<PinnedBlock>& pinned = std::nullopt);
  /// The snapshot that a restore of `chain` is under way from.
  static Result<std::optional<pb::SnapshotHead>> Unfinished(const Database& database,
                                                            const ChainId& chain);

  const TrustedHeader& header() const { return header_; }
  Height height() const { return Height(header_.header.height()); }
  /// Only the window is wanted, to compare it with what is known here; nothing has been dropped.
  bool checking() const { return check_to_.has_value(); }
  /// Lowest path of the next state chunk; nullopt when all are here, and while checking().
  std::optional<Hash> next_state() const;
  /// Newest height of the next window chunk; nullopt when all are here. After checking() the window
  /// is wanted once more.
  std::optional<Height> next_window() const;
  std::uint64_t entries() const { return progress_.entries(); }
  /// Of the state, from 0 to 1: paths are spread evenly.
  double state_done() const;

  /// Takes a chunk that holds next_state(). Errors: those of ReadStateChunk; kPrecondition
  /// (another chunk), kIo.
  Status AddState(BytesView packed);
  /// The same with one that ReadStateChunk has checked against header()'s state root.
  Status AddState(const ledger::StateChunk& chunk);
  /// Takes the chunk that begins at next_window(). Errors: as AddState; kDiverged (another history
  /// than the pinned block's or this node's).
  Status AddWindow(BytesView packed);

  /// Opens the chain for use: durable on return. Errors: kPrecondition (chunks are missing),
  /// kCorruption, kIo.
  Status Finish();

 private:
  SnapshotRestore(const Genesis& genesis, ChainStore store, TrustedHeader header)
      : genesis_(genesis), store_(std::move(store)), header_(std::move(header)) {}
  void BeginWindow();
  /// Lowest height of the window whose block is known here.
  std::optional<Height> LowestKnown() const;
  Status CheckKnown(const WindowHeight& at) const;
  Status Clear();
  Status EraseKnown(rocksdb::WriteBatch& batch) const;
  Status Save(rocksdb::WriteBatch& batch);

  Genesis genesis_;
  ChainStore store_;
  TrustedHeader header_;
  std::optional<PinnedBlock> pinned_;
  std::optional<Height> check_to_;  // set while checking()
  pb::StoredRestore progress_;
};

/// Notes that a chain goes on from a snapshot only, so that the next start fetches one; a restore
/// that is finished takes the note away. Errors: kIo.
Status WantSnapshot(const Database& database, const ChainId& chain);
/// Errors: kIo, kCorruption.
Result<bool> WantsSnapshot(const Database& database, const ChainId& chain);
/// The note's key, in the default column family.
Bytes WantSnapshotKey(const ChainId& chain);

/// Calls `take` with every state place of a snapshot in order of path, until it fails. `take` fails
/// with kTooLarge where the place must be cut in two.
Status WalkStatePlaces(const std::function<Status(const StateSubtree&)>& take);

}  // namespace talent::ledger
