#include "node/chain/snapshot_join.h"

#include <spdlog/sinks/null_sink.h>

#include "network_fixture.h"
#include "node/chain/snapshot_server.h"
#include "unit/ledger/test_chain.h"

namespace talent::node {
namespace {

/// Time that flies from when there is nothing left to wait for.
class HurryingClock final : public Clock {
 public:
  Timestamp Now() const override {
    if (hurry_) ahead_ += 500;
    return system_.Now() + Millis(ahead_);
  }
  void Hurry() { hurry_ = true; }

 private:
  SystemClock system_;
  mutable std::atomic<std::uint64_t> ahead_ = 0;
  std::atomic<bool> hurry_ = false;
};

/// A node that serves snapshots of a chain of 20 blocks, and one that has nothing.
class SnapshotJoining : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 1; i <= 20; ++i) source_.Commit({source_.Put("key", std::to_string(i))});
    PeerNetwork::Options options;
    options.listen = "127.0.0.1:0";
    options.authorize = [](const NodeKey&) { return true; };
    options.on_peer = [](const NodeKey&, bool) {};
    options.on_frame = [this](const NodeKey& from, v1::Frame&& frame) {
      v1::Frame answer;
      answer.set_chain_id(frame.chain_id());
      *answer.mutable_snapshot_response() = SnapshotServer::Answer(
          *source_.database, source_.genesis(), frame.snapshot_request(), offered_);
      if (distort_) distort_(*answer.mutable_snapshot_response());
      server_->Send(from, answer);
      return true;
    };
    auto server = PeerNetwork::Start(io_.io(), server_key_, std::move(options));
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
    node_.chain.reset();
  }

  void Follow(Height height) {
    node_.Reopen();
    for (Height at(1); at <= height; ++at) {
      ASSERT_TRUE(node_.chain->Apply(*source_.chain->GetBlockWithPayloads(at)));
    }
    node_.chain.reset();
  }
  /// What a snapshot offered to a node that has blocks of its own must not change.
  void ExpectUntouched(Height height) {
    node_.Reopen();
    EXPECT_EQ(node_.chain->head().height, height);
    EXPECT_EQ(node_.chain->SealedState()->Get("kv/key"), std::to_string(height.value));
  }

  Status Join(std::uint64_t behind, std::function<bool()> stopped = {}) {
    SnapshotJoin join;
    join.database = node_.database.get();
    join.genesis = &node_.genesis();
    join.application = &node_.app;
    join.clock = &clock_;
    join.node_key = &own_key_;
    join.peers = {{server_->listen_address(), server_key_.public_key()}};
    join.behind = behind;
    join.pinned = pinned_;
    join.log = std::make_shared<spdlog::logger>("snapshot",
                                                std::make_shared<spdlog::sinks::null_sink_mt>());
    join.stopped = std::move(stopped);
    return JoinBySnapshot(join);
  }

  ledger::TestChain source_;
  ledger::TestChain node_;
  const crypto::KeyPair server_key_ = ledger::KeyOf("node v0");
  const crypto::KeyPair own_key_ = ledger::KeyOf("joiner");
  std::optional<ledger::PinnedBlock> pinned_;
  Height offered_{20};
  std::function<void(v1::SnapshotResponse&)> distort_;
  HurryingClock clock_;
  IoThread io_;
  std::unique_ptr<PeerNetwork> server_;  // goes before its thread
};

TEST_F(SnapshotJoining, ANodeThatIsFarBehindBeginsWhereItsPeersAre) {
  const Status joined = Join(20);
  ASSERT_TRUE(joined) << joined.error().ToString();
  node_.Reopen();
  EXPECT_EQ(node_.chain->head().hash, source_.chain->head().hash);
  EXPECT_EQ(node_.chain->SealedState()->Get("kv/key"), "20");
}

TEST_F(SnapshotJoining, ANodeThatIsNotSoFarBehindFetchesBlocksAsBefore) {
  ASSERT_TRUE(Join(21));
  node_.Reopen();
  EXPECT_EQ(node_.chain->head().height, Height(0));
}

