// What a node does with what convicts a validator.
#include <gtest/gtest.h>

#include "base/file.h"
#include "consensus/codec.h"
#include "unit/node/direct_chain.h"

namespace talent::node {
namespace {

using consensus::VerifiedMessage;
using ledger::KeyOf;

constexpr Millis kTick{500};

consensus::MessagePtr Say(const DirectChain& target, std::uint32_t who,
                          consensus::Content content) {
  return VerifiedMessage::Sign(KeyOf("vote v" + std::to_string(who)), target.id(), Epoch(0),
                               ValidatorIndex(who), std::move(content));
}

void Hear(DirectChain& target, const consensus::MessagePtr& message) {
  v1::Frame frame = target.NewFrame();
  frame.set_consensus(message->Wire());
  EXPECT_TRUE(target.Hear("v1", std::move(frame)));
}

void Equivocate(DirectChain& target, std::uint64_t height) {
  for (const char* batch : {"a", "b"}) {
    Hear(target, Say(target, 1,
                     consensus::Prepare{{View(0), Height(height), consensus::OrderDigest(batch)}}));
  }
}

std::size_t OnDisk(const DirectChain& target) {
  return EvidenceStore::Open(target.evidence_file()).value()->size();
}

TEST(EvidenceAtANode, IsOnDiskAtOnce) {
  DirectChain target(0);
  Equivocate(target, 1);
  EXPECT_EQ(target.chain().EvidenceList().size(), 1u);
  EXPECT_EQ(OnDisk(target), 1u);
}

TEST(EvidenceAtANode, ThatCouldNotBeWritten_IsWrittenOnceItCan) {
  DirectChain target(0);
  const auto folder = target.evidence_file().parent_path();
  ASSERT_TRUE(WriteFile(folder, "in the way", 0600, IfExists::kFail));
  Equivocate(target, 1);
  target.PassTime(kTick);
  EXPECT_EQ(target.chain().EvidenceList().size(), 1u);
  std::filesystem::remove(folder);
  target.PassTime(kTick);
  EXPECT_EQ(OnDisk(target), 1u);
}

// Two different NEW-VIEWs for one view, the second larger than what is kept.
TEST(EvidenceAtANode, TooLargeToBeKept_IsCounted) {
  constexpr std::uint32_t kValidators = 31, kQuorum = 21, kHeights = 32;
  constexpr std::uint32_t kSigners = 24;  // of view changes: a megabyte of certificates
  nlohmann::json genesis = ledger::GenesisJson(kValidators);
  genesis["consensus"]["window"] = kHeights;
  DirectChain target(0, {}, genesis.dump());
  std::vector<consensus::PreparedCertificate> prepared;
  for (std::uint64_t height = 1; height <= kHeights; ++height) {
    const consensus::Position at{View(0), Height(height), consensus::OrderDigest("batch")};
    auto& certificate = prepared.emplace_back(consensus::PreparedCertificate{at, {}});
    for (std::uint32_t i = 1; i <= kQuorum; ++i) {
      certificate.prepares[ValidatorIndex(i)] =
          KeyOf("vote v" + std::to_string(i))
              .Sign(crypto::Domain::kPbftSignature, target.id(),
                    consensus::PrepareBody(Epoch(0), at));
    }
  }
  const auto open = [&](const std::vector<consensus::PreparedCertificate>& certificates) {
    std::vector<consensus::MessagePtr> changes;
    for (std::uint32_t i = 1; i <= kSigners; ++i) {
      changes.push_back(Say(target, i, consensus::ViewChange{View(1), {}, certificates}));
    }
    return Say(target, 1, consensus::NewView{View(1), changes});
  };
  Hear(target, open({}));
  const auto second = open(prepared);
  ASSERT_GT(second->signed_bytes().size(), consensus::kMaxEvidenceBytes);
  Hear(target, second);
  EXPECT_EQ((target.chain().status().refused[{"evidence", "too_large"}]), 1u);
  EXPECT_TRUE(target.chain().EvidenceList().empty());
}

}  // namespace
}  // namespace talent::node
