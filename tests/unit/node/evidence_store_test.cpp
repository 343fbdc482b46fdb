#include "node/chain/evidence_store.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temp_dir.h"

namespace talent::node {
namespace {

consensus::EvidenceFacts Facts(std::uint32_t culprit, std::uint64_t height) {
  return {Epoch(0), ValidatorIndex(culprit), consensus::EvidenceKind::kPrepare, View(2),
          Height(height)};
}

v1::Evidence Entry(std::uint32_t culprit, std::uint64_t height, std::size_t bytes = 10) {
  v1::Evidence out;
  out.set_validator(culprit);
  out.set_name("node");
  out.set_kind("PREPARE");
  out.set_view(2);
  out.set_height(height);
  out.set_first(Bytes(bytes, 'a'));
  out.set_second(Bytes(bytes, 'b'));
  return out;
}

TEST(EvidenceStore, KeepsOneOfEachMisdeed) {
  EvidenceStore store;
  EXPECT_TRUE(store.Add(Facts(1, 7), Entry(1, 7)));
  EXPECT_FALSE(store.Add(Facts(1, 7), Entry(1, 7, 20)));
  EXPECT_TRUE(store.Add(Facts(2, 7), Entry(2, 7)));
  EXPECT_TRUE(store.Add(Facts(1, 8), Entry(1, 8)));
  EXPECT_EQ(store.size(), 3u);
}

TEST(EvidenceStore, IsBounded) {
  EvidenceStore many;
  for (std::uint64_t h = 0; h < 2 * EvidenceStore::kMaxEntries; ++h) {
    const auto culprit = static_cast<std::uint32_t>(h % 100);
    (void)many.Add(Facts(culprit, h), Entry(culprit, h));
  }
  EXPECT_EQ(many.size(), EvidenceStore::kMaxEntries);
  EvidenceStore large;
  EXPECT_TRUE(large.Add(Facts(1, 1), Entry(1, 1, EvidenceStore::kMaxBytes / 2)));
  EXPECT_FALSE(large.Add(Facts(1, 2), Entry(1, 2, 1)));
}

TEST(EvidenceStore, OneThatEquivocatesWithoutEndHidesNobodyElse) {
  EvidenceStore store;
  for (std::uint64_t h = 0; h < 2 * EvidenceStore::kMaxEntries; ++h) {
    (void)store.Add(Facts(1, h), Entry(1, h));
  }
  EXPECT_EQ(store.size(), EvidenceStore::kMaxOfOne);
  EXPECT_TRUE(store.Add(Facts(2, 1), Entry(2, 1)));
}

TEST(EvidenceStore, SurvivesARestartVerbatim) {
  const TempDir dir;
  const auto path = dir.path() / "evidence" / "chain.evidence";
  {
    const auto store = EvidenceStore::Open(path).value();
    ASSERT_TRUE(store->Add(Facts(1, 7), Entry(1, 7)));
    ASSERT_TRUE(store->Save());
  }
  const auto store = EvidenceStore::Open(path).value();
  ASSERT_EQ(store->size(), 1u);
  EXPECT_EQ(store->List()[0].first(), Bytes(10, 'a'));
  EXPECT_FALSE(store->Add(Facts(1, 7), Entry(1, 7))) << "known from before";
}

TEST(EvidenceStore, FailedSave_IsSaidAndCanBeTriedAgain) {
  const TempDir dir;
  const auto folder = dir.path() / "evidence";
  const auto path = folder / "chain.evidence";
  const auto store = EvidenceStore::Open(path).value();
  EXPECT_FALSE(store->unsaved());
  ASSERT_TRUE(WriteFile(folder, "in the way", 0600, IfExists::kFail));
  ASSERT_TRUE(store->Add(Facts(1, 7), Entry(1, 7)));
  EXPECT_EQ(store->Save().error().code, Code::kIo);
  EXPECT_TRUE(store->unsaved());
  std::filesystem::remove(folder);
  ASSERT_TRUE(store->Save());
  EXPECT_FALSE(store->unsaved());
  EXPECT_EQ(EvidenceStore::Open(path).value()->size(), 1u);
  EXPECT_FALSE(EvidenceStore::Open(path).value()->unsaved()) << "what was read is in the file";
}

TEST(EvidenceStore, DamagedFile_IsSetAside) {
  const TempDir dir;
  const auto path = dir.path() / "chain.evidence";
  for (const Bytes& bad : {Bytes("garbage"), Bytes("\x0a\x04\x22\x02zz", 6)}) {
    ASSERT_TRUE(WriteFile(path, bad, 0600, IfExists::kReplace));
    const auto store = EvidenceStore::Open(path).value();
    EXPECT_EQ(store->size(), 0u);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(std::filesystem::exists(path.string() + ".damaged"));
    ASSERT_TRUE(store->Add(Facts(1, 7), Entry(1, 7)));
    ASSERT_TRUE(store->Save());
  }
}

}  // namespace
}  // namespace talent::node
