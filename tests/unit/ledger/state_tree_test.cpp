#include "ledger/state_tree.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/sha256.h"
#include "ledger/light_client.h"

namespace talent::ledger {
namespace {

/// Keeps every page ever written.
class MapPages final : public TreePages {
 public:
  Result<TreePagePtr> Load(const Bytes& key) const override {
    const auto found = pages.find(key);
    if (found == pages.end()) return Fail(Code::kNotFound, "no page {}", ToHex(key));
    // Through the stored form, so that it is tested too; some pages as they were made.
    const auto made = made_pages.find(key);
    if (made != made_pages.end() && made->second->slots[0].hash.data()[0] % 2 == 0 &&
        EncodeTreePage(*made->second) == found->second) {
      return made->second;
    }
    return std::make_shared<const TreePage>(TRY(DecodeTreePage(found->second)));
  }
  std::map<Bytes, Bytes> pages;
  std::map<Bytes, TreePagePtr> made_pages;
};

using Model = std::map<Bytes, Bytes>;

// The definition in state_tree.h, written down a second time and as slowly as it reads.
Hash NaiveRoot(const std::vector<std::pair<Hash, Hash>>& leaves, std::size_t depth) {
  if (leaves.empty()) return Hash();
  if (leaves.size() == 1) {
    return crypto::Sha256({BytesView("\x02", 1), leaves[0].first.View(), leaves[0].second.View()});
  }
  std::vector<std::pair<Hash, Hash>> left;
  std::vector<std::pair<Hash, Hash>> right;
  for (const auto& leaf : leaves) {
    const unsigned byte = leaf.first.data()[depth / 8];
    ((byte & (0x80u >> (depth % 8))) != 0 ? right : left).push_back(leaf);
  }
  return crypto::Sha256({BytesView("\x03", 1), NaiveRoot(left, depth + 1).View(),
                         NaiveRoot(right, depth + 1).View()});
}

Hash NaiveRoot(const Model& model) {
  std::vector<std::pair<Hash, Hash>> leaves;
  for (const auto& [key, value] : model) {
    leaves.emplace_back(crypto::TaggedHash(crypto::Domain::kStateKey, {key}),
                        crypto::TaggedHash(crypto::Domain::kStateValue, {value}));
  }
  return NaiveRoot(leaves, 0);
}

class Tree {
 public:
  void Apply(const std::map<Bytes, std::optional<Bytes>>& writes) {
    std::map<Hash, std::optional<Hash>> sorted;
    for (const auto& [key, value] : writes) {
      sorted[StatePath(key)] = value ? std::optional(StateValueHash(*value)) : std::nullopt;
    }
    std::vector<TreeChange> changes;
    for (const auto& [path, value] : sorted) changes.push_back({path, value});
    const Height version(roots.size());
    auto update = UpdateTree(pages, roots.back(), version, changes);
    ASSERT_TRUE(update) << update.error().ToString();
    for (const auto& [key, page] : update->pages) pages.pages[key] = EncodeTreePage(*page);
    pages.made_pages.insert(update->pages.begin(), update->pages.end());
    roots.push_back(DecodeTreeSlot(EncodeTreeSlot(update->root)).value());
  }

  pb::StateProof Prove(const Bytes& key, const Model& model, std::size_t version) const {
    const TreeWalk walk = WalkTree(pages, roots[version], StatePath(key)).value();
    pb::StateProof proof;
    proof.set_key(key);
    for (const Hash& sibling : walk.siblings) proof.add_siblings(sibling.ToBytes());
    if (walk.end.kind != TreeSlot::Kind::kLeaf) return proof;
    if (walk.end.path == StatePath(key)) {
      proof.set_present(true);
      proof.set_value(model.at(key));
    } else {
      proof.set_other_path(walk.end.path.ToBytes());
      proof.set_other_value_hash(walk.end.value_hash.ToBytes());
    }
    return proof;
  }

  Hash root() const { return roots.back().hash; }

