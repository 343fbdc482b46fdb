#include "ledger/snapshot_chunk.h"

#include <zstd.h>

#include <algorithm>

#include "base/canonical.h"
#include "crypto/merkle.h"

namespace talent::ledger {
namespace {

constexpr int kLevel = 3;  // zstd's default: over 200 MB/s a core; hashes do not compress better

/// Hash of the subtree over `leaves`, `depth` bits down.
Hash SubtreeHash(std::span<const TreeChange> leaves, std::size_t depth) {
  if (leaves.empty()) return {};
  if (leaves.size() == 1) return StateLeafHash(leaves[0].path, *leaves[0].value_hash);
  CHECK(depth < kStateTreeDepth, "two keys with one path");
  const auto right = std::partition_point(leaves.begin(), leaves.end(), [&](const TreeChange& at) {
    return !StatePathBit(at.path, depth);
  });
  const auto left_count = static_cast<std::size_t>(right - leaves.begin());
  const Hash left = SubtreeHash(leaves.first(left_count), depth + 1);
  return StateNodeHash(left, SubtreeHash(leaves.subspan(left_count), depth + 1));
}

/// Of the place's ancestors each holds two keys or more, or the chunk would have been one of
/// theirs: so all are nodes.
Hash RootAbove(Hash hash, const StateSubtree& place, const std::vector<Hash>& siblings) {
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    const bool right = StatePathBit(place.first, place.depth - 1 - i);
    hash = right ? StateNodeHash(siblings[i], hash) : StateNodeHash(hash, siblings[i]);
  }
  return hash;
}

Result<StateSubtree> ReadPlace(const pb::StateChunk& message) {
  StateSubtree place;
  place.depth = message.depth();
  if (place.depth > kStateTreeDepth || message.prefix().size() != (place.depth + 7) / 8) {
    return Fail(Code::kInvalidArgument, "a prefix of {} bytes for a depth of {} bits",
                message.prefix().size(), place.depth);
  }
  std::copy(message.prefix().begin(), message.prefix().end(), place.first.data());
  for (std::size_t bit = place.depth; bit < 8 * message.prefix().size(); ++bit) {
    if (StatePathBit(place.first, bit)) {
      return Fail(Code::kInvalidArgument, "the prefix has bits below its depth of {}", place.depth);
    }
  }
  if (static_cast<std::size_t>(message.siblings_size()) != place.depth) {
    return Fail(Code::kInvalidArgument, "{} siblings at a depth of {}", message.siblings_size(),
                place.depth);
  }
  return place;
}

Result<std::vector<TreeChange>> ReadEntries(const pb::StateChunk& message,
                                            const StateSubtree& place) {
  std::vector<TreeChange> out;
  out.reserve(static_cast<std::size_t>(message.entries_size()));
  for (const pb::StateEntry& entry : message.entries()) {
    const Hash path = StatePath(entry.key());
    if (!place.Holds(path)) {
      return Fail(Code::kInvalidArgument, "entry {} lies outside the chunk's place", out.size());
    }
    if (!out.empty() && out.back().path >= path) {
      return Fail(Code::kInvalidArgument, "entry {} does not ascend", out.size());
    }
    out.push_back({path, StateValueHash(entry.value())});
  }
  return out;
}

Result<WindowHeight> ReadWindowBlock(const pb::WindowBlock& block, Height height,
                                     const Hash& expected) {
  if (BlockHash(block.header()) != expected) {
    return Fail(Code::kCorruption, "height {}: its header is not the one that the next one names",
                height);
  }
  const auto header = TRY(Decode<pb::BlockHeader>(block.header()));
  WindowHeight out{height, expected, TRY(Hash::FromBytes(header.previous_hash())), {}};
  const BytesView ids = block.tx_ids();
  if (ids.size() != std::uint64_t{header.transaction_count()} * TxId::kSize) {
    return Fail(Code::kCorruption, "height {}: {} bytes of ids for {} transactions", height,
                ids.size(), header.transaction_count());
  }
  std::vector<Hash> leaves;
  for (std::size_t at = 0; at < ids.size(); at += TxId::kSize) {
    out.tx_ids.push_back(TRY(TxId::FromBytes(ids.substr(at, TxId::kSize))));
    leaves.push_back(crypto::MerkleLeaf(out.tx_ids.back().View()));
  }
  if (crypto::MerkleRoot(leaves).View() != header.transactions_root()) {
    return Fail(Code::kCorruption, "height {}: its ids do not lead to the transactions_root",
                height);
  }
  return out;
}

}  // namespace

