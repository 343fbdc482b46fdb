#include "ledger/transaction.h"

#include <gmock/gmock.h>

#include "base/canonical.h"
#include "ledger_fixture.h"

namespace talent::ledger {
namespace {

using ::testing::HasSubstr;

const ChainId kChain = ChainId::FromBytes(Bytes(32, 'c')).value();
constexpr std::size_t kMaxBytes = 4096;

Transaction Example() {
  CountingRandom random;
  return MakeTransaction(kChain, "Note", "payload", pb::DISCLOSURE_FULL, Height(9), KeyOf("alice"),
                         random);
}

TEST(Transaction, SerializedTransaction_ReadsBackTheSame) {
  const Transaction tx = Example();
  const auto read = ParseTransaction(Serialize(tx), kMaxBytes);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->id, tx.id);
  EXPECT_EQ(read->chain, kChain);
  EXPECT_EQ(read->kind, "Note");
  EXPECT_EQ(read->author, KeyOf("alice").public_key());
  EXPECT_EQ(read->valid_until, Height(9));
  EXPECT_EQ(read->disclosure, pb::DISCLOSURE_FULL);
  EXPECT_EQ(read->envelope_bytes, tx.envelope_bytes);
  EXPECT_EQ(read->payload, "payload");
  EXPECT_EQ(read->salt, tx.salt);
  EXPECT_TRUE(VerifySignature(*read, kChain));
  EXPECT_EQ(Serialize(*read), Serialize(tx));
}

TEST(Transaction, EveryFlippedByte_IsRefused) {
  const Bytes good = Serialize(Example());
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto read = ParseTransaction(bad, kMaxBytes);
    EXPECT_FALSE(read && VerifySignature(*read, kChain)) << "byte " << i;
  }
}

TEST(Transaction, Signature_HoldsOnItsOwnChainOnly) {
  const Transaction tx = Example();
  const ChainId other = ChainId::FromBytes(Bytes(32, 'd')).value();
  EXPECT_EQ(VerifySignature(tx, other).error().code, Code::kWrongChain);
  Transaction moved = tx;
  moved.chain = other;
  EXPECT_EQ(VerifySignature(moved, other).error().code, Code::kBadSignature);
}

TEST(Transaction, Parse_NamesTheWrongField) {
  const auto error_with = [](const std::function<void(pb::Envelope&)>& change) {
    pb::Transaction message = Decode<pb::Transaction>(Serialize(Example())).value();
    pb::Envelope envelope = Decode<pb::Envelope>(message.envelope()).value();
    change(envelope);
    message.set_envelope(Encode(envelope));
    const auto read = ParseTransaction(Encode(message), kMaxBytes);
    return read ? std::string("was accepted") : read.error().message;
  };
  EXPECT_THAT(error_with([](auto& e) { e.set_format(2); }), HasSubstr("envelope.format"));
  EXPECT_THAT(error_with([](auto& e) { e.set_chain_id("short"); }), HasSubstr("chain_id"));
  EXPECT_THAT(error_with([](auto& e) { e.clear_kind(); }), HasSubstr("kind"));
  EXPECT_THAT(error_with([](auto& e) { e.set_kind("a b"); }), HasSubstr("kind"));
  EXPECT_THAT(error_with([](auto& e) { e.set_kind(std::string(65, 'a')); }), HasSubstr("kind"));
  EXPECT_THAT(error_with([](auto& e) { e.set_author_key("k"); }), HasSubstr("author_key"));
  EXPECT_THAT(error_with([](auto& e) { e.set_payload_hash("h"); }), HasSubstr("payload_hash"));
  EXPECT_THAT(error_with([](auto& e) { e.clear_valid_until(); }), HasSubstr("valid_until"));
  EXPECT_THAT(error_with([](auto& e) { e.set_disclosure(static_cast<pb::Disclosure>(9)); }),
              HasSubstr("disclosure"));
}

TEST(Transaction, Parse_RefusesWithoutPayloadOrWithAnother) {
  pb::Transaction message = Decode<pb::Transaction>(Serialize(Example())).value();
  message.mutable_payload()->set_data("other");
  EXPECT_THAT(ParseTransaction(Encode(message), kMaxBytes).error().message,
              HasSubstr("payload_hash"));
  message.clear_payload();
  EXPECT_THAT(ParseTransaction(Encode(message), kMaxBytes).error().message,
              HasSubstr("payload.salt"));
}

TEST(Transaction, Parse_KeepsTheSizeLimit) {
  const Transaction tx = Example();
  EXPECT_GE(tx.size(), Serialize(tx).size());
  EXPECT_TRUE(ParseTransaction(Serialize(tx), tx.size()));
  EXPECT_EQ(ParseTransaction(Serialize(tx), tx.size() - 1).error().code, Code::kTooLarge);
  EXPECT_EQ(ParseTransaction(Bytes(kMaxBytes + 1, 'x'), kMaxBytes).error().code, Code::kTooLarge);
}

TEST(Transaction, Size_CoversWhatItTakesInABatch) {
  const Transaction tx = Example();
  pb::Batch batch;
  auto* envelope = batch.add_transactions();
  envelope->set_envelope(tx.envelope_bytes);
  envelope->set_signature(tx.signature.ToBytes());
  pb::Payloads payloads;
  payloads.add_payloads()->set_salt(tx.salt);
  payloads.mutable_payloads(0)->set_data(tx.payload);
  EXPECT_GE(tx.size(), Encode(batch).size() + Encode(payloads).size());
}

TEST(Transaction, WithheldPayload_LeavesEnvelopeAndSignatureVerifiable) {
  const Transaction tx = Example();
  pb::SignedEnvelope envelope;
  envelope.set_envelope(tx.envelope_bytes);
  envelope.set_signature(tx.signature.ToBytes());
  const auto read = ParseTransaction(envelope, nullptr);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->has_payload());
  EXPECT_EQ(read->id, tx.id);
  EXPECT_TRUE(VerifySignature(*read, kChain));
}

}  // namespace
}  // namespace talent::ledger
