#include <gtest/gtest.h>

#include "consensus/codec.h"
#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

// Node 3 hears nothing while the others seal `count` blocks.
void LeaveBehind(Harness& cluster, int count) {
  cluster.pass = [](const Harness::Packet& p, const auto&) { return p.to != 3 && p.from != 3; };
  for (int b = 0; b < count; ++b) {
    ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", b)));
    cluster.Run();
  }
  cluster.pass = nullptr;
}

Sealed SealedOf(const Harness& cluster, const Node& node, std::size_t height) {
  (void)cluster;
  const Finalise& block = node.finalised[height - 1];
  return Sealed{block.height, block.certificate, block.block_hash, node.headers[height - 1]};
}

TEST(SyncTest, LostMessages_AreSentAgain) {
  Harness cluster(4);
  cluster.pass = [](const auto&, const auto&) { return false; };
  ASSERT_TRUE(cluster.Propose(0, "lost"));
  cluster.Run();
  cluster.pass = nullptr;
  for (int tick = 0; tick < 4; ++tick) {
    cluster.FireAll(kStatus);
    cluster.Run();
  }
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(cluster.status(i).sealed, Height(1));
}

TEST(SyncTest, QuietCluster_SendsNothingButStatus) {
  Harness cluster(4);
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  cluster.FireAll(kStatus);
  cluster.Run();
  const std::size_t mark = cluster.sent.size();
  cluster.FireAll(kStatus);
  cluster.Run();
  for (std::size_t i = mark; i < cluster.sent.size(); ++i) {
    EXPECT_TRUE(std::holds_alternative<PeerStatus>(cluster.sent[i]->content()));
  }
}

TEST(SyncTest, VotesBeyondTheWindow_LeadToCatchUp) {
  Harness cluster(4, 4);
  const auto vote = [&](std::uint32_t from) {
    const Position at{View(0), Height(100), OrderDigest("far")};
    ASSERT_TRUE(cluster.Deliver(3, cluster.Signed(from, Prepare{at})->Wire()));
  };
  vote(0);
  cluster.Fire(3, kStatus);
  EXPECT_TRUE(cluster.node(3).catch_ups.empty()) << "one may lie";
  vote(1);
  cluster.Fire(3, kStatus);
  ASSERT_EQ(cluster.node(3).catch_ups.size(), 1u);
  EXPECT_EQ(cluster.node(3).catch_ups[0].target, Height(96));
}

TEST(SyncTest, Laggard_IsToldCertificatesAndCatchesUp) {
  Harness cluster(4);
  LeaveBehind(cluster, 2);
  cluster.FireAll(kStatus);
  cluster.Run();
  cluster.FireAll(kStatus);
  cluster.Run();
  cluster.Fire(3, kStatus);
  ASSERT_FALSE(cluster.node(3).catch_ups.empty());
  EXPECT_EQ(cluster.node(3).catch_ups.back().target, Height(2));
}

TEST(SyncTest, CatchUp_IsIdempotentAndGoesOn) {
  Harness cluster(4);
  LeaveBehind(cluster, 3);
  for (const std::size_t height : {2u, 1u, 2u, 3u, 3u}) {
    cluster.Step(3, SealedOf(cluster, cluster.node(0), height));
  }
  EXPECT_EQ(cluster.status(3).sealed, Height(3));
  cluster.node(3).headers = cluster.node(0).headers;
  cluster.node(3).finalised = cluster.node(0).finalised;
  ASSERT_TRUE(cluster.Propose(0, "together"));
  cluster.Run();
  EXPECT_EQ(cluster.status(3).sealed, Height(4));
}

TEST(SyncTest, CatchUp_InTheMiddleOfAViewChange) {
  Harness cluster(4);
  LeaveBehind(cluster, 3);
  cluster.Step(3, WorkWaiting{true});
  cluster.Fire(3, kProgress);
  ASSERT_TRUE(cluster.status(3).view_changing);
  for (const std::size_t height : {1u, 2u, 3u}) {
    cluster.Step(3, SealedOf(cluster, cluster.node(0), height));
  }
  EXPECT_EQ(cluster.status(3).sealed, Height(3));
  cluster.node(3).headers = cluster.node(0).headers;
  cluster.node(3).finalised = cluster.node(0).finalised;
  for (std::uint32_t i = 0; i < 3; ++i) {
    cluster.Step(i, WorkWaiting{true});
    cluster.Fire(i, kProgress);
  }
  cluster.Run();
  ASSERT_TRUE(cluster.Propose(1, "in view 1"));
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(cluster.status(i).sealed, Height(4));
}

TEST(SyncTest, MissingProposal_IsFetched) {
  Harness cluster(4);
  // Node 3 sees the votes and not the batch.
  cluster.pass = [](const Harness::Packet& p, const VerifiedMessage& m) {
    return p.to != 3 || !std::holds_alternative<PrePrepare>(m.content());
  };
  ASSERT_TRUE(cluster.Propose(0, "fetched"));
  cluster.node(0).answer_sealed = cluster.node(1).answer_sealed = false;
  cluster.node(2).answer_sealed = false;  // or it would be too late to ask
  cluster.Run();
  for (int tick = 0; tick < 3 && cluster.status(3).sealed == Height(0); ++tick) {
    cluster.Fire(3, kStatus);
    cluster.Run();
  }
  EXPECT_EQ(cluster.status(3).sealed, Height(1));
  EXPECT_EQ(cluster.node(3).batches, std::vector<Bytes>{"fetched"});
}

