// Of the situations of README.md: changes of the validator set.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "sim/story.h"
#include "tiers/governance.h"

namespace talent::sim {
namespace {

Config WithSpares(std::uint32_t validators, std::uint32_t spares) {
  Config config = Of(validators);
  config.spares = spares;
  return config;
}

/// Everybody who is up is in this epoch, or beyond it.
bool AllIn(Story& story, std::uint64_t epoch) {
  return std::ranges::all_of(story.cluster.nodes(), [&](const auto& node) {
    return !node->alive() || node->chain().status().epoch >= Epoch(epoch);
  });
}

// 30: one comes, then the primary goes, cut off so near the boundary that the view changes there.
TEST(Scenario, AddRemoveAtBoundary) {
  for (const std::uint64_t below : {2u, 1u, 0u}) {
    Story story(WithSpares(4, 1));
    Cluster& cluster = story.cluster;
    story.Want(2);
    story.ExpectSealed(10 * kTimeout);
    cluster.Change(std::nullopt, 4);
    ASSERT_TRUE(story.RunUntil(40 * kTimeout, [&] { return AllIn(story, 1); }))
        << cluster.ToString();
    EXPECT_EQ(cluster.checker.LatestSet().size(), 5u);
    cluster.Change(0, std::nullopt);
    story.Want(4, 10);
    EXPECT_TRUE(story.RunUntil(40 * kTimeout, [&] {
      const Height end = cluster.node(1).chain().status().epoch_end;
      const bool crossed = cluster.checker.LatestSet().epoch() == Epoch(2);
      return crossed || (end != Height(0) && story.Head() + below >= end);
    }));
    story.Isolate(0);
    story.Isolate(4);  // and of the new set one that misses the boundary
    story.Run(2 * kTimeout);
    cluster.network.Heal();
    story.Run(4 * kTimeout);
    story.ExpectRecovery();
    EXPECT_TRUE(AllIn(story, 2)) << cluster.ToString();
    EXPECT_FALSE(cluster.node(0).chain().status().replica.has_value());
    story.Want(2);
    story.ExpectRecovery();
    if (testing::Test::HasFailure()) FAIL() << below << " below the boundary";
  }
}

// 31
TEST(Scenario, IdleReconfiguration) {
  Story story(WithSpares(4, 1));
  story.Isolate(3);
  story.cluster.Change(std::nullopt, 4);
  // No client wants anything.
  const auto others_are_in = [&] {
    return std::ranges::all_of(std::array{0u, 1u, 2u, 4u}, [&](std::uint32_t i) {
      return story.cluster.Of(i).chain().status().epoch == Epoch(1);
    });
  };
  ASSERT_TRUE(story.RunUntil(60 * kTimeout, others_are_in)) << story.cluster.ToString();
  EXPECT_EQ(story.cluster.node(3).chain().status().epoch, Epoch(0));
  const Height boundary = story.Head();
  story.Run(10 * kTimeout);
  EXPECT_EQ(story.Head(), boundary) << "an idle chain goes on";
  story.cluster.network.Heal();
  EXPECT_TRUE(story.RunUntil(20 * kTimeout, [&] { return AllIn(story, 1); }))
      << story.cluster.ToString();
  // It votes: with another one down there is no quorum without it.
  story.cluster.node(0).Crash();
  story.Want(2);
  story.ExpectSealed(20 * kTimeout);
  story.ExpectRecovery();
}

// 32
TEST(Scenario, BadReconfiguration) {
  Story story(WithSpares(4, 2));
  Cluster& cluster = story.cluster;
  auto stolen = cluster.NodeChange(std::nullopt, 5);  // the vote key is a validator's
  *stolen.mutable_offer() = tiers::MakeOffer(cluster.genesis.chain_id(), "v5", &cluster.vote_key(1),
                                             ledger::KeyOf("node v5"));
  auto unproven = cluster.NodeChange(std::nullopt, 4);
  unproven.mutable_offer()->set_vote_signature(Bytes(64, 'x'));
  cluster.Propose({cluster.NodeChange(std::nullopt, 4), cluster.NodeChange(std::nullopt, 5)});
  cluster.Propose({cluster.NodeChange(0, std::nullopt), cluster.NodeChange(1, std::nullopt)});
  cluster.Propose({stolen});
  cluster.Propose({unproven});
  cluster.Propose({cluster.NodeChange(4, std::nullopt)});  // no validator
  story.Want(3);
  story.ExpectSealed(10 * kTimeout);
  story.Run(10 * kTimeout);
  for (const auto& node : cluster.nodes()) {
    EXPECT_EQ(node->chain().status().epoch_end, Height(0));
    EXPECT_EQ(node->chain().status().epoch, Epoch(0));
  }
  story.ExpectRecovery();
}

TEST(Scenario, LastValidatorStaysAndGrowsToFour) {
  Story story(WithSpares(1, 3));
  Cluster& cluster = story.cluster;
  cluster.Propose({cluster.NodeChange(0, std::nullopt)});
  story.Want(2);
  story.ExpectSealed(10 * kTimeout);
  EXPECT_EQ(cluster.checker.LatestSet().epoch(), Epoch(0));
  for (std::uint32_t size = 2; size <= 4; ++size) {
    cluster.Change(std::nullopt, size - 1);
    EXPECT_TRUE(story.RunUntil(60 * kTimeout, [&] { return AllIn(story, size - 1); }))
        << cluster.ToString();
    EXPECT_EQ(cluster.checker.LatestSet().size(), size);
    story.Want(2);
    story.ExpectSealed(20 * kTimeout);
  }
  cluster.node(2).Crash();  // four stand one fault
  story.Want(2);
  story.ExpectSealed(20 * kTimeout);
  story.ExpectRecovery();
}

}  // namespace
}  // namespace talent::sim
