#include "node/chain/snapshot_server.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "test_env.h"
#include "unit/ledger/test_chain.h"

namespace talent::node {
namespace {

/// What is posted runs when the test says so.
class SnapshotServing : public ::testing::Test {
 protected:
  void SetUp() override {
    source_.Commit({source_.Put("key", "1")});
    server_ = std::make_shared<SnapshotServer>(
        io_.get_executor(), *source_.database, source_.genesis(), clock_,
        [this](const NodeKey& to, v1::SnapshotResponse&& response) {
          (response.refusal() == v1::SNAPSHOT_REFUSAL_BUSY ? busy_ : served_)[to] += 1;
        },
        [this](const Error& error) { ++refused_[error.code]; });
  }
  void Ask(std::uint8_t peer) {
    v1::SnapshotRequest state;
    state.set_height(1);
    state.set_path(Hash().ToBytes());
    server_->OnRequest(Peer(peer), state, Height(1));
  }
  std::size_t RunPosted() {
    io_.restart();
    return io_.run();
  }

  ledger::TestChain source_;
  ManualClock clock_;
  boost::asio::io_context io_;
  std::map<NodeKey, std::uint64_t> served_, busy_;
  std::map<Code, std::uint64_t> refused_;
  std::shared_ptr<SnapshotServer> server_;
};

TEST_F(SnapshotServing, OneRequestOfAPeerWaits) {
  Ask(1);
  Ask(1);
  EXPECT_EQ(busy_[Peer(1)], 1u);
  RunPosted();
  EXPECT_EQ(served_[Peer(1)], 1u);
  Ask(1);
  RunPosted();
  EXPECT_EQ(served_[Peer(1)], 2u);
}

TEST_F(SnapshotServing, WhatIsRefusedIsTold) {
  Ask(1);
  EXPECT_TRUE(refused_.empty());
  Ask(1);
  EXPECT_EQ(refused_[Code::kExhausted], 1u);
  v1::SnapshotRequest request;
  request.set_height(1);
  request.set_path("no path");
  server_->OnRequest(Peer(2), request, Height(1));
  request.set_height(99);
  server_->OnRequest(Peer(3), request, Height(1));
  RunPosted();
  EXPECT_EQ(refused_[Code::kInvalidArgument], 1u);
  EXPECT_EQ(refused_[Code::kNotFound], 1u);
}

TEST_F(SnapshotServing, WhatWaitsIsBoundedOverAllPeers) {
  for (std::uint8_t i = 1; i <= SnapshotServer::kMaxWaiting + 1; ++i) Ask(i);
  EXPECT_EQ(busy_.size(), 1u);
  RunPosted();
  EXPECT_EQ(served_.size(), SnapshotServer::kMaxWaiting);
}

TEST_F(SnapshotServing, EachPeerAndAllTogetherHaveABudgetASecond) {
  const auto ask = [this] {
    for (std::uint8_t peer = 1; peer <= 3; ++peer) {
      for (std::uint64_t i = 0; i <= SnapshotServer::kChunksPerSecond; ++i) {
        Ask(peer);
        RunPosted();
      }
    }
  };
  ask();
  EXPECT_EQ(served_[Peer(1)], SnapshotServer::kChunksPerSecond);
  EXPECT_EQ(served_[Peer(2)], SnapshotServer::kChunksPerSecond);
  EXPECT_EQ(served_[Peer(1)] + served_[Peer(2)] + served_[Peer(3)],
            SnapshotServer::kAllChunksPerSecond);
  clock_.Advance(Millis(1000));
  ask();
  EXPECT_EQ(served_[Peer(1)], 2 * SnapshotServer::kChunksPerSecond);
}

TEST_F(SnapshotServing, APeerThatWentIsNotAnsweredAndLeavesNoPlaceTaken) {
  Ask(1);
  server_->OnPeerDown(Peer(1));
  RunPosted();
  EXPECT_TRUE(served_.empty());
  Ask(1);
  RunPosted();
  EXPECT_EQ(served_[Peer(1)], 1u);
}

TEST_F(SnapshotServing, AfterStopNothingIsPostedOrAnswered) {
  Ask(1);
  server_->Stop();
  RunPosted();
  Ask(2);
  EXPECT_EQ(RunPosted(), 0u);
  EXPECT_TRUE(served_.empty());
  EXPECT_TRUE(busy_.empty());
}

}  // namespace
}  // namespace talent::node
