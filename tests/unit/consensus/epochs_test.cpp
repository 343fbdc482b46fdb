#include <gtest/gtest.h>

#include <algorithm>

#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

/// Four validators; block 1 decides that the epoch ends with block 5 and `next` follows.
class EpochsTest : public ::testing::Test {
 protected:
  explicit EpochsTest(const std::vector<std::uint32_t>& next = {1, 2, 3, 4}) {
    cluster.DecideEpoch(Height(1), Height(5), next);
  }

  void SealUpTo(std::uint64_t height) {
    for (std::uint64_t h = sealed_ + 1; h <= height; ++h) {
      ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", h)));
      cluster.Run();
    }
    sealed_ = height;
  }
  void EnterNextEpoch(std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i <= to; ++i) cluster.EnterNextEpoch(i);
  }
  /// Proposes by whoever may, in the epoch of node `any`.
  void ProposeOne(std::string_view text) {
    for (std::uint32_t i = 0; i < cluster.size(); ++i) {
      if (cluster.node(i).replica && cluster.Propose(i, text)) return;
    }
    FAIL() << "nobody may propose";
  }
  bool AnyVoteAbove(Height height, Epoch) const {
    return std::ranges::any_of(cluster.sent, [&](const MessagePtr& m) {
      if (const auto* v = std::get_if<PrePrepare>(&m->content())) return v->at.height > height;
      if (const auto* v = std::get_if<Prepare>(&m->content())) return v->at.height > height;
      if (const auto* v = std::get_if<Commit>(&m->content())) return v->at.height > height;
      return false;
    });
  }

  Harness cluster{4, kSmallWindow};
  std::uint64_t sealed_ = 0;
};

TEST_F(EpochsTest, NothingIsProposedAboveTheLastHeight) {
  SealUpTo(3);
  ASSERT_TRUE(cluster.Propose(0, "four"));
  ASSERT_TRUE(cluster.Propose(0, "five"));
  EXPECT_FALSE(cluster.Propose(0, "six")) << "though the window has room";
  EXPECT_FALSE(cluster.status(0).done);
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).sealed, Height(5));
    EXPECT_TRUE(cluster.status(i).done);
    EXPECT_EQ(cluster.status(i).epoch_end, Height(5));
    EXPECT_FALSE(cluster.replica(i).CanPropose());
  }
}

TEST_F(EpochsTest, ProposalAboveTheBoundary_IsIgnoredAndCounted) {
  SealUpTo(3);
  const std::uint64_t dropped = cluster.status(1).dropped_messages;
  const std::size_t records = cluster.node(1).log.size();
  const Position above{View(0), Height(6), OrderDigest("six")};
  ASSERT_TRUE(
      cluster.Deliver(1, cluster.Signed(0, PrePrepare{above, MakeProposal("six")})->Wire()));
  ASSERT_TRUE(cluster.Deliver(1, cluster.Signed(2, Prepare{above})->Wire()));
  ASSERT_TRUE(cluster.Deliver(1, cluster.Signed(3, Commit{above})->Wire()));
  ASSERT_TRUE(cluster.Deliver(1, cluster.Signed(3, SealVote{Height(6), Hash()})->Wire()));
  EXPECT_EQ(cluster.status(1).dropped_messages, dropped + 4);
  EXPECT_EQ(cluster.node(1).log.size(), records);
  EXPECT_TRUE(cluster.node(1).catch_ups.empty());
}

TEST_F(EpochsTest, WhatArrivedAboveTheBoundaryBeforeItWasKnown_IsForgotten) {
  const Position above{View(0), Height(6), OrderDigest("six")};
  ASSERT_TRUE(
      cluster.Deliver(1, cluster.Signed(0, PrePrepare{above, MakeProposal("six")})->Wire()));
  SealUpTo(5);
  EXPECT_FALSE(AnyVoteAbove(Height(5), Epoch(0)));
  EXPECT_EQ(cluster.status(1).proposed, Height(5));
}

TEST_F(EpochsTest, NextSet_GoesOnFromTheBoundary) {
  SealUpTo(5);
  EnterNextEpoch(0, 3);
  cluster.FetchBlocks(4, 1);
  EXPECT_EQ(cluster.node(0).replica, nullptr) << "it has left";
  for (std::uint64_t h = 6; h <= 12; ++h) {
    ProposeOne(fmt::format("batch {}", h));
    cluster.Run();
    for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_EQ(cluster.status(i).sealed, Height(h));
  }
  EXPECT_EQ(cluster.node(2).finalised.back().certificate.epoch, Epoch(1));
  cluster.FetchBlocks(0, 2);
  EXPECT_EQ(cluster.node(0).finalised.size(), 12u) << "it follows";
}

