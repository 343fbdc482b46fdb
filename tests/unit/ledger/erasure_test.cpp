#include "ledger/erasure.h"

#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include "base/file.h"
#include "ledger/chain_store.h"
#include "ledger/erasure_sweep.h"
#include "ledger/snapshot.h"
#include "support/sweep.h"
#include "test_chain.h"

namespace talent::ledger {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Found again in files as they are: RocksDB does not compress what is as short as this.
const Bytes kSecret = "the-person-lives-in-Harbour-Street-7";

class Erasure : public ::testing::Test {
 protected:
  /// Names of the database's files that hold `bytes`.
  std::vector<std::string> FilesWith(const Bytes& bytes) const {
    std::vector<std::string> found;
    for (const auto& file : std::filesystem::recursive_directory_iterator(node_.dir.path())) {
      if (!file.is_regular_file()) continue;
      const auto content = ReadFile(file.path(), std::size_t{1} << 30);
      if (content && content->find(bytes) != Bytes::npos) {
        found.push_back(file.path().filename().string());
      }
    }
    return found;
  }
  Result<SweepReport> Sweep(Timestamp now = kLater) {
    std::atomic<bool> stop = false;
    return SweepErased(*node_.database, node_.genesis().chain_id(), now, stop);
  }
  Result<VerifyReport> Verify() const {
    return VerifyStoredChain(*node_.database, node_.genesis(), node_.app, nullptr);
  }
  Transaction Erase(const TxId& id) { return node_.Make("Erase", id.ToBytes()); }

  TestChain node_;
};

TEST_F(Erasure, ErasedPayload_IsShownToNobodyAtOnce_AndEverythingElseStays) {
  const Transaction tx = node_.Put("k", kSecret);
  node_.Commit({tx, node_.Put("other", "1")});
  const Transaction erasure = Erase(tx.id);
  node_.Commit({erasure});
  const auto read = node_.chain->GetTransaction(tx.id);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_FALSE(read->has_payload());
  EXPECT_EQ(read->envelope_bytes, tx.envelope_bytes);
  const auto erased = FindErased(*node_.chain->SealedState(), tx.id);
  ASSERT_TRUE(erased);
  EXPECT_EQ(erased->by(), erasure.id.View());
  EXPECT_EQ(erased->height(), 2u);
  const auto proof = BuildTransactionProof(*node_.chain, tx.id);
  ASSERT_TRUE(proof);
  EXPECT_FALSE(proof->has_payload());
  EXPECT_TRUE(VerifyTransactionProof(node_.genesis(), *proof));
}

// Found in review: a follower one block behind could never go on.
TEST_F(Erasure, WhoIsALittleBehind_StillGetsThePayloadAndNobodyElseDoes) {
  const Transaction tx = node_.Put("k", kSecret);
  node_.Commit({tx});
  const Transaction refused = node_.Make("Refuse", "r=secret" + kSecret);
  node_.Commit({Erase(tx.id), refused, node_.Make("EraseKey", "k")});
  const Timestamp due = node_.chain->head().time + kErasedServedFor;
  EXPECT_EQ(Sweep(Timestamp(due.value - 1))->blocks, 0u);
  TestChain behind;
  for (const std::uint64_t height : {1, 2}) {
    const Status applied = behind.chain->Apply(*node_.chain->GetBlockWithPayloads(Height(height)));
    ASSERT_TRUE(applied) << applied.error().ToString();
  }
  EXPECT_EQ(behind.chain->head().state_root, node_.chain->head().state_root);
  for (const TestChain* chain : {&node_, &behind}) {
    EXPECT_FALSE(chain->chain->GetTransaction(tx.id)->has_payload());
    EXPECT_FALSE(chain->chain->GetTransaction(refused.id)->has_payload());
  }
  ASSERT_TRUE(Verify());
  EXPECT_EQ(Sweep(due)->payloads, 2u);
  EXPECT_THAT(FilesWith(kSecret), IsEmpty());
  ASSERT_TRUE(Verify());
}

TEST_F(Erasure, ErasedInItsOwnBlock_IsShownToNobody) {
  const Transaction tx = node_.Make("Put", "k=" + kSecret);
  const Transaction refused = node_.Make("Refuse", "r=secret" + kSecret);
  node_.Commit({tx, Erase(tx.id), refused});
  EXPECT_FALSE(node_.chain->GetTransaction(tx.id)->has_payload());
  EXPECT_FALSE(node_.chain->GetTransaction(refused.id)->has_payload());
  EXPECT_TRUE(FindErased(*node_.chain->SealedState(), refused.id));
}

TEST_F(Erasure, Sweep_TakesTheBytesOutOfEveryFile) {
  const Transaction tx = node_.Put("k", kSecret);
  node_.Commit({tx});
  for (int i = 0; i < 4; ++i) {  // tables and logs of several ages
    node_.Commit({node_.Put("k", kSecret + std::to_string(i)), node_.Put("o", std::to_string(i))});
    ASSERT_TRUE(node_.database->Flush());
    if (i == 1) node_.Reopen();
  }
  ASSERT_THAT(FilesWith(kSecret), ::testing::Not(IsEmpty()));
  std::vector<Transaction> erasures = {node_.Make("EraseKey", "k"), Erase(tx.id)};
  for (std::uint64_t height = 2; height <= 5; ++height) {
    erasures.push_back(
        Erase(TransactionId(node_.chain->GetBlock(Height(height))->transactions(0).envelope())));
  }
  node_.Commit(erasures);
  EXPECT_THAT(FilesWith(kSecret), ::testing::Not(IsEmpty())) << "or the sweep has nothing to do";
  const auto swept = Sweep();
  ASSERT_TRUE(swept) << swept.error().ToString();
  EXPECT_FALSE(swept->unfinished);
  EXPECT_EQ(swept->blocks, 1u);
  EXPECT_EQ(swept->payloads, 5u);
  EXPECT_EQ(swept->values, 1u);
  EXPECT_THAT(FilesWith(kSecret), IsEmpty());
  EXPECT_EQ(Sweep()->blocks, 0u);
  node_.Commit({node_.Put("later", "1")});
  const auto report = Verify();
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->payloads_erased, 5u);
  EXPECT_EQ(report->payloads_missing, 0u);
}

