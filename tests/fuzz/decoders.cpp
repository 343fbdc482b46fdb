// Everything that reads bytes of strangers or of a disk: typed errors, and what is taken is
// canonical.
#include <map>

#include "base/canonical.h"
#include "consensus/codec.h"
#include "consensus/evidence.h"
#include "fuzz/target.h"
#include "ledger/batch.h"
#include "ledger/light_client.h"
#include "ledger/state_tree.h"
#include "node/chain/vote_log.h"
#include "node/peers/wire.h"
#include "unit/consensus/harness.h"

namespace talent::fuzz {
namespace {

using consensus::test::TestChain;
using consensus::test::TestValidators;

const std::shared_ptr<const crypto::ValidatorSet>& Four() {
  static const auto set = TestValidators(4);
  return set;
}

template <class M>
void RoundTrip(BytesView bytes) {
  const auto message = Decode<M>(bytes);
  CHECK(!message || Encode(*message) == bytes, "two encodings of one message");
}

void Message(BytesView input) {
  RoundTrip<consensus::pb::Message>(input);
  RoundTrip<consensus::pb::Body>(input);
  RoundTrip<consensus::pb::VoteRecord>(input);
  (void)consensus::DecodeMessage(input);
  const auto full = consensus::VerifyMessage(TestChain(), *Four(), input);
  const consensus::Horizon horizon{Epoch(0), View(3), Height(5), 8};
  const auto quick = consensus::VerifyMessage(TestChain(), *Four(), input, &horizon);
  CHECK(full || !quick, "a horizon lets in what is not true");
  CHECK(!full || (*full)->Wire() == input, "not passed on as it was received");
}
const Registration kMessage("message", Message);

void EvidencePair(BytesView input) {
  Reader reader(input);
  const BytesView first = reader.Piece();
  const BytesView second = reader.Piece();
  const auto facts = consensus::VerifyEvidence(TestChain(), *Four(), first, second);
  const auto swapped = consensus::VerifyEvidence(TestChain(), *Four(), second, first);
  CHECK(facts.has_value() == swapped.has_value() && (!facts || *facts == *swapped),
        "evidence depends on its order");
  CHECK(!facts || first != second, "one message convicts nobody");
}
const Registration kEvidence("evidence", EvidencePair);

void LedgerBytes(BytesView input) {
  constexpr std::size_t kMaxTransaction = 64u << 10;
  RoundTrip<ledger::pb::BlockHeader>(input);
  RoundTrip<ledger::pb::Batch>(input);
  RoundTrip<ledger::pb::BlockWithPayloads>(input);
  (void)ledger::ParseBatch(input);
  (void)ledger::DecodeTreeSlot(input);
  (void)ledger::DecodeTreePage(input);
  if (const auto tx = ledger::ParseTransaction(input, kMaxTransaction)) {
    (void)ledger::VerifySignature(*tx, TestChain());
  }
  if (const auto header = Decode<ledger::pb::CertifiedHeader>(input)) {
    CHECK(!ledger::VerifyHeader(TestChain(), *Four(), *header), "a forged certificate");
  }
  if (const auto proof = Decode<ledger::pb::StateProof>(input)) {
    CHECK(!ledger::VerifyStateProof(consensus::OrderDigest("root"), *proof),
          "a proof under a root of nothing");
  }
}
const Registration kLedger("ledger", LedgerBytes);

void GenesisText(BytesView input) {
  if (const auto genesis = ledger::Genesis::Parse(input)) {
    CHECK(genesis->validators().size() > 0);
  }
}
const Registration kGenesis("genesis", GenesisText);

void Frames(BytesView input) {
  constexpr std::size_t kMaxFrame = 1u << 16;
  Reader reader(input);
  node::FrameDecoder decoder(kMaxFrame);
  while (!reader.done()) {  // arrives in pieces of any size
    const Status fed = decoder.Feed(reader.Piece(), [](node::v1::Frame&& frame) -> Status {
      CHECK(node::ToWire(frame, 4 * kMaxFrame) != nullptr);
      (void)node::LaneOf(frame);
      return {};
    });
    if (!fed) return;
  }
}
const Registration kFrames("frames", Frames);

class MemoryFile final : public node::VoteFile {
 public:
  explicit MemoryFile(BytesView bytes) : bytes_(bytes) {}
  std::string name() const override { return "memory"; }
  Result<Found> Read() override { return Found{bytes_, false}; }
  Status Keep(std::size_t size) override {
    CHECK(size <= bytes_.size());
    bytes_.resize(size);
    return {};
  }
  Status Append(BytesView bytes) override {
    bytes_ += bytes;
    return {};
  }
  Status Replace(BytesView bytes) override {
    bytes_ = bytes;
    return {};
  }
  Status SetAside() override {
    bytes_.clear();
    return {};
  }

 private:
  Bytes bytes_;
};

void VoteLogFile(BytesView input) {
  class Zeros final : public Random {
   public:
    Bytes Draw(std::size_t n) override { return Bytes(n, 0); }
  } random;
  auto opened = node::VoteLog::Open(std::make_unique<MemoryFile>(input), TestChain(),
                                    crypto::PublicKey(), random);
  if (!opened) return;
  CHECK(opened->log->Append({"record"}).has_value());
}
const Registration kVoteLog("vote-log", VoteLogFile);

}  // namespace
}  // namespace talent::fuzz
