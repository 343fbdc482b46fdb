// Of the situations of README.md: who is behind, seals and views.
#include <gtest/gtest.h>

#include "sim/story.h"

namespace talent::sim {
namespace {

// 25
TEST(Scenario, SealDuringViewChange) {
  Story story(Of(4));
  bool drop = true;
  story.Drop<consensus::SealVote>([&](std::size_t, std::size_t) { return drop; });
  story.Want(4);
  EXPECT_TRUE(story.RunUntil(10 * kTimeout, [&] { return story.HighestView() >= 1; }));
  EXPECT_EQ(story.Head(), Height(0));
  story.cluster.node(story.HighestView() % 4).Crash();  // the next view has no primary
  drop = false;
  story.ExpectSealed(10 * kTimeout);
  story.ExpectRecovery();
}

// 26
TEST(Scenario, CatchUpDuringViewChange) {
  std::uint64_t seen = 0;
  for (std::uint64_t wait = 0; wait <= 800; wait += 80) {
    Story story(Of(4));
    story.Isolate(3);
    story.Want(8);
    story.ExpectSealed(10 * kTimeout);
    story.cluster.node(0).Crash();
    story.Want(2);
    story.Run(wait);
    story.cluster.network.Heal();
    story.Run(4 * kTimeout);
    story.ExpectRecovery();
    seen += story.cluster.counters.times["catch-up during a view change"];
  }
  EXPECT_GT(seen, 0u);
}

// 27
TEST(Scenario, LaggingBeyondWindow) {
  Config config = Of(4);
  config.batch_transactions = 1;
  config.window = 2;
  Story story(config);
  story.cluster.node(3).StallUntil(100'000);
  story.Want(20, 20);
  story.ExpectSealed(20 * kTimeout);
  EXPECT_GE(story.Head(), Height(10 * config.window));
  story.cluster.node(3).StallUntil(0);
  story.Want(20, 40);
  story.ExpectSealed(20 * kTimeout);
  EXPECT_TRUE(story.RunUntil(20 * kTimeout, [&] { return story.cluster.AllSealed(); }));
  // It votes again: without it there is no quorum.
  story.cluster.node(2).Crash();
  story.Want(2);
  story.ExpectSealed(10 * kTimeout);
  story.ExpectRecovery();
}

// 28
TEST(Scenario, PrimaryCrashInCatchUp) {
  Config config = Of(4);
  config.batch_transactions = 1;
  Story story(config);
  story.Isolate(3);
  story.Want(20, 5);
  story.ExpectSealed(20 * kTimeout);
  bool asked = false;
  story.cluster.network.admits = [&](std::size_t from, std::size_t /*to*/,
                                     const node::v1::Frame& frame) {
    if (frame.has_sync_request() && from == 3 && !asked) {
      asked = true;
      story.cluster.world.After(0, [&] { story.cluster.node(0).Crash(); });
    }
    return true;
  };
  story.cluster.network.Heal();
  EXPECT_TRUE(story.RunUntil(20 * kTimeout, [&] { return asked; }));
  const Height head = story.Head();
  EXPECT_TRUE(
      story.RunUntil(20 * kTimeout, [&] { return story.cluster.node(3).sealed() >= head; }));
  story.Want(2);
  story.ExpectSealed(20 * kTimeout);
  story.ExpectRecovery();
}

}  // namespace
}  // namespace talent::sim
