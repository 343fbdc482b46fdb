#include "node/peers/wire.h"

#include <gtest/gtest.h>

#include "network_fixture.h"

namespace talent::node {
namespace {

constexpr std::size_t kMax = 1000;

v1::Frame SyncFrame() {
  v1::Frame frame = ConsensusFrame("");
  frame.mutable_sync_response()->set_sealed(1);
  return frame;
}

TEST(FrameDecoder, CutsAStreamWhereverItIsSplit) {
  const std::string stream = *ToWire(ConsensusFrame("one"), kMax) + std::string(4, '\0') +
                             *ToWire(ConsensusFrame("two"), kMax);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameDecoder decoder(kMax);
    std::string seen;
    const auto take = [&](v1::Frame&& frame) -> Status {
      seen += frame.consensus() + ";";
      return {};
    };
    ASSERT_TRUE(decoder.Feed(stream.substr(0, cut), take));
    ASSERT_TRUE(decoder.Feed(stream.substr(cut), take));
    EXPECT_EQ(seen, "one;two;") << "cut at " << cut;
  }
}

TEST(FrameDecoder, RefusesAnOversizedLengthBeforeItsBytesArrive) {
  FrameDecoder decoder(kMax);
  const auto never = [](v1::Frame&&) -> Status { return Fail(Code::kInternal, "called"); };
  const Status fed = decoder.Feed(std::string("\0\0\x03\xe9", 4), never);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, Code::kTooLarge);
}

TEST(FrameDecoder, RefusesGarbageAndEmptyFrames) {
  const auto never = [](v1::Frame&&) -> Status { return Fail(Code::kInternal, "called"); };
  v1::Frame no_body;
  no_body.set_chain_id(std::string(32, 'c'));
  v1::Frame short_id = ConsensusFrame("x");
  short_id.set_chain_id("c");
  for (const std::string& bytes : {std::string("\0\0\0\x03", 4) + "\xff\xff\xff",
                                   *ToWire(no_body, kMax), *ToWire(short_id, kMax)}) {
    FrameDecoder decoder(kMax);
    const Status fed = decoder.Feed(bytes, never);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, Code::kInvalidArgument);
  }
}

TEST(FrameDecoder, RefusesASyncResponseOfTooManyBlocks) {
  v1::Frame frame = SyncFrame();
  for (std::uint32_t i = 0; i < kMaxBlocksPerResponse; ++i) {
    frame.mutable_sync_response()->add_blocks()->mutable_block()->set_header("header");
  }
  int seen = 0;
  const auto take = [&](v1::Frame&&) -> Status {
    ++seen;
    return {};
  };
  EXPECT_TRUE(FrameDecoder(kMax * 10).Feed(*ToWire(frame, kMax * 10), take));
  EXPECT_EQ(seen, 1);

  v1::Frame second = SyncFrame();  // parsing merges what is given twice
  second.mutable_sync_response()->add_blocks();
  const std::string merged = frame.SerializeAsString() + second.SerializeAsString();
  frame.mutable_sync_response()->add_blocks();
  for (const std::string& body : {frame.SerializeAsString(), merged}) {
    const std::string length = {0, 0, static_cast<char>(body.size() >> 8),
                                static_cast<char>(body.size())};
    const Status fed = FrameDecoder(kMax * 10).Feed(length + body, take);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, Code::kTooLarge);
  }
  EXPECT_EQ(seen, 1);
}

TEST(ToWire, RefusesAnOversizedFrame) {
  EXPECT_EQ(ToWire(ConsensusFrame(std::string(kMax, 'x')), kMax), nullptr);
}

TEST(SendQueue, PutsUrgentFramesBeforeBulk) {
  SendQueue queue(kMax);
  queue.Push(LaneOf(SyncFrame()), std::make_shared<std::string>("bulk"));
  queue.Push(LaneOf(ConsensusFrame("")), std::make_shared<std::string>("urgent1"));
  queue.Push(Lane::kUrgent, std::make_shared<std::string>("urgent2"));
  std::string out;
  EXPECT_EQ(queue.Take(7, out), 1U);
  EXPECT_EQ(out, "urgent1");
  EXPECT_EQ(queue.Take(100, out), 2U);
  EXPECT_EQ(out, "urgent2bulk");
}

TEST(SendQueue, IsBoundedAndBulkMayFillHalfOfIt) {
  SendQueue queue(100);
  const auto forty = std::make_shared<std::string>(40, 'x');
  EXPECT_NE(queue.Push(Lane::kBulk, forty), SendQueue::Pushed::kFull);
  EXPECT_EQ(queue.Push(Lane::kBulk, forty), SendQueue::Pushed::kFull);
  EXPECT_NE(queue.Push(Lane::kUrgent, forty), SendQueue::Pushed::kFull);
  EXPECT_EQ(queue.Push(Lane::kUrgent, forty), SendQueue::Pushed::kFull);
  std::string out;
  EXPECT_EQ(queue.Take(1000, out), 2U);
  EXPECT_NE(queue.Push(Lane::kUrgent, forty), SendQueue::Pushed::kFull);
}

TEST(SendQueue, AsksToWakeAWriterThatFoundItEmptyOnce) {
  SendQueue queue(kMax);
  const auto frame = std::make_shared<std::string>("x");
  EXPECT_EQ(queue.Push(Lane::kUrgent, frame), SendQueue::Pushed::kQueued);
  std::string out;
  EXPECT_EQ(queue.Take(100, out), 1U);
  EXPECT_EQ(queue.Push(Lane::kUrgent, frame), SendQueue::Pushed::kQueued);
  EXPECT_EQ(queue.Take(100, out), 1U);
  EXPECT_EQ(queue.Take(100, out), 0U);
  EXPECT_EQ(queue.Push(Lane::kUrgent, frame), SendQueue::Pushed::kQueuedWake);
  EXPECT_EQ(queue.Push(Lane::kUrgent, frame), SendQueue::Pushed::kQueued);
}

}  // namespace
}  // namespace talent::node
