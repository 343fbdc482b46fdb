#include "node/chain/local_chain.h"

#include <gtest/gtest.h>

#include "consensus/messages.h"
#include "unit/node/local_chain_cluster.h"

namespace talent::node {
namespace {

using ledger::KeyOf;

class LocalChainOf : public ::testing::TestWithParam<int> {};

TEST_P(LocalChainOf, SealsWhatIsSubmittedToAnyMember) {
  LocalChainCluster cluster(GetParam(), /*followers=*/1);
  Height last;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    const auto tx = cluster.Put("key" + std::to_string(i), "value");
    const auto submitted = cluster.Submit(i, tx);
    ASSERT_TRUE(submitted) << submitted.error().ToString();
    const TxOutcome outcome = cluster.Outcome(i, tx.id);
    EXPECT_EQ(outcome.status, TxStatus::kSealed);
    last = std::max(last, outcome.height);
  }
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    ASSERT_TRUE(cluster.AwaitHeight(i, last));
    EXPECT_EQ(cluster.chain(i).chain().SealedState()->Get("kv/key0"), "value");
  }
  cluster.ExpectAgreement(last);
}

INSTANTIATE_TEST_SUITE_P(Validators, LocalChainOf, ::testing::Values(1, 2, 4));

TEST(LocalChain, GoesOnWithoutItsPrimaryWhichCatchesUpWhenItReturns) {
  LocalChainCluster cluster(4, 0);
  const auto before = cluster.Put("before", "1");
  ASSERT_TRUE(cluster.Submit(1, before));
  ASSERT_EQ(cluster.Outcome(1, before.id).status, TxStatus::kSealed);

  cluster.Kill(0);  // primary of view 0
  Height last;
  for (int i = 0; i < 5; ++i) {
    const auto tx = cluster.Put("during" + std::to_string(i), "2");
    ASSERT_TRUE(cluster.Submit(1 + i % 3, tx));
    const TxOutcome outcome = cluster.Outcome(1 + i % 3, tx.id);
    ASSERT_EQ(outcome.status, TxStatus::kSealed);
    last = std::max(last, outcome.height);
  }
  cluster.Start(0);
  ASSERT_TRUE(cluster.AwaitHeight(0, last));
  for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  cluster.ExpectAgreement(last);

  const auto after = cluster.Put("after", "3");
  ASSERT_TRUE(cluster.Submit(0, after));
  EXPECT_EQ(cluster.Outcome(0, after.id).status, TxStatus::kSealed);
}

TEST(LocalChain, KeepsWhatItAcknowledgedWhenAllMembersDieAtOnce) {
  LocalChainCluster cluster(4, 0);
  std::vector<TxId> acknowledged;
  for (int i = 0; i < 8; ++i) {
    const auto tx = cluster.Put("key" + std::to_string(i), "v");
    ASSERT_TRUE(cluster.Submit(i % 4, tx));
    if (cluster.Outcome(i % 4, tx.id).status == TxStatus::kSealed) acknowledged.push_back(tx.id);
  }
  ASSERT_EQ(acknowledged.size(), 8U);
  for (std::size_t i = 0; i < 4; ++i) cluster.Kill(i);
  for (std::size_t i = 0; i < 4; ++i) cluster.Start(i);
  const auto after = cluster.Put("after", "v");
  ASSERT_TRUE(cluster.Submit(2, after));
  const TxOutcome outcome = cluster.Outcome(2, after.id);
  ASSERT_EQ(outcome.status, TxStatus::kSealed);
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(cluster.AwaitHeight(i, outcome.height));
    for (const TxId& id : acknowledged)
      EXPECT_TRUE(cluster.chain(i).chain().FindTransaction(id).value());
  }
  cluster.ExpectAgreement(outcome.height);
}

TEST(LocalChain, WatchesWithoutVotingWhenItComesBackWithAnEmptyDisk) {
  LocalChainCluster cluster(4, 0);
  const auto before = cluster.Put("before", "1");
  ASSERT_TRUE(cluster.Submit(1, before));
  const TxOutcome outcome = cluster.Outcome(1, before.id);
  ASSERT_EQ(outcome.status, TxStatus::kSealed);
  cluster.Kill(3);
  cluster.WipeDisk(3);
  cluster.Start(3);
  ASSERT_TRUE(cluster.AwaitHeight(3, outcome.height));
  const auto status = cluster.AwaitReplica(3);
  EXPECT_TRUE(status.observer);
  EXPECT_FALSE(cluster.AwaitReplica(0).observer) << "all were new when the chain began";
}

