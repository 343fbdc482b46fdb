#include <gtest/gtest.h>

#include <algorithm>

#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

// Votes that `node` sends, as bytes, without gossip.
std::vector<Bytes> VotesOf(const Harness& cluster, std::uint32_t node, std::size_t from = 0) {
  std::vector<Bytes> out;
  for (std::size_t i = from; i < cluster.sent.size(); ++i) {
    const auto& message = cluster.sent[i];
    if (message->signer() != ValidatorIndex(node)) continue;
    if (std::holds_alternative<PeerStatus>(message->content())) continue;
    if (std::holds_alternative<Certified>(message->content())) continue;
    out.push_back(message->Wire());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

TEST(RecoveryTest, Restart_ResendsTheSameVotes) {
  for (std::uint32_t i = 0; i < 4; ++i) {
    Harness cluster(4);
    cluster.pass = [](const auto&, const VerifiedMessage& m) {
      return !std::holds_alternative<SealVote>(m.content());
    };
    for (int b = 0; b < 3; ++b) ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", b)));
    cluster.Run();
    const auto before = VotesOf(cluster, i);
    ASSERT_EQ(before.size(), i == 0 ? 12u : 9u);
    const std::size_t mark = cluster.sent.size();
    cluster.Restart(i);
    EXPECT_EQ(VotesOf(cluster, i, mark), before) << i;
  }
}

TEST(RecoveryTest, Restart_ResendsTheSameViewChange) {
  Harness cluster(4);
  cluster.pass = [](const auto&, const auto&) { return false; };
  cluster.Step(2, WorkWaiting{true});
  cluster.Fire(2, kProgress);
  const auto before = VotesOf(cluster, 2);
  ASSERT_EQ(before.size(), 1u);
  const std::size_t mark = cluster.sent.size();
  cluster.Restart(2);
  EXPECT_EQ(VotesOf(cluster, 2, mark), before);
  EXPECT_EQ(cluster.status(2).view, View(1));
  EXPECT_TRUE(cluster.status(2).view_changing);
}

TEST(RecoveryTest, Restart_AfterEveryCrashPointVotesForNothingElse) {
  // The primary's log ends after each of its records in turn; it then proposes another batch.
  Harness full(4);
  full.pass = [](const auto&, const auto&) { return false; };
  ASSERT_TRUE(full.Propose(0, "first"));
  const std::size_t records = full.node(0).log.size();
  for (std::size_t kept = 0; kept <= records; ++kept) {
    Harness cluster(4);
    cluster.pass = full.pass;
    ASSERT_TRUE(cluster.Propose(0, "first"));
    cluster.node(0).log.resize(kept);
    const std::size_t mark = cluster.sent.size();
    cluster.Restart(0);
    EXPECT_EQ(!VotesOf(cluster, 0, mark).empty(), kept == records);
    EXPECT_EQ(cluster.replica(0).CanPropose(), Height(kept == records ? 2 : 1));
  }
}

TEST(RecoveryTest, AllRestarted_FinishWhatWasPrepared) {
  Harness cluster(4);
  cluster.pass = [](const auto&, const VerifiedMessage& m) {
    return !std::holds_alternative<Commit>(m.content());
  };
  ASSERT_TRUE(cluster.Propose(0, "prepared"));
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) ASSERT_EQ(cluster.status(i).prepared, Height(1));
  cluster.pass = nullptr;
  cluster.network.clear();
  for (std::uint32_t i = 0; i < 4; ++i) cluster.Restart(i);
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).sealed, Height(1));
    EXPECT_EQ(cluster.node(i).batches, std::vector<Bytes>{"prepared"});
  }
}

