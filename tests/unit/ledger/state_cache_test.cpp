#include "ledger/state_cache.h"

#include <gtest/gtest.h>

namespace talent::ledger {
namespace {

/// A store that counts what it is asked.
class Store final : public StateReader {
 public:
  std::optional<Bytes> Get(BytesView key) const override {
    ++reads;
    const auto found = values.find(key);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
  void Scan(BytesView, BytesView,
            const std::function<bool(BytesView, BytesView)>& visit) const override {
    for (const auto& [key, value] : values) {
      if (!visit(key, value)) return;
    }
  }
  Status status() const override { return failure; }

  std::map<Bytes, Bytes, std::less<>> values;
  Status failure;
  mutable int reads = 0;
};

TEST(StateCache, AsksTheStoreOnceForAKeyWithAValueAndForOneWithout) {
  Store store;
  store.values = {{"a", "1"}};
  const StateCache cache(store);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache.Get("a"), "1");
    EXPECT_EQ(cache.Get("b"), std::nullopt);
  }
  EXPECT_EQ(store.reads, 2);
}

TEST(StateCache, AnswersWhatWasWrittenLast) {
  Store store;
  store.values = {{"a", "1"}, {"b", "1"}, {"c", "1"}};
  StateCache cache(store);
  EXPECT_EQ(cache.Get("a"), "1");
  EXPECT_EQ(cache.Get("b"), "1");
  store.values = {{"a", "2"}, {"c", "2"}};
  cache.Update({{"a", "2"}, {"b", std::nullopt}, {"c", "2"}});
  EXPECT_EQ(cache.Get("a"), "2");
  EXPECT_EQ(cache.Get("b"), std::nullopt);
  EXPECT_EQ(cache.Get("c"), "2");
  EXPECT_EQ(store.reads, 2);
}

TEST(StateCache, ForgetsWhatWasUsedLeastRecentlyAndIsStillRight) {
  constexpr int kKeys = 100;
  const Bytes big(StateCache::kMaxBytes / 40, 'x');
  Store store;
  for (int i = 0; i < kKeys; ++i) store.values[std::to_string(i)] = big;
  store.values["hot"] = "h";
  StateCache cache(store);
  for (int i = 0; i < kKeys; ++i) {
    EXPECT_EQ(cache.Get(std::to_string(i)), big);
    EXPECT_EQ(cache.Get("hot"), "h");
  }
  EXPECT_EQ(store.reads, kKeys + 1);  // the hot one was never forgotten
  EXPECT_EQ(cache.Get("0"), big);
  EXPECT_EQ(store.reads, kKeys + 2);
  // A write reaches a key wherever it lies: among the young, the old, the forgotten.
  for (int i = 0; i < kKeys; ++i) {
    store.values[std::to_string(i)] = "new";
    cache.Update({{std::to_string(i), "new"}});
  }
  for (int i = 0; i < kKeys; ++i) EXPECT_EQ(cache.Get(std::to_string(i)), "new");
}

TEST(StateCache, ShowsTheFailuresOfTheStore) {
  Store store;
  const StateCache cache(store);
  EXPECT_TRUE(cache.status());
  store.failure = Fail(Code::kIo, "disk");
  EXPECT_FALSE(cache.status());
}

}  // namespace
}  // namespace talent::ledger
