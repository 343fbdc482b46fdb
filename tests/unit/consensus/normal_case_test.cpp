#include <gtest/gtest.h>

#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

class NormalCase : public testing::TestWithParam<std::uint32_t> {};

TEST_P(NormalCase, ProposalsAreOrderedExecutedAndSealed) {
  Harness cluster(GetParam());
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", i)));
    cluster.Run();
  }
  for (std::uint32_t i = 0; i < cluster.size(); ++i) {
    EXPECT_EQ(cluster.status(i).sealed, Height(30)) << cluster.status(i).ToString();
    EXPECT_EQ(cluster.node(i).batches, cluster.node(0).batches);
    EXPECT_EQ(cluster.node(i).finalised.back().block_hash,
              cluster.node(0).finalised.back().block_hash);
  }
  EXPECT_EQ(cluster.node(0).batches[29], "batch 29");
}

TEST_P(NormalCase, WindowIsFilledThenRefused) {
  Harness cluster(GetParam(), 4);
  // With nothing executed nothing is sealed, however many heights are ordered.
  for (std::uint32_t i = 0; i < cluster.size(); ++i) cluster.node(i).answer_executed = false;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", i)));
  EXPECT_FALSE(cluster.Propose(0, "one too many"));
  cluster.Run();
  EXPECT_FALSE(cluster.Propose(0, "still one too many"));
  for (std::uint32_t i = 0; i < cluster.size(); ++i) {
    cluster.node(i).answer_executed = true;
    cluster.ReleaseHeld(i);
  }
  cluster.Run();
  EXPECT_EQ(cluster.status(0).sealed, Height(4));
  EXPECT_TRUE(cluster.Propose(0, "room again"));
}

INSTANTIATE_TEST_SUITE_P(Sizes, NormalCase, testing::Values(1, 2, 3, 4, 5, 6, 7));

TEST(NormalCaseTest, OwnVote_IsNotCountedBeforeDurable) {
  Harness cluster(1);
  cluster.node(0).answer_durable = false;
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  EXPECT_EQ(cluster.status(0).prepared, Height(0));
  EXPECT_EQ(cluster.status(0).executed, Height(0));
  EXPECT_TRUE(cluster.sent.empty());
  cluster.ReleaseHeld(0);
  cluster.ReleaseHeld(0);
  EXPECT_EQ(cluster.status(0).sealed, Height(1));
}

TEST(NormalCaseTest, NothingIsSentBeforeWhatItPromisesIsDurable) {
  Harness cluster(4);
  cluster.node(0).answer_durable = false;
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  EXPECT_TRUE(cluster.network.empty());
  cluster.node(0).answer_durable = true;
  cluster.node(1).answer_durable = false;
  cluster.ReleaseHeld(0);
  cluster.Run();
  for (const auto& message : cluster.sent) EXPECT_NE(message->signer(), ValidatorIndex(1));
  // The three others are a quorum.
  EXPECT_EQ(cluster.status(0).sealed, Height(1));
}

TEST(NormalCaseTest, RefusedProposalGetsNoVotes) {
  Harness cluster(4);
  for (std::uint32_t i = 1; i < 4; ++i) cluster.node(i).vet_ok = false;
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(cluster.status(i).executed, Height(0));
  EXPECT_TRUE(cluster.node(1).timers.contains(1)) << "the primary is timed";
}

TEST(NormalCaseTest, EquivocatingPrimary_IsReported) {
  Harness cluster(4);
  const auto offer = [&](std::string_view text) {
    const ProposalPtr proposal = MakeProposal(text);
    return cluster.Signed(0,
                          PrePrepare{{View(0), Height(1), OrderDigest(proposal->batch)}, proposal});
  };
  ASSERT_TRUE(cluster.Deliver(1, offer("one")->Wire()));
  ASSERT_TRUE(cluster.Deliver(1, offer("other")->Wire()));
  ASSERT_TRUE(cluster.Deliver(1, offer("third")->Wire()));
  ASSERT_EQ(cluster.node(1).evidence.size(), 1u);
  EXPECT_EQ(cluster.node(1).evidence[0].culprit, ValidatorIndex(0));
  EXPECT_EQ(cluster.node(1).evidence[0].first, offer("one")->signed_bytes());
}

}  // namespace
}  // namespace talent::consensus::test
