#include "crypto/validator_set.h"

#include <gtest/gtest.h>

namespace talent::crypto {
namespace {

KeyPair VoteKey(std::uint32_t i) {
  return KeyPair::FromSeed(Seed::FromBytes(Bytes(Seed::kSize, static_cast<char>('a' + i))).value());
}

PublicKey NodeKey(std::uint32_t i) {
  return PublicKey::FromBytes(Bytes(PublicKey::kSize, static_cast<char>(i))).value();
}

std::vector<Validator> Members(std::uint32_t n) {
  std::vector<Validator> out;
  for (std::uint32_t i = 0; i < n; ++i) {
    out.push_back({fmt::format("centre-{}", i), VoteKey(i).public_key(), NodeKey(i)});
  }
  return out;
}

ValidatorSet SetOf(std::uint32_t n, Epoch epoch = Epoch(3)) {
  return ValidatorSet::Create(epoch, Members(n)).value();
}

const ChainId kChain = ChainId::FromBytes(Bytes(32, 'c')).value();
const Hash kBlock = Hash::FromBytes(Bytes(32, 'b')).value();

Certificate SealedBy(std::initializer_list<std::uint32_t> signers) {
  Certificate out{.epoch = Epoch(3), .seals = {}};
  for (const std::uint32_t i : signers) {
    out.seals.emplace(ValidatorIndex(i), SignSeal(VoteKey(i), kChain, kBlock));
  }
  return out;
}

Code Refusal(const Certificate& certificate, const ChainId& chain = kChain,
             const Hash& block = kBlock) {
  const Status status = VerifyCertificate(SetOf(4), chain, block, certificate);
  return status ? Code::kInternal : status.error().code;
}

TEST(Quorum, TwoShareACorrectValidatorAndTheCorrectOnesMakeOne) {
  for (std::uint32_t n = 1; n <= 200; ++n) {
    const std::uint32_t f = MaxFaulty(n);
    const std::uint32_t q = Quorum(n);
    EXPECT_LT(3 * f, n) << n;
    EXPECT_GE(3 * (f + 1), n) << n;  // f is the most that n stand
    EXPECT_GE(2 * q, n + f + 1) << n;
    EXPECT_LE(q, n - f) << n;
    EXPECT_LT(2 * (q - 1), n + f + 1) << n;  // one vote fewer would not do
    if (n == 3 * f + 1) {
      EXPECT_EQ(q, 2 * f + 1) << n;
    }
  }
}

TEST(ValidatorSet, FindsMembersByKeyAndPrimariesByView) {
  const ValidatorSet set = SetOf(4);
  EXPECT_EQ(set.FindVoteKey(VoteKey(2).public_key()), ValidatorIndex(2));
  EXPECT_EQ(set.FindNodeKey(NodeKey(3)), ValidatorIndex(3));
  EXPECT_EQ(set.FindVoteKey(NodeKey(3)), std::nullopt);
  EXPECT_EQ(set.FindNodeKey(VoteKey(3).public_key()), std::nullopt);
  EXPECT_EQ(set.Primary(View(0)), ValidatorIndex(0));
  EXPECT_EQ(set.Primary(View(7)), ValidatorIndex(3));
  EXPECT_EQ(set.Primary(View(UINT64_MAX)), ValidatorIndex(3));
  EXPECT_EQ(set.at(ValidatorIndex(1)).name, "centre-1");
}

TEST(ValidatorSet, RefusesWhatCannotBeASet) {
  const auto create = [](std::vector<Validator> v) {
    return ValidatorSet::Create(Epoch(0), std::move(v)).has_value();
  };
  EXPECT_FALSE(create({}));
  EXPECT_TRUE(create(Members(ValidatorSet::kMaxValidators)));
  EXPECT_FALSE(create(Members(ValidatorSet::kMaxValidators + 1)));
  for (const auto& spoil : std::initializer_list<void (*)(Validator&)>{
           [](Validator& v) { v.name.clear(); }, [](Validator& v) { v.name = "centre-0"; },
           [](Validator& v) { v.vote_key = VoteKey(0).public_key(); },
           [](Validator& v) { v.node_key = NodeKey(0); },
           [](Validator& v) { v.node_key = v.vote_key; }}) {
    std::vector<Validator> members = Members(4);
    spoil(members[2]);
    EXPECT_FALSE(create(std::move(members)));
  }
}

TEST(ValidatorSet, HashCoversEpochMembersAndOrder) {
  const Hash hash = SetOf(4).hash();
  EXPECT_EQ(SetOf(4).hash(), hash);
  EXPECT_NE(SetOf(3).hash(), hash);
  EXPECT_NE(SetOf(4, Epoch(4)).hash(), hash);
  for (const auto& change : std::initializer_list<void (*)(std::vector<Validator>&)>{
           [](std::vector<Validator>& v) { std::swap(v[0], v[1]); },
           [](std::vector<Validator>& v) { v[0].name += "x"; },
           [](std::vector<Validator>& v) { std::swap(v[0].vote_key, v[1].vote_key); },
           [](std::vector<Validator>& v) { std::swap(v[0].node_key, v[0].vote_key); }}) {
    std::vector<Validator> members = Members(4);
    change(members);
    EXPECT_NE(ValidatorSet::Create(Epoch(3), std::move(members))->hash(), hash);
  }
}

TEST(Certificate, NeedsAQuorum) {
  EXPECT_EQ(Refusal(SealedBy({})), Code::kPrecondition);
  EXPECT_EQ(Refusal(SealedBy({0, 3})), Code::kPrecondition);
  EXPECT_TRUE(VerifyCertificate(SetOf(4), kChain, kBlock, SealedBy({0, 1, 3})));
  EXPECT_TRUE(VerifyCertificate(SetOf(4), kChain, kBlock, SealedBy({0, 1, 2, 3})));
}

TEST(Certificate, IsForItsChainBlockAndEpochOnly) {
  const Certificate certificate = SealedBy({0, 1, 2});
  EXPECT_EQ(Refusal(certificate, ChainId::FromBytes(Bytes(32, 'd')).value()), Code::kBadSignature);
  EXPECT_EQ(Refusal(certificate, kChain, Hash()), Code::kBadSignature);
  Certificate of_another_epoch = certificate;
  of_another_epoch.epoch = Epoch(2);
  EXPECT_EQ(Refusal(of_another_epoch), Code::kInvalidArgument);
}

TEST(Certificate, CountsOnlyMembersForThemselves) {
  Certificate outsider = SealedBy({0, 1});
  outsider.seals.emplace(ValidatorIndex(4), SignSeal(VoteKey(4), kChain, kBlock));
  EXPECT_EQ(Refusal(outsider), Code::kInvalidArgument);
  Certificate borrowed = SealedBy({0, 1});
  borrowed.seals.emplace(ValidatorIndex(2), SignSeal(VoteKey(1), kChain, kBlock));
  EXPECT_EQ(Refusal(borrowed), Code::kBadSignature);
  // One bad seal beside a quorum of good ones spoils it: nothing unchecked is ever stored.
  Certificate spoilt = SealedBy({0, 1, 2});
  spoilt.seals.emplace(ValidatorIndex(3), Signature());
  EXPECT_EQ(Refusal(spoilt), Code::kBadSignature);
}

TEST(Certificate, ASealIsNoOtherSignatureOfTheValidator) {
  Certificate reused = SealedBy({0, 1});
  reused.seals.emplace(ValidatorIndex(2),
                       VoteKey(2).Sign(Domain::kPbftSignature, kChain, kBlock.View()));
  EXPECT_EQ(Refusal(reused), Code::kBadSignature);
  EXPECT_FALSE(VerifySeal(SetOf(4), kChain, ValidatorIndex(9), kBlock, Signature()));
}

}  // namespace
}  // namespace talent::crypto
