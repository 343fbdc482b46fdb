// Of the situations of README.md: crashes, power cuts, bad links and clocks.
#include <gtest/gtest.h>

#include "sim/story.h"

namespace talent::sim {
namespace {

// 3
TEST(Scenario, CrashAtEveryWriteAndSend) {
  for (const std::size_t victim : {0u, 1u}) {
    std::uint64_t boundaries = 0;
    {
      Story story(Of(4));
      story.Want(2);
      story.ExpectSealed(10 * kTimeout);
      boundaries = story.cluster.node(victim).boundaries();
    }
    EXPECT_GT(boundaries, 20u);
    for (std::uint64_t k = 1; k <= boundaries; ++k) {
      Story story(Of(4));
      story.cluster.node(victim).CrashAtBoundary(k);
      story.Want(2);
      story.Run(3 * kTimeout);
      story.cluster.node(victim).LosePower();
      story.ExpectRecovery();
      if (testing::Test::HasFailure()) FAIL() << "node " << victim << " at boundary " << k;
    }
  }
}

// 4
TEST(Scenario, AllPowerCut) {
  for (std::uint64_t at = 5; at < 120; at += 7) {
    Story story(Of(4));
    story.Want(6, 5);
    story.Run(at);
    for (const auto& node : story.cluster.nodes()) node->LosePower();
    story.ExpectRecovery();
    if (testing::Test::HasFailure()) FAIL() << "at " << at << " ms";
  }
}

// 5
template <class Kind>
void CrashPrimaryOnSending() {
  Story story(Of(4));
  bool crashed = false;
  story.Drop<Kind>([&](std::size_t from, std::size_t /*to*/) {
    if (from == 0 && !crashed) {
      crashed = true;
      story.cluster.world.After(0, [&] { story.cluster.node(0).LosePower(); });
    }
    return false;
  });
  story.Want(3);
  story.ExpectSealed(10 * kTimeout);
  EXPECT_TRUE(crashed);
  EXPECT_EQ(story.HighestView(), 1u) << story.cluster.ToString();
  story.ExpectRecovery();
}

TEST(Scenario, LeaderCrashEachPhase) {
  CrashPrimaryOnSending<consensus::PrePrepare>();
  CrashPrimaryOnSending<consensus::Prepare>();
  CrashPrimaryOnSending<consensus::Commit>();
}

// 6
TEST(Scenario, CascadingLeaders) {
  Story story(Of(7));
  story.cluster.node(0).Crash();
  story.cluster.node(1).Crash();
  story.Want(3);
  // The first timeout, twice it, and what the messages take.
  story.ExpectSealed(5 * kTimeout);
  EXPECT_EQ(story.HighestView(), 2u);
  story.ExpectRecovery();
}

// 14
TEST(Scenario, NoQuorumNight) {
  Story story(Of(4));
  story.Want(2);
  story.ExpectSealed(5 * kTimeout);
  story.cluster.node(2).Crash();
  story.cluster.node(3).Crash();
  story.Want(2);
  story.Run(600'000);
  EXPECT_LE(story.HighestView(), 2u) << "views run up without a quorum";
  story.cluster.node(2).Start();
  story.cluster.node(3).Start();
  story.ExpectSealed(2 * kCap);
  story.ExpectRecovery();
}

// 33
TEST(Scenario, AsymmetricLink) {
  for (const bool ring : {false, true}) {
    Story story(Of(4));
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t b = 0; b < 4; ++b) {
        // The primary hears and is not heard; or each hears its neighbours only.
        if (ring ? (a + 2) % 4 == b : a == 0) story.cluster.network.Cut(a, b);
      }
    }
    story.Want(4);
    if (!ring) story.ExpectSealed(10 * kTimeout);
    story.Run(10 * kTimeout);
    story.ExpectRecovery();
  }
}

// 34
TEST(Scenario, FlappingPartition) {
  Story story(Of(4));
  story.Want(20, 200);
  for (int i = 0; i < 50; ++i) {
    for (const std::size_t a : {0u, 1u}) {
      for (const std::size_t b : {2u, 3u}) {
        story.cluster.network.Cut(a, b);
        story.cluster.network.Cut(b, a);
      }
    }
    story.Run(kTimeout / 2);
    story.cluster.network.Heal();
    story.Run(kTimeout / 2);
  }
  EXPECT_LE(story.HighestView(), 50u);
  story.ExpectSealed(3 * kCap);
  story.ExpectRecovery();
}

// 35
TEST(Scenario, Clocks) {
  constexpr std::int64_t kHour = 3'600'000;
  for (const std::int64_t jump : {kHour, -kHour / 60}) {
    Story story(Of(4));
    story.Want(3);
    story.ExpectSealed(5 * kTimeout);
    story.cluster.node(0).skew = jump;  // f, the primary
    story.Want(4);
    story.ExpectSealed(20 * kTimeout);
    story.cluster.node(1).skew = -jump / 2;  // f + 1, all different: nobody's batch passes
    const Height head = story.Head();
    story.Want(4);
    story.Run(10 * kTimeout);
    EXPECT_LE(story.Head(), head + story.cluster.config.window);
    story.cluster.node(2).FreezeClock(true);
    story.cluster.node(3).rate_permille = 2000;
    story.Run(10 * kTimeout);
    story.ExpectRecovery();
  }
}

}  // namespace
}  // namespace talent::sim