TEST_F(EpochsTest, RemovedPrimary_IsMissedByNobody) {
  // Validator 0, the primary, has left and answers nothing; the new set's first is node 1.
  SealUpTo(5);
  EnterNextEpoch(1, 3);
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.from != 0 && p.to != 0; };
  ProposeOne("six");
  cluster.Run();
  EXPECT_EQ(cluster.status(1).sealed, Height(6));
  EXPECT_EQ(cluster.status(1).view, View(0));
}

TEST_F(EpochsTest, Boundary_FollowsItselfThroughAViewChange) {
  // The last height is prepared everywhere and committed nowhere; the primary goes.
  SealUpTo(4);
  cluster.pass = [](const auto&, const VerifiedMessage& m) { return !Is<Commit>(m); };
  ASSERT_TRUE(cluster.Propose(0, "last"));
  cluster.Run();
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.from != 0 && p.to != 0; };
  for (std::uint32_t i = 1; i < 4; ++i) cluster.Fire(i, kProgress);
  cluster.Run();
  for (std::uint32_t i = 1; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).view, View(1));
    EXPECT_TRUE(cluster.status(i).done) << cluster.status(i).ToString();
    EXPECT_EQ(cluster.node(i).batches.back(), "last");
  }
  EnterNextEpoch(1, 3);
  EXPECT_EQ(cluster.status(1).view, View(0)) << "views do not span epochs";
  ProposeOne("six");
  cluster.Run();
  EXPECT_EQ(cluster.status(3).sealed, Height(6));
  EXPECT_FALSE(AnyVoteAbove(Height(6), Epoch(1)));
}

TEST_F(EpochsTest, Boundary_IsProposedAfterAViewChangeBelowIt) {
  SealUpTo(4);
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.from != 0 && p.to != 0; };
  for (std::uint32_t i = 1; i < 4; ++i) cluster.Step(i, WorkWaiting{true});
  for (std::uint32_t i = 1; i < 4; ++i) cluster.Fire(i, kProgress);
  cluster.Run();
  ASSERT_EQ(cluster.replica(1).CanPropose(), Height(5));
  ASSERT_TRUE(cluster.Propose(1, "five"));
  EXPECT_FALSE(cluster.replica(1).CanPropose());
  cluster.Run();
  for (std::uint32_t i = 1; i < 4; ++i) EXPECT_TRUE(cluster.status(i).done);
}

TEST_F(EpochsTest, DoneReplica_ChangesNoViewAndArmsNoTimer) {
  SealUpTo(4);
  // Node 3 has left the view when the boundary reaches it.
  cluster.Step(3, WorkWaiting{true});
  cluster.Fire(3, kProgress);
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.to != 3; };
  SealUpTo(5);
  cluster.FetchBlocks(3, 0);
  cluster.pass = nullptr;
  // FetchBlocks made the next epoch's replica; the others stay where they are.
  const std::size_t mark = cluster.sent.size();
  for (std::uint32_t i = 0; i < 3; ++i) {
    cluster.Step(i, WorkWaiting{true});
    cluster.Step(i, RequestStarved{});
    cluster.Fire(i, kProgress);
    EXPECT_EQ(cluster.status(i).view, View(0));
  }
  cluster.Run();
  EXPECT_EQ(cluster.sent.size(), mark);
}

TEST_F(EpochsTest, ViewChangesAfterTheBoundary_CarryTheEpochsStart) {
  SealUpTo(5);
  EnterNextEpoch(0, 3);
  cluster.FetchBlocks(4, 1);
  // Prepared at 6 in view 0 of the new epoch; its primary, node 1, goes.
  cluster.pass = [](const auto&, const VerifiedMessage& m) { return !Is<Commit>(m); };
  ASSERT_TRUE(cluster.Propose(1, "six"));
  cluster.Run();
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.from != 1 && p.to != 1; };
  for (std::uint32_t i = 2; i <= 4; ++i) cluster.Fire(i, kProgress);
  cluster.Run();
  for (std::uint32_t i = 2; i <= 4; ++i) {
    EXPECT_EQ(cluster.status(i).view, View(1)) << cluster.status(i).ToString();
    EXPECT_EQ(cluster.status(i).sealed, Height(6));
    EXPECT_EQ(cluster.node(i).batches.back(), "six");
  }
}

