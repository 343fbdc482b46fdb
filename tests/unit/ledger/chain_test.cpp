#include "ledger/chain.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "ledger/chain_store.h"
#include "test_chain.h"

namespace talent::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Bytes> KeysOf(const StateReader& state, BytesView prefix) {
  std::vector<Bytes> keys;
  state.Scan(prefix, {}, [&](BytesView key, BytesView) {
    keys.emplace_back(key);
    return true;
  });
  return keys;
}

TEST(Chain, FreshChain_StartsAtItsGenesis) {
  const TestChain node;
  const Head head = node.chain->head();
  EXPECT_EQ(head.height, Height(0));
  EXPECT_EQ(head.hash.View(), node.genesis().chain_id().View());
  EXPECT_EQ(head.time, node.genesis().time());
  EXPECT_FALSE(head.state_root.IsZero());
  EXPECT_EQ(node.chain->SealedState()->Get("genesis"), "test-chain");
  EXPECT_EQ(node.chain->GetHeader(Height(0)).error().code, Code::kNotFound);
}

TEST(Chain, SealedBlock_IsReadBackAfterReopening) {
  TestChain node;
  const Transaction tx = node.Put("a", "1");
  const ExecutedBlock block = node.Commit({tx});
  for (const bool reopened : {false, true}) {
    if (reopened) node.Reopen();
    const Chain& chain = *node.chain;
    EXPECT_EQ(chain.head().height, Height(1));
    EXPECT_EQ(chain.head().hash, block.hash);
    EXPECT_EQ(chain.SealedState()->Get("kv/a"), "1");
    EXPECT_EQ(chain.tip_state().Get("kv/a"), "1");
    const auto at = chain.FindTransaction(tx.id).value();
    ASSERT_TRUE(at);
    EXPECT_EQ(at->height, Height(1));
    EXPECT_EQ(chain.GetReceipt(*at)->code(), pb::RECEIPT_CODE_OK);
    const auto read = chain.GetTransaction(tx.id);
    ASSERT_TRUE(read) << read.error().ToString();
    EXPECT_EQ(read->payload, tx.payload);
    EXPECT_EQ(Serialize(*read), Serialize(tx));
    EXPECT_EQ(chain.GetBlock(Height(1))->header(), block.header);
    EXPECT_EQ(chain.GetBlockWithPayloads(Height(1))->payloads(0).data(), tx.payload);
  }
}

TEST(Chain, Header_NamesTheOriginOfTheBatch) {
  TestChain node;
  const ExecutedBlock block = node.Commit({node.Put("a", "1")});
  const auto header = Decode<pb::BlockHeader>(block.header);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->view(), 2u);
  EXPECT_EQ(header->proposer(), 2u);  // index 1 plus one
  EXPECT_EQ(header->time_ms(), 1700000001000u);
  EXPECT_EQ(header->transaction_count(), 1u);
  EXPECT_EQ(header->previous_hash(), node.genesis().chain_id().View());
}

TEST(Chain, NullBatch_MakesABlockOneMillisecondLater) {
  TestChain node;
  const auto block = node.chain->Execute({}, {});
  ASSERT_TRUE(block);
  const auto header = Decode<pb::BlockHeader>(block->header);
  EXPECT_EQ(header->proposer(), 0u);
  EXPECT_EQ(header->view(), 0u);
  EXPECT_EQ(header->time_ms(), node.genesis().time().value + 1);
  EXPECT_TRUE(block->tx_ids.empty());
  node.Seal(*block);
  EXPECT_EQ(node.chain->SealedState()->Get("blocks"), "1");  // due work ran all the same
}

TEST(Chain, Time_NeverRunsBackwards) {
  TestChain node;
  node.Commit({}, 1700000009000);
  const ExecutedBlock block = node.Commit({}, 1700000002000);
  EXPECT_EQ(Decode<pb::BlockHeader>(block.header)->time_ms(), 1700000009001u);
}

