#include "ledger/batch.h"

#include <gmock/gmock.h>

#include "test_chain.h"

namespace talent::ledger {
namespace {

class Batches : public ::testing::Test {
 protected:
  Code CodeOf(const std::vector<Transaction>& in_batch,
              const std::vector<Transaction>& in_payloads) const {
    const auto checked = CheckBatch(node.genesis(), TestChain::BatchOf(in_batch),
                                    TestChain::PayloadsOf(in_payloads));
    return checked ? Code::kInternal : checked.error().code;
  }
  static constexpr Code kAccepted = Code::kInternal;  // which CheckBatch never returns

  TestChain node;
};

TEST_F(Batches, WellFormedBatch_PassesAndIsHandedOut) {
  const std::vector<Transaction> batch = {node.Put("a", "1"), node.Put("b", "2")};
  const auto out =
      CheckBatch(node.genesis(), TestChain::BatchOf(batch), TestChain::PayloadsOf(batch));
  ASSERT_TRUE(out);
  EXPECT_GT(out->time, Timestamp(0));
  ASSERT_EQ(out->transactions.size(), 2u);
  EXPECT_EQ(out->transactions[1]->id, batch[1].id);
  EXPECT_EQ(out->transactions[1]->payload, batch[1].payload);
}

TEST_F(Batches, KnownTransaction_IsHandedOutUnlessAnyByteDiffers) {
  const std::vector<Transaction> batch = {node.Put("a", "1")};
  const auto checked = [&](const Transaction& known) {
    const auto held = std::make_shared<const Transaction>(known);
    const auto out = CheckBatch(node.genesis(), TestChain::BatchOf(batch),
                                TestChain::PayloadsOf(batch), [&](const TxId&) { return held; });
    EXPECT_EQ(out->transactions[0]->id, batch[0].id);
    EXPECT_EQ(out->transactions[0]->signature, batch[0].signature);
    EXPECT_EQ(out->transactions[0]->salt, batch[0].salt);
    EXPECT_EQ(out->transactions[0]->payload, batch[0].payload);
    return out->transactions[0] == held;
  };
  EXPECT_TRUE(checked(batch[0]));
  EXPECT_FALSE(checked(node.Put("a", "1")));
  Transaction other = batch[0];
  other.signature.data()[3] ^= 1;
  EXPECT_FALSE(checked(other));
  other = batch[0];
  other.payload = "a=2";
  EXPECT_FALSE(checked(other));
  other = batch[0];
  other.salt.back() ^= 1;
  EXPECT_FALSE(checked(other));
  other = batch[0];
  other.chain = ChainId();
  EXPECT_FALSE(checked(other));
  EXPECT_TRUE(CheckBatch(node.genesis(), TestChain::BatchOf(batch), TestChain::PayloadsOf(batch),
                         [](const TxId&) { return nullptr; }));
}

TEST_F(Batches, NullBatch_PassesWithoutPayloadsOnly) {
  EXPECT_TRUE(CheckBatch(node.genesis(), {}, {}));
  EXPECT_FALSE(CheckBatch(node.genesis(), {}, TestChain::PayloadsOf({node.Put("a", "1")})));
}

TEST_F(Batches, WhatIsWrongInside_IsRefused) {
  const Transaction a = node.Put("a", "1");
  const Transaction b = node.Put("b", "2");
  EXPECT_EQ(CodeOf({a, b}, {a, b}), kAccepted);
  EXPECT_EQ(CodeOf({a, a}, {a, a}), Code::kDuplicate);
  EXPECT_EQ(CodeOf({a, b}, {b, a}), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf({a, b}, {a}), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf({a}, {}), Code::kInvalidArgument);
  const Transaction elsewhere = MakeTransaction(ChainId(), "Put", "x=1", pb::DISCLOSURE_FULL,
                                                Height(9), KeyOf("author"), node.random);
  EXPECT_EQ(CodeOf({elsewhere}, {elsewhere}), Code::kWrongChain);
  const Transaction large = node.Put("a", Bytes(1 << 16, 'x'));
  EXPECT_EQ(CodeOf({large}, {large}), Code::kTooLarge);
  std::vector<Transaction> many;
  for (int i = 0; i < 101; ++i) many.push_back(node.Put("k", std::to_string(i)));
  EXPECT_EQ(CodeOf(many, many), Code::kTooLarge);
}

TEST_F(Batches, BytesThatAreNoCanonicalBatch_AreRefused) {
  const std::vector<Transaction> one = {node.Put("a", "1")};
  const Bytes batch = TestChain::BatchOf(one);
  const Bytes payloads = TestChain::PayloadsOf(one);
  const auto refused = [&](const Bytes& b, const Bytes& p) {
    const auto checked = CheckBatch(node.genesis(), b, p);
    return !checked && checked.error().code == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused("garbage", payloads));
  EXPECT_TRUE(refused(batch, "garbage"));
  EXPECT_TRUE(refused(batch + Bytes("\x78\x01", 2), payloads));  // unknown field 15
  pb::Batch changed = Decode<pb::Batch>(batch).value();
  changed.set_time_ms(0);
  EXPECT_TRUE(refused(Encode(changed), payloads));
  changed.set_time_ms(kMaxTime.value + 1);
  EXPECT_TRUE(refused(Encode(changed), payloads));
  changed.set_time_ms(1);
  changed.set_proposer(100);
  EXPECT_TRUE(refused(Encode(changed), payloads));
}

}  // namespace
}  // namespace talent::ledger
