// Of the situations of README.md: what is ordered, executed and sealed.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/byzantine.h"
#include "sim/story.h"

namespace talent::sim {
namespace {

// 1
TEST(Scenario, HappyWindow) {
  for (const std::uint32_t n : {4u, 7u, 10u}) {
    Config config = Of(n, 16);
    config.batch_transactions = 1;
    config.delay_max_ms = 60;
    config.duplicate_permille = 100;
    Story story(config);
    story.Want(16, 0);
    std::uint64_t open = 0;
    story.RunUntil(20 * kTimeout, [&] {
      if (!story.cluster.node(0).alive()) return false;
      const auto status = story.cluster.node(0).chain().status();
      if (status.replica) {
        open = std::max(open, status.replica->proposed - status.replica->sealed);
      }
      return story.cluster.AllSealed();
    });
    EXPECT_TRUE(story.cluster.AllSealed()) << story.cluster.ToString();
    EXPECT_EQ(open, config.window) << n;
  }
}

// 2
TEST(Scenario, SmallN) {
  for (const std::uint32_t n : {1u, 2u, 3u, 5u, 6u}) {
    Story story(Of(n));
    story.Want(3);
    story.ExpectSealed(10 * kTimeout);
    story.cluster.node(n - 1).Crash();
    story.Want(2);
    story.Run(10 * kTimeout);
    const bool goes_on = n >= 3;
    EXPECT_EQ(story.cluster.IsSealed(4), goes_on) << n;
    story.ExpectRecovery();
  }
}

// 20
TEST(Scenario, DuplicateInWindow) {
  LiarStory story(kRepeatBatches);
  story.Want(12, 5);
  story.ExpectSealed(20 * kTimeout);
  EXPECT_GT(story.cluster.counters.times["duplicate sealed as such"], 0u);
  story.ExpectRecovery();
}

// 22
TEST(Scenario, CrossChainReplay) {
  std::vector<FramePtr> said;
  Config config = Of(4);
  {
    Story story(config);
    story.cluster.network.admits = [&](std::size_t, std::size_t, const node::v1::Frame& frame) {
      said.push_back(std::make_shared<node::v1::Frame>(frame));
      return true;
    };
    story.Want(4);
    story.ExpectSealed(5 * kTimeout);
  }
  config.window = 5;  // the same keys, another genesis
  Story story(config);
  for (const FramePtr& frame : said) {
    node::v1::Frame moved = *frame;
    moved.set_chain_id(story.cluster.genesis.chain_id().ToBytes());
    if (!moved.has_consensus() && !moved.has_transactions()) continue;
    for (std::uint32_t i = 0; i < 4; ++i) {
      node::v1::Frame copy = moved;
      (void)story.cluster.node(i).chain().OnFrame(story.cluster.node_key((i + 1) % 4),
                                                  std::move(copy));
    }
  }
  story.Run(4 * kTimeout);
  EXPECT_EQ(story.Head(), Height(0));
  EXPECT_EQ(story.HighestView(), 0u);
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(story.cluster.node(i).chain().status().mempool_transactions, 0u);
  }
  story.Want(2);
  story.ExpectSealed(5 * kTimeout);
}

// 23
TEST(Scenario, DivergentExecutor) {
  Config config = Of(4);
  config.byzantine = 1;
  Story story(config);
  story.cluster.node(0).lie = nullptr;
  story.cluster.node(0).Crash();
  story.cluster.node(0).deviates = true;
  story.cluster.node(0).Start();
  story.Want(6);
  story.ExpectSealed(20 * kTimeout);
  EXPECT_TRUE(story.RunUntil(10 * kTimeout, [&] {
    return story.cluster.node(0).chain().status().halted.has_value();
  })) << story.cluster.ToString();
}

// 24
TEST(Scenario, TwoTwoDivergence) {
  Config config = Of(4);
  config.byzantine = 2;  // as far as the checker is concerned
  Story story(config);
  for (const std::size_t i : {0u, 1u}) {
    story.cluster.node(i).Crash();
    story.cluster.node(i).lie = nullptr;
    story.cluster.node(i).deviates = true;
    story.cluster.node(i).Start();
  }
  story.Want(6);
  story.Run(20 * kTimeout);
  EXPECT_EQ(story.Head(), Height(0));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(story.cluster.node(i).sealed(), Height(0)) << "sealed without a quorum of one root";
    const auto status = story.cluster.node(i).chain().status();
    ASSERT_TRUE(status.replica.has_value());
    EXPECT_GE(status.replica->executed, Height(1)) << "nothing was ordered, so nothing was tried";
    EXPECT_GE(status.seals_differ, Height(1)) << "nobody is told";
  }
}

}  // namespace
}  // namespace talent::sim
