#include "base/canonical.h"

#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <random>

#include "talent/consensus/v1/consensus.pb.h"
#include "talent/ledger/v1/ledger.pb.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent {
namespace {

using ledger::v1::Batch;

// Batch: field 1 time_ms, 2 view, 3 proposer, all varints; 4 transactions, repeated messages.
Result<Batch> Read(std::initializer_list<int> bytes) {
  Bytes out;
  for (const int byte : bytes) out.push_back(static_cast<char>(byte));
  return Decode<Batch>(out);
}

void ExpectNotCanonical(const Result<Batch>& result) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  EXPECT_NE(result.error().message.find("canonically"), std::string::npos);
}

TEST(Canonical, RoundTrips) {
  Batch batch;
  EXPECT_EQ(Encode(batch), "");
  batch.set_time_ms(300);
  batch.set_proposer(2);
  batch.add_transactions()->set_envelope("e");
  batch.add_transactions();  // an empty message in a list is an element, not a default
  const Bytes bytes = Encode(batch);
  EXPECT_EQ(ToHex(bytes), "08ac02180222030a01652200");
  const Result<Batch> read = Decode<Batch>(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(Encode(*read), bytes);
}

TEST(Canonical, RefusesUnknownFields) {
  ASSERT_TRUE(Read({0x08, 5}));
  ExpectNotCanonical(Read({0x08, 5, 0x78, 1}));           // field 15
  ExpectNotCanonical(Read({0x08, 5, 0x22, 2, 0x78, 1}));  // in a nested message
}

TEST(Canonical, RefusesDefaultValuesWrittenOut) {
  ExpectNotCanonical(Read({0x08, 0}));
  ExpectNotCanonical(Read({0x22, 2, 0x0a, 0}));  // an empty `envelope`
}

TEST(Canonical, RefusesOverlongVarints) {
  ExpectNotCanonical(Read({0x08, 0x85, 0x00}));
  ExpectNotCanonical(Read({0x88, 0x00, 5}));                       // the tag
  ExpectNotCanonical(Read({0x22, 0x80, 0x00}));                    // a length
  ExpectNotCanonical(Read({0x18, 0x82, 0x80, 0x80, 0x80, 0x10}));  // above 32 bits for a uint32
}

TEST(Canonical, RefusesFieldsOutOfOrder) {
  ASSERT_TRUE(Read({0x08, 5, 0x10, 6}));
  ExpectNotCanonical(Read({0x10, 6, 0x08, 5}));
}

TEST(Canonical, RefusesAScalarTwice) {
  ExpectNotCanonical(Read({0x08, 5, 0x08, 5}));
  ExpectNotCanonical(Read({0x08, 4, 0x08, 5}));
}

TEST(Canonical, RefusesGarbageWithoutCrashing) {
  EXPECT_FALSE(Read({0x22, 0x7f}));  // cut off
  EXPECT_FALSE(Read({0x0b}));        // an open group
  EXPECT_FALSE(Read({0x00}));        // field 0
  EXPECT_FALSE(Read({0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}));
  Bytes deep;
  for (int i = 0; i < 10'000; ++i) deep.push_back('\x0b');
  EXPECT_FALSE(Decode<Batch>(deep));
}

/// What canonical means: parsed and encoded again, without what is unknown, it is the same.
template <class M>
bool SurvivesEncodingAgain(BytesView bytes) {
  M message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  message.DiscardUnknownFields();
  return Encode(message) == bytes;
}

/// Changes `good` at random a few thousand times and compares Decode's judgement.
template <class M>
void ExpectSameJudgement(const M& good) {
  const Bytes bytes = Encode(good);
  ASSERT_TRUE(Decode<M>(bytes));
  std::minstd_rand random(1);
  int accepted = 0;
  int parsed = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes changed = bytes;
    for (std::size_t n = random() % 3 + 1; n > 0; --n) {
      const std::size_t at = random() % (changed.size() + 1);
      // Small numbers are tags, lengths and bits where they hurt.
      const char byte = static_cast<char>(random() % 2 == 0 ? random() % 128 : random() % 256);
      switch (random() % 4) {
        case 0:
          changed.insert(at, 1, byte);
          break;
        case 1:
          changed.erase(at, 1);
          break;
        case 2:  // a piece again, elsewhere
          changed.insert(at, bytes.substr(random() % bytes.size(), random() % 12));
          break;
        default:
          if (at < changed.size()) changed[at] = byte;
      }
    }
    const bool expected = SurvivesEncodingAgain<M>(changed);
    ASSERT_EQ(Decode<M>(changed).has_value(), expected) << ToHex(changed);
    accepted += expected ? 1 : 0;
    parsed += M().ParseFromString(changed) ? 1 : 0;
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(parsed, accepted + 100);
}

TEST(Canonical, JudgesAsEncodingAgainWould) {
  google::protobuf::SetLogHandler(nullptr);  // texts that are no UTF-8
  Batch batch;
  batch.set_time_ms(300);
  batch.set_proposer(70'000);
  for (const char* envelope : {"e", "", "envelope"}) {
    auto& transaction = *batch.add_transactions();
    transaction.set_envelope(envelope);
    transaction.set_signature("s");
  }
  ExpectSameJudgement(batch);

  tiers::v1::ConsentGiven consent;  // texts, packed enums
  consent.set_subject_id("id");
  consent.add_kinds("A");
  consent.add_kinds("");
  consent.add_tiers(tiers::v1::CONSENT_TIER_CONSORTIUM);
  consent.add_tiers(static_cast<tiers::v1::ConsentTier>(-1));
  consent.set_until_ms(1u << 20);
  ExpectSameJudgement(consent);

  consensus::v1::Body status;  // alternatives, packed numbers, flags
  status.set_epoch(3);
  status.mutable_status()->set_stalled(true);
  for (const std::uint64_t height : {0, 1, 1 << 14}) status.mutable_status()->add_accepted(height);
  ExpectSameJudgement(status);
  consensus::v1::Body vote;
  vote.mutable_prepare()->set_height(300);
  ExpectSameJudgement(vote);
  consensus::v1::VoteRecord record;  // an alternative with presence
  record.set_view_change("");
  ExpectSameJudgement(record);
}

TEST(Canonical, DecodeIntoForgetsWhatWasThere) {
  Batch batch;
  batch.set_view(9);
  ASSERT_TRUE(DecodeInto(Bytes("\x08\x05", 2), batch));
  EXPECT_EQ(batch.view(), 0U);
  EXPECT_EQ(batch.time_ms(), 5U);
}

}  // namespace
}  // namespace talent