TEST(Chain, ExecutedBlocks_StackUpAndSealInOrder) {
  TestChain node;
  const ExecutedBlock one = node.Execute({node.Put("a", "1"), node.Put("b", "1")});
  const ExecutedBlock two = node.Execute({node.Put("b", "2"), node.Make("Delete", "a")});
  const ExecutedBlock three = node.Execute({node.Put("a", "3"), node.Put("c", "3")});
  EXPECT_EQ(node.chain->tip().height, Height(3));
  EXPECT_EQ(node.chain->head().height, Height(0));
  EXPECT_EQ(node.chain->tip_state().Get("kv/a"), "3");
  EXPECT_THAT(KeysOf(node.chain->tip_state(), "kv/"), ElementsAre("kv/a", "kv/b", "kv/c"));
  EXPECT_THAT(KeysOf(*node.chain->SealedState(), "kv/"), ElementsAre());

  node.Seal(one);
  EXPECT_EQ(node.chain->SealedState()->Get("kv/a"), "1");
  EXPECT_EQ(node.chain->tip_state().Get("kv/a"), "3");
  EXPECT_EQ(node.chain->tip_state().Get("kv/b"), "2");
  node.Seal(two);
  EXPECT_THAT(KeysOf(*node.chain->SealedState(), "kv/"), ElementsAre("kv/b"));
  EXPECT_THAT(KeysOf(node.chain->tip_state(), "kv/"), ElementsAre("kv/a", "kv/b", "kv/c"));
  node.Seal(three);
  EXPECT_EQ(node.chain->head().hash, three.hash);
  EXPECT_EQ(node.chain->tip().hash, three.hash);
  EXPECT_THAT(KeysOf(*node.chain->SealedState(), "kv/"), ElementsAre("kv/a", "kv/b", "kv/c"));
}

TEST(Chain, StagedExecution_GivesTheSameRootsAsSealingOneByOne) {
  TestChain staged;
  TestChain single;
  std::vector<ExecutedBlock> blocks;
  std::vector<std::vector<Transaction>> batches;
  for (int i = 0; i < 4; ++i) {
    batches.push_back({staged.Put("k" + std::to_string(i % 2), std::to_string(i)),
                       staged.Put("n" + std::to_string(i), "x")});
  }
  for (const auto& batch : batches) blocks.push_back(staged.Execute(batch));
  for (const ExecutedBlock& block : blocks) staged.Seal(block);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    EXPECT_EQ(single.Commit(batches[i]).hash, blocks[i].hash) << "height " << i + 1;
  }
  EXPECT_EQ(staged.chain->head().state_root, single.chain->head().state_root);
}

TEST(Chain, Crash_LosesExecutedBlocksAndKeepsSealedOnes) {
  TestChain node;
  const ExecutedBlock sealed = node.Commit({node.Put("a", "1")});
  const Transaction lost = node.Put("a", "2");
  const ExecutedBlock executed = node.Execute({lost});
  node.Reopen();
  EXPECT_EQ(node.chain->head().hash, sealed.hash);
  EXPECT_EQ(node.chain->tip().hash, sealed.hash);
  EXPECT_EQ(node.chain->tip_state().Get("kv/a"), "1");
  EXPECT_FALSE(node.chain->FindTransaction(lost.id).value());
  EXPECT_EQ(node.Commit({lost}).hash, executed.hash);
}

TEST(Chain, RefusedTransactions_ChangeNothingAndSayWhy) {
  TestChain node;
  Transaction elsewhere = MakeTransaction(ChainId(), "Put", "x=1", pb::DISCLOSURE_FULL, Height(9),
                                          KeyOf("author"), node.random);
  const std::vector<Transaction> batch = {
      node.Put("a", "1"),           node.Make("Refuse", "r=1"),      node.Make("Delete", "absent"),
      node.Make("Put", "no value"), node.Make("Put", "far=1", 1000), elsewhere};
  const ExecutedBlock block = node.Commit(batch);
  EXPECT_THAT(block.receipts, ElementsAre(pb::RECEIPT_CODE_OK, pb::RECEIPT_CODE_UNAUTHORIZED,
                                          pb::RECEIPT_CODE_NOT_FOUND, pb::RECEIPT_CODE_INVALID,
                                          pb::RECEIPT_CODE_INVALID, pb::RECEIPT_CODE_INVALID));
  EXPECT_THAT(KeysOf(*node.chain->SealedState(), "kv/"), ElementsAre("kv/a"));
}

