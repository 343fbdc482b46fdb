// Erasure: payloads and state entries that a chain's rules take away for good.
//
// State table "erased/" says what was erased, by what and when; every node reads the same there.
// Envelopes, roots and proofs stay whole. From the block that erases on nobody is shown what it
// took; peers have the payloads for kErasedServedFor more, since who has not executed their blocks
// yet cannot do it without them. Then erasure_sweep.h takes the bytes out of the database's files.
#pragma once

#include <optional>
#include <set>

#include "ledger/application.h"
#include "ledger/state_tree.h"
#include "talent/ledger/v1/erasure.pb.h"

namespace talent::ledger {

/// After the time of the block that erased. A node further behind goes on from a snapshot.
inline constexpr Millis kErasedServedFor{600'000};

// For the rules of an application.

/// Takes the payload of transaction `id` of this chain, of this block or one before it. `by` is
/// what asked for it: a transaction here, or a record of another chain. What is erased already
/// stays as it was said.
void ErasePayload(StateOverlay& state, const BlockContext& block, const TxId& id, BytesView by);

/// Puts `instead` in the place of the entry `key`, or nothing, and takes away what it held before.
/// Old state roots then prove that something was there by its hash only: proofs and snapshots of
/// those heights are kPruned.
void EraseEntry(StateOverlay& state, const BlockContext& block, BytesView key,
                std::optional<Bytes> instead = std::nullopt);

/// Whether and by what the payload of `id` was erased.
std::optional<pb::ErasedEntry> FindErased(const StateReader& state, const TxId& id);
/// Its key in the state, for proofs.
Bytes ErasedKey(const TxId& id);

// For Chain.

/// Whether a block within the last `window` up to `tip` has erased something. An idle chain goes on
/// with empty blocks until none has: then the votes that validators keep, which hold payloads of a
/// window of blocks, are of later ones.
bool ErasedWithin(const StateReader& state, Height tip, std::uint32_t window);

/// What a block erases, from its writes and what they made of the tree.
pb::StoredErasing ErasingOf(const StateOverlay::Writes& writes, const TreeUpdate& tree);
/// Height at which what the entry at `path` held before was erased.
std::optional<Height> EntryErasedAt(const StateReader& state, const Hash& path);

inline constexpr BytesView kErasedPayloads = "erased/payload/";
inline constexpr BytesView kErasedEntries = "erased/entry/";

}  // namespace talent::ledger