TEST(RecoveryTest, ReexecutionThatDiffersFromTheOwnSeal_Diverges) {
  Harness cluster(4);
  cluster.pass = [](const auto&, const VerifiedMessage& m) {
    return !std::holds_alternative<SealVote>(m.content());
  };
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  ASSERT_EQ(cluster.status(1).executed, Height(1));
  cluster.node(1).twist = "another build";
  cluster.Restart(1);
  for (std::uint32_t from : {0u, 2u, 3u}) {
    const Position at{View(0), Height(1), OrderDigest("batch")};
    ASSERT_TRUE(cluster.Deliver(1, cluster.Signed(from, Commit{at})->Wire()));
  }
  ASSERT_TRUE(cluster.node(1).diverged.has_value());
  EXPECT_EQ(cluster.node(1).diverged->height, Height(1));
}

TEST(RecoveryTest, FirstStart_LeavesARecord) {
  // Or the host could not tell a log without votes from a log that was lost.
  Harness cluster(4, 2);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(cluster.node(i).log.size(), 1u);
  for (int b = 0; b < 6; ++b) {
    ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", b)));
    cluster.Run();
  }
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_FALSE(cluster.node(i).log.empty());
  cluster.Restart(2);
  EXPECT_FALSE(cluster.status(2).observer);
}

TEST(RecoveryTest, UnreadableRecord_MakesAnObserver) {
  Harness cluster(4);
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  cluster.node(3).log.insert(cluster.node(3).log.begin(), "no record");
  cluster.Restart(3);
  EXPECT_TRUE(cluster.status(3).observer);
}

TEST(RecoveryTest, Observer_IsSilentUntilThePastIsSealed) {
  Harness cluster(4, kSmallWindow);
  for (int b = 0; b < 3; ++b) ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", b)));
  cluster.Run();
  cluster.node(3).log.clear();
  cluster.Restart(3, /*votes_lost=*/true);
  EXPECT_TRUE(cluster.status(3).observer);
  const std::size_t mark = cluster.sent.size();
  cluster.FireAll(kStatus);
  cluster.Run();
  cluster.Step(3, WorkWaiting{true});
  cluster.Step(3, RequestStarved{});
  const auto propose = [&](int count) {
    for (int b = 0; b < count; ++b) {
      ASSERT_TRUE(cluster.Propose(0, fmt::format("later {}", b)));
      cluster.Run();
    }
  };
  propose(2 * kSmallWindow - 1);
  EXPECT_EQ(cluster.status(3).sealed, Height(3 + 2 * kSmallWindow - 1)) << "it follows";
  EXPECT_TRUE(cluster.status(3).observer);
  EXPECT_TRUE(VotesOf(cluster, 3, mark).empty());
  // A restart on the way does not make it forget.
  cluster.Restart(3);
  EXPECT_TRUE(cluster.status(3).observer);
  propose(1);
  EXPECT_FALSE(cluster.status(3).observer);
  propose(1);
  EXPECT_EQ(VotesOf(cluster, 3, mark).size(), 3u);
}

TEST(RecoveryTest, Log_IsBoundedByTheWindow) {
  Harness cluster(4, 4);
  std::size_t longest = 0;
  for (int b = 0; b < 40; ++b) {
    ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", b)));
    cluster.Run();
    for (std::uint32_t i = 0; i < 4; ++i) {
      longest = std::max(longest, cluster.node(i).log.size());
    }
  }
  EXPECT_LE(longest, 4u * 5u);
}

TEST(RecoveryTest, Log_IsBoundedWhereNothingIsSealed) {
  Harness cluster(4, 4);
  for (std::uint32_t i = 0; i < 4; ++i) cluster.Step(i, WorkWaiting{true});
  for (int round = 0; round < 200; ++round) {
    cluster.FireAll(kProgress);
    cluster.Run();
  }
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_GT(cluster.status(i).view, View(100));
    EXPECT_LT(cluster.node(i).log.size(), 8u * 4u + 64u + 8u);
    cluster.Restart(i);
    EXPECT_GT(cluster.status(i).view, View(100));
  }
}

}  // namespace
}  // namespace talent::consensus::test
