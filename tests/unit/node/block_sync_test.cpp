#include "node/chain/block_sync.h"

#include <gtest/gtest.h>

#include "unit/node/test_env.h"

namespace talent::node {
namespace {

BlockSync::Response Blocks(int count) {
  auto response = std::make_shared<v1::SyncResponse>();
  for (int i = 0; i < count; ++i) response->add_blocks();
  return response;
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
  EXPECT_FALSE(sync.Next(Height(5), Timestamp(1))) << "the other peer has nothing above that range";
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
  EXPECT_FALSE(sync.Accept(Peer(1), Blocks(1), Height(6), Timestamp(1)));
  ASSERT_TRUE(sync.Next(Height(5), Timestamp(0)));
  EXPECT_FALSE(sync.Accept(Peer(2), Blocks(1), Height(6), Timestamp(1)));
  EXPECT_FALSE(sync.Accept(Peer(1), Blocks(1), Height(7), Timestamp(1)));
  EXPECT_FALSE(sync.Accept(Peer(1), Blocks(1000), Height(6), Timestamp(1)));
  EXPECT_TRUE(sync.Accept(Peer(1), Blocks(5), Height(6), Timestamp(1)));
}

TEST(BlockSync, AFailureCountsUntilThePeerServesAGoodBlock) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(10));
  sync.OnStatus(Peer(2), Height(9));
  sync.Penalise(Peer(1), Timestamp(0));
  const Timestamp later = Timestamp(0) + BlockSync::kRetryCap;
  ASSERT_EQ(sync.Next(Height(5), later)->to, Peer(2));
  ASSERT_TRUE(sync.Accept(Peer(2), Blocks(1), Height(6), later));
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
    ASSERT_TRUE(sync.Accept(Peer(1), Blocks(0), Height(0), now));
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

TEST(BlockSync, RangesOfSeveralPeersAreUnderWayAndTakenInOrder) {
  BlockSync sync;
  for (std::uint8_t i = 1; i <= 3; ++i) sync.OnStatus(Peer(i), Height(1000));
  std::map<Height, NodeKey> asked;
  while (const auto request = sync.Next(Height(0), Timestamp(0)))
    asked[request->from] = request->to;
  ASSERT_EQ(asked.size(), 3u) << "one of each peer";
  EXPECT_EQ(asked.begin()->first, Height(1));
  EXPECT_EQ(asked.rbegin()->first, Height(129));
  ASSERT_TRUE(sync.Accept(asked[Height(65)], Blocks(64), Height(65), Timestamp(1)));
  EXPECT_FALSE(sync.Take(Height(0))) << "what comes first is not here";
  ASSERT_TRUE(sync.Accept(asked[Height(1)], Blocks(64), Height(1), Timestamp(1)));
  EXPECT_EQ(sync.Take(Height(0))->from, asked[Height(1)]);
  EXPECT_FALSE(sync.Take(Height(0))) << "it is being applied";
  sync.Applied();
  EXPECT_EQ(sync.Take(Height(64))->from, asked[Height(65)]);
}

TEST(BlockSync, WhatWaitsIsBounded) {
  BlockSync sync;
  for (std::uint8_t i = 1; i <= 20; ++i) sync.OnStatus(Peer(i), Height(100'000));
  const auto first = sync.Next(Height(0), Timestamp(0));
  std::size_t ranges = 1;
  while (const auto request = sync.Next(Height(0), Timestamp(0))) {
    ++ranges;
    ASSERT_TRUE(sync.Accept(request->to, Blocks(64), request->from, Timestamp(0)));
  }
  EXPECT_EQ(ranges, BlockSync::kMaxRanges);
  // The first one fails: it is asked of another, although everything above waits for it.
  const auto again = sync.Next(Height(0), Timestamp(0) + BlockSync::kRequestTimeout);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->from, Height(1));
  EXPECT_NE(again->to, first->to);
}

TEST(BlockSync, AGreaterClaimMakesNoPeerBetter) {
  BlockSync sync({Peer(1), Peer(2), Peer(3)});
  sync.OnStatus(Peer(1), Height(1'000'000));
  sync.OnStatus(Peer(2), Height(1000));
  sync.OnStatus(Peer(3), Height(1000));
  std::map<NodeKey, int> lowest;
  Height head(0);
  for (int i = 0; i < 9; ++i) {
    const auto request = sync.Next(head, Timestamp(0));
    ++lowest[request->to];
    ASSERT_TRUE(sync.Accept(request->to, Blocks(64), request->from, Timestamp(0)));
    ASSERT_TRUE(sync.Take(head));
    sync.Good(request->to);
    sync.Applied();
    head = head + 64;
  }
  for (std::uint8_t peer = 1; peer <= 3; ++peer) EXPECT_EQ(lowest[Peer(peer)], 3) << int{peer};
}

TEST(BlockSync, AnAnswerThatCouldHaveHeldMoreIsAFailure) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(1000));
  ASSERT_TRUE(sync.Next(Height(0), Timestamp(0)));
  ASSERT_TRUE(sync.Accept(Peer(1), Blocks(1), Height(1), Timestamp(0)));
  ASSERT_TRUE(sync.Take(Height(0)));
  sync.Good(Peer(1));
  sync.Applied();
  EXPECT_FALSE(sync.Next(Height(1), Timestamp(0))) << "it is left alone for a while";
  const auto later = sync.Next(Height(1), Timestamp(0) + BlockSync::kRetryFirst);
  ASSERT_TRUE(later);
  // Blocks of a mebibyte in all are as much as it may send.
  auto large = Blocks(1);
  large->mutable_blocks(0)->mutable_block()->set_header(Bytes(BlockSync::kBytesPerResponse, 'x'));
  ASSERT_TRUE(sync.Accept(Peer(1), large, Height(2), Timestamp(5000)));
  ASSERT_TRUE(sync.Take(Height(1)));
  sync.Good(Peer(1));
  sync.Applied();
  EXPECT_TRUE(sync.Next(Height(2), Timestamp(5000)));
}

