// The situations of README.md by name: each set up by hand, with every invariant of the simulator
// checked on the way.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "sim/byzantine.h"
#include "sim/cluster.h"

namespace talent::sim {
namespace {

constexpr std::uint64_t kTimeout = Cluster::kTimeoutMs;
// New validators ask each other whether there are blocks before they vote.
constexpr std::uint64_t kSettle = 100;
constexpr std::uint64_t kCap = Cluster::kTimeoutCapMs;

Config Of(std::uint32_t validators, std::uint64_t transactions = 8) {
  Config config;
  config.validators = validators;
  config.transactions = transactions;
  config.chaos_ms = 1;
  return config;
}

class Story {
 public:
  explicit Story(const Config& config) : cluster(config) {
    cluster.StartAll();
    Run(kSettle);
  }
  ~Story() { ExpectSound(); }

  void ExpectSound() {
    const auto& failures = cluster.checker.failures();
    for (; told_ < failures.size(); ++told_) {
      ADD_FAILURE() << failures[told_] << "\n" << cluster.ToString();
    }
  }
  /// So many more transactions, one every `apart_ms`.
  void Want(std::size_t count, std::uint64_t apart_ms = 20) {
    for (std::size_t i = 0; i < count; ++i) cluster.Want(wanted_++, i * apart_ms);
  }
  void Run(std::uint64_t ms) { cluster.RunUntil(cluster.world.now() + ms); }
  bool RunUntil(std::uint64_t ms, const std::function<bool()>& until) {
    cluster.RunUntil(cluster.world.now() + ms, until);
    return until();
  }
  /// Everything wanted so far is sealed at everybody who is up, in so many ms at most.
  void ExpectSealed(std::uint64_t ms) {
    const auto done = [this] {
      for (std::size_t i = 0; i < wanted_; ++i) {
        if (!cluster.IsSealed(i)) return false;
      }
      return true;
    };
    EXPECT_TRUE(RunUntil(ms, done)) << cluster.ToString();
  }
  void ExpectRecovery() {
    cluster.MustRecover();
    ExpectSound();
  }
  Height Head() const {
    return cluster.checker.sealed().empty() ? Height() : cluster.checker.sealed().rbegin()->first;
  }
  std::uint64_t ViewOf(std::size_t i) {
    const auto status = cluster.node(i).chain().status();
    return status.replica ? status.replica->view.value : 0;
  }
  std::uint64_t HighestView() {
    std::uint64_t highest = 0;
    for (std::size_t i = cluster.config.byzantine; i < cluster.config.validators; ++i) {
      if (cluster.node(i).alive()) highest = std::max(highest, ViewOf(i));
    }
    return highest;
  }
  void Isolate(std::size_t i) {
    for (std::size_t other = 0; other < cluster.nodes().size(); ++other) {
      cluster.network.Cut(i, other);
      cluster.network.Cut(other, i);
    }
  }
  /// Drops frames carrying this kind of consensus message while `when` says so.
  template <class Kind>
  void Drop(std::function<bool(std::size_t from, std::size_t to)> when) {
    cluster.network.admits = [when = std::move(when)](std::size_t from, std::size_t to,
                                                      const node::v1::Frame& frame) {
      if (!frame.has_consensus() || !when(from, to)) return true;
      const auto message = consensus::DecodeMessage(frame.consensus());
      return !message || !std::holds_alternative<Kind>(message->content);
    };
  }

  Cluster cluster;

 private:
  std::size_t wanted_ = 0;
  std::size_t told_ = 0;
};

Config WithTwins(std::uint32_t validators, std::uint32_t byzantine = 1) {
  Config config = Of(validators);
  config.byzantine = byzantine;
  config.twins = true;
  return config;
}

/// A cluster whose first validator has these habits, and no twin.
class LiarStory : public Story {
 public:
  LiarStory(std::uint64_t habits, std::uint32_t validators = 4, std::uint32_t byzantine = 1)
      : Story(WithoutTwins(validators, byzantine)) {
    for (std::uint32_t i = 0; i < byzantine; ++i) MakeLiar(cluster, i, habits);
  }

 private:
  static Config WithoutTwins(std::uint32_t validators, std::uint32_t byzantine) {
    Config config = Of(validators);
    config.byzantine = byzantine;
    return config;
  }
};

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
  }
}

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