TEST(Chain, Duplicates_AreNoOpsWhereverTheFirstWas) {
  TestChain node;
  const Transaction tx = node.Put("a", "1");
  const ExecutedBlock one = node.Execute({tx, tx});
  EXPECT_THAT(one.receipts, ElementsAre(pb::RECEIPT_CODE_OK, pb::RECEIPT_CODE_DUPLICATE));
  const ExecutedBlock two = node.Execute({tx});  // on top of an unsealed one
  EXPECT_THAT(two.receipts, ElementsAre(pb::RECEIPT_CODE_DUPLICATE));
  node.Seal(one);
  node.Seal(two);
  EXPECT_THAT(node.Commit({tx}).receipts, ElementsAre(pb::RECEIPT_CODE_DUPLICATE));
  node.Reopen();
  EXPECT_THAT(node.Commit({tx}).receipts, ElementsAre(pb::RECEIPT_CODE_DUPLICATE));
  EXPECT_EQ(node.chain->FindTransaction(tx.id).value()->height, Height(1));
  EXPECT_EQ(node.chain->FindTransaction(tx.id).value()->index, 0u);
}

TEST(Chain, RepeatedTransaction_IsExpiredOnceItIsTooLate) {
  TestChain node;
  const Transaction tx = node.Make("Put", "a=1", 2);
  node.Commit({tx});
  EXPECT_THAT(node.Commit({tx}).receipts, ElementsAre(pb::RECEIPT_CODE_DUPLICATE));
  EXPECT_THAT(node.Commit({tx}).receipts, ElementsAre(pb::RECEIPT_CODE_EXPIRED));
  EXPECT_EQ(node.chain->FindTransaction(tx.id).value()->height, Height(1));
}

TEST(Chain, TransactionThatCameTooEarly_TakesEffectOnceInTime) {
  TestChain node;
  const Transaction tx = node.Make("Put", "a=1", 102);  // 100 heights at most
  EXPECT_THAT(node.Commit({tx}).receipts, ElementsAre(pb::RECEIPT_CODE_INVALID));
  const ExecutedBlock two = node.Execute({tx});
  EXPECT_THAT(two.receipts, ElementsAre(pb::RECEIPT_CODE_OK));
  EXPECT_THAT(node.Execute({tx}).receipts, ElementsAre(pb::RECEIPT_CODE_DUPLICATE));
  node.Seal(two);
  EXPECT_EQ(node.chain->FindTransaction(tx.id).value()->height, Height(2));
  node.Reopen();
  EXPECT_THAT(node.Commit({tx}).receipts, ElementsAre(pb::RECEIPT_CODE_DUPLICATE));
}

TEST(Chain, ExpiredTransaction_IsANoOp) {
  TestChain node;
  node.Commit({});
  const Transaction last = node.Make("Put", "a=1", 2);
  const Transaction late = node.Make("Put", "b=1", 2);
  EXPECT_THAT(node.Commit({last}).receipts, ElementsAre(pb::RECEIPT_CODE_OK));
  EXPECT_THAT(node.Commit({late}).receipts, ElementsAre(pb::RECEIPT_CODE_EXPIRED));
  EXPECT_EQ(node.chain->SealedState()->Get("kv/b"), std::nullopt);
}

TEST(Chain, MalformedEnvelopeInABatch_IsInvalidWithoutItsPayload) {
  TestChain node;
  pb::Batch batch;
  batch.set_time_ms(1700000001000);
  batch.add_transactions()->set_envelope("no envelope");
  const auto block = node.chain->Execute(Encode(batch), {});
  ASSERT_TRUE(block) << block.error().ToString();
  EXPECT_THAT(block->receipts, ElementsAre(pb::RECEIPT_CODE_INVALID));
  node.Seal(*block);
  EXPECT_EQ(node.chain->head().height, Height(1));
}

