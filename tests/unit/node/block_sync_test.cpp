#include "node/block_sync.h"

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
  EXPECT_FALSE(sync.Accept(Peer(1), 1, Height(6)));
  ASSERT_TRUE(sync.Next(Height(5), Timestamp(0)));
  EXPECT_FALSE(sync.Accept(Peer(2), 1, Height(6)));
  EXPECT_FALSE(sync.Accept(Peer(1), 1, Height(7)));
  EXPECT_FALSE(sync.Accept(Peer(1), 1000, Height(6)));
  EXPECT_TRUE(sync.Accept(Peer(1), 5, Height(6)));
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
