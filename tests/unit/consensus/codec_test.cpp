#include "consensus/codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "base/canonical.h"
#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

class CodecTest : public testing::Test {
 protected:
  Result<MessagePtr> Verify(BytesView bytes) const {
    return VerifyMessage(TestChain(), *TestValidators(4), bytes);
  }
  MessagePtr Sign(std::uint32_t who, Content content, ChainId chain = TestChain(),
                  Epoch epoch = Epoch(0)) const {
    return VerifiedMessage::Sign(VoteKey(who), chain, epoch, ValidatorIndex(who),
                                 std::move(content));
  }
  static Position At(std::uint64_t view, std::uint64_t height) {
    return {View(view), Height(height), OrderDigest("batch")};
  }
  PreparedCertificate Prepared(const Position& at, std::vector<std::uint32_t> signers,
                               ChainId chain = TestChain(), Epoch epoch = Epoch(0)) const {
    PreparedCertificate out{at, {}};
    for (const std::uint32_t who : signers) {
      out.prepares[ValidatorIndex(who)] =
          VoteKey(who).Sign(crypto::Domain::kPbftSignature, chain, PrepareBody(epoch, at));
    }
    return out;
  }
  CertifiedHead Head(std::uint64_t height, std::vector<std::uint32_t> signers) const {
    CertifiedHead out;
    out.height = Height(height);
    out.header = TestHeader(out.height, "block");
    out.block_hash = HeaderHash(out.header);
    for (const std::uint32_t who : signers) {
      out.certificate.seals[ValidatorIndex(who)] =
          SignSeal(VoteKey(who), TestChain(), out.block_hash);
    }
    return out;
  }
  std::vector<MessagePtr> EveryKind() const {
    const ViewChange change{View(4), Head(7, {0, 1, 2}), {Prepared(At(3, 9), {0, 2, 3})}};
    std::vector<MessagePtr> changes;
    for (std::uint32_t i = 0; i < 3; ++i) changes.push_back(Sign(i, change));
    const PrePrepare offer{At(1, 5), MakeProposal("batch")};
    return {Sign(1, offer),
            Sign(0, Prepare{At(0, 1)}),
            Sign(2, Commit{At(8, 3)}),
            Sign(3, SealVote{Height(3), OrderDigest("block")}),
            changes[0],
            Sign(0, NewView{View(4), changes}),
            Sign(2, PeerStatus{View(2), true, Height(4), true, {Height(5), Height(9)}}),
            Sign(2, ProposalRequest{Height(2), OrderDigest("batch")}),
            Sign(2, ProposalReply{Height(2), OrderDigest("batch"), MakeProposal("batch")}),
            Sign(1, Certified{Head(6, {1, 2, 3})})};
  }
};

TEST_F(CodecTest, EveryKind_SurvivesTheWire) {
  for (const MessagePtr& message : EveryKind()) {
    const auto received = Verify(message->Wire());
    ASSERT_TRUE(received.has_value()) << received.error().ToString();
    EXPECT_EQ((*received)->content().index(), message->content().index());
    EXPECT_EQ((*received)->Wire(), message->Wire());
    EXPECT_EQ((*received)->signer(), message->signer());
  }
}

TEST_F(CodecTest, MutatedMessages_GiveTypedErrors) {
  std::mt19937 random(1);
  for (const MessagePtr& message : EveryKind()) {
    const Bytes good = message->Wire();
    for (int i = 0; i < 300; ++i) {
      Bytes bad = good;
      switch (random() % 3) {
        case 0:
          bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
          break;
        case 1:
          bad.resize(random() % bad.size());
          break;
        default:
          bad.insert(random() % bad.size(), 1, static_cast<char>(random()));
      }
      const auto received = Verify(bad);
      if (!received) {
        EXPECT_NE(received.error().code, Code::kInternal);
        continue;
      }
      // Two things are outside the signature: the sidecar, which the host vets, and a seal's
      // height.
      const bool sidecar = std::holds_alternative<PrePrepare>((*received)->content()) ||
                           std::holds_alternative<ProposalReply>((*received)->content());
      EXPECT_TRUE(sidecar || std::holds_alternative<SealVote>((*received)->content()));
    }
  }
}

TEST_F(CodecTest, Garbage_GivesTypedErrors) {
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    Bytes garbage(random() % 200, '\0');
    for (char& c : garbage) c = static_cast<char>(random());
    EXPECT_FALSE(Verify(garbage).has_value());
  }
}