TEST(Chain, Execute_RefusesWhatIsNoBatchAndStaysUsable) {
  TestChain node;
  EXPECT_EQ(node.chain->Execute("garbage", {}).error().code, Code::kInvalidArgument);
  pb::Batch timeless;
  timeless.set_view(1);
  EXPECT_EQ(node.chain->Execute(Encode(timeless), {}).error().code, Code::kInvalidArgument);
  const std::vector<Transaction> batch = {node.Put("a", "1")};
  EXPECT_EQ(node.chain->Execute(TestChain::BatchOf(batch), {}).error().code, Code::kPrecondition);
  const std::vector<Transaction> other = {node.Put("b", "1")};
  EXPECT_EQ(
      node.chain->Execute(TestChain::BatchOf(batch), TestChain::PayloadsOf(other)).error().code,
      Code::kPrecondition);
  EXPECT_EQ(node.chain->tip().height, Height(0));
  EXPECT_EQ(node.Commit(batch).height, Height(1));
}

TEST(Chain, BatchThatWasChecked_ExecutesAndSealsAsItsBytesDo) {
  TestChain one;
  TestChain two;
  const std::vector<Transaction> batch = {one.Put("a", "1"), one.Make("Delete", "b"),
                                          one.Make("Unknown", "x"), one.Make("Put", "c=1", 1)};
  const Bytes bytes = TestChain::BatchOf(batch);
  const Bytes payloads = TestChain::PayloadsOf(batch);
  const ExecutedBlock from_bytes = one.chain->Execute(bytes, payloads).value();
  const CheckedBatch checked = CheckBatch(two.genesis(), bytes, payloads).value();
  const ExecutedBlock from_checked = two.chain->Execute(checked).value();
  EXPECT_EQ(from_bytes.header, from_checked.header);
  EXPECT_EQ(from_bytes.receipts, from_checked.receipts);
  one.Seal(from_bytes);
  two.Seal(from_checked);
  EXPECT_EQ(Encode(one.chain->GetBlockWithPayloads(Height(1)).value()),
            Encode(two.chain->GetBlockWithPayloads(Height(1)).value()));
  EXPECT_EQ(one.chain->Execute({}, {})->header, two.chain->Execute(CheckedBatch())->header);
}

TEST(Chain, ExecutedBlocks_AreBoundedByTheWindow) {
  TestChain node;
  const ExecutedBlock first = node.Execute({});
  for (int i = 1; i < 4; ++i) node.Execute({});
  EXPECT_EQ(node.chain->Execute({}, {}).error().code, Code::kExhausted);
  node.Seal(first);
  EXPECT_TRUE(node.chain->Execute({}, {}));
}

TEST(Chain, ReadOnlyDatabase_ServesReadsBesideTheRunningNode) {
  TestChain node;
  const ExecutedBlock block = node.Commit({node.Put("a", "1")});
  auto database = Database::Open(node.dir.path() / "db", Database::Mode::kReadOnly);
  ASSERT_TRUE(database) << database.error().ToString();
  const auto beside = Chain::Open(**database, node.genesis(), node.app);
  ASSERT_TRUE(beside) << beside.error().ToString();
  node.Commit({node.Put("a", "2")});
  EXPECT_EQ((*beside)->head().hash, block.hash);
  EXPECT_EQ((*beside)->SealedState()->Get("kv/a"), "1");
  nlohmann::json other = GenesisJson();
  other["name"] = "other";
  EXPECT_EQ(Chain::Open(**database, Genesis::Parse(other.dump()).value(), node.app).error().code,
            Code::kNotFound);
}

// Readers take no lock while the writer executes and seals; ThreadSanitizer looks on.
TEST(Chain, Readers_SeeWholeBlocksWhileTheChainGrows) {
  TestChain node;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const Head head = node.chain->head();
      const auto state = node.chain->SealedState();
      const auto a = state->Get("kv/a");
      EXPECT_EQ(a, state->Get("kv/b"));  // written together in every block
      EXPECT_GE(std::stoull(a.value_or("0")), head.height.value);
      EXPECT_EQ(node.chain->GetBlockWithPayloads(head.height).has_value(), head.height.value > 0);
      EXPECT_TRUE(node.chain->ProveState("kv/a", head.height));
    }
  });
  for (int i = 1; i <= 20; ++i) {
    node.Commit({node.Put("a", std::to_string(i)), node.Put("b", std::to_string(i))});
  }
  done = true;
  reader.join();
}

