#include "node/chain/mempool.h"

#include <gtest/gtest.h>

namespace talent::node {
namespace {

TxPtr MakeTx(int number, std::uint64_t valid_until = 100, std::size_t payload = 10) {
  auto tx = std::make_shared<ledger::Transaction>();
  tx->id.data()[0] = static_cast<std::uint8_t>(number);
  tx->id.data()[1] = static_cast<std::uint8_t>(number >> 8);
  tx->valid_until = Height(valid_until);
  tx->payload = Bytes(payload, 'x');
  return tx;
}

std::vector<int> Numbers(const std::vector<TxPtr>& txs) {
  std::vector<int> numbers;
  for (const TxPtr& tx : txs) numbers.push_back(tx->id.data()[0]);
  return numbers;
}

TEST(Mempool, Take_ServesUrgentLanesFirstAndOtherwiseInOrderOfArrival) {
  Mempool pool{Mempool::Limits{}};
  ASSERT_TRUE(pool.Add(MakeTx(1), 9, true, Timestamp(1)));
  ASSERT_TRUE(pool.Add(MakeTx(2), 9, true, Timestamp(2)));
  ASSERT_TRUE(pool.Add(MakeTx(3), 0, true, Timestamp(3)));
  EXPECT_EQ(Numbers(pool.Take(2, 1000)), (std::vector{3, 1}));
  EXPECT_EQ(Numbers(pool.Take(2, 1000)), (std::vector{2}));
  EXPECT_EQ(pool.size(), 3U) << "what is in flight is still held until it is sealed";
}

TEST(Mempool, Take_StaysWithinTheByteBound) {
  Mempool pool{Mempool::Limits{}};
  const TxPtr tx = MakeTx(1, 100, 400);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(pool.Add(MakeTx(i, 100, 400), 9, true, Timestamp(1)));
  EXPECT_EQ(pool.Take(10, 2 * tx->size()).size(), 2U);
}

TEST(Mempool, Add_RefusesOverTheBoundAndTakesBackAfterRemoval) {
  Mempool pool{Mempool::Limits{.max_transactions = 2, .max_bytes = 1 << 20}};
  ASSERT_TRUE(pool.Add(MakeTx(1), 9, true, Timestamp(1)));
  ASSERT_TRUE(pool.Add(MakeTx(2), 9, true, Timestamp(1)));
  ASSERT_TRUE(pool.Add(MakeTx(2), 9, true, Timestamp(1))) << "a repetition is no error";
  const Status full = pool.Add(MakeTx(3), 9, true, Timestamp(1));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kExhausted);
  pool.Remove(MakeTx(1)->id);
  EXPECT_TRUE(pool.Add(MakeTx(3), 9, true, Timestamp(1)));
  pool.Remove(MakeTx(2)->id);
  pool.Remove(MakeTx(3)->id);
  EXPECT_EQ(pool.bytes(), 0U);
}

TEST(Mempool, Readmit_MakesARelayedTransactionOursOnceItIsSubmittedHere) {
  Mempool pool{Mempool::Limits{}};
  EXPECT_FALSE(pool.Readmit(MakeTx(1)->id, /*local=*/true)) << "not here yet";
  ASSERT_TRUE(pool.Add(MakeTx(1), 9, /*local=*/false, Timestamp(1)));
  EXPECT_TRUE(pool.Readmit(MakeTx(1)->id, /*local=*/false));
  EXPECT_TRUE(pool.LocalAdmittedBefore(Timestamp(9), 10).empty());
  EXPECT_TRUE(pool.Readmit(MakeTx(1)->id, /*local=*/true));
  EXPECT_EQ(Numbers(pool.LocalAdmittedBefore(Timestamp(9), 10)), (std::vector{1}));
}

TEST(Mempool, ReturnInFlight_OffersLostProposalsAgainInTheirOldOrder) {
  Mempool pool{Mempool::Limits{}};
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(pool.Add(MakeTx(i), 9, true, Timestamp(1)));
  pool.MarkInFlight(MakeTx(2)->id);
  EXPECT_EQ(Numbers(pool.Take(10, 1000)), (std::vector{1, 3}));
  pool.Remove(MakeTx(1)->id);
  pool.ReturnInFlight();
  EXPECT_EQ(Numbers(pool.Take(10, 1000)), (std::vector{2, 3}));
}

TEST(Mempool, RemoveExpired_DropsWhatCanNoLongerBeSealed) {
  Mempool pool{Mempool::Limits{}};
  ASSERT_TRUE(pool.Add(MakeTx(1, 5), 9, true, Timestamp(1)));
  ASSERT_TRUE(pool.Add(MakeTx(2, 6), 9, true, Timestamp(1)));
  EXPECT_EQ(pool.RemoveExpired(Height(5)), (std::vector{MakeTx(1)->id}));
  EXPECT_TRUE(pool.AdmissionOf(MakeTx(2)->id));
}

TEST(Mempool, OldestAdmission_IsKnownPerLane) {
  Mempool pool{Mempool::Limits{}};
  ASSERT_TRUE(pool.Add(MakeTx(1), 9, true, Timestamp(10)));
  ASSERT_TRUE(pool.Add(MakeTx(2), 9, false, Timestamp(20)));
  EXPECT_EQ(pool.OldestAdmission(9), Timestamp(10));
  EXPECT_EQ(pool.OldestAdmission(0), std::nullopt);
  EXPECT_EQ(Numbers(pool.LocalAdmittedBefore(Timestamp(30), 10)), (std::vector{1}))
      << "only what was submitted here is relayed again";
}

}  // namespace
}  // namespace talent::node