TEST(SyncTest, CommitsBeyondTheWindow_AreExecutedWhenSealsMakeRoom) {
  constexpr std::uint64_t kWindow = 2;
  Harness cluster(4, kWindow);
  std::vector<Bytes> late;  // seals on their way to node 3
  cluster.pass = [&](const Harness::Packet& p, const VerifiedMessage& m) {
    if (p.to != 3 || std::holds_alternative<Certified>(m.content())) return p.to != 3;
    if (!std::holds_alternative<SealVote>(m.content())) return true;
    late.push_back(p.bytes);
    return false;
  };
  for (std::uint64_t b = 0; b < 2 * kWindow; ++b) {
    // What the others have sealed they would not send any more.
    for (std::uint32_t i = 0; i < 3; ++i) cluster.node(i).answer_sealed = b < kWindow;
    ASSERT_TRUE(cluster.Propose(0, fmt::format("batch {}", b)));
    cluster.Run();
  }
  for (int tick = 0; tick < 3; ++tick) {  // asks for the batches
    cluster.Fire(3, kStatus);
    cluster.Run();
  }
  ASSERT_EQ(cluster.status(0).executed, Height(2 * kWindow));
  EXPECT_EQ(cluster.status(3).executed, Height(kWindow)) << "the host has no room for more";
  cluster.pass = nullptr;
  for (const Bytes& seal : late) ASSERT_TRUE(cluster.Deliver(3, seal));
  EXPECT_GE(cluster.status(3).sealed, Height(kWindow));
  cluster.Fire(3, kStatus);
  cluster.Run();
  EXPECT_EQ(cluster.status(3).executed, Height(2 * kWindow)) << cluster.status(3).ToString();
}

TEST(SealTest, OtherRootWithACertificate_Diverges) {
  Harness cluster(4);
  cluster.node(2).twist = "a bug";
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  EXPECT_EQ(cluster.status(0).sealed, Height(1)) << "the three others are a quorum";
  EXPECT_FALSE(cluster.node(2).diverged.has_value()) << "seals name no height: no proof yet";
  cluster.FireAll(kStatus);
  cluster.Run();
  cluster.Fire(2, kStatus);
  cluster.Run();
  ASSERT_TRUE(cluster.node(2).diverged.has_value());
  EXPECT_EQ(cluster.node(2).diverged->theirs, cluster.node(0).finalised[0].block_hash);
  const std::size_t mark = cluster.sent.size();
  ASSERT_TRUE(cluster.Propose(0, "next"));
  cluster.Run();
  for (std::size_t i = mark; i < cluster.sent.size(); ++i) {
    EXPECT_NE(cluster.sent[i]->signer(), ValidatorIndex(2)) << "it votes no more";
  }
}

TEST(SealTest, TwoAgainstTwo_SealNothing) {
  Harness cluster(4);
  cluster.node(2).twist = cluster.node(3).twist = "another build";
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  for (int tick = 0; tick < 3; ++tick) {
    cluster.FireAll(kStatus);
    cluster.Run();
  }
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cluster.status(i).sealed, Height(0));
    EXPECT_FALSE(cluster.node(i).diverged.has_value());
  }
}

TEST(SealTest, SealsOfAnotherHeight_ProveNothing) {
  Harness cluster(4);
  ASSERT_TRUE(cluster.Propose(0, "one"));
  cluster.Run();
  // Somebody passes on the quorum's seals of block 1 as seals of block 2.
  const Finalise& one = cluster.node(0).finalised[0];
  for (const auto& [who, signature] : one.certificate.seals) {
    const Bytes moved = EncodeSeal(Epoch(0), {Height(2), one.block_hash}, who, signature);
    ASSERT_TRUE(cluster.Deliver(1, moved));
  }
  ASSERT_TRUE(cluster.Propose(0, "two"));
  cluster.Run();
  EXPECT_EQ(cluster.status(1).sealed, Height(2));
  EXPECT_FALSE(cluster.node(1).diverged.has_value());
  EXPECT_TRUE(cluster.node(1).evidence.empty());
}

TEST(SealTest, Seals_AreCollectedDuringAViewChange) {
  Harness cluster(4);
  cluster.pass = [](const auto&, const VerifiedMessage& m) {
    return !std::holds_alternative<SealVote>(m.content()) &&
           !std::holds_alternative<NewView>(m.content());
  };
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  for (std::uint32_t i = 0; i < 4; ++i) cluster.Fire(i, kProgress);
  cluster.Run();
  ASSERT_TRUE(cluster.status(3).view_changing);
  for (const auto& message : std::vector<MessagePtr>(cluster.sent)) {
    if (std::holds_alternative<SealVote>(message->content()) &&
        message->signer() != ValidatorIndex(3)) {
      ASSERT_TRUE(cluster.Deliver(3, message->Wire()));
    }
  }
  EXPECT_EQ(cluster.status(3).sealed, Height(1));
  EXPECT_TRUE(cluster.status(3).view_changing);
}

}  // namespace
}  // namespace talent::consensus::test
