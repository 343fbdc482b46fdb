#include <gtest/gtest.h>

#include "consensus/new_view.h"
#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

constexpr std::uint32_t kViewChanging = 2;

// Everybody but `without` gives up on the primary.
void DeposePrimary(Harness& cluster, std::uint32_t without) {
  for (std::uint32_t i = 0; i < cluster.size(); ++i) {
    if (i != without) cluster.Fire(i, kProgress);
  }
  cluster.Run();
}

TEST(ViewChangeTest, ViewChange_KeepsPreparedBatch) {
  Harness cluster(4);
  // Prepared everywhere, committed nowhere.
  cluster.pass = [](const auto&, const VerifiedMessage& m) { return !Is<Commit>(m); };
  ASSERT_TRUE(cluster.Propose(0, "kept"));
  cluster.Run();
  EXPECT_EQ(cluster.status(1).prepared, Height(1));
  cluster.pass = [](const Harness::Packet& p, const VerifiedMessage&) {
    return p.from != 0 && p.to != 0;
  };
  DeposePrimary(cluster, 0);
  for (std::uint32_t i = 1; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).view, View(1));
    EXPECT_EQ(cluster.status(i).sealed, Height(1)) << cluster.status(i).ToString();
    EXPECT_EQ(cluster.node(i).batches, std::vector<Bytes>{"kept"});
  }
  // Asked again, the host was not asked to judge its age.
  EXPECT_TRUE(cluster.Propose(1, "next"));
  cluster.Run();
  EXPECT_EQ(cluster.status(2).sealed, Height(2));
}

TEST(ViewChangeTest, ExecutedHeight_IsVotedForAgainAndNotExecutedAgain) {
  Harness cluster(4);
  // All execute it, no seal gets through.
  cluster.pass = [](const auto&, const VerifiedMessage& m) { return !Is<SealVote>(m); };
  ASSERT_TRUE(cluster.Propose(0, "once"));
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) ASSERT_EQ(cluster.status(i).executed, Height(1));
  DeposePrimary(cluster, 9);
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).view, View(1));
    EXPECT_EQ(cluster.node(i).headers.size(), 1u);
    EXPECT_EQ(cluster.status(i).sealed, Height(0));
  }
  cluster.pass = nullptr;
  cluster.FireAll(0);
  cluster.FireAll(0);
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(cluster.status(i).sealed, Height(1));
}

TEST(ViewChangeTest, Primary_ThatLeavesAGapIsDeposed) {
  Harness cluster(4);
  // Height 1 reaches nobody; 2 and 3 are ordered above it.
  cluster.pass = [](const auto&, const VerifiedMessage& m) {
    return !Is<PrePrepare>(m) || m.As<PrePrepare>().at.height != Height(1);
  };
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", i + 1)));
  cluster.Run();
  EXPECT_EQ(cluster.status(1).prepared, Height(3));
  EXPECT_EQ(cluster.status(1).executed, Height(0));
  for (std::uint32_t i = 1; i < 4; ++i) EXPECT_TRUE(cluster.node(i).timers.contains(kProgress));
  DeposePrimary(cluster, 0);
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).sealed, Height(3)) << cluster.status(i).ToString();
    EXPECT_EQ(cluster.node(i).batches, (std::vector<Bytes>{"", "batch 2", "batch 3"}));
  }
}

TEST(ViewChangeTest, HugeView_MovesNobody) {
  Harness cluster(4);
  const View huge(std::uint64_t{1} << 63);
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto shout = cluster.Signed(3, ViewChange{huge + repeat, {}, {}});
    for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(cluster.Deliver(i, shout->Wire()));
  }
  const auto vote = cluster.Signed(3, Prepare{{huge, Height(1), Hash()}});
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(cluster.Deliver(i, vote->Wire()));
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(cluster.status(i).view, View(0));
  ASSERT_TRUE(cluster.Propose(0, "unmoved"));
  cluster.Run();
  EXPECT_EQ(cluster.status(0).sealed, Height(1));
}

TEST(ViewChangeTest, Joining_GoesWhereOneCorrectValidatorIsAtLeast) {
  Harness cluster(7);  // f = 2: three others decide
  const auto want = [&](std::uint32_t who, std::uint64_t view) {
    ASSERT_TRUE(cluster.Deliver(0, cluster.Signed(who, ViewChange{View(view), {}, {}})->Wire()));
  };
  want(1, 900);
  want(2, 500);
  want(1, 901);
  EXPECT_EQ(cluster.status(0).view, View(0));
  want(3, 5);
  EXPECT_EQ(cluster.status(0).view, View(5));
  EXPECT_TRUE(cluster.status(0).view_changing);
}