TEST(BlockSync, WhatASlowPeerKeepsAllWaitingForIsAskedOfAnother) {
  BlockSync sync;
  for (std::uint8_t i = 1; i <= 6; ++i) sync.OnStatus(Peer(i), Height(1000));
  const auto slow = sync.Next(Height(0), Timestamp(0));
  ASSERT_EQ(slow->from, Height(1));
  while (const auto request = sync.Next(Height(0), Timestamp(0))) {
    ASSERT_TRUE(sync.Accept(request->to, Blocks(64), request->from, Timestamp(0)));
  }
  const Timestamp then = Timestamp(0) + BlockSync::kSecondAfter;
  const auto second = sync.Next(Height(0), then);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->from, Height(1));
  EXPECT_EQ(second->count, slow->count);
  EXPECT_NE(second->to, slow->to);
  EXPECT_FALSE(sync.Next(Height(0), then)) << "of one second peer";
  ASSERT_TRUE(sync.Accept(second->to, Blocks(64), Height(1), then));
  EXPECT_EQ(sync.Take(Height(0))->from, second->to);
  EXPECT_FALSE(sync.Accept(slow->to, Blocks(64), Height(1), then)) << "it is here";
}

TEST(BlockSync, EitherOfTwoPeersMayAnswer) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(64));
  sync.OnStatus(Peer(2), Height(64));
  const auto first = sync.Next(Height(0), Timestamp(0));
  const Timestamp then = Timestamp(0) + BlockSync::kSecondAfter;
  const auto second = sync.Next(Height(0), then);
  ASSERT_TRUE(second);
  sync.OnPeerDown(first->to);
  ASSERT_TRUE(sync.Accept(second->to, Blocks(64), Height(1), then));
  EXPECT_EQ(sync.Take(Height(0))->from, second->to);
}

TEST(BlockSync, AHoleIsAskedForAgain) {
  BlockSync sync;
  sync.OnStatus(Peer(1), Height(1000));
  sync.OnStatus(Peer(2), Height(1000));
  const auto low = sync.Next(Height(0), Timestamp(0));
  const auto high = sync.Next(Height(0), Timestamp(0));
  ASSERT_TRUE(sync.Accept(low->to, Blocks(10), Height(1), Timestamp(0)));
  ASSERT_TRUE(sync.Accept(high->to, Blocks(64), Height(65), Timestamp(0)));
  const auto rest = sync.Next(Height(0), Timestamp(0));
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->from, Height(11));
  EXPECT_EQ(rest->count, 54u);
  // A block of the first range was bad.
  ASSERT_TRUE(sync.Take(Height(0)));
  sync.Penalise(low->to, Timestamp(0));
  sync.Applied();
  const auto again = sync.Next(Height(4), Timestamp(0) + BlockSync::kRetryCap);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->from, Height(5));
}

}  // namespace
}  // namespace talent::node
