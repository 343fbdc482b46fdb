#include "consensus/evidence.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

#include "base/canonical.h"
#include "consensus/codec.h"
#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

class EvidenceTest : public testing::Test {
 protected:
  static MessagePtr Say(std::uint32_t who, Content content, Epoch epoch = Epoch(0)) {
    return VerifiedMessage::Sign(VoteKey(who), TestChain(), epoch, ValidatorIndex(who),
                                 std::move(content));
  }
  static Position At(std::uint64_t view, std::uint64_t height, std::string_view batch) {
    return {View(view), Height(height), OrderDigest(batch)};
  }
  static PrePrepare Offer(std::uint64_t view, std::uint64_t height, std::string_view batch) {
    return {At(view, height, batch), MakeProposal(batch)};
  }
  static Result<EvidenceFacts> Try(const MessagePtr& first, const MessagePtr& second) {
    return VerifyEvidence(TestChain(), *TestValidators(4), first->signed_bytes(),
                          second->signed_bytes());
  }
  static Code Refused(const MessagePtr& first, const MessagePtr& second) {
    const auto facts = Try(first, second);
    return facts ? Code::kInternal : facts.error().code;
  }
  // Everything a correct validator of four says at height 1 of view 0, and the view change after.
  static std::vector<MessagePtr> CorrectTalk() {
    return {Say(0, Offer(0, 1, "a")),
            Say(0, Prepare{At(0, 1, "a")}),
            Say(0, Commit{At(0, 1, "a")}),
            Say(0, Prepare{At(0, 2, "b")}),
            Say(0, Prepare{At(1, 1, "c")}),
            Say(0, SealVote{Height(1), OrderDigest("x")}),
            Say(0, SealVote{Height(1), OrderDigest("y")}),  // a seal signs no height
            Say(0, ViewChange{View(1), {}, {}}),
            Say(0, ViewChange{View(2), {}, {}}),
            Say(0, PeerStatus{View(1), false, Height(1), false, {}}),
            Say(0, PeerStatus{View(1), false, Height(2), false, {}}),
            Say(0, ProposalRequest{Height(1), OrderDigest("a")}),
            Say(0, ProposalRequest{Height(1), OrderDigest("b")})};
  }
};

TEST_F(EvidenceTest, TwoMessagesForOnePlace_Convict) {
  const struct {
    MessagePtr first, second;
    EvidenceKind kind;
    std::uint64_t view, height;
  } cases[] = {
      {Say(0, Offer(0, 1, "a")), Say(0, Offer(0, 1, "b")), EvidenceKind::kPrePrepare, 0, 1},
      {Say(2, Prepare{At(3, 7, "a")}), Say(2, Prepare{At(3, 7, "b")}), EvidenceKind::kPrepare, 3,
       7},
      {Say(2, Commit{At(3, 7, "a")}), Say(2, Commit{At(3, 7, "b")}), EvidenceKind::kCommit, 3, 7},
      {Say(1, Offer(1, 2, "a")), Say(1, Prepare{At(1, 2, "b")}), EvidenceKind::kVotes, 1, 2},
      {Say(2, Prepare{At(3, 7, "a")}), Say(2, Commit{At(3, 7, "b")}), EvidenceKind::kVotes, 3, 7},
      {Say(3, ViewChange{View(5), {}, {}}), Say(3, ViewChange{View(5), {}, {{At(2, 1, "a"), {}}}}),
       EvidenceKind::kViewChange, 5, 0},
      {Say(1, NewView{View(1), {Say(0, ViewChange{View(1), {}, {}})}}),
       Say(1, NewView{View(1), {Say(2, ViewChange{View(1), {}, {}})}}), EvidenceKind::kNewView, 1,
       0},
  };
  for (const auto& c : cases) {
    for (const auto& facts : {Try(c.first, c.second), Try(c.second, c.first)}) {
      ASSERT_TRUE(facts.has_value()) << facts.error().ToString();
      EXPECT_EQ(*facts, (EvidenceFacts{Epoch(0), c.first->signer(), c.kind, View(c.view),
                                       Height(c.height)}));
    }
  }
}

TEST_F(EvidenceTest, WhatACorrectValidatorSays_ConvictsNobody) {
  const auto talk = CorrectTalk();
  for (const auto& first : talk) {
    for (const auto& second : talk) EXPECT_EQ(Refused(first, second), Code::kInvalidArgument);
  }
}

TEST_F(EvidenceTest, TwoValidatorsVotes_ConvictNobody) {
  EXPECT_EQ(Refused(Say(1, Prepare{At(0, 1, "a")}), Say(2, Prepare{At(0, 1, "b")})),
            Code::kInvalidArgument);
}

TEST_F(EvidenceTest, ForgedHalves_AreRefused) {
  const auto good = Say(1, Prepare{At(0, 1, "a")});
  const auto in_its_name = VerifiedMessage::Sign(VoteKey(2), TestChain(), Epoch(0),
                                                 ValidatorIndex(1), Prepare{At(0, 1, "b")});
  EXPECT_EQ(Refused(good, in_its_name), Code::kBadSignature);
  const auto elsewhere = VerifiedMessage::Sign(VoteKey(1), ChainId(), Epoch(0), ValidatorIndex(1),
                                               Prepare{At(0, 1, "b")});
  EXPECT_EQ(Refused(good, elsewhere), Code::kBadSignature);
  EXPECT_EQ(Refused(good, Say(1, Prepare{At(0, 1, "b")}, Epoch(1))), Code::kWrongChain);
  EXPECT_EQ(Refused(Say(9, Prepare{At(0, 1, "a")}), Say(9, Prepare{At(0, 1, "b")})),
            Code::kUnauthorized);
}

