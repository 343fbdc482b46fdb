#include "ledger/prune.h"

#include <gmock/gmock.h>

#include "ledger/snapshot.h"
#include "test_chain.h"

namespace talent::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Height kBelow{6};

class Prune : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 1; i <= 10; ++i) {
      // Blocks 2 and 4 hold something that is no record.
      Transaction tx = i == 2 || i == 4 ? NoRecord("k" + std::to_string(i % 3)) : Record(i);
      transactions_.push_back(tx);
      node_.Commit({tx});
    }
    root_ = node_.chain->head().state_root;
  }
  Transaction Record(int i) { return node_.Put("k" + std::to_string(i % 3), std::to_string(i)); }
  Transaction NoRecord(const Bytes& key) {
    return MakeTransaction(node_.genesis().chain_id(), "Put", key + "=x",
                           pb::DISCLOSURE_UNSPECIFIED, Height(100), KeyOf("author"), node_.random);
  }
  Result<PruneReport> Run(PruneOptions::Blocks blocks, Height below = kBelow) {
    node_.chain.reset();
    auto report = PruneChain(*node_.database, node_.genesis(), {below, blocks}, {});
    node_.Reopen();
    return report;
  }
  std::size_t Count(Use use) {
    const auto store = ChainStore::Open(*node_.database, node_.genesis().chain_id());
    std::size_t n = 0;
    const auto walk = store->Iterate(use);
    for (walk->SeekToFirst(); walk->Valid(); walk->Next()) ++n;
    return n;
  }
  /// Every height from `from` on is whole: state, proofs, a snapshot.
  void ExpectStatesFrom(Height from) {
    for (Height at = from; at <= Height(10); ++at) {
      for (const char* key : {"kv/k0", "kv/k1", "kv/k2", "blocks", "genesis"}) {
        const auto proof = node_.chain->ProveState(key, at);
        ASSERT_TRUE(proof) << at.value << " " << proof.error().ToString();
        const auto header = Decode<pb::BlockHeader>(node_.chain->GetHeader(at)->header());
        EXPECT_TRUE(VerifyStateProof(Hash::FromBytes(header->state_root()).value(), *proof));
      }
      const auto source = SnapshotSource::Open(*node_.database, node_.genesis(), at);
      ASSERT_TRUE(source) << source.error().ToString();
      EXPECT_TRUE(source->StateChunk(StateSubtree()));
      EXPECT_EQ(source->WindowChunk(at)->count, at.value);
    }
  }

  TestChain node_;
  std::vector<Transaction> transactions_;
  Hash root_;
};

TEST_F(Prune, OldStatesGo_AndLaterOnesStayWhole) {
  const std::size_t pages = Count(Use::kTree);
  const std::size_t values = Count(Use::kValues);
  const auto report = Run(PruneOptions::Blocks::kNone);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_GT(report->tree_records, 0u);
  EXPECT_EQ(Count(Use::kValues), values - 8);  // 13 written up to 6, of 5 keys
  EXPECT_LT(Count(Use::kTree), pages);
  ExpectStatesFrom(kBelow);
  const auto old = node_.chain->ProveState("kv/k0", Height(5));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::kPruned);
  EXPECT_THAT(old.error().message, HasSubstr("the state from height 6 on"));
  EXPECT_TRUE(node_.chain->GetBlockWithPayloads(Height(1)));
  EXPECT_EQ(SnapshotSource::Open(*node_.database, node_.genesis(), Height(5)).error().code,
            Code::kPruned);
}

TEST_F(Prune, PrunedToTheHead_KeepsExactlyOneState) {
  ASSERT_TRUE(Run(PruneOptions::Blocks::kNone, Height(10)));
  EXPECT_EQ(Count(Use::kValues), 6u);  // keys of the state
  ExpectStatesFrom(Height(10));
  node_.Commit({Record(11)});
  EXPECT_TRUE(node_.chain->ProveState("kv/k0", Height(11)));
}

TEST_F(Prune, BlocksWithRecordsStay_UnlessTold) {
  auto report = Run(PruneOptions::Blocks::kWithoutRecords);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->blocks, 2u);
  EXPECT_EQ(report->blocks_kept, 3u);
  EXPECT_TRUE(node_.chain->GetTransaction(transactions_[0].id)->has_payload());
  EXPECT_EQ(node_.chain->GetTransaction(transactions_[1].id).error().code, Code::kPruned);
  report = Run(PruneOptions::Blocks::kAll);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->blocks, 3u);
  EXPECT_EQ(report->payloads, 3u);
  EXPECT_EQ(Count(Use::kPayloads), 5u);
}

TEST_F(Prune, PrunedNode_SaysSinceWhenItHasBlocks) {
  ASSERT_TRUE(Run(PruneOptions::Blocks::kAll));
  const auto block = node_.chain->GetBlockWithPayloads(Height(5));
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error().code, Code::kPruned);
  EXPECT_THAT(block.error().message, HasSubstr("all blocks from height 6 on"));
  EXPECT_EQ(BuildTransactionProof(*node_.chain, transactions_[0].id).error().code, Code::kPruned);
  EXPECT_TRUE(node_.chain->GetHeader(Height(1)));  // with its certificate
  EXPECT_TRUE(BuildTransactionProof(*node_.chain, transactions_[8].id));
  ExpectStatesFrom(kBelow);
}

TEST_F(Prune, PrunedNode_TellsRepetitionsAsBefore) {
  ASSERT_TRUE(Run(PruneOptions::Blocks::kAll, Height(10)));
  EXPECT_THAT(node_.Commit({transactions_[0], transactions_[9]}).receipts,
              ElementsAre(pb::RECEIPT_CODE_DUPLICATE, pb::RECEIPT_CODE_DUPLICATE));
}

TEST_F(Prune, PrunedChain_VerifiesFromWhatIsLeft) {
  for (const auto blocks : {PruneOptions::Blocks::kNone, PruneOptions::Blocks::kAll}) {
    ASSERT_TRUE(Run(blocks));
    const auto report = VerifyStoredChain(*node_.database, node_.genesis(), node_.app, {});
    ASSERT_TRUE(report) << report.error().ToString();
    EXPECT_EQ(report->base, kBelow);
    EXPECT_EQ(report->executed, Height(10));
  }
}

TEST_F(Prune, AboveTheHead_IsRefused) {
  EXPECT_EQ(Run(PruneOptions::Blocks::kNone, Height(11)).error().code, Code::kPrecondition);
  EXPECT_TRUE(node_.chain->ProveState("kv/k0", Height(1)));
}

}  // namespace
}  // namespace talent::ledger