TEST_F(EpochsTest, EmptyNewEpoch_ChangesItsViewToo) {
  SealUpTo(5);
  EnterNextEpoch(0, 3);
  cluster.FetchBlocks(4, 1);
  for (std::uint32_t i = 2; i <= 4; ++i) cluster.Step(i, WorkWaiting{true});
  for (std::uint32_t i = 2; i <= 4; ++i) cluster.Fire(i, kProgress);
  cluster.Run();
  ASSERT_EQ(cluster.replica(2).CanPropose(), Height(6));
  ASSERT_TRUE(cluster.Propose(2, "six"));
  cluster.Run();
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_EQ(cluster.status(i).sealed, Height(6));
}

TEST_F(EpochsTest, Laggard_GetsTheBoundaryWhenTheWholeSetHasMovedOn) {
  // concord-bft #912: whoever missed the last block before everybody stopped was left behind.
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.from != 3 && p.to != 3; };
  SealUpTo(5);
  EnterNextEpoch(0, 2);
  cluster.pass = nullptr;
  ASSERT_EQ(cluster.status(3).sealed, Height(0));
  cluster.FireAll(kStatus);
  cluster.Run();
  EXPECT_EQ(cluster.status(3).epoch, Epoch(0)) << "nobody speaks to it in its epoch";
  cluster.FetchBlocks(3, 1);
  EXPECT_EQ(cluster.status(3).epoch, Epoch(1));
  cluster.FetchBlocks(4, 3);
  ProposeOne("six");
  cluster.Run();
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_EQ(cluster.status(i).sealed, Height(6));
}

TEST_F(EpochsTest, Laggard_IsHelpedByReplicasThatAreDone) {
  SealUpTo(2);
  cluster.pass = [](const Harness::Packet& p, const VerifiedMessage& m) {
    return p.to != 3 || !Is<SealVote>(m);
  };
  SealUpTo(5);
  ASSERT_EQ(cluster.status(3).executed, Height(5));
  cluster.pass = nullptr;
  for (int tick = 0; tick < 3; ++tick) {
    cluster.FireAll(kStatus);
    cluster.Run();
  }
  EXPECT_TRUE(cluster.status(3).done) << cluster.status(3).ToString();
}

TEST_F(EpochsTest, EarlyMessagesOfTheNextEpoch_AreSentAgain) {
  SealUpTo(5);
  EnterNextEpoch(1, 2);  // 3 is not there yet, 4 neither
  ASSERT_TRUE(cluster.Propose(1, "six"));
  cluster.Run();
  cluster.EnterNextEpoch(3);
  for (int tick = 0; tick < 3; ++tick) {
    for (std::uint32_t i = 1; i <= 3; ++i) cluster.Fire(i, kStatus);
    cluster.Run();
  }
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(cluster.status(i).sealed, Height(6));
}

TEST_F(EpochsTest, MessagesOfAnotherEpoch_AreRefusedOnBothSides) {
  SealUpTo(5);
  const auto old_vote =
      cluster.Signed(1, Prepare{{View(0), Height(6), OrderDigest("six")}})->Wire();
  EnterNextEpoch(1, 2);
  EXPECT_EQ(cluster.Deliver(2, old_vote).error().code, Code::kWrongChain);
  const auto new_vote =
      cluster.Signed(1, Prepare{{View(0), Height(6), OrderDigest("six")}})->Wire();
  EXPECT_EQ(cluster.Deliver(3, new_vote).error().code, Code::kWrongChain);
}

// FISCO-BCOS #2191: a view change was checked with the wrong list of nodes.
TEST_F(EpochsTest, ViewChange_IsCheckedWithItsOwnEpochsSet) {
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.from != 3 && p.to != 3; };
  SealUpTo(5);
  const auto old_head =
      ViewChange{View(1),
                 {Height(5), cluster.node(1).finalised.back().block_hash,
                  cluster.node(1).headers.back(), cluster.node(1).finalised.back().certificate},
                 {}};
  const auto in_old = cluster.Signed(1, old_head)->Wire();
  EnterNextEpoch(1, 2);
  EXPECT_TRUE(cluster.Deliver(3, in_old)) << "its set has sealed that head";
  EXPECT_FALSE(cluster.Deliver(2, cluster.Signed(1, old_head)->Wire()))
      << "the new set has sealed nothing yet";
}

