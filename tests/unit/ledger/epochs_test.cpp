#include "ledger/epochs.h"

#include <gmock/gmock.h>
#include <rocksdb/write_batch.h>

#include "test_chain.h"

namespace talent::ledger {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The window of the test chain is 4.
constexpr const char* kGrown = "=v0,v1,v2,v3,v4";

pb::BlockHeader HeaderOf(const ExecutedBlock& block) {
  return Decode<pb::BlockHeader>(block.header).value();
}

/// A chain that decides at height 1 that epoch 0 ends with height 5, and `next` follows.
ExecutedBlock Decide(TestChain& node, const std::string& next = kGrown) {
  ExecutedBlock block = node.Commit({node.Make("EndEpoch", "5" + next)});
  CHECK(block.receipts[0] == pb::RECEIPT_CODE_OK, "not decided: {}",
        pb::ReceiptCode_Name(block.receipts[0]));
  return block;
}

TEST(Epochs, Genesis_IsEpochZeroOfItsValidators) {
  const TestChain node;
  const auto epoch = ReadEpoch(*node.chain->SealedState());
  ASSERT_TRUE(epoch) << epoch.error().ToString();
  EXPECT_EQ(epoch->number(), Epoch(0));
  EXPECT_EQ(epoch->first, Height(1));
  EXPECT_FALSE(epoch->end);
  EXPECT_EQ(epoch->validators.hash(), node.genesis().validators().hash());
  EXPECT_EQ(node.chain->validators()->hash(), epoch->validators.hash());
  EXPECT_FALSE(node.chain->HasDueWork(Timestamp(1)));
}

TEST(Epochs, Headers_NameTheSetsOnBothSidesOfTheBoundary) {
  TestChain node;
  const Hash old_set = node.chain->validators()->hash();
  EXPECT_EQ(Decide(node).epoch_end, Height(5));
  EXPECT_TRUE(node.chain->HasDueWork(Timestamp(1))) << "an idle chain has to reach the end";
  for (std::uint64_t h = 2; h <= 4; ++h) {
    const ExecutedBlock block = node.Commit({});
    EXPECT_EQ(block.epoch_end, Height(5));
    EXPECT_EQ(HeaderOf(block).next_validators_hash(), old_set.View());
  }
  const ExecutedBlock last = node.Execute({});
  EXPECT_EQ(last.epoch_end, Height(5));
  EXPECT_EQ(node.chain->validators()->epoch(), Epoch(0)) << "it is not sealed yet";
  node.Seal(last);
  const auto next = node.chain->validators();
  EXPECT_EQ(next->epoch(), Epoch(1));
  EXPECT_EQ(next->size(), 5u);
  EXPECT_EQ(HeaderOf(last).epoch(), 0u);
  EXPECT_EQ(HeaderOf(last).validators_hash(), old_set.View());
  EXPECT_EQ(HeaderOf(last).next_validators_hash(), next->hash().View());
  EXPECT_FALSE(node.chain->HasDueWork(Timestamp(1)));

  const ExecutedBlock first = node.Commit({});
  EXPECT_EQ(first.epoch_end, Height(0));
  EXPECT_EQ(HeaderOf(first).epoch(), 1u);
  EXPECT_EQ(HeaderOf(first).validators_hash(), next->hash().View());
  EXPECT_EQ(HeaderOf(first).next_validators_hash(), next->hash().View());
}

TEST(Epochs, AWindowExecutedAcrossTheBoundary_GivesTheSameBlocks) {
  TestChain staged;
  TestChain single;
  Decide(staged);
  Decide(single);
  std::vector<ExecutedBlock> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(staged.Execute({}));
  for (const ExecutedBlock& block : blocks) {
    EXPECT_EQ(single.Commit({}).hash, block.hash);
    staged.Seal(block);
  }
  EXPECT_EQ(staged.chain->validators()->epoch(), Epoch(1));
}

TEST(Epochs, Reopening_FindsTheSetOfEveryHeight) {
  TestChain node;
  Decide(node);
  for (std::uint64_t h = 2; h <= 7; ++h) {
    node.Commit({});
    node.Reopen();
    EXPECT_EQ(node.chain->head().height, Height(h));
    EXPECT_EQ(node.chain->validators()->epoch(), Epoch(h < 5 ? 0 : 1));
    EXPECT_EQ(node.chain->epoch()->end.has_value(), h < 5);
  }
  EXPECT_EQ(node.chain->ValidatorsOf(Epoch(0)).value()->size(), 4u);
  EXPECT_EQ(node.chain->ValidatorsOf(Epoch(1)).value()->size(), 5u);
  EXPECT_EQ(node.chain->ValidatorsOf(Epoch(2)).error().code, Code::kNotFound);
}

TEST(Epochs, Rules_AreRefusalsThatChangeNothing) {
  const std::pair<std::string, pb::ReceiptCode> cases[] = {
      {"4=v0,v1,v2,v3,v4", pb::RECEIPT_CODE_INVALID},   // less than a window off
      {"66=v0,v1,v2,v3,v4", pb::RECEIPT_CODE_INVALID},  // too far off
      {"5=", pb::RECEIPT_CODE_INVALID},                 // nobody
      {"5=v0,v1,v2,v3,v3", pb::RECEIPT_CODE_INVALID},   // a name twice
      {"5=v0,v1,v2,v3", pb::RECEIPT_CODE_INVALID},      // nothing changes
      {"5=v3,v2,v1,v0", pb::RECEIPT_CODE_INVALID},      // only the order
      {"5=v0,v1,v2,v3,v4,v5", pb::RECEIPT_CODE_INVALID},
      {"5=v0,v1", pb::RECEIPT_CODE_INVALID},
      {"5=v0,v1,w2,w3", pb::RECEIPT_CODE_INVALID},
      {"5=v0,v1,v2,v3,No Name", pb::RECEIPT_CODE_INVALID},
      {"5=v0,v1,v2", pb::RECEIPT_CODE_OK},     // one leaves
      {"5=v0,v1,v2,w3", pb::RECEIPT_CODE_OK},  // one is replaced
      {"5=v0,v1,v2,v3,v4", pb::RECEIPT_CODE_OK},
      {"65=v0,v1,v2,v3,v4", pb::RECEIPT_CODE_OK},
  };
  for (const auto& [payload, code] : cases) {
    TestChain node;
    EXPECT_EQ(node.Commit({node.Make("EndEpoch", payload)}).receipts[0], code) << payload;
    EXPECT_EQ(node.chain->epoch()->end.has_value(), code == pb::RECEIPT_CODE_OK) << payload;
  }
}

TEST(Epochs, DuplicateKeys_AreRefused) {
  TestChain node;
  auto next = ValidatorsNamed({"v0", "v1", "v2", "v3", "v4"});
  next[4].node_key = next[0].vote_key;
  StateOverlay state(node.chain->tip_state());
  const BlockContext block{node.chain->id(), Height(1), Timestamp(1), 4};
  EXPECT_EQ(EndEpoch(state, block, Height(5), next).error().code, Code::kInvalidArgument);
  next[4].node_key = {};
  EXPECT_EQ(EndEpoch(state, block, Height(5), next).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(state.writes().empty());
}

TEST(Epochs, SetWhoseNewViewsFitNoMessage_IsRefused) {
  nlohmann::json genesis = GenesisJson(61);
  genesis["consensus"]["window"] = 64;
  const TestChain node(61, genesis.dump());
  std::vector<std::string> names;
  for (int i = 0; i < 62; ++i) names.push_back("v" + std::to_string(i));
  StateOverlay state(node.chain->tip_state());
  const BlockContext block{node.chain->id(), Height(1), Timestamp(1), 64};
  const Status ended = EndEpoch(state, block, Height(65), ValidatorsNamed(names));
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message, HasSubstr("new view"));
}

TEST(Epochs, OneChangeAtATime) {
  TestChain node;
  Decide(node);
  EXPECT_EQ(node.Commit({node.Make("EndEpoch", "9=v0,v1,v2")}).receipts[0],
            pb::RECEIPT_CODE_PRECONDITION);
  EXPECT_EQ(node.chain->epoch()->end->next.size(), 5u);
}

TEST(Epochs, Chains_GrowFromOneValidatorToFourAndShrinkBack) {
  TestChain node(1);
  const std::string sets[] = {"=v0,v1", "=v0,v1,v2", "=v0,v1,v2,v3", "=v1,v2,v3",
                              "=v2,v3", "=w0,v2",    "=w0",          "=w1"};
  std::uint64_t epoch = 0;
  for (const std::string& next : sets) {
    const std::uint64_t last = node.chain->head().height.value + 5;
    ASSERT_EQ(node.Commit({node.Make("EndEpoch", std::to_string(last) + next)}).receipts[0],
              pb::RECEIPT_CODE_OK)
        << next;
    while (node.chain->head().height < Height(last)) node.Commit({});
    EXPECT_EQ(node.chain->validators()->epoch(), Epoch(++epoch));
  }
  const auto report = VerifyStoredChain(*node.database, node.genesis(), node.app, nullptr);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->executed, report->height);
}

