// Pieces of a snapshot: how they are packed, and how each is checked by itself.
//
// Every chunk is a zstd frame of canonical protobuf (talent/ledger/v1/snapshot.proto). A reader
// bounds what it inflates before it looks inside.
#pragma once

#include "ledger/light_client.h"
#include "ledger/pinned_block.h"
#include "ledger/state_tree.h"
#include "talent/ledger/v1/snapshot.pb.h"

namespace talent::ledger {

/// Of a snapshot's head; no other is known.
inline constexpr std::uint32_t kSnapshotFormat = 1;
/// A chunk of state ends where the next subtree would make it larger. Small enough that a peer's
/// answer is a matter of milliseconds and that a bad one costs little.
inline constexpr std::size_t kChunkBytes = 1u << 20;
/// What an entry counts besides key and value.
inline constexpr std::size_t kEntryFraming = 16;
/// Most that a chunk inflates to: one state entry may be as large as a transaction, 14 MiB.
inline constexpr std::size_t kMaxInflatedChunk = 15u << 20;
/// Most that a chunk takes as it travels: what does not compress grows by zstd's framing.
inline constexpr std::size_t kMaxPackedChunk = kMaxInflatedChunk + (64u << 10);

/// The zstd frame of `canonical` bytes.
Bytes PackChunk(BytesView canonical);
/// The canonical bytes in `packed`. Errors: kInvalidArgument (not exactly one zstd frame),
/// kTooLarge (inflates to over kMaxInflatedChunk; nothing of that size is held).
Result<Bytes> InflateChunk(BytesView packed);

/// A chunk of state that belongs under the root it was checked against.
struct StateChunk {
  StateSubtree place;
  pb::StateChunk message;
  std::vector<TreeChange> changes;  // of its entries, in their order
};

/// Checks that `packed` is all of the state below its place under `state_root`. Errors: those of
/// InflateChunk; kInvalidArgument (form), kCorruption (leads to another root).
Result<StateChunk> ReadStateChunk(BytesView packed, const Hash& state_root);

/// What a window chunk says of one height.
struct WindowHeight {
  Height height;
  Hash hash;
  Hash previous_hash;
  std::vector<TxId> tx_ids;
};

/// Checks that `packed` holds the block whose hash is `newest` at `height`, and blocks before it,
/// with all their transactions' ids. Never empty. Errors: as ReadStateChunk.
Result<std::vector<WindowHeight>> ReadWindowChunk(BytesView packed, Height height,
                                                  const Hash& newest);

/// Checks a snapshot's header from the genesis, through its epochs. Errors name the step.
Result<TrustedHeader> VerifySnapshotHead(const Genesis& genesis, const pb::SnapshotHead& head);

/// Lowest height whose transactions can be repeated after `height`.
Height WindowStart(const Genesis& genesis, Height height);

}  // namespace talent::ledger