TEST_F(EvidenceTest, BytesThatAreNoMessageAlone_AreRefused) {
  const auto good = Say(1, Prepare{At(0, 1, "a")});
  const auto offer = Say(1, Offer(1, 1, "b"));
  const auto verify = [&](BytesView second) {
    return VerifyEvidence(TestChain(), *TestValidators(4), good->signed_bytes(), second)
        .error()
        .code;
  };
  EXPECT_EQ(verify(""), Code::kInvalidArgument);
  EXPECT_EQ(verify("garbage"), Code::kInvalidArgument);
  EXPECT_EQ(verify(offer->Wire()), Code::kInvalidArgument) << "with its proposal";
  EXPECT_EQ(verify(Bytes(kMaxEvidenceBytes + 1, 'x')), Code::kTooLarge);
}

TEST_F(EvidenceTest, WhatAReplicaReports_Convicts) {
  Harness cluster(4);
  const auto hear = [&](const MessagePtr& m) { ASSERT_TRUE(cluster.Deliver(1, m->Wire())); };
  hear(Say(0, Offer(0, 1, "a")));
  hear(Say(0, Prepare{At(0, 1, "b")}));  // not what it offered
  hear(Say(2, Prepare{At(0, 1, "a")}));
  hear(Say(2, Commit{At(0, 1, "b")}));
  hear(Say(3, ViewChange{View(1), {}, {}}));
  const auto& evidence = cluster.node(1).evidence;
  ASSERT_EQ(evidence.size(), 2u);
  for (const Evidence& e : evidence) {
    const auto facts = VerifyEvidence(TestChain(), *TestValidators(4), e.first, e.second);
    ASSERT_TRUE(facts.has_value()) << facts.error().ToString();
    EXPECT_EQ(facts->culprit, e.culprit);
  }
}

TEST_F(EvidenceTest, TwoOpeningsOfAView_AreReportedOnce) {
  Harness cluster(4);
  std::vector<MessagePtr> changes;
  for (std::uint32_t i = 0; i < 4; ++i) changes.push_back(Say(i, ViewChange{View(1), {}, {}}));
  const auto open = [&](std::vector<MessagePtr> of) {
    ASSERT_TRUE(cluster.Deliver(2, Say(1, NewView{View(1), std::move(of)})->Wire()));
  };
  open({changes[0], changes[1], changes[2]});
  ASSERT_EQ(cluster.status(2).view, View(1));
  open({changes[0], changes[1], changes[2]});
  EXPECT_TRUE(cluster.node(2).evidence.empty());
  open({changes[0], changes[1], changes[3]});
  open({changes[1], changes[2], changes[3]});
  EXPECT_EQ(cluster.node(2).evidence.size(), 1u);
}

// Ed25519 with a nonce of our choice: as valid as the usual one, and another.
crypto::Signature SignOtherwise(const crypto::KeyPair& key, BytesView message) {
  using Scalar = std::array<std::uint8_t, 32>;
  const auto raw = [](BytesView bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  std::array<std::uint8_t, 64> hash;
  const crypto::Seed seed = key.seed();
  crypto_hash_sha512(hash.data(), seed.data(), seed.kSize);
  hash[0] &= 248;
  hash[31] = static_cast<std::uint8_t>((hash[31] & 127) | 64);
  Scalar secret, nonce{7};
  std::copy_n(hash.begin(), 32, secret.begin());
  crypto::Signature out;
  CHECK(crypto_scalarmult_ed25519_base_noclamp(out.data(), nonce.data()) == 0);
  const Bytes input = Bytes(out.View().substr(0, 32)) + key.public_key().ToBytes() + Bytes(message);
  crypto_hash_sha512(hash.data(), raw(input), input.size());
  Scalar challenge, product;
  crypto_core_ed25519_scalar_reduce(challenge.data(), hash.data());
  crypto_core_ed25519_scalar_mul(product.data(), challenge.data(), secret.data());
  crypto_core_ed25519_scalar_add(out.data() + 32, nonce.data(), product.data());
  return out;
}

TEST_F(EvidenceTest, OneStatementSignedTwice_ConvictsNobody) {
  Harness cluster(4);
  std::vector<MessagePtr> changes;
  for (std::uint32_t i = 0; i < 3; ++i) changes.push_back(Say(i, ViewChange{View(1), {}, {}}));
  const MessagePtr messages[] = {Say(3, ViewChange{View(1), {}, {}}),
                                 Say(1, NewView{View(1), changes})};
  for (const MessagePtr& message : messages) {
    auto again = Decode<pb::Message>(message->Wire()).value();
    const std::uint32_t who = again.signed_().signer();
    const auto input =
        crypto::SigningInput(crypto::Domain::kPbftSignature, TestChain(), again.signed_().body());
    again.mutable_signed_()->set_signature(SignOtherwise(VoteKey(who), input).ToBytes());
    ASSERT_NE(Encode(again), message->Wire());
    ASSERT_TRUE(cluster.Deliver(2, message->Wire()));
    ASSERT_TRUE(cluster.Deliver(2, Encode(again))) << "valid all the same";
    EXPECT_FALSE(VerifyEvidence(TestChain(), *TestValidators(4), message->Wire(), Encode(again))
                     .has_value());
  }
  EXPECT_EQ(cluster.status(2).view, View(1));
  EXPECT_TRUE(cluster.node(2).evidence.empty());
}

}  // namespace
}  // namespace talent::consensus::test