class Boundary : public ::testing::Test {
 protected:
  Boundary() {
    Decide(source);
    for (int h = 2; h <= 5; ++h) source.Commit({});
    tx = source.Put("a", "1");
    source.Commit({tx});
  }
  pb::BlockWithPayloads Block(std::uint64_t height) const {
    return source.chain->GetBlockWithPayloads(Height(height)).value();
  }
  /// `height` with seals of `validators` instead of its own.
  pb::BlockWithPayloads SealedBy(std::uint64_t height, const crypto::ValidatorSet& validators) {
    pb::BlockWithPayloads block = Block(height);
    *block.mutable_block()->mutable_certificate() =
        ToProto(source.Certify(BlockHash(block.block().header()), validators, validators.quorum()));
    return block;
  }

  TestChain source;
  Transaction tx;
};

TEST_F(Boundary, Follower_GoesThroughWithTheRightCertificates) {
  TestChain follower;
  for (std::uint64_t h = 1; h <= 6; ++h) {
    const Status applied = follower.chain->Apply(Block(h));
    ASSERT_TRUE(applied) << h << ": " << applied.error().ToString();
  }
  EXPECT_EQ(follower.chain->head().hash, source.chain->head().hash);
  EXPECT_EQ(follower.chain->validators()->epoch(), Epoch(1));
}