TEST(Chain, SealedState_IsAConsistentSnapshot) {
  TestChain node;
  node.Commit({node.Put("a", "1")});
  const auto before = node.chain->SealedState();
  node.Commit({node.Put("a", "2"), node.Put("b", "2")});
  EXPECT_EQ(before->Get("kv/a"), "1");
  EXPECT_THAT(KeysOf(*before, "kv/"), ElementsAre("kv/a"));
  EXPECT_EQ(node.chain->SealedState()->Get("kv/a"), "2");
}

TEST(Chain, Open_RefusesAnotherGenesisUnderTheSameName) {
  TestChain node;
  nlohmann::json other = GenesisJson();
  other["time_ms"] = 1700000000001;
  const Genesis genesis = Genesis::Parse(other.dump()).value();
  node.chain.reset();
  const auto opened = Chain::Open(*node.database, genesis, node.app);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kWrongGenesis);
}

TEST(Chain, Open_RefusesAnotherApplication) {
  TestChain node;
  node.Commit({node.Put("a", "1")});
  struct Other final : Application {
    Status InitGenesis(const Genesis&, StateOverlay& state) const override {
      state.Put("genesis", "other");
      return {};
    }
    Status Check(const Transaction&, const BlockContext&, const StateReader&) const override {
      return {};
    }
    Status Execute(const Transaction&, const BlockContext&, StateOverlay&) const override {
      return {};
    }
    void BeginBlock(const BlockContext&, StateOverlay&) const override {}
    bool HasDueWork(Timestamp, const StateReader&) const override { return false; }
  };
  node.chain.reset();
  const Other other;
  const auto opened = Chain::Open(*node.database, node.genesis(), other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorruption);
  EXPECT_THAT(opened.error().message, HasSubstr("height 0"));
}

TEST(Chain, TwoChains_ShareADatabase) {
  TestChain node;
  nlohmann::json other = GenesisJson();
  other["name"] = "second-chain";
  const Genesis genesis = Genesis::Parse(other.dump()).value();
  const auto second = Chain::Open(*node.database, genesis, node.app);
  ASSERT_TRUE(second) << second.error().ToString();
  node.Commit({node.Put("a", "1")});
  EXPECT_EQ((*second)->head().height, Height(0));
  EXPECT_EQ((*second)->SealedState()->Get("kv/a"), std::nullopt);
}

TEST(ChainApply, FollowerReachesTheSameHead) {
  TestChain source;
  TestChain follower;
  for (int i = 0; i < 5; ++i) {
    source.Commit({source.Put("k" + std::to_string(i), "v"), source.Make("Refuse", "r=1")});
  }
  const auto empty = source.chain->Execute({}, {});
  source.Seal(*empty);
  for (std::uint64_t h = 1; h <= 6; ++h) {
    const Status applied = follower.chain->Apply(*source.chain->GetBlockWithPayloads(Height(h)));
    ASSERT_TRUE(applied) << applied.error().ToString();
  }
  EXPECT_EQ(follower.chain->head().hash, source.chain->head().hash);
  EXPECT_EQ(follower.chain->SealedState()->Get("kv/k3"), "v");
}

TEST(ChainApply, ExecutedBlocksThatAgree_AreKept) {
  TestChain source;
  TestChain peer;
  const std::vector<Transaction> one = {source.Put("a", "1")};
  const std::vector<Transaction> two = {source.Put("b", "2")};
  source.Commit(one);
  peer.Execute(one);
  const ExecutedBlock second = peer.Execute(two);
  ASSERT_TRUE(peer.chain->Apply(*source.chain->GetBlockWithPayloads(Height(1))));
  EXPECT_EQ(peer.chain->head().height, Height(1));
  EXPECT_EQ(peer.chain->tip().hash, second.hash);
  peer.Seal(second);
  EXPECT_EQ(source.Commit(two).hash, second.hash);
}