  MapPages pages;
  std::vector<TreeSlot> roots = {TreeSlot()};
};

TEST(StateTree, EmptyTree_HasZeroRootAndProvesAbsence) {
  const Tree tree;
  EXPECT_TRUE(tree.root().IsZero());
  EXPECT_TRUE(VerifyStateProof(tree.root(), tree.Prove("x", {}, 0)));
}

TEST(StateTree, RandomBatches_MatchTheNaiveRootAtEveryVersion) {
  std::mt19937 random(3);  // NOLINT: the same cases in every run
  for (const unsigned keys : {3u, 40u, 2000u}) {
    Tree tree;
    std::vector<Model> models = {{}};
    for (int version = 1; version <= 25; ++version) {
      Model model = models.back();
      std::map<Bytes, std::optional<Bytes>> writes;
      for (unsigned i = random() % (keys / 2 + 1); i > 0; --i) {
        const Bytes key = "k/" + std::to_string(random() % keys);
        if (random() % 3 == 0) {
          writes[key] = std::nullopt;
          model.erase(key);
        } else {
          writes[key] = std::to_string(random() % 5);
          model[key] = *writes[key];
        }
      }
      tree.Apply(writes);
      ASSERT_EQ(tree.root(), NaiveRoot(model)) << keys << " keys, version " << version;
      models.push_back(std::move(model));
    }
    for (std::size_t version = 0; version < models.size(); ++version) {
      for (int i = 0; i < 20; ++i) {
        const Bytes key = "k/" + std::to_string(random() % (2 * keys));
        const pb::StateProof proof = tree.Prove(key, models[version], version);
        ASSERT_EQ(proof.present(), models[version].contains(key));
        ASSERT_TRUE(VerifyStateProof(tree.roots[version].hash, proof));
      }
      std::size_t leaves = 0;
      ASSERT_TRUE(CheckTree(tree.pages, tree.roots[version], [&](const TreeSlot&) -> Status {
        ++leaves;
        return {};
      }));
      ASSERT_EQ(leaves, models[version].size());
    }
  }
}

TEST(StateTree, Root_DependsOnContentAndNotOnHistory) {
  Tree at_once;
  at_once.Apply({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  Tree in_steps;
  in_steps.Apply({{"c", "9"}, {"d", "4"}});
  in_steps.Apply({{"a", "1"}, {"d", std::nullopt}});
  in_steps.Apply({{"b", "2"}, {"c", "3"}, {"never there", std::nullopt}});
  EXPECT_EQ(at_once.root(), in_steps.root());
  in_steps.Apply({{"a", std::nullopt}, {"b", std::nullopt}, {"c", std::nullopt}});
  EXPECT_TRUE(in_steps.root().IsZero());
}

TEST(StateTree, UnchangedBatch_WritesNoPage) {
  Tree tree;
  tree.Apply({{"a", "1"}, {"b", "2"}});
  const std::size_t before = tree.pages.pages.size();
  tree.Apply({{"absent", std::nullopt}});
  EXPECT_EQ(tree.pages.pages.size(), before);
}

TEST(StateTree, TamperedProofs_AreRefused) {
  Tree tree;
  Model model;
  std::map<Bytes, std::optional<Bytes>> writes;
  for (int i = 0; i < 50; ++i) {
    writes["k" + std::to_string(i)] = "v";
    model["k" + std::to_string(i)] = "v";
  }
  tree.Apply(writes);
  const Hash root = tree.root();
  const pb::StateProof present = tree.Prove("k7", model, 1);
  ASSERT_TRUE(VerifyStateProof(root, present));

  pb::StateProof bad = present;
  bad.set_value("w");
  EXPECT_FALSE(VerifyStateProof(root, bad));
  bad = present;
  bad.set_key("k8");
  EXPECT_FALSE(VerifyStateProof(root, bad));
  bad = present;  // the same leaf, claimed to be another's
  bad.set_present(false);
  bad.clear_value();
  bad.set_other_path(StatePath("k7").ToBytes());
  bad.set_other_value_hash(StateValueHash("v").ToBytes());
  EXPECT_EQ(VerifyStateProof(root, bad).error().code, Code::kInvalidArgument);
  bad.set_key("k8");
  EXPECT_FALSE(VerifyStateProof(root, bad));
  bad = present;
  bad.set_present(false);
  EXPECT_FALSE(VerifyStateProof(root, bad));
  bad = present;
  bad.mutable_siblings()->RemoveLast();
  EXPECT_FALSE(VerifyStateProof(root, bad));
  bad = present;
  bad.mutable_siblings(0)->back() ^= 1;
  EXPECT_FALSE(VerifyStateProof(root, bad));
  bad = present;
  for (int i = 0; i < 300; ++i) bad.add_siblings(Bytes(32, 'x'));
  EXPECT_EQ(VerifyStateProof(root, bad).error().code, Code::kInvalidArgument);
}

TEST(StateTree, DamagedPages_AreFoundByTheWalkOverAll) {
  Tree tree;
  std::map<Bytes, std::optional<Bytes>> writes;
  for (int i = 0; i < 100; ++i) writes[std::to_string(i)] = "v";
  tree.Apply(writes);
  const auto walk = [&] {
    return CheckTree(tree.pages, tree.roots[1], [](const TreeSlot&) -> Status { return {}; });
  };
  ASSERT_TRUE(walk());
  for (auto& [key, page] : tree.pages.pages) {
    const Bytes good = page;
    page.back() = static_cast<char>(page.back() ^ 1);
    EXPECT_FALSE(walk()) << ToHex(key);
    page = good.substr(0, good.size() - 1);
    EXPECT_EQ(walk().error().code, Code::kCorruption);
    page = good;
  }
}

}  // namespace
}  // namespace talent::ledger