TEST(LocalChain, NewValidatorWithAPreparedLog_VotesThoughTheOthersHaveBegun) {
  LocalChainCluster cluster(4, 0);
  cluster.Kill(3);
  const Height last = cluster.SealOne(0, "before");
  cluster.WipeDisk(3);
  cluster.PrepareLog(3);
  cluster.Start(3);
  ASSERT_TRUE(cluster.AwaitHeight(3, last));
  EXPECT_FALSE(cluster.AwaitReplica(3).observer);
  cluster.Kill(0);
  EXPECT_EQ(cluster.SealOne(1, "after"), last + 1) << "its vote is needed";
}

TEST(LocalChain, PreparedLogUnderAChainThatItsKeyHasSealed_IsALostOne) {
  LocalChainCluster cluster(4, 0);
  cluster.Kill(0);
  const Height last = cluster.SealOne(1, "with the seal of 3");
  ASSERT_TRUE(cluster.AwaitHeight(3, last)) << "else it has nothing to be told by";
  cluster.Kill(3);
  cluster.RemoveLog(3);
  cluster.PrepareLog(3);
  cluster.Start(3);
  EXPECT_TRUE(cluster.AwaitReplica(3).observer);
}

TEST(LocalChain, AloneInItsSetWithAnEmptyDisk_AsksThoseThatFollowBeforeItVotes) {
  LocalChainCluster cluster(1, 1);
  const Height last = cluster.SealOne(0, "before");
  ASSERT_TRUE(cluster.AwaitHeight(1, last));
  for (std::size_t i : {0, 1}) cluster.Kill(i);
  cluster.WipeDisk(0);
  cluster.Start(0);
  const auto tx = cluster.Put("again", "v");
  ASSERT_TRUE(cluster.Submit(0, tx));
  EXPECT_FALSE(cluster.chain(0).status().replica);
  cluster.Start(1);
  ASSERT_TRUE(cluster.AwaitHeight(0, last));
  EXPECT_TRUE(cluster.AwaitReplica(0).observer) << "only its operator can say what it voted for";
  cluster.ExpectAgreement(last);

  cluster.accept_lost_votes = true;
  cluster.Kill(0);
  cluster.Start(0);
  EXPECT_FALSE(cluster.AwaitReplica(0).observer) << "who may say so after an ordinary start too";
  EXPECT_EQ(cluster.SealOne(0, "after"), last + 1);
}

TEST(LocalChain, SealPassedOnByAnotherNode_IsRefused) {
  LocalChainCluster cluster(4, 0);
  LocalChain& chain = cluster.chain(0);
  (void)cluster.AwaitReplica(0);
  const auto validators = chain.chain().validators();
  const auto say = [&](std::string_view who, const NodeKey& from) {
    const auto key = KeyOf("vote " + std::string(who));
    const auto seal = consensus::VerifiedMessage::Sign(
        key, chain.chain().id(), validators->epoch(), *validators->FindVoteKey(key.public_key()),
        consensus::SealVote{Height(3), consensus::OrderDigest("an old block")});
    v1::Frame frame;
    frame.set_chain_id(chain.chain().id().ToBytes());
    frame.set_consensus(seal->Wire());
    EXPECT_TRUE(chain.OnFrame(from, std::move(frame)));
  };
  for (const char* who : {"v1", "v2", "v3"}) say(who, KeyOf("node v3").public_key());
  while (chain.status().refused[{"consensus", "passed_on"}] < 2) std::this_thread::yield();
  EXPECT_EQ((chain.status().refused[{"consensus", "passed_on"}]), 2U) << "its own is taken";
}

TEST(LocalChain, KeepsEvidenceAndCountsWhatItRefuses) {
  LocalChainCluster cluster(4, 0);
  LocalChain& chain = cluster.chain(0);
  const auto validators = chain.chain().validators();
  const crypto::ValidatorSet& set = *validators;
  const auto liar = KeyOf("vote v1");
  const ValidatorIndex index = *set.FindVoteKey(liar.public_key());
  (void)cluster.AwaitReplica(0);
  const auto say = [&](std::uint64_t height, std::string_view batch, const ChainId& on) {
    const auto message = consensus::VerifiedMessage::Sign(
        liar, on, set.epoch(), index,
        consensus::Prepare{{View(0), Height(height), consensus::OrderDigest(batch)}});
    v1::Frame frame;
    frame.set_chain_id(chain.chain().id().ToBytes());
    frame.set_consensus(message->Wire());
    EXPECT_TRUE(chain.OnFrame(set.at(index).node_key, std::move(frame)));
  };
  for (const std::string_view batch : {"a", "b", "c"}) say(5, batch, chain.chain().id());
  say(6, "elsewhere", ChainId());
  const auto refused = [&] { return chain.status().refused[{"consensus", "bad_signature"}]; };
  while (chain.EvidenceList().empty() || refused() == 0) std::this_thread::yield();
  const auto evidence = chain.EvidenceList();
  ASSERT_EQ(evidence.size(), 1U) << "one misdeed, however often";
  EXPECT_EQ(evidence[0].name(), set.at(index).name);
  EXPECT_EQ(evidence[0].kind(), "PREPARE");
  EXPECT_EQ(evidence[0].height(), 5U);
  EXPECT_TRUE(consensus::VerifyEvidence(chain.chain().id(), set, evidence[0].first(),
                                        evidence[0].second()));
}

