#include "ledger/state.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace talent::ledger {
namespace {

using Pairs = std::vector<std::pair<Bytes, Bytes>>;

class MapReader final : public StateReader {
 public:
  std::map<Bytes, Bytes, std::less<>> map;

  std::optional<Bytes> Get(BytesView key) const override {
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional(found->second);
  }
  void Scan(BytesView prefix, BytesView from,
            const std::function<bool(BytesView, BytesView)>& visit) const override {
    for (auto i = map.lower_bound(std::max(prefix, from)); i != map.end(); ++i) {
      if (!i->first.starts_with(prefix) || !visit(i->first, i->second)) return;
    }
  }
};

Pairs ScanAll(const StateReader& reader, BytesView prefix, BytesView from = {},
              std::size_t limit = 1000) {
  Pairs out;
  if (limit == 0) return out;
  reader.Scan(prefix, from, [&](BytesView key, BytesView value) {
    out.emplace_back(key, value);
    return out.size() < limit;
  });
  return out;
}

TEST(StateOverlay, Scan_MergesWritesAndDeletionsInOrder) {
  MapReader below;
  below.map = {{"t/a", "1"}, {"t/c", "3"}, {"t/e", "5"}, {"u/x", "9"}};
  StateOverlay overlay(below);
  overlay.Put("t/b", "2");
  overlay.Put("t/c", "33");
  overlay.Delete("t/e");
  overlay.Put("t/f", "6");
  overlay.Delete("t/absent");
  EXPECT_EQ(ScanAll(overlay, "t/"),
            (Pairs{{"t/a", "1"}, {"t/b", "2"}, {"t/c", "33"}, {"t/f", "6"}}));
  EXPECT_EQ(ScanAll(overlay, "t/", "t/b"), (Pairs{{"t/b", "2"}, {"t/c", "33"}, {"t/f", "6"}}));
  EXPECT_EQ(ScanAll(overlay, "t/", {}, 2), (Pairs{{"t/a", "1"}, {"t/b", "2"}}));
}

TEST(StateOverlay, Forget_ReadsFromBelowAgain) {
  MapReader below;
  below.map = {{"a", "1"}};
  StateOverlay overlay(below);
  overlay.Put("a", "2");
  EXPECT_EQ(overlay.Get("a"), "2");
  overlay.Forget("a");
  EXPECT_EQ(overlay.Get("a"), "1");
}

TEST(StateOverlay, DroppedOverlay_LeavesNothingBehind) {
  MapReader below;
  StateOverlay block(below);
  {
    StateOverlay tx = block.Nested();
    tx.Put("a", "1");
  }
  EXPECT_EQ(block.Get("a"), std::nullopt);
  StateOverlay tx = block.Nested();
  tx.Put("b", "2");
  tx.Delete("c");
  tx.CommitTo(block);
  EXPECT_EQ(block.Get("b"), "2");
  EXPECT_EQ(block.writes().size(), 2u);
}

// More writes than are searched one by one.
TEST(StateOverlay, ManyWrites_ReadAsAMap) {
  std::mt19937 random(11);  // NOLINT: the same cases in every run
  MapReader below;
  StateOverlay block(below);
  MapReader model;
  const auto key = [&] { return "k/" + std::to_string(random() % 120); };
  for (int step = 0; step < 3000; ++step) {
    const Bytes k = key();
    switch (random() % 8) {
      case 0:
        block.Delete(k);
        model.map.erase(k);
        break;
      case 1:
        block.Forget(k);
        model.map.erase(k);
        break;
      case 2: {
        StateOverlay tx = block.Nested();
        const Bytes other = key();
        tx.Put(k, std::to_string(step));
        tx.Delete(other);
        tx.CommitTo(block);
        EXPECT_TRUE(tx.writes().empty());
        model.map[k] = std::to_string(step);
        model.map.erase(other);
        break;
      }
      default:
        block.Put(k, std::to_string(step));
        model.map[k] = std::to_string(step);
    }
    const Bytes probe = key();
    ASSERT_EQ(block.Get(probe), model.Get(probe)) << step;
    if (step % 1000 == 999) {
      ASSERT_EQ(ScanAll(block, "k/", {}), ScanAll(model, "k/", {}));
      EXPECT_GT(block.TakeWrites().size(), 60u);
      model.map.clear();
      EXPECT_EQ(block.Get(probe), std::nullopt);
    }
  }
}

// Three overlays on each other against one map that is written directly.
TEST(StateOverlay, StackedOverlays_ReadAsOneMap) {
  std::mt19937 random(7);  // NOLINT: the same cases in every run
  for (int round = 0; round < 200; ++round) {
    MapReader below;
    const auto key = [&] { return "k/" + std::to_string(random() % 20); };
    for (int i = 0; i < 10; ++i) below.map[key()] = std::to_string(random() % 100);
    StateOverlay one(below);
    StateOverlay two = one.Nested();
    StateOverlay three = two.Nested();
    MapReader model = below;
    for (StateOverlay* layer : {&one, &two, &three}) {
      for (int i = 0; i < 6; ++i) {
        const Bytes k = key();
        if (random() % 3 == 0) {
          layer->Delete(k);
          model.map.erase(k);
        } else {
          layer->Put(k, std::to_string(i));
          model.map[k] = std::to_string(i);
        }
      }
    }
    const Bytes from = random() % 2 == 0 ? key() : Bytes();
    const std::size_t limit = random() % 25;
    ASSERT_EQ(ScanAll(three, "k/", from, limit), ScanAll(model, "k/", from, limit));
    const Bytes probe = key();
    ASSERT_EQ(three.Get(probe), model.Get(probe));
  }
}

}  // namespace
}  // namespace talent::ledger
