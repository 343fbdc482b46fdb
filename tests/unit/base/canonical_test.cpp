#include "base/canonical.h"

#include <gtest/gtest.h>

#include "talent/ledger/v1/ledger.pb.h"

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

TEST(Canonical, DecodeIntoForgetsWhatWasThere) {
  Batch batch;
  batch.set_view(9);
  ASSERT_TRUE(DecodeInto(Bytes("\x08\x05", 2), batch));
  EXPECT_EQ(batch.view(), 0U);
  EXPECT_EQ(batch.time_ms(), 5U);
}

}  // namespace
}  // namespace talent