TEST(LocalChain, RefusesWhatCannotBeSealedAndSaysWhy) {
  LocalChainCluster cluster(1, 0);
  const auto refusal = [&](Bytes bytes) {
    std::promise<Result<Admitted>> done;
    cluster.chain(0).Submit(std::move(bytes),
                            [&](Result<Admitted> result) { done.set_value(std::move(result)); });
    const auto result = done.get_future().get();
    return result ? std::string("accepted") : std::string(CodeName(result.error().code));
  };
  const auto good = cluster.Put("key", "value");
  EXPECT_EQ(refusal("garbage"), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(Bytes(1 << 20, 'x')), "TOO_LARGE");

  auto forged = good;
  forged.signature.data()[0] ^= 1;
  EXPECT_EQ(refusal(ledger::Serialize(forged)), "BAD_SIGNATURE");

  ledger::CountingRandom random;
  const auto make = [&](const ChainId& chain, std::uint64_t valid_until) {
    return ledger::Serialize(ledger::MakeTransaction(chain, "Put", "a=b",
                                                     ledger::pb::DISCLOSURE_FULL,
                                                     Height(valid_until), KeyOf("author"), random));
  };
  EXPECT_EQ(refusal(make(ChainId(), 10)), "WRONG_CHAIN");
  EXPECT_EQ(refusal(make(cluster.chain(0).chain().id(), 1'000'000)), "INVALID_ARGUMENT");

  EXPECT_EQ(refusal(ledger::Serialize(good)), "accepted");
  ASSERT_EQ(cluster.Outcome(0, good.id).status, TxStatus::kSealed);
  EXPECT_EQ(refusal(ledger::Serialize(good)), "DUPLICATE");
  EXPECT_EQ(refusal(make(cluster.chain(0).chain().id(), 1)), "EXPIRED");
}

TEST(LocalChain, TakesFramesOnlyFromThoseItKnows) {
  LocalChainCluster cluster(1, 1);
  LocalChain& chain = cluster.chain(0);
  v1::Frame frame;
  frame.set_chain_id(chain.chain().id().ToBytes());
  frame.mutable_status()->set_sealed(5);
  EXPECT_FALSE(chain.OnFrame(KeyOf("a stranger").public_key(), v1::Frame(frame)));
  EXPECT_TRUE(chain.OnFrame(KeyOf("node f0").public_key(), v1::Frame(frame)));
  frame.set_consensus("a vote");
  EXPECT_TRUE(chain.OnFrame(KeyOf("node f0").public_key(), v1::Frame(frame)))
      << "it is ignored, but the sender may be an epoch ahead of us";
  EXPECT_FALSE(chain.OnFrame(KeyOf("a stranger").public_key(), v1::Frame(frame)));
}

TEST(LocalChain, TakesBlocksOnlyFromThoseItAsked) {
  LocalChainCluster cluster(1, 1);
  v1::Frame frame;
  frame.set_chain_id(cluster.chain(1).chain().id().ToBytes());
  frame.mutable_sync_response()->set_sealed(5);
  EXPECT_FALSE(cluster.chain(1).OnFrame(KeyOf("node v0").public_key(), v1::Frame(frame)));
  frame.mutable_snapshot_response()->set_head("unasked");
  EXPECT_FALSE(cluster.chain(1).OnFrame(KeyOf("node v0").public_key(), v1::Frame(frame)));

  const auto tx = cluster.Put("key", "value");
  ASSERT_TRUE(cluster.Submit(0, tx));
  const TxOutcome outcome = cluster.Outcome(0, tx.id);
  ASSERT_TRUE(cluster.AwaitHeight(1, outcome.height)) << "a follower asks for what it is behind";
}

}  // namespace
}  // namespace talent::node
