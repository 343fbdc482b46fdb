#include "unit/node/local_chain_cluster.h"

namespace talent::node {
namespace {

TEST(LocalChainEpochs, IdleChain_ReplacesAValidatorWithoutAStop) {
  LocalChainCluster cluster(4, 1, /*spare_keys=*/true);
  cluster.SealOne(4, "before");
  EXPECT_FALSE(cluster.chain(4).status().validator);
  EXPECT_TRUE(cluster.chain(4).status().vote_key);
  cluster.AwaitVoteLog(4);  // it has heard that its key has never voted
  const Height last = cluster.EndEpoch(1, "v1,v2,v3,f0");
  // Nobody submits anything: the validators themselves fill the heights up to the end.
  for (std::size_t i = 0; i < cluster.size(); ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  const Height after = cluster.SealOne(0, "after");
  EXPECT_GT(after, last);
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    ASSERT_TRUE(cluster.AwaitHeight(i, after));
    EXPECT_EQ(cluster.chain(i).chain().validators()->epoch(), Epoch(1));
  }
  cluster.ExpectAgreement(after);
  EXPECT_EQ(cluster.AwaitReplica(4).epoch, Epoch(1));
  EXPECT_FALSE(cluster.AwaitReplica(4).observer) << "it votes from the first height on";
  const ChainStatusInfo removed = cluster.chain(0).status();
  EXPECT_FALSE(removed.validator);
  EXPECT_FALSE(removed.replica);
  EXPECT_TRUE(removed.vote_key);
  EXPECT_EQ(removed.epoch, Epoch(1));
  EXPECT_EQ(removed.validators, 4u);
}

TEST(LocalChainEpochs, OneValidator_BecomesTwo) {
  LocalChainCluster cluster(1, 1, /*spare_keys=*/true);
  const Height last = cluster.EndEpoch(0, "v0,f0");
  for (std::size_t i = 0; i < 2; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  const Height after = cluster.SealOne(1, "after");
  EXPECT_GT(after, last);
  const auto header = cluster.chain(1).chain().GetHeader(after);
  EXPECT_EQ(header->certificate().seals_size(), 2) << "the new one's vote is needed";
}

TEST(LocalChainEpochs, Laggard_CrossesTheBoundaryAndVotes) {
  LocalChainCluster cluster(4, 0);
  cluster.SealOne(0, "before");
  (void)cluster.AwaitReplica(3);  // a log that was never written to is a lost one by then
  cluster.Kill(3);
  const Height last = cluster.EndEpoch(0, "v1,v2,v3");
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  const Height later = cluster.SealOne(1, "later");
  cluster.Start(3);
  ASSERT_TRUE(cluster.AwaitHeight(3, later));
  cluster.Kill(1);
  const Height after = cluster.SealOne(2, "after");  // by nodes 2 and 3 alone
  ASSERT_TRUE(cluster.AwaitHeight(0, after));
  const auto header = cluster.chain(2).chain().GetHeader(after);
  EXPECT_EQ(header->certificate().epoch(), 1u);
}

TEST(LocalChainEpochs, AMemberOfTheNewSetThatLostItsDisk_Watches) {
  LocalChainCluster cluster(4, 1, /*spare_keys=*/true);
  cluster.SealOne(0, "before");
  cluster.AwaitVoteLog(4);
  const Height last = cluster.EndEpoch(0, "v0,v1,v2,v3,f0");
  for (std::size_t i = 0; i < 5; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  cluster.AwaitReplica(4);
  const Height after = cluster.SealOne(0, "after");
  cluster.Kill(4);
  cluster.WipeDisk(4);
  cluster.Start(4);
  // It follows through epoch 0, where its key was in no set, into the one where it may have voted.
  ASSERT_TRUE(cluster.AwaitHeight(4, after));
  EXPECT_TRUE(cluster.AwaitReplica(4).observer);
}

TEST(LocalChainEpochs, ChainGrowsToSevenWithFewBlocks) {
  LocalChainCluster cluster(4, 3, /*spare_keys=*/true);
  cluster.SealOne(0, "before");
  for (std::size_t i = 4; i < 7; ++i) cluster.AwaitVoteLog(i);
  std::string set = "v0,v1,v2,v3";
  for (const char* joiner : {",f0", ",f1", ",f2"}) {
    set += joiner;
    const Height last = cluster.EndEpoch(0, set);
    for (std::size_t i = 0; i < 7; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  }
  const Height after = cluster.SealOne(6, "after");
  for (std::size_t i = 0; i < 7; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, after));
  for (std::size_t i = 4; i < 7; ++i) EXPECT_FALSE(cluster.AwaitReplica(i).observer) << i;
  cluster.ExpectAgreement(after);
}

TEST(LocalChainEpochs, AllRestartedAtTheBoundary_GoOn) {
  LocalChainCluster cluster(4, 0);
  const Height last = cluster.EndEpoch(0, "v1,v2,v3");
  for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  for (std::size_t i = 0; i < 4; ++i) cluster.Kill(i);
  for (std::size_t i = 0; i < 4; ++i) cluster.Start(i);
  EXPECT_GT(cluster.SealOne(0, "after"), last);
  EXPECT_FALSE(cluster.AwaitReplica(1).observer);
}

}  // namespace
}  // namespace talent::node
