#include "crypto/merkle.h"

#include <gtest/gtest.h>

#include <bit>
#include <optional>

#include "crypto/sha256.h"
#include "unit/crypto/vectors.h"

namespace talent::crypto {
namespace {

// Sizes that pass every shape of tree up to seven levels.
constexpr std::uint64_t kLargest = 70;

std::vector<Hash> Leaves(std::uint64_t n) {
  std::vector<Hash> out;
  for (std::uint64_t i = 0; i < n; ++i) out.push_back(MerkleLeaf(std::to_string(i)));
  return out;
}

// The definition of RFC 6962 §2.1 a second time, level by level instead of by halves.
Hash RootByLevels(std::vector<Hash> level) {
  while (level.size() > 1) {
    std::vector<Hash> next;
    for (std::size_t i = 0; i + 1 < level.size(); i += 2) {
      next.push_back(MerkleNode(level[i], level[i + 1]));
    }
    if (level.size() % 2 == 1) next.push_back(level.back());
    level = std::move(next);
  }
  return level.at(0);
}

// A proof of the vector files; none where one of its hashes has not the size of a hash.
std::optional<std::vector<Hash>> ProofOf(const nlohmann::json& vector) {
  std::vector<Hash> out;
  for (const auto& node : vector.at("proof")) {
    const Result<Hash> hash = Hash::FromBytes(FromBase64(node.get<std::string>()));
    if (!hash) return std::nullopt;
    out.push_back(*hash);
  }
  return out;
}

// A hash of the vector files; none where it is empty. Roots that do not matter ("don't care 1") are
// no hashes: any will do that are equal where the texts are.
std::optional<Hash> HashOf(const nlohmann::json& vector, const char* field) {
  const Bytes bytes = FromBase64(vector.at(field).get<std::string>());
  if (bytes.empty()) return std::nullopt;
  return Hash::FromBytes(bytes).value_or(Sha256(bytes));
}

TEST(Merkle, Inclusion_AgreesWithPublishedProofs) {
  const nlohmann::json file = ReadVectors("rfc6962-proofs.json");
  ASSERT_EQ(file.at("inclusion").size(), 98U);
  for (const auto& vector : file.at("inclusion")) {
    const auto proof = ProofOf(vector);
    const auto leaf = HashOf(vector, "leafHash");
    const auto root = HashOf(vector, "root");
    const bool ok =
        proof && leaf && root &&
        VerifyInclusion(*leaf, vector.at("leafIdx"), vector.at("treeSize"), *proof, *root);
    EXPECT_NE(ok, vector.at("wantErr").get<bool>()) << vector.at("name");
  }
}

TEST(Merkle, Consistency_AgreesWithPublishedProofs) {
  const nlohmann::json file = ReadVectors("rfc6962-proofs.json");
  ASSERT_EQ(file.at("consistency").size(), 98U);
  for (const auto& vector : file.at("consistency")) {
    const auto proof = ProofOf(vector);
    const auto root1 = HashOf(vector, "root1");
    const auto root2 = HashOf(vector, "root2");
    const bool ok =
        proof && root1 && root2 &&
        VerifyConsistency(vector.at("size1"), vector.at("size2"), *proof, *root1, *root2);
    EXPECT_NE(ok, vector.at("wantErr").get<bool>()) << vector.at("name");
  }
}

TEST(Merkle, Root_IsThatOfTheDefinition) {
  EXPECT_EQ(MerkleRoot({}), Sha256(""));
  for (std::uint64_t n = 1; n <= kLargest; ++n) {
    EXPECT_EQ(MerkleRoot(Leaves(n)), RootByLevels(Leaves(n))) << n;
  }
}

TEST(Merkle, Inclusion_HoldsForItsLeafOnly) {
  for (std::uint64_t n = 1; n <= kLargest; ++n) {
    const std::vector<Hash> leaves = Leaves(n);
    const Hash root = MerkleRoot(leaves);
    const MerkleTree tree(leaves);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::vector<Hash> proof = InclusionProof(leaves, i);
      EXPECT_EQ(tree.InclusionProof(i), proof) << i << " of " << n;
      EXPECT_TRUE(VerifyInclusion(leaves[i], i, n, proof, root)) << i << " of " << n;
      EXPECT_FALSE(VerifyInclusion(leaves[i], i, n, proof, leaves[i]) && n > 1);
      if (n > 1) {
        EXPECT_FALSE(VerifyInclusion(leaves[(i + 1) % n], i, n, proof, root));
        EXPECT_FALSE(VerifyInclusion(leaves[i], (i + 1) % n, n, proof, root)) << i << " of " << n;
      }
    }
  }
}

TEST(Merkle, Inclusion_RefusesADamagedProof) {
  const std::vector<Hash> leaves = Leaves(13);
  const Hash root = MerkleRoot(leaves);
  for (std::uint64_t i = 0; i < leaves.size(); ++i) {
    const std::vector<Hash> proof = InclusionProof(leaves, i);
    for (std::size_t at = 0; at < proof.size(); ++at) {
      std::vector<Hash> damaged = proof;
      damaged[at].data()[0] ^= 1;
      EXPECT_EQ(VerifyInclusion(leaves[i], i, 13, damaged, root).error().code, Code::kCorruption);
    }
    std::vector<Hash> longer = proof;
    longer.push_back(root);
    EXPECT_EQ(VerifyInclusion(leaves[i], i, 13, longer, root).error().code, Code::kInvalidArgument);
    const std::span<const Hash> shorter = std::span(proof).first(proof.size() - 1);
    EXPECT_EQ(VerifyInclusion(leaves[i], i, 13, shorter, root).error().code,
              Code::kInvalidArgument);
  }
  EXPECT_EQ(VerifyInclusion(leaves[0], 13, 13, {}, root).error().code, Code::kInvalidArgument);
  EXPECT_EQ(VerifyInclusion(leaves[0], 0, 0, {}, root).error().code, Code::kInvalidArgument);
}

TEST(Merkle, Consistency_HoldsForEveryPrefix) {
  for (std::uint64_t n = 1; n <= kLargest; ++n) {
    const std::vector<Hash> leaves = Leaves(n);
    const Hash root = MerkleRoot(leaves);
    for (std::uint64_t m = 1; m <= n; ++m) {
      const std::vector<Hash> proof = ConsistencyProof(leaves, m);
      const Hash old_root = MerkleRoot(std::span(leaves).first(m));
      EXPECT_TRUE(VerifyConsistency(m, n, proof, old_root, root)) << m << " of " << n;
      const Hash other = MerkleLeaf("other");
      EXPECT_FALSE(VerifyConsistency(m, n, proof, other, root)) << m << " of " << n;
      EXPECT_FALSE(VerifyConsistency(m, n, proof, old_root, other)) << m << " of " << n;
    }
  }
}

TEST(Merkle, Consistency_RefusesADamagedProof) {
  const std::vector<Hash> leaves = Leaves(13);
  const Hash root = MerkleRoot(leaves);
  for (std::uint64_t m = 1; m < leaves.size(); ++m) {
    const Hash old_root = MerkleRoot(std::span(leaves).first(m));
    const std::vector<Hash> proof = ConsistencyProof(leaves, m);
    for (std::size_t at = 0; at < proof.size(); ++at) {
      std::vector<Hash> damaged = proof;
      damaged[at].data()[31] ^= 0x80;
      EXPECT_FALSE(VerifyConsistency(m, 13, damaged, old_root, root)) << m;
    }
    std::vector<Hash> longer = proof;
    longer.push_back(root);
    EXPECT_FALSE(VerifyConsistency(m, 13, longer, old_root, root)) << m;
    EXPECT_FALSE(VerifyConsistency(m, 13, std::span(proof).first(proof.size() - 1), old_root, root))
        << m;
  }
  EXPECT_EQ(VerifyConsistency(0, 13, {}, root, root).error().code, Code::kInvalidArgument);
  EXPECT_EQ(VerifyConsistency(14, 13, {}, root, root).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace talent::crypto