TEST_F(Erasure, TablesThatSpanTheKeyAndDoNotHoldIt_AreLeftAlone) {
  std::vector<Transaction> many;
  for (int i = 0; i < 50; ++i) many.push_back(node_.Put("n" + std::to_string(i), "1"));
  node_.Commit(many);
  ASSERT_TRUE(node_.database->Flush());
  const Transaction tx = node_.Put("n25", kSecret);
  node_.Commit({tx});
  node_.Commit({Erase(tx.id), node_.Make("EraseKey", "n25")});
  EXPECT_FALSE(Sweep()->unfinished);
  EXPECT_THAT(FilesWith(kSecret), IsEmpty());
  node_.Commit({Erase(many[30].id)});
  EXPECT_FALSE(Sweep()->unfinished);
}

TEST_F(Erasure, StoppedAndStartedAgain_TheSweepGoesOn) {
  const Transaction tx = node_.Put("k", kSecret);
  node_.Commit({tx});
  node_.Commit({Erase(tx.id), node_.Make("EraseKey", "k")});
  std::atomic<bool> stop = true;
  const auto cut = SweepErased(*node_.database, node_.genesis().chain_id(), kLater, stop);
  ASSERT_TRUE(cut) << cut.error().ToString();
  EXPECT_TRUE(cut->unfinished);
  node_.Reopen();
  EXPECT_EQ(Sweep()->blocks, 1u);
  EXPECT_THAT(FilesWith(kSecret), IsEmpty());
}

TEST_F(Erasure, AReaderOfOlderState_HoldsTheSweepUp) {
  const Transaction tx = node_.Put("k", kSecret);
  node_.Commit({tx});
  auto reader = node_.chain->SealedState();
  node_.Commit({Erase(tx.id), node_.Make("EraseKey", "k")});
  EXPECT_TRUE(Sweep()->unfinished);
  EXPECT_EQ(reader->Get("kv/k"), kSecret);
  reader.reset();
  EXPECT_FALSE(Sweep()->unfinished);
  EXPECT_THAT(FilesWith(kSecret), IsEmpty());
}

TEST_F(Erasure, OldStatesOfAnErasedEntry_ArePruned_AndTheirRootsStay) {
  node_.Commit({node_.Put("k", kSecret), node_.Put("o", "1")});
  node_.Commit({node_.Put("k", "newer")});
  node_.Commit({node_.Make("EraseKey", "k")});
  node_.Commit({node_.Put("k", "again")});
  ASSERT_TRUE(Sweep());
  for (const std::uint64_t height : {1, 2}) {
    EXPECT_EQ(node_.chain->ProveState("kv/k", Height(height)).error().code, Code::kPruned);
    EXPECT_TRUE(node_.chain->ProveState("kv/o", Height(height)));
    const auto source = SnapshotSource::Open(*node_.database, node_.genesis(), Height(height));
    EXPECT_EQ(source->StateChunk(StateSubtree()).error().code, Code::kPruned);
  }
  EXPECT_FALSE(node_.chain->ProveState("kv/k", Height(3))->present());
  EXPECT_EQ(node_.chain->ProveState("kv/k", Height(4))->value(), "again");
  // The transactions are still here, so that everything is executed again.
  const auto report = Verify();
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->executed, Height(4));
}

TEST_F(Erasure, AnErasedPayloadThatIsHere_FailsVerification) {
  const Transaction tx = node_.Put("k", kSecret);
  node_.Commit({tx});
  node_.Commit({Erase(tx.id)});
  ASSERT_TRUE(Sweep());
  ASSERT_TRUE(Verify());
  const auto store = ChainStore::Open(*node_.database, node_.genesis().chain_id());
  pb::Payload payload;
  payload.set_salt(tx.salt);
  payload.set_data(tx.payload);
  ASSERT_TRUE(node_.database->db()
                  .Put(rocksdb::WriteOptions(), store->family(Use::kPayloads), tx.id.ToBytes(),
                       Encode(payload))
                  .ok());
  EXPECT_THAT(Verify().error().message, HasSubstr("was erased"));
}

