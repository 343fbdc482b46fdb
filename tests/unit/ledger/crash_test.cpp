// What a kill leaves of the log: every cut must open as a whole number of blocks.
#include <gtest/gtest.h>

#include <set>

#include "test_chain.h"

namespace talent::ledger {
namespace {

namespace fs = std::filesystem;

/// The RocksDB log being written.
fs::path NewestLog(const fs::path& dir) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() != ".log") continue;
    if (newest.empty() || entry.path().filename() > newest.filename()) newest = entry.path();
  }
  return newest;
}

TEST(Crash, LogCutAnywhere_OpensAsAWholeNumberOfBlocks) {
  TestChain node;
  std::vector<Hash> heads = {node.chain->head().hash};
  const fs::path db = node.dir.path() / "db";
  const auto genesis_size = fs::file_size(NewestLog(db));
  for (int i = 1; i <= 3; ++i) {
    heads.push_back(node.Commit({node.Put("a", std::to_string(i)), node.Put("b", "x")}).hash);
  }
  const auto size = fs::file_size(NewestLog(db));
  ASSERT_GT(size, genesis_size);
  constexpr int kCuts = 12;
  std::set<std::uint64_t> seen;
  for (int cut = 0; cut <= kCuts; ++cut) {
    const TempDir dir;
    const fs::path copy = dir.path() / "db";
    fs::copy(db, copy);
    fs::remove(copy / "LOCK");
    fs::resize_file(NewestLog(copy), genesis_size + (size - genesis_size) * cut / kCuts);
    auto database = Database::Open(copy, Database::Mode::kReadWrite);
    ASSERT_TRUE(database) << database.error().ToString();
    auto chain = Chain::Open(**database, node.genesis(), node.app);
    ASSERT_TRUE(chain) << chain.error().ToString();
    const Head head = (*chain)->head();
    ASSERT_LE(head.height.value, 3u);
    EXPECT_EQ(head.hash, heads[head.height.value]);
    EXPECT_EQ((*chain)->SealedState()->Get("kv/a").value_or("0"),
              std::to_string(head.height.value));
    const auto report = VerifyStoredChain(**database, node.genesis(), node.app, nullptr);
    EXPECT_TRUE(report) << report.error().ToString();
    seen.insert(head.height.value);
  }
  EXPECT_EQ(seen.size(), 4u) << "the cuts should have hit every height";
}

}  // namespace
}  // namespace talent::ledger