TEST(ChainApply, DamagedDataOfOurOwn_IsNoFaultOfTheBlock) {
  TestChain source;
  TestChain follower;
  const Transaction first = source.Put("a", "1");
  source.Commit({first});
  ASSERT_TRUE(follower.chain->Apply(*source.chain->GetBlockWithPayloads(Height(1))));
  source.Commit({first});  // a duplicate: looks up where the first one is
  const auto store = ChainStore::Open(*follower.database, follower.genesis().chain_id());
  ASSERT_TRUE(follower.database->db()
                  .Put(rocksdb::WriteOptions(), store->family(Use::kTransactions),
                       first.id.ToBytes(), "no place")
                  .ok());
  const Status applied = follower.chain->Apply(*source.chain->GetBlockWithPayloads(Height(2)));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::kIo) << applied.error().ToString();
}

TEST(ChainApply, ACertifiedBlockThatIsNotTheOneExecuted_IsADivergence) {
  TestChain source;
  TestChain peer;
  source.Commit({source.Put("a", "1")});
  const ExecutedBlock ours = peer.Execute({source.Put("b", "2")});
  const Status applied = peer.chain->Apply(*source.chain->GetBlockWithPayloads(Height(1)));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::kDiverged);
  EXPECT_EQ(peer.chain->head().height, Height(0));
  EXPECT_EQ(peer.chain->tip().hash, ours.hash) << "what was executed is kept as evidence";
}

TEST(ChainApply, TamperedBlocks_AreRefusedWithTheReason) {
  TestChain source;
  TestChain follower;
  source.Commit({source.Put("a", "1"), source.Put("b", "2")});
  source.Commit({source.Put("c", "3")});
  const pb::BlockWithPayloads good = *source.chain->GetBlockWithPayloads(Height(1));
  const auto code_of = [&](const std::function<void(pb::BlockWithPayloads&)>& change) {
    pb::BlockWithPayloads block = good;
    change(block);
    const Status applied = follower.chain->Apply(block);
    return applied ? Code::kInternal : applied.error().code;
  };
  EXPECT_EQ(follower.chain->Apply(*source.chain->GetBlockWithPayloads(Height(2))).error().code,
            Code::kPrecondition);
  EXPECT_EQ(code_of([](auto& b) { b.mutable_block()->mutable_header()->back() ^= 1; }),
            Code::kBadSignature);
  EXPECT_EQ(code_of([](auto& b) {
              b.mutable_block()->mutable_certificate()->mutable_seals()->RemoveLast();
            }),
            Code::kPrecondition);
  EXPECT_EQ(code_of([](auto& b) {
              b.mutable_block()->mutable_certificate()->mutable_seals()->SwapElements(0, 1);
            }),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& b) { b.mutable_block()->mutable_transactions()->RemoveLast(); }),
            Code::kCorruption);
  EXPECT_EQ(code_of([](auto& b) {
              b.mutable_block()->mutable_transactions(0)->mutable_signature()->back() ^= 1;
            }),
            Code::kBadSignature);
  EXPECT_EQ(code_of([](auto& b) {
              b.mutable_block()->mutable_transactions(0)->mutable_signature()->pop_back();
            }),
            Code::kBadSignature)
      << "nor does it look as if the validators were wrong";
  EXPECT_EQ(code_of([](auto& b) { b.clear_payloads(); }), Code::kPrecondition);
  EXPECT_EQ(code_of([](auto& b) { b.mutable_payloads(0)->mutable_data()->back() ^= 1; }),
            Code::kPrecondition);
  EXPECT_EQ(follower.chain->head().height, Height(0));
  EXPECT_TRUE(follower.chain->Apply(good));
}

TEST(ChainApply, DivergentExecution_NamesTheRoot) {
  TestChain source;
  TestChain broken;
  broken.app.salt = "!";  // executes otherwise from now on
  source.Commit({source.Put("a", "1")});
  const Status applied = broken.chain->Apply(*source.chain->GetBlockWithPayloads(Height(1)));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::kDiverged);
  EXPECT_THAT(applied.error().message, HasSubstr("state_root"));
  EXPECT_EQ(broken.chain->tip().height, Height(0));
}

}  // namespace
}  // namespace talent::ledger
