#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include "ledger/chain_store.h"
#include "test_chain.h"

namespace talent::ledger {
namespace {

using ::testing::HasSubstr;

class VerifyChain : public ::testing::Test {
 protected:
  VerifyChain() {
    for (int i = 0; i < 4; ++i) {
      const Transaction tx = node.Put("k" + std::to_string(i), std::to_string(i));
      node.Commit({tx, node.Put("shared", std::to_string(i)), tx, node.Make("Refuse", "r=1")});
      first_id = i == 0 ? tx.id : first_id;
    }
    node.Commit({node.Make("Delete", "k1")});
  }

  Result<VerifyReport> Verify() const {
    return VerifyStoredChain(*node.database, node.genesis(), node.app, nullptr);
  }

  TestChain node;
  TxId first_id;
};

TEST_F(VerifyChain, IntactChain_Passes) {
  std::vector<std::uint64_t> seen;
  const auto report = VerifyStoredChain(*node.database, node.genesis(), node.app,
                                        [&](Height at, Height) { seen.push_back(at.value); });
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->height, Height(5));
  EXPECT_EQ(report->executed, Height(5));
  EXPECT_EQ(report->transactions, 17u);
  EXPECT_EQ(report->payloads_missing, 0u);
  EXPECT_EQ(report->head_hash, node.chain->head().hash);
  EXPECT_EQ(seen, std::vector<std::uint64_t>{5});
}

TEST_F(VerifyChain, WorksReadOnlyBesideTheRunningNode) {
  const auto beside = Database::Open(node.dir.path() / "db", Database::Mode::kReadOnly);
  ASSERT_TRUE(beside) << beside.error().ToString();
  node.Commit({node.Put("later", "1")});
  const auto report = VerifyStoredChain(**beside, node.genesis(), node.app, nullptr);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->height, Height(5));
}

TEST_F(VerifyChain, AFlippedByteInAnyStoredValue_IsFound) {
  const auto store = ChainStore::Open(*node.database, node.genesis().chain_id());
  ASSERT_TRUE(store);
  rocksdb::DB& db = node.database->db();
  int records = 0;
  for (const Use use : kUses) {
    if (use == Use::kWindow) continue;  // of chains that began from a snapshot
    std::map<Bytes, Bytes> all;
    const auto walk = store->Iterate(use);
    for (walk->SeekToFirst(); walk->Valid(); walk->Next()) {
      all[walk->key().ToString()] = walk->value().ToString();
    }
    ASSERT_FALSE(all.empty()) << UseName(use);
    for (const auto& [key, value] : all) {
      Bytes bad = value;
      bad[records % bad.size()] ^= 1;
      ASSERT_TRUE(db.Put(rocksdb::WriteOptions(), store->family(use), key, bad).ok());
      const auto report = Verify();
      EXPECT_FALSE(report) << UseName(use) << " " << ToHex(key);
      if (!report) {
        EXPECT_EQ(report.error().code, Code::kCorruption);
        EXPECT_THAT(report.error().message, HasSubstr("height"));
      }
      ASSERT_TRUE(db.Put(rocksdb::WriteOptions(), store->family(use), key, value).ok());
      if (++records % 3 == 0) break;  // of each use some: every case makes a scratch database
    }
  }
  EXPECT_TRUE(Verify());
}

TEST_F(VerifyChain, AnExtraOrMissingRecord_IsFound) {
  const auto store = ChainStore::Open(*node.database, node.genesis().chain_id());
  rocksdb::DB& db = node.database->db();
  ASSERT_TRUE(db.Put(rocksdb::WriteOptions(), store->family(Use::kTransactions), Bytes(32, 'x'),
                     EncodeLocation({Height(1), 0}))
                  .ok());
  EXPECT_FALSE(Verify());
  ASSERT_TRUE(
      db.Delete(rocksdb::WriteOptions(), store->family(Use::kTransactions), Bytes(32, 'x')).ok());
  ASSERT_TRUE(Verify());
  ASSERT_TRUE(db.Delete(rocksdb::WriteOptions(), store->family(Use::kState), "kv/k2").ok());
  EXPECT_FALSE(Verify());
}

TEST_F(VerifyChain, ErasedPayloads_AreReportedAndTheRestIsStillChecked) {
  const auto store = ChainStore::Open(*node.database, node.genesis().chain_id());
  rocksdb::DB& db = node.database->db();
  const auto third = *node.chain->GetBlock(Height(3));
  const TxId id = TransactionId(third.transactions(0).envelope());
  ASSERT_TRUE(db.Delete(rocksdb::WriteOptions(), store->family(Use::kPayloads), id.ToBytes()).ok());
  const auto report = Verify();
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->executed, Height(2));
  EXPECT_EQ(report->height, Height(5));
  EXPECT_EQ(report->payloads_missing, 2u);  // it stands twice in its block

  ASSERT_TRUE(db.Put(rocksdb::WriteOptions(), store->family(Use::kState), "kv/k0", "9").ok());
  EXPECT_THAT(Verify().error().message, HasSubstr("state"));
  ASSERT_TRUE(db.Put(rocksdb::WriteOptions(), store->family(Use::kState), "kv/k0", "0").ok());
  ASSERT_TRUE(Verify());

  const auto body_key = Bytes("\0\0\0\0\0\0\0\x04", 8);
  auto body = *store->ReadBody(Height(4));
  body.set_receipts(3, pb::RECEIPT_CODE_OK);
  ASSERT_TRUE(
      db.Put(rocksdb::WriteOptions(), store->family(Use::kBodies), body_key, Encode(body)).ok());
  EXPECT_THAT(Verify().error().message, HasSubstr("receipts_root"));
}

TEST_F(VerifyChain, AnotherGenesis_IsNotFound) {
  nlohmann::json other = GenesisJson();
  other["name"] = "other";
  const auto report =
      VerifyStoredChain(*Database::Open(node.dir.path() / "db", Database::Mode::kReadOnly).value(),
                        Genesis::Parse(other.dump()).value(), node.app, nullptr);
  EXPECT_EQ(report.error().code, Code::kNotFound);
}

TEST(OpenAfterDamage, DamagedHead_IsRefused) {
  for (const Use use : {Use::kHeaders, Use::kTree}) {
    TestChain node;
    node.Commit({node.Put("a", "1"), node.Put("b", "2")});
    {
      const auto store = ChainStore::Open(*node.database, node.genesis().chain_id());
      const auto walk = store->Iterate(use);
      walk->SeekToLast();  // the head's header, the head's root
      Bytes bad = walk->value().ToString();
      bad[bad.size() / 2] ^= 1;
      ASSERT_TRUE(node.database->db()
                      .Put(rocksdb::WriteOptions(), store->family(use), walk->key(), bad)
                      .ok());
    }
    node.chain.reset();
    const auto opened = Chain::Open(*node.database, node.genesis(), node.app);
    ASSERT_FALSE(opened) << UseName(use);
    EXPECT_EQ(opened.error().code, Code::kCorruption);
  }
}

}  // namespace
}  // namespace talent::ledger