// What the log must remember.

class EpochLogTest : public EpochsTest {
 protected:
  EpochLogTest() : EpochsTest({0, 1, 2, 3, 4}) {}
};

TEST_F(EpochLogTest, Handover_CompactsTheLogToTheNewEpoch) {
  SealUpTo(5);
  EXPECT_GT(cluster.node(1).log.size(), 1u);
  cluster.EnterNextEpoch(1);
  EXPECT_EQ(cluster.node(1).log.size(), 1u);
  cluster.Restart(1);
  EXPECT_FALSE(cluster.status(1).observer);
  EXPECT_EQ(cluster.node(1).log.size(), 1u);
}

TEST_F(EpochLogTest, CrashBeforeTheHandoverIsOnDisk_TakesTheOldLogOver) {
  SealUpTo(5);
  const std::vector<Bytes> old_log = cluster.node(1).log;
  cluster.EnterNextEpoch(1);
  cluster.node(1).log = old_log;
  cluster.Restart(1);
  EXPECT_FALSE(cluster.status(1).observer) << "it has voted for nothing of this epoch";
  EXPECT_EQ(cluster.node(1).log.size(), 1u);
}

TEST_F(EpochLogTest, OldLogOnAChainThatHasGoneOn_Observes) {
  // A backup of the log alone, or a disk that lost a rewrite: votes of this epoch may be missing.
  SealUpTo(5);
  const std::vector<Bytes> old_log = cluster.node(1).log;
  EnterNextEpoch(0, 3);
  cluster.FetchBlocks(4, 1);
  ProposeOne("six");
  cluster.Run();
  ASSERT_EQ(cluster.status(1).sealed, Height(6));
  cluster.node(1).log = old_log;
  cluster.Restart(1);
  EXPECT_TRUE(cluster.status(1).observer);
}

TEST_F(EpochLogTest, ObserversStayObserversAcrossTheBoundary) {
  SealUpTo(4);
  cluster.node(1).log.clear();
  cluster.Restart(1, /*votes_lost=*/true);
  for (const bool heard : {false, true}) {
    if (heard) {
      cluster.FireAll(kStatus);
      cluster.Run();
    }
  }
  SealUpTo(5);
  EnterNextEpoch(0, 3);
  cluster.FetchBlocks(4, 2);
  EXPECT_TRUE(cluster.status(1).observer);
  cluster.Restart(1);
  EXPECT_TRUE(cluster.status(1).observer);
  // Nothing it voted for lies more than two windows above 4, whatever the epoch.
  for (std::uint64_t h = 6; h <= 4 + 2 * kSmallWindow; ++h) {
    EXPECT_TRUE(cluster.status(1).observer) << h;
    ProposeOne(fmt::format("batch {}", h));
    cluster.Run();
  }
  EXPECT_FALSE(cluster.status(1).observer);
}

TEST_F(EpochLogTest, LogOfALaterEpochThanTheChain_IsLeftAloneUntilTheChainIsThere) {
  // The chain's store came from a backup, the log did not.
  SealUpTo(5);
  EnterNextEpoch(0, 3);
  cluster.FetchBlocks(4, 1);
  cluster.pass = [](const auto&, const VerifiedMessage& m) { return !Is<Commit>(m); };
  ProposeOne("six");
  cluster.Run();
  ASSERT_EQ(cluster.status(2).prepared, Height(6));
  Node& node = cluster.node(2);
  const std::vector<Bytes> log = node.log;
  node.finalised.resize(3);
  node.epoch = 0;
  cluster.Restart(2);
  EXPECT_TRUE(cluster.status(2).observer);
  cluster.FetchBlocks(2, 1);
  EXPECT_EQ(cluster.status(2).epoch, Epoch(1));
  EXPECT_EQ(node.log, log);
  EXPECT_FALSE(cluster.status(2).observer);
  EXPECT_EQ(cluster.status(2).prepared, Height(6)) << "and it remembers what it promised";
}

}  // namespace
}  // namespace talent::consensus::test