Bytes PackChunk(BytesView raw) {
  Bytes out(ZSTD_compressBound(raw.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), kLevel);
  CHECK(ZSTD_isError(size) == 0, "zstd: {}", ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

Result<Bytes> InflateChunk(BytesView packed) {
  if (packed.size() > kMaxPackedChunk) {
    return Fail(Code::kTooLarge, "a chunk of {} bytes; at most {} are read", packed.size(),
                kMaxPackedChunk);
  }
  // A frame states its size, and zstd holds it to that.
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
    return Fail(Code::kInvalidArgument, "not a zstd frame that states its size");
  }
  if (size > kMaxInflatedChunk) {
    return Fail(Code::kTooLarge, "a chunk that inflates to {} bytes; at most {} are read", size,
                kMaxInflatedChunk);
  }
  if (ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) {
    return Fail(Code::kInvalidArgument, "not one whole zstd frame");
  }
  Bytes out(size, '\0');
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != size) {
    return Fail(Code::kInvalidArgument, "the zstd frame is damaged");
  }
  return out;
}

Result<StateChunk> ReadStateChunk(BytesView packed, const Hash& state_root) {
  StateChunk chunk;
  chunk.message = TRY(Decode<pb::StateChunk>(TRY(InflateChunk(packed))));
  chunk.place = TRY(ReadPlace(chunk.message));
  chunk.changes = TRY(ReadEntries(chunk.message, chunk.place));
  std::vector<Hash> siblings;
  for (const Bytes& sibling : chunk.message.siblings()) {
    siblings.push_back(TRY(Hash::FromBytes(sibling)));
  }
  const Hash subtree = SubtreeHash(chunk.changes, chunk.place.depth);
  const Hash root = RootAbove(subtree, chunk.place, siblings);
  if (root != state_root) {
    return Fail(Code::kCorruption, "the chunk leads to root {}, not {}", root.Hex(),
                state_root.Hex());
  }
  return chunk;
}

Result<std::vector<WindowHeight>> ReadWindowChunk(BytesView packed, Height height,
                                                  const Hash& newest) {
  const auto message = TRY(Decode<pb::WindowChunk>(TRY(InflateChunk(packed))));
  if (message.blocks().empty()) return Fail(Code::kInvalidArgument, "a window chunk of no blocks");
  std::vector<WindowHeight> out;
  Hash expected = newest;
  for (const pb::WindowBlock& block : message.blocks()) {
    if (height == Height(0)) return Fail(Code::kInvalidArgument, "a block below height 1");
    out.push_back(TRY(ReadWindowBlock(block, height, expected)));
    expected = out.back().previous_hash;
    height = height - 1;
  }
  return out;
}

Result<TrustedHeader> VerifySnapshotHead(const Genesis& genesis, const pb::SnapshotHead& head) {
  if (head.format() != kSnapshotFormat) {
    return Fail(Code::kFormatVersion, "snapshot format {}; this program reads {}", head.format(),
                kSnapshotFormat);
  }
  return VerifyThroughEpochs(genesis, head.epochs(), head.header());
}

Height WindowStart(const Genesis& genesis, Height height) {
  const std::uint64_t window = genesis.consensus().max_valid_for;
  return Height(height.value > window ? height.value - window + 1 : 1);
}

}  // namespace talent::ledger