TEST_F(Erasure, IdleChain_GoesOnForAWindow) {
  const Transaction tx = node_.Put("k", kSecret);
  node_.Commit({tx});
  EXPECT_FALSE(node_.chain->HasDueWork(Timestamp(1)));
  node_.Commit({Erase(tx.id)});
  for (std::uint32_t i = 0; i < node_.genesis().consensus().window; ++i) {
    EXPECT_TRUE(node_.chain->HasDueWork(Timestamp(1))) << i;
    node_.Commit({});
  }
  EXPECT_FALSE(node_.chain->HasDueWork(Timestamp(1)));
}

/// A node that was away when something was erased.
class Away : public Erasure {
 protected:
  Away() {
    const Transaction tx = node_.Put("k", kSecret);
    erased_ = tx.id;
    node_.Commit({tx});
    EXPECT_TRUE(Follow(Height(1)));
    const Transaction unseen = other_.Put("k", "unseen");
    node_.Commit({unseen});
    node_.Commit({Erase(tx.id), Erase(unseen.id), node_.Make("EraseKey", "k")});
    std::atomic<bool> stop = false;
    EXPECT_FALSE(
        SweepErased(*node_.database, node_.genesis().chain_id(), kLater, stop)->unfinished);
  }
  Status Follow(Height height) {
    return other_.chain->Apply(*node_.chain->GetBlockWithPayloads(height));
  }
  void Restore() {
    other_.chain.reset();
    const auto source =
        SnapshotSource::Open(*node_.database, node_.genesis(), node_.chain->head().height);
    ASSERT_TRUE(source);
    auto restore =
        SnapshotRestore::Begin(*other_.database, other_.genesis(), other_.app, *source->Head());
    ASSERT_TRUE(restore) << restore.error().ToString();
    while (const auto newest = restore->next_window()) {
      ASSERT_TRUE(restore->AddWindow(source->WindowChunk(*newest)->packed));
    }
    ASSERT_TRUE(restore->AddState(source->StateChunk(StateSubtree())->packed));
    while (const auto newest = restore->next_window()) {
      ASSERT_TRUE(restore->AddWindow(source->WindowChunk(*newest)->packed));
    }
    const Status finished = restore->Finish();
    ASSERT_TRUE(finished) << finished.error().ToString();
    other_.Reopen();
  }

  TestChain other_;
  TxId erased_;
};

TEST_F(Away, CannotExecuteWhatWasErased) {
  const Status applied = Follow(Height(2));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::kPrecondition);
}

// Found in review: verification wanted the whole state that the node began with.
TEST_F(Away, WhatIsErasedOfTheStateItBeganWith_DoesNotFailVerification) {
  node_.Commit({node_.Put("o", "1")});
  Restore();
  node_.Commit({node_.Make("EraseKey", "o")});
  node_.Commit({node_.Put("later", "1")});
  const Height base = other_.chain->head().height;
  for (const Height height : {base + 1, base + 2}) ASSERT_TRUE(Follow(height));
  std::atomic<bool> stop = false;
  const ChainId& id = other_.genesis().chain_id();
  ASSERT_EQ(SweepErased(*other_.database, id, kLater, stop)->unfinished, false);
  const auto report = VerifyStoredChain(*other_.database, other_.genesis(), other_.app, nullptr);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->base, base);
  EXPECT_EQ(report->executed, base) << "nothing can be executed";
  EXPECT_EQ(report->height, base + 2);
}

TEST_F(Away, CatchesUpBySnapshot_AndErasesWhatItHad) {
  ASSERT_TRUE(other_.chain->GetTransaction(erased_)->has_payload());
  const ChainId& id = other_.genesis().chain_id();
  ASSERT_TRUE(WantSnapshot(*other_.database, id));
  EXPECT_TRUE(WantsSnapshot(*other_.database, id).value());
  Restore();
  EXPECT_FALSE(WantsSnapshot(*other_.database, id).value());
  EXPECT_FALSE(other_.chain->GetTransaction(erased_)->has_payload());
  std::atomic<bool> stop = false;
  const auto swept = SweepErased(*other_.database, other_.genesis().chain_id(), kLater, stop);
  ASSERT_TRUE(swept) << swept.error().ToString();
  EXPECT_EQ(swept->payloads, 1u);
  for (const auto& file : std::filesystem::recursive_directory_iterator(other_.dir.path())) {
    if (!file.is_regular_file()) continue;
    const auto content = ReadFile(file.path(), std::size_t{1} << 30);
    EXPECT_TRUE(!content || content->find(kSecret) == Bytes::npos) << file.path();
  }
  node_.Commit({node_.Put("later", "1")});
  EXPECT_TRUE(Follow(Height(4)));
  EXPECT_EQ(other_.chain->head().hash, node_.chain->head().hash);
  const auto report = VerifyStoredChain(*other_.database, other_.genesis(), other_.app, nullptr);
  EXPECT_TRUE(report) << report.error().ToString();
}

}  // namespace
}  // namespace talent::ledger