TEST_F(CodecTest, AnotherChainsMessageIsRefused) {
  ChainId other;
  EXPECT_EQ(Verify(Sign(1, Prepare{At(0, 1)}, other)->Wire()).error().code, Code::kBadSignature);
}

TEST_F(CodecTest, AnotherEpochsMessageIsRefused) {
  const auto message = Sign(1, Prepare{At(0, 1)}, TestChain(), Epoch(1));
  EXPECT_EQ(Verify(message->Wire()).error().code, Code::kWrongChain);
}

TEST_F(CodecTest, NoValidatorsMessageIsRefused) {
  EXPECT_EQ(Verify(Sign(9, Prepare{At(0, 1)})->Wire()).error().code, Code::kUnauthorized);
}

TEST_F(CodecTest, OfferOfABackupIsRefused) {
  const auto offer = Sign(2, PrePrepare{At(1, 5), MakeProposal("batch")});
  EXPECT_EQ(Verify(offer->Wire()).error().code, Code::kUnauthorized);
}

TEST_F(CodecTest, OfferOfAnotherBatchThanItNamesIsRefused) {
  const auto offer = Sign(1, PrePrepare{At(1, 5), MakeProposal("other")});
  EXPECT_EQ(Verify(offer->Wire()).error().code, Code::kInvalidArgument);
}

TEST_F(CodecTest, VoteForTheGenesisIsRefused) {
  EXPECT_EQ(Verify(Sign(1, Prepare{At(0, 0)})->Wire()).error().code, Code::kInvalidArgument);
}

TEST_F(CodecTest, PreparedCertificates_ThatDoNotHoldAreRefused) {
  const auto refused = [&](const PreparedCertificate& certificate) {
    return Verify(Sign(1, ViewChange{View(4), {}, {certificate}})->Wire()).error().code;
  };
  EXPECT_EQ(refused(Prepared(At(3, 1), {0, 1})), Code::kInvalidArgument) << "no quorum";
  EXPECT_EQ(refused(Prepared(At(3, 1), {0, 1, 7})), Code::kUnauthorized) << "no validator";
  EXPECT_EQ(refused(Prepared(At(4, 1), {0, 1, 2})), Code::kInvalidArgument) << "not earlier";
  EXPECT_EQ(refused(Prepared(At(3, 1), {0, 1, 2}, ChainId())), Code::kBadSignature);
  EXPECT_EQ(refused(Prepared(At(3, 1), {0, 1, 2}, TestChain(), Epoch(5))), Code::kBadSignature);
  auto moved = Prepared(At(3, 1), {0, 1, 2});
  moved.at.height = Height(2);
  EXPECT_EQ(refused(moved), Code::kBadSignature);
}

TEST_F(CodecTest, ViewChange_CannotInflateItsSealedHeight) {
  const auto refused = [&](const CertifiedHead& head) {
    return Verify(Sign(1, ViewChange{View(4), head, {}})->Wire()).error().code;
  };
  EXPECT_EQ(refused(Head(7, {0, 1})), Code::kPrecondition) << "no quorum";
  CertifiedHead head = Head(7, {0, 1, 2});
  head.header = TestHeader(Height(700), "block");  // the seals are of another header
  EXPECT_EQ(refused(head), Code::kBadSignature);
}

TEST_F(CodecTest, StatusOfAHeightNoChainHasIsRefused) {
  // Windows are added to it: it must not wrap around.
  const auto verify = [&](Height sealed) {
    return Verify(Sign(1, PeerStatus{View(2), false, sealed, false, {}})->Wire());
  };
  EXPECT_TRUE(verify(Height(kMaxHeight)).has_value());
  EXPECT_EQ(verify(Height(kMaxHeight + 1)).error().code, Code::kInvalidArgument);
  EXPECT_EQ(verify(Height(std::numeric_limits<std::uint64_t>::max())).error().code,
            Code::kInvalidArgument);
}

TEST_F(CodecTest, UnknownFieldsAreRefused) {
  Bytes bytes = Sign(1, Prepare{At(0, 1)})->Wire();
  bytes += "\xa0\x06\x01";  // field 100
  EXPECT_EQ(Verify(bytes).error().code, Code::kInvalidArgument);
}

TEST_F(CodecTest, OversizedMessageIsRefused) {
  EXPECT_EQ(Verify(Bytes(kMaxMessageBytes + 1, 'x')).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace talent::consensus::test