TEST_F(SnapshotJoining, AHeadWithAFieldThatIsNotOursIsNoOffer) {
  Follow(Height(3));
  distort_ = [this](v1::SnapshotResponse& response) {
    clock_.Hurry();
    if (!response.has_head()) return;
    auto head = Decode<ledger::pb::SnapshotHead>(response.head()).value();
    head.GetReflection()->MutableUnknownFields(&head)->AddVarint(99, 1);
    response.set_head(head.SerializeAsString());
  };
  ASSERT_TRUE(Join(1));
  ExpectUntouched(Height(3));
}

TEST_F(SnapshotJoining, AHeadThatIsTooLargeIsNoOffer) {
  Follow(Height(3));
  distort_ = [this](v1::SnapshotResponse& response) {
    clock_.Hurry();
    if (response.has_head()) response.mutable_head()->append(SnapshotServer::kMaxHeadBytes, '\x1a');
  };
  ASSERT_TRUE(Join(1));
  ExpectUntouched(Height(3));
}

TEST_F(SnapshotJoining, ASnapshotWithoutThePinnedBlockIsPassedOverAndNothingDropped) {
  Follow(Height(3));
  pinned_ = ledger::PinnedBlock{Height(4), Hash()};
  distort_ = [this](v1::SnapshotResponse& response) {
    if (response.has_chunk()) clock_.Hurry();
  };
  const Status joined = Join(1);
  ASSERT_TRUE(joined) << joined.error().ToString();
  ExpectUntouched(Height(3));
}

TEST_F(SnapshotJoining, ASnapshotWhoseWindowEndsAboveThePinnedBlockIsPassedOver) {
  Follow(Height(3));
  pinned_ = ledger::PinnedBlock{Height(1),
                                ledger::BlockHash(source_.chain->GetHeader(Height(1))->header())};
  for (int i = 21; i <= 120; ++i) source_.Commit({});
  offered_ = Height(120);
  distort_ = [this](v1::SnapshotResponse&) { clock_.Hurry(); };
  const Status joined = Join(1);
  ASSERT_TRUE(joined) << joined.error().ToString();
  ExpectUntouched(Height(3));
}

TEST_F(SnapshotJoining, ASnapshotThatNobodyServesIsPassedOverAndNothingDropped) {
  Follow(Height(3));
  distort_ = [this](v1::SnapshotResponse& response) {
    clock_.Hurry();
    if (response.has_chunk()) response.set_refusal(v1::SNAPSHOT_REFUSAL_BUSY);
  };
  const Status joined = Join(1);
  ASSERT_TRUE(joined) << joined.error().ToString();
  ExpectUntouched(Height(3));
}

TEST_F(SnapshotJoining, WhatWasBegunGoesOnWherePeersOfferAnOlderOne) {
  const auto newest =
      ledger::SnapshotSource::Open(*source_.database, source_.genesis(), Height(20));
  ASSERT_TRUE(ledger::SnapshotRestore::Begin(*node_.database, node_.genesis(), node_.app,
                                             newest->Head().value()));
  offered_ = Height(10);
  const Status joined = Join(1);
  ASSERT_TRUE(joined) << joined.error().ToString();
  ExpectUntouched(Height(20));
}

TEST_F(SnapshotJoining, AnUnfinishedRestoreThatNobodyCanFinishIsSaid) {
  const auto newest =
      ledger::SnapshotSource::Open(*source_.database, source_.genesis(), Height(20));
  ASSERT_TRUE(ledger::SnapshotRestore::Begin(*node_.database, node_.genesis(), node_.app,
                                             newest->Head().value()));
  distort_ = [this](v1::SnapshotResponse& response) {
    clock_.Hurry();
    response.set_refusal(v1::SNAPSHOT_REFUSAL_GONE);
  };
  const Status joined = Join(1);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, Code::kUnavailable);
}

TEST_F(SnapshotJoining, StoppingEndsIt) {
  const Status joined = Join(20, [] { return true; });
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, Code::kUnavailable);
  node_.Reopen();
}

}  // namespace
}  // namespace talent::node
