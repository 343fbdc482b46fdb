// RFC 6962 Merkle trees: roots, inclusion and consistency proofs (RFC 6962 §2.1, RFC 9162
// §2.1.3-4).
//
// A leaf is hashed as SHA-256(0x00 ‖ leaf), a node as SHA-256(0x01 ‖ left ‖ right); the empty
// tree's root is SHA-256 of nothing. All functions are pure and thread-safe.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace talent::crypto {

Hash MerkleLeaf(BytesView leaf);
Hash MerkleNode(const Hash& left, const Hash& right);

/// Root over leaf hashes (made by MerkleLeaf) in order.
Hash MerkleRoot(std::span<const Hash> leaves);

/// A tree kept whole, for many proofs of its leaves.
class MerkleTree {
 public:
  explicit MerkleTree(std::vector<Hash> leaves);
  /// As the function of this name, without hashing.
  std::vector<Hash> InclusionProof(std::uint64_t index) const;

 private:
  std::vector<std::vector<Hash>> levels_;  // from the leaves up; an odd last one stands for itself
};

/// Siblings from leaf `index` up to the root. Requires index < leaves.size(); checked.
std::vector<Hash> InclusionProof(std::span<const Hash> leaves, std::uint64_t index);

/// Nodes that show the tree of the first `old_size` leaves to be a prefix of this one.
/// Requires 0 < old_size <= leaves.size(); checked.
std::vector<Hash> ConsistencyProof(std::span<const Hash> leaves, std::uint64_t old_size);

/// Errors: kInvalidArgument (index or length impossible for this size), kCorruption (another root).
Status VerifyInclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                       std::span<const Hash> proof, const Hash& root);

/// Errors: kInvalidArgument (sizes or length impossible), kCorruption (a root does not match).
Status VerifyConsistency(std::uint64_t old_size, std::uint64_t new_size,
                         std::span<const Hash> proof, const Hash& old_root, const Hash& new_root);

}  // namespace talent::crypto
