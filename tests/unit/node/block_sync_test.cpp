#include "node/chain/block_sync.h"

#include <gtest/gtest.h>

namespace talent::node {
namespace {

NodeKey Peer(std::uint8_t number) {
  NodeKey key;
  key.data()[0] = number;
  return key;
}

TEST(BlockSync, AsksThePeerThatIsFurthestForABoundedRange) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(10));
  sync.OnStatus(Peer(2), Height(1000));
  const auto request = sync.Next(Height(5), Timestamp(0));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->to, Peer(2));
  EXPECT_EQ(request->from, Height(6));
  EXPECT_EQ(request->count, BlockSync::kBlocksPerRequest);
  EXPECT_FALSE(sync.Next(Height(5), Timestamp(1))) << "one request is open at a time";
}

TEST(BlockSync, ASilentPeerIsPassedOver) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(10));
  sync.OnStatus(Peer(2), Height(9));
  ASSERT_EQ(sync.Next(Height(5), Timestamp(0))->to, Peer(1));
  const auto next = sync.Next(Height(5), Timestamp(0) + BlockSync::kRequestTimeout);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->to, Peer(2));
}

TEST(BlockSync, AnswersNobodyAskedForAreRefused) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(10));
  EXPECT_FALSE(sync.Accept(Peer(1), 1, Height(6), Timestamp(1)));
  ASSERT_TRUE(sync.Next(Height(5), Timestamp(0)));
  EXPECT_FALSE(sync.Accept(Peer(2), 1, Height(6), Timestamp(1)));
  EXPECT_FALSE(sync.Accept(Peer(1), 1, Height(7), Timestamp(1)));
  EXPECT_FALSE(sync.Accept(Peer(1), 1000, Height(6), Timestamp(1)));
  EXPECT_TRUE(sync.Accept(Peer(1), 5, Height(6), Timestamp(1)));
}

TEST(BlockSync, AFailureCountsUntilThePeerServesAGoodBlock) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(10));
  sync.OnStatus(Peer(2), Height(9));
  sync.Penalise(Peer(1), Timestamp(0));
  const Timestamp later = Timestamp(0) + BlockSync::kRetryCap;
  ASSERT_EQ(sync.Next(Height(5), later)->to, Peer(2));
  ASSERT_TRUE(sync.Accept(Peer(2), 1, Height(6), later));
  sync.Good(Peer(1));
  EXPECT_EQ(sync.Next(Height(6), later)->to, Peer(1));
}

TEST(BlockSync, AClaimNotDeliveredIsBelievedNoMoreAndAskedForEverLess) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(1'000'000));
  sync.OnStatus(Peer(2), Height(5));
  EXPECT_EQ(sync.best(), Height(1'000'000));
  int asked = 0;
  for (Timestamp now; now < Timestamp(100'000); now = now + Millis(100)) {
    sync.OnStatus(Peer(1), Height(1'000'000));  // says it again and again
    const auto request = sync.Next(Height(5), now);
    if (!request) continue;
    ++asked;
    ASSERT_TRUE(sync.Accept(Peer(1), 0, Height(0), now));
    EXPECT_EQ(sync.best(), Height(5));
  }
  EXPECT_GE(asked, 2) << "it may have been unlucky";
  EXPECT_LE(asked, 10);
}

TEST(BlockSync, WhereAllHaveFailedTheirClaimsStillCount) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(10));
  sync.Penalise(Peer(1), Timestamp(0));
  EXPECT_EQ(sync.best(), Height(10)) << "nothing says that this node has everything";
}

TEST(BlockSync, WhereAValidatorIsConnectedStrangersClaimsDoNotCount) {
  BlockSync sync({Peer(1), Peer(2)});
  sync.OnStatus(Peer(3), Height(1000));
  EXPECT_EQ(sync.best(), Height(1000)) << "nobody better to believe";
  sync.OnStatus(Peer(1), Height(10));
  sync.OnStatus(Peer(2), Height(12));
  EXPECT_EQ(sync.best(), Height(12));
  EXPECT_EQ(sync.Next(Height(5), Timestamp(0))->to, Peer(2)) << "validators are asked first";
  sync.Penalise(Peer(2), Timestamp(0));
  EXPECT_EQ(sync.best(), Height(10));
  sync.Penalise(Peer(1), Timestamp(0));
  EXPECT_EQ(sync.best(), Height(12));
}

TEST(BlockSync, NothingIsAskedOfPeersThatAreNotAhead) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(5));
  EXPECT_FALSE(sync.Next(Height(5), Timestamp(0)));
  sync.OnStatus(Peer(2), Height(7));
  ASSERT_TRUE(sync.Next(Height(5), Timestamp(0)));
  sync.OnPeerDown(Peer(2));
  EXPECT_FALSE(sync.Next(Height(5), Timestamp(0)));
  EXPECT_EQ(sync.best(), Height(5));
}

}  // namespace
}  // namespace talent::node
