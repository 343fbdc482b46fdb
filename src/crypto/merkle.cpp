#include "crypto/merkle.h"

#include <algorithm>
#include <bit>

#include "crypto/sha256.h"

namespace talent::crypto {
namespace {

constexpr BytesView kLeafPrefix("\x00", 1);
constexpr BytesView kNodePrefix("\x01", 1);

using Leaves = std::span<const Hash>;

// Leaves in the left half of a tree of n > 1: the largest power of two below n.
std::uint64_t LeftSize(std::uint64_t n) { return std::bit_floor(n - 1); }

// Walks a path towards the root: `node` is the position of the subtree hashed so far and `last`
// that of its level's last subtree.
struct Climb {
  std::uint64_t node;
  std::uint64_t last;

  // Whether the next sibling stands to the left. Levels at which a subtree at the right edge has no
  // sibling, and is its own parent, are skipped first.
  bool SiblingIsLeft() {
    if (node % 2 == 0 && node != last) return false;
    while (node % 2 == 0 && node != 0) Up();
    return true;
  }
  void Up() {
    node /= 2;
    last /= 2;
  }
  bool AtRoot() const { return last == 0; }
};

}  // namespace

Hash MerkleLeaf(BytesView leaf) { return Sha256({kLeafPrefix, leaf}); }

Hash MerkleNode(const Hash& left, const Hash& right) {
  return Sha256({kNodePrefix, left.View(), right.View()});
}

Hash MerkleRoot(Leaves leaves) {
  if (leaves.empty()) return Sha256({});
  if (leaves.size() == 1) return leaves[0];
  const std::uint64_t left = LeftSize(leaves.size());
  return MerkleNode(MerkleRoot(leaves.first(left)), MerkleRoot(leaves.subspan(left)));
}

MerkleTree::MerkleTree(std::vector<Hash> leaves) {
  levels_.push_back(std::move(leaves));
  while (levels_.back().size() > 1) {
    const std::vector<Hash>& below = levels_.back();
    std::vector<Hash> level;
    level.reserve((below.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) {
      level.push_back(MerkleNode(below[i], below[i + 1]));
    }
    if (below.size() % 2 == 1) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
}

std::vector<Hash> MerkleTree::InclusionProof(std::uint64_t index) const {
  CHECK(index < levels_[0].size(), "leaf {} of {}", index, levels_[0].size());
  std::vector<Hash> proof;
  for (const std::vector<Hash>& level : levels_) {
    const std::uint64_t sibling = index ^ 1;
    if (sibling < level.size()) proof.push_back(level[sibling]);
    index /= 2;
  }
  return proof;
}

std::vector<Hash> InclusionProof(Leaves leaves, std::uint64_t index) {
  CHECK(index < leaves.size(), "leaf {} of {}", index, leaves.size());
  std::vector<Hash> proof;
  while (leaves.size() > 1) {
    const std::uint64_t left = LeftSize(leaves.size());
    if (index < left) {
      proof.push_back(MerkleRoot(leaves.subspan(left)));
      leaves = leaves.first(left);
    } else {
      proof.push_back(MerkleRoot(leaves.first(left)));
      leaves = leaves.subspan(left);
      index -= left;
    }
  }
  std::ranges::reverse(proof);
  return proof;
}

std::vector<Hash> ConsistencyProof(Leaves leaves, std::uint64_t old_size) {
  CHECK(0 < old_size && old_size <= leaves.size(), "{} of {} leaves", old_size, leaves.size());
  std::vector<Hash> proof;
  bool old_root_known = true;  // the subtree of the old leaves left is the whole old tree
  while (old_size < leaves.size()) {
    const std::uint64_t left = LeftSize(leaves.size());
    if (old_size <= left) {
      proof.push_back(MerkleRoot(leaves.subspan(left)));
      leaves = leaves.first(left);
    } else {
      proof.push_back(MerkleRoot(leaves.first(left)));
      leaves = leaves.subspan(left);
      old_size -= left;
      old_root_known = false;
    }
  }
  if (!old_root_known) proof.push_back(MerkleRoot(leaves));
  std::ranges::reverse(proof);
  return proof;
}

Status VerifyInclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                       std::span<const Hash> proof, const Hash& root) {
  if (index >= size) {
    return Fail(Code::kInvalidArgument, "leaf {} of a tree of {}", index, size);
  }
  Climb climb{.node = index, .last = size - 1};
  Hash hash = leaf;
  for (const Hash& sibling : proof) {
    if (climb.AtRoot()) {
      return Fail(Code::kInvalidArgument,
                  "inclusion proof of {} hashes is too long for leaf {} of {}", proof.size(), index,
                  size);
    }
    hash = climb.SiblingIsLeft() ? MerkleNode(sibling, hash) : MerkleNode(hash, sibling);
    climb.Up();
  }
  if (!climb.AtRoot()) {
    return Fail(Code::kInvalidArgument,
                "inclusion proof of {} hashes is too short for leaf {} of {}", proof.size(), index,
                size);
  }
  if (hash != root) {
    return Fail(Code::kCorruption, "inclusion proof of leaf {} of {} leads to root {}, not {}",
                index, size, hash.Hex(), root.Hex());
  }
  return {};
}

Status VerifyConsistency(std::uint64_t old_size, std::uint64_t new_size,
                         std::span<const Hash> proof, const Hash& old_root, const Hash& new_root) {
  const bool same_size = old_size == new_size;
  if (old_size == 0 || old_size > new_size || same_size != proof.empty()) {
    return Fail(Code::kInvalidArgument, "consistency proof of {} hashes from {} to {} leaves",
                proof.size(), old_size, new_size);
  }
  if (same_size) {
    if (old_root == new_root) return {};
    return Fail(Code::kCorruption, "two trees of {} leaves have different roots", old_size);
  }
  // Both roots are rebuilt from the largest complete subtree that ends at the old tree's last leaf:
  // the old tree itself, which the proof leaves out, or the proof's first hash.
  Climb climb{.node = old_size - 1, .last = new_size - 1};
  while (climb.node % 2 == 1) climb.Up();
  const bool old_is_complete = std::has_single_bit(old_size);
  Hash old_hash = old_is_complete ? old_root : proof[0];
  Hash new_hash = old_hash;
  for (const Hash& sibling : proof.subspan(old_is_complete ? 0 : 1)) {
    if (climb.AtRoot()) {
      return Fail(Code::kInvalidArgument,
                  "consistency proof of {} hashes is too long for {} to {} leaves", proof.size(),
                  old_size, new_size);
    }
    if (climb.SiblingIsLeft()) {
      old_hash = MerkleNode(sibling, old_hash);
      new_hash = MerkleNode(sibling, new_hash);
    } else {
      new_hash = MerkleNode(new_hash, sibling);
    }
    climb.Up();
  }
  if (!climb.AtRoot()) {
    return Fail(Code::kInvalidArgument,
                "consistency proof of {} hashes is too short for {} to {} leaves", proof.size(),
                old_size, new_size);
  }
  if (old_hash != old_root || new_hash != new_root) {
    return Fail(Code::kCorruption,
                "consistency proof from {} to {} leaves does not lead to the {} root", old_size,
                new_size, old_hash != old_root ? "old" : "new");
  }
  return {};
}

}  // namespace talent::crypto