TEST(ViewChangeTest, TimerOfAView_StartsWithAQuorumOfViewChanges) {
  Harness cluster(4);
  for (std::uint32_t i = 0; i < 4; ++i) cluster.Step(i, WorkWaiting{true});
  cluster.pass = [](const auto&, const auto&) { return false; };
  cluster.Fire(2, kProgress);
  EXPECT_EQ(cluster.status(2).view, View(1));
  cluster.network.clear();
  EXPECT_FALSE(cluster.node(2).timers.contains(kViewChanging));
  ASSERT_TRUE(cluster.Deliver(2, cluster.Signed(1, ViewChange{View(1), {}, {}})->Wire()));
  EXPECT_FALSE(cluster.node(2).timers.contains(kViewChanging));
  ASSERT_TRUE(cluster.Deliver(2, cluster.Signed(3, ViewChange{View(1), {}, {}})->Wire()));
  ASSERT_TRUE(cluster.node(2).timers.contains(kViewChanging));
  cluster.Fire(2, kViewChanging);
  EXPECT_EQ(cluster.status(2).view, View(2));
}

TEST(ViewChangeTest, ReplicasAViewApart_MeetAgain) {
  Harness cluster(4);
  // 0 and 1 want view 1, 2 wants view 2, 3 is down.
  const auto at_two = cluster.Signed(2, ViewChange{View(2), {}, {}});
  cluster.pass = [](const Harness::Packet& packet, const auto&) { return packet.to < 2; };
  for (std::uint32_t i = 0; i < 2; ++i) {
    cluster.Step(i, WorkWaiting{true});
    cluster.Fire(i, kProgress);
  }
  cluster.Run();
  for (std::uint32_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(cluster.Deliver(i, at_two->Wire()));
    ASSERT_TRUE(cluster.node(i).timers.contains(kViewChanging));
    cluster.Fire(i, kViewChanging);
    EXPECT_EQ(cluster.status(i).view, View(2));
  }
}

TEST(ViewChangeTest, Timeout_DoublesToTheCapAndFallsBackWhenSomethingIsSealed) {
  Harness cluster(4);
  for (std::uint32_t i = 0; i < 4; ++i) cluster.Step(i, WorkWaiting{true});
  std::vector<std::uint64_t> timeouts;
  for (int round = 0; round < 8; ++round) {
    timeouts.push_back(cluster.node(3).timers.at(kProgress).after.value);
    DeposePrimary(cluster, 9);
    ASSERT_EQ(cluster.status(3).view, View(static_cast<std::uint64_t>(round) + 1));
  }
  EXPECT_EQ(timeouts,
            (std::vector<std::uint64_t>{2000, 4000, 8000, 16000, 32000, 32000, 32000, 32000}));
  ASSERT_TRUE(cluster.Propose(0, "progress"));  // view 8
  cluster.Run();
  ASSERT_EQ(cluster.status(3).sealed, Height(1));
  EXPECT_EQ(cluster.node(3).timers.at(kProgress).after, Millis(2000));
}

TEST(ViewChangeTest, StarvedRequest_DeposesOnceAView) {
  Harness cluster(4);
  ASSERT_TRUE(cluster.Propose(0, "another's"));
  cluster.Run();
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (std::uint32_t i = 0; i < 4; ++i) cluster.Step(i, RequestStarved{});
  }
  cluster.Run();
  // The new primary has had no turn yet.
  for (std::uint32_t i = 0; i < 4; ++i) cluster.Step(i, RequestStarved{});
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).view, View(1));
    EXPECT_FALSE(cluster.status(i).view_changing);
  }
}

TEST(ViewChangeTest, IdleCluster_KeepsItsPrimary) {
  Harness cluster(4);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_FALSE(cluster.node(i).timers.contains(kProgress));
  cluster.Step(1, WorkWaiting{true});
  cluster.Step(1, WorkWaiting{false});
  cluster.Fire(1, kProgress);  // of an earlier generation
  EXPECT_EQ(cluster.status(1).view, View(0));
}

class NewViewTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_.pass = [](const auto&, const VerifiedMessage& m) { return !Is<Commit>(m); };
    ASSERT_TRUE(cluster_.Propose(0, "prepared"));
    cluster_.Run();
    cluster_.pass = [](const auto&, const VerifiedMessage& m) { return !Is<NewView>(m); };
    DeposePrimary(cluster_, 9);
    for (const auto& message : cluster_.sent) {
      if (Is<ViewChange>(*message)) changes_[message->signer().value] = message;
    }
    ASSERT_EQ(changes_.size(), 4u);
  }
  Status OfferedTo2(const std::vector<MessagePtr>& changes, std::uint32_t signer = 1) {
    return cluster_.Deliver(2, cluster_.Signed(signer, NewView{View(1), changes})->Wire());
  }

  Harness cluster_{4};
  std::map<std::uint32_t, MessagePtr> changes_;
};

TEST_F(NewViewTest, NewView_OfAQuorumIsEntered) {
  ASSERT_TRUE(OfferedTo2({changes_[0], changes_[1], changes_[3]}));
  EXPECT_FALSE(cluster_.status(2).view_changing);
  EXPECT_EQ(cluster_.status(2).proposed, Height(1));
}

TEST_F(NewViewTest, NewView_WithDroppedPreparedEntryIsRefused) {
  // What is proposed again follows from the view changes, so dropping an entry means changing one.
  ViewChange bare = changes_[3]->As<ViewChange>();
  ASSERT_EQ(bare.prepared.size(), 1u);
  bare.prepared.clear();
  const auto forged = cluster_.Signed(1, bare);  // the primary can sign as itself only
  EXPECT_FALSE(OfferedTo2({changes_[0], changes_[1], forged}));
  Bytes bytes = changes_[3]->Wire();
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_FALSE(VerifyMessage(TestChain(), *TestValidators(4), bytes));
  EXPECT_TRUE(cluster_.status(2).view_changing);
}

TEST_F(NewViewTest, NewView_WithoutAQuorumIsRefused) {
  EXPECT_EQ(OfferedTo2({changes_[0], changes_[1]}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(OfferedTo2({changes_[0], changes_[1], changes_[1]}).error().code,
            Code::kInvalidArgument);
}

TEST_F(NewViewTest, NewView_OfAnotherValidatorIsRefused) {
  EXPECT_EQ(OfferedTo2({changes_[0], changes_[1], changes_[3]}, 3).error().code,
            Code::kUnauthorized);
}

TEST_F(NewViewTest, NewView_OfViewChangesToAnotherViewIsRefused) {
  const auto other = cluster_.Signed(3, ViewChange{View(5), {}, {}});
  EXPECT_EQ(OfferedTo2({changes_[0], changes_[1], other}).error().code, Code::kInvalidArgument);
}

TEST(PlanTest, LatestViewWinsAndHolesAreNull) {
  Harness cluster(4);
  const auto prepared = [](std::uint64_t view, std::uint64_t height, std::string_view batch) {
    return PreparedCertificate{{View(view), Height(height), OrderDigest(batch)}, {}};
  };
  const std::vector<MessagePtr> changes = {
      cluster.Signed(0, ViewChange{View(9), {}, {prepared(1, 2, "old"), prepared(1, 4, "four")}}),
      cluster.Signed(1, ViewChange{View(9), {}, {prepared(3, 2, "new")}}),
      cluster.Signed(2, ViewChange{View(9), {Height(1), Hash(), "h", {}}, {}}),
  };
  const NewViewPlan plan = PlanNewView(changes, Height(1));
  EXPECT_EQ(plan.stable.height, Height(1));
  EXPECT_EQ(plan.top, Height(4));
  EXPECT_EQ(plan.digests, (std::map<Height, Hash>{{Height(2), OrderDigest("new")},
                                                  {Height(3), NullDigest()},
                                                  {Height(4), OrderDigest("four")}}));
}

TEST(NewViewPlanTest, StartsWhereTheEpochDoes) {
  Harness cluster(4);
  const auto none = cluster.Signed(0, ViewChange{View(1), {}, {}});
  EXPECT_EQ(PlanNewView({none}, Height(9)).top, Height(8));
  const PreparedCertificate prepared{{View(0), Height(10), OrderDigest("ten")}, {}};
  const auto one = cluster.Signed(1, ViewChange{View(1), {}, {prepared}});
  EXPECT_EQ(PlanNewView({none, one}, Height(9)).digests,
            (std::map<Height, Hash>{{Height(9), NullDigest()}, {Height(10), OrderDigest("ten")}}));
}

}  // namespace
}  // namespace talent::consensus::test
