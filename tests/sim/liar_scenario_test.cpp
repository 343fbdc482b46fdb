// Of the situations of README.md: validators that lie.
#include <gtest/gtest.h>

#include <array>

#include "sim/byzantine.h"
#include "sim/story.h"

namespace talent::sim {
namespace {

// 7, 8: which correct nodes hear which twin, all of it. 0 is primary, and two of it exist.
TEST(Scenario, TwinsEquivocatingLeader) {
  std::uint64_t evidence = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Config config = WithTwins(4);
    config.seed = seed;
    config.delay_max_ms = 30;
    Story story(config);
    story.Want(6);
    story.Run(6 * kTimeout);
    story.ExpectRecovery();
    evidence += story.cluster.counters.times["evidence"];
  }
  EXPECT_GT(evidence, 0u);
}

// 8
TEST(Scenario, TwinsVoter) {
  for (std::uint64_t schedule = 0; schedule < 27; ++schedule) {
    Story story(WithTwins(4));
    const std::array<std::uint64_t, 3> hears = {1 + schedule % 3, 1 + schedule / 3 % 3,
                                                1 + schedule / 9};
    story.cluster.network.admits = [&](std::size_t from, std::size_t to, const node::v1::Frame&) {
      const bool from_twin = from == 0 || from == 4;
      const bool to_twin = to == 0 || to == 4;
      if (from_twin == to_twin) return true;
      const std::size_t twin = from_twin ? from : to;
      const std::size_t other = from_twin ? to : from;
      return (hears[other - 1] & (twin == 0 ? 1u : 2u)) != 0;
    };
    story.Want(3);
    story.Run(2 * kTimeout);
    story.cluster.node(1 + schedule % 3).Crash();  // views 1 to 3 have other primaries
    story.Run(2 * kTimeout);
    story.ExpectRecovery();
    if (testing::Test::HasFailure()) FAIL() << "schedule " << schedule;
  }
}

// 9
TEST(Scenario, TwinsAcrossViewChange) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Config config = WithTwins(4);
    config.seed = 100 + seed;
    Story story(config);
    story.Want(4, 5);
    story.Run(10 + 5 * seed);
    story.cluster.node(0).Crash();  // one of the two; the other one goes on
    story.Run(2 * kTimeout);
    story.cluster.node(1).Crash();
    story.Run(2 * kTimeout);
    story.ExpectRecovery();
  }
}

// 10, 11
TEST(Scenario, LyingNewView) {
  LiarStory story(kForgeries | kWithholdOffers, 7, 2);
  story.Want(6);
  story.ExpectSealed(20 * kTimeout);
  EXPECT_GT(story.cluster.counters.times["new view forged"], 0u);
  story.ExpectRecovery();
}

TEST(Scenario, ForgedCertificate) {
  LiarStory story(kForgeries | kGarbage | kMovedSeals | kWithholdOffers);
  story.Want(6);
  story.ExpectSealed(20 * kTimeout);
  EXPECT_GT(story.cluster.counters.times["certificate forged"], 0u);
  story.ExpectRecovery();
}

// A liar claims blocks while there are none: new validators must not take themselves for such as
// have lost their votes.
TEST(Scenario, LiarAtGenesis) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Config config = Of(4);
    config.seed = seed;
    config.byzantine = 1;
    Cluster cluster(config);
    MakeLiar(cluster, 0, kLieAboutBlocks);
    cluster.StartAll();
    cluster.Want(0, 0);
    cluster.MustRecover();
    for (const std::string& failure : cluster.checker.failures()) ADD_FAILURE() << failure;
  }
}

// 12
TEST(Scenario, HugeView) {
  LiarStory story(kHugeViews);
  story.Want(8);
  story.ExpectSealed(5 * kTimeout);
  EXPECT_EQ(story.HighestView(), 0u);
  story.ExpectRecovery();
}

// 13
TEST(Scenario, JoinRule) {
  LiarStory story(kHugeViews);
  story.Isolate(3);  // one correct node that hears nobody, and wants ever new views
  story.Want(4);
  story.ExpectSealed(10 * kTimeout);
  story.Run(20 * kTimeout);
  EXPECT_LE(story.HighestView(), 2u) << story.cluster.ToString();
  story.ExpectRecovery();
}

// 15
TEST(Scenario, GapLeader) {
  Config config = Of(4);
  config.byzantine = 1;
  config.batch_transactions = 1;
  Story story(config);
  // Height 2 is offered to nobody, those above are.
  story.cluster.node(0).lie = [&](std::uint32_t to, const FramePtr& frame) {
    const auto message = consensus::DecodeMessage(frame->consensus());
    const auto* offer = message ? std::get_if<consensus::PrePrepare>(&message->content) : nullptr;
    if (offer != nullptr && offer->at.height == Height(2)) return;
    story.cluster.node(0).Pass(to, frame);
  };
  story.Want(8, 1);
  story.ExpectSealed(10 * kTimeout);
  EXPECT_GE(story.HighestView(), 1u);
  story.ExpectRecovery();
}

// 16
TEST(Scenario, CensorOneClient) {
  Config config = Of(4);
  config.byzantine = 1;
  Story story(config);
  story.cluster.node(0).lie = nullptr;
  story.cluster.network.admits = [&](std::size_t /*from*/, std::size_t to,
                                     const node::v1::Frame& frame) {
    const auto& relayed = frame.transactions().transactions();
    return to != 0 ||
           std::find(relayed.begin(), relayed.end(), story.cluster.Transaction(0)) == relayed.end();
  };
  story.Want(40, 100);
  EXPECT_TRUE(story.RunUntil(12 * kTimeout, [&] { return story.cluster.IsSealed(0); }))
      << story.cluster.ToString();
  story.ExpectSealed(20 * kTimeout);
  story.ExpectRecovery();
}

// 17
TEST(Scenario, SlowLeader) {
  Config config = Of(4);
  config.byzantine = 1;
  Story story(config);
  story.cluster.node(0).lie = [&](std::uint32_t to, const FramePtr& frame) {
    const bool offer = frame->has_consensus() && frame->consensus().size() > 400;
    story.cluster.world.After(offer ? 9 * kTimeout / 10 : 0,
                              [&story, to, frame] { story.cluster.node(0).Pass(to, frame); });
  };
  story.Want(12);
  story.ExpectSealed(12 * kTimeout);  // a block a timeout
  story.ExpectRecovery();
}

// 18
TEST(Scenario, EmptyBlockSpam) {
  LiarStory story(kEmptyOffers);
  story.Want(4);
  story.ExpectSealed(10 * kTimeout);
  EXPECT_GT(story.cluster.counters.times["empty batch offered"], 0u);
  EXPECT_EQ(story.cluster.counters.times["empty batch sealed"], 0u);
  story.ExpectRecovery();
}

// 19
TEST(Scenario, TimerAbuseClient) {
  Story story(Of(4));
  story.Run(10);
  Bytes bad = story.cluster.Transaction(0);
  bad[bad.size() / 2] ^= 1;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    story.cluster.node(2).chain().Submit(bad, [&](const auto& admitted) { refused += !admitted; });
    story.Run(kTimeout / 4);
  }
  EXPECT_EQ(refused, 20);
  EXPECT_EQ(story.HighestView(), 0u);
  // A good one that only a backup got is everybody's.
  story.cluster.node(2).chain().Submit(story.cluster.Transaction(1), [](const auto&) {});
  EXPECT_TRUE(story.RunUntil(kTimeout, [&] { return story.cluster.IsSealed(1); }));
  EXPECT_EQ(story.HighestView(), 0u);
}

}  // namespace
}  // namespace talent::sim