TEST_F(Boundary, CertificatesOfTheOtherEpoch_AreRefusedOnBothSides) {
  TestChain follower;
  for (std::uint64_t h = 1; h <= 4; ++h) ASSERT_TRUE(follower.chain->Apply(Block(h)));
  const auto old_set = *source.chain->ValidatorsOf(Epoch(0)).value();
  const auto new_set = *source.chain->ValidatorsOf(Epoch(1)).value();
  EXPECT_EQ(follower.chain->Apply(SealedBy(5, new_set)).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(follower.chain->Apply(Block(5)));
  EXPECT_EQ(follower.chain->Apply(SealedBy(6, old_set)).error().code, Code::kInvalidArgument);
  auto relabelled = SealedBy(6, old_set);
  relabelled.mutable_block()->mutable_certificate()->set_epoch(1);
  EXPECT_FALSE(follower.chain->Apply(relabelled)) << "three seals where four decide";
  EXPECT_TRUE(follower.chain->Apply(Block(6)));
}

TEST_F(Boundary, TransactionProof_LeadsThroughTheEpochs) {
  auto proof = BuildTransactionProof(*source.chain, tx.id).value();
  EXPECT_EQ(proof.epochs_size(), 1);
  ASSERT_TRUE(AddStatement(*source.chain, "kv/a", Height(6), proof));
  const auto proven = VerifyTransactionProof(source.genesis(), proof);
  ASSERT_TRUE(proven) << proven.error().ToString();
  EXPECT_EQ(proven->header.header.epoch(), 1u);
  proof.clear_epochs();
  EXPECT_THAT(VerifyTransactionProof(source.genesis(), proof).error().message,
              StartsWith("certificate"));
}

TEST_F(Boundary, AProofMadeBeforeTheBoundary_TakesAStatementAfterIt) {
  TestChain node;
  const Transaction early = node.Put("a", "1");
  ASSERT_EQ(node.Commit({early, node.Make("EndEpoch", std::string("5") + kGrown)}).receipts[1],
            pb::RECEIPT_CODE_OK);
  auto proof = BuildTransactionProof(*node.chain, early.id).value();
  for (int h = 2; h <= 6; ++h) node.Commit({});
  ASSERT_TRUE(AddStatement(*node.chain, "kv/a", Height(6), proof));
  const auto proven = VerifyTransactionProof(node.genesis(), proof);
  ASSERT_TRUE(proven) << proven.error().ToString();
}

TEST_F(Boundary, StoredChain_VerifiesWithAndWithoutItsPayloads) {
  ASSERT_TRUE(VerifyStoredChain(*source.database, source.genesis(), source.app, nullptr));
  const Transaction first =
      source.chain->GetTransaction(TransactionId(Block(1).block().transactions(0).envelope()))
          .value();
  auto family = source.database->Family(source.chain->id().Hex().substr(0, 16) + ".payloads");
  rocksdb::WriteBatch erase;
  ASSERT_TRUE(erase.Delete(*family, first.id.ToBytes()).ok());
  ASSERT_TRUE(source.database->Commit(erase));
  const auto report = VerifyStoredChain(*source.database, source.genesis(), source.app, nullptr);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->executed, Height(0)) << "nothing can be executed without it";
  EXPECT_EQ(report->height, Height(6));
}

TEST_F(Boundary, ADamagedEpochEntry_IsFoundOnOpening) {
  auto family = source.database->Family(source.chain->id().Hex().substr(0, 16) + ".state");
  Bytes entry = *source.chain->SealedState()->Get(kCurrentEpochKey);
  entry.back() ^= 1;
  rocksdb::WriteBatch damage;
  ASSERT_TRUE(damage.Put(*family, Bytes(kCurrentEpochKey), entry).ok());
  ASSERT_TRUE(source.database->Commit(damage));
  source.chain.reset();
  const auto opened = Chain::Open(*source.database, source.genesis(), source.app);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorruption);
  EXPECT_THAT(opened.error().message, HasSubstr("epoch"));
}

}  // namespace
}  // namespace talent::ledger
