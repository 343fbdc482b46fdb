#include "node/chain/snapshot_fetch.h"

#include <gmock/gmock.h>

#include <deque>

#include "node/chain/snapshot_server.h"
#include "unit/ledger/test_chain.h"
#include "unit/node/test_env.h"

namespace talent::node {
namespace {

using ledger::SnapshotRestore;
using ledger::TestChain;

using Answerer = std::function<std::optional<v1::SnapshotResponse>(const v1::SnapshotRequest&)>;

/// A chain of some chunks of state, peers that serve it or lie about it, and a node that joins.
class SnapshotFetching : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int block = 1; block <= 6; ++block) {
      std::vector<ledger::Transaction> batch;
      for (int i = 0; i < 15; ++i) {
        batch.push_back(source_.Put(std::to_string(block) + "-" + std::to_string(i),
                                    Bytes(50'000, static_cast<char>('a' + i))));
      }
      source_.Commit(batch);
    }
    node_.chain.reset();
    Begin();
  }

  v1::SnapshotResponse Honest(const v1::SnapshotRequest& request) {
    return SnapshotServer::Answer(*source_.database, source_.genesis(), request, Height(6));
  }
  void Add(std::uint8_t number, Answerer answerer) { peers_[Peer(number)] = std::move(answerer); }
  void AddHonest(std::uint8_t number) {
    Add(number, [this](const v1::SnapshotRequest& request) { return Honest(request); });
  }

  void Begin() {
    fetch_.reset();
    const auto offer = Honest(v1::SnapshotRequest());
    auto restore = SnapshotRestore::Begin(*node_.database, node_.genesis(), node_.app,
                                          Decode<ledger::pb::SnapshotHead>(offer.head()).value());
    ASSERT_TRUE(restore) << restore.error().ToString();
    restore_.emplace(std::move(*restore));
    fetch_.emplace(*restore_);
    for (const auto& [key, answerer] : peers_) fetch_->OnPeer(key, true);
  }

  /// Turns of asking and answering, 100 ms each. Whether all arrived.
  bool Run(int turns) {
    if (fetch_->done()) return true;
    for (; turns > 0; --turns) {
      now_ = now_ + Millis(100);
      const auto requests = fetch_->Next(now_);
      for (const auto& request : requests) ++asked_[request.to];
      for (const auto& request : requests) {
        const auto answer = peers_.at(request.to)(request.message);
        if (!answer) continue;
        EXPECT_TRUE(fetch_->OnResponse(request.to, *answer, now_,
                                       [&](const Error&) { ++bad_[request.to]; }));
      }
      if (fetch_->done()) return true;
    }
    return false;
  }

  /// To fetch everything from one honest peer.
  int AllRequests() {
    int requests = 1;  // the window
    const auto source =
        ledger::SnapshotSource::Open(*source_.database, source_.genesis(), Height(6)).value();
    EXPECT_TRUE(ledger::WalkStatePlaces([&](const ledger::StateSubtree& place) -> Status {
      ++requests;
      const auto chunk = source.StateChunk(place);
      return chunk ? Status() : Status(tl::unexpected<Error>(chunk.error()));
    }));
    return requests;
  }

  void ExpectJoined() {
    ASSERT_TRUE(restore_->Finish());
    node_.Reopen();
    EXPECT_EQ(node_.chain->head().hash, source_.chain->head().hash);
    EXPECT_EQ(node_.chain->SealedState()->Get("kv/1-2"), Bytes(50'000, 'c'));
  }

  TestChain source_;
  TestChain node_;
  std::map<NodeKey, Answerer> peers_;
  std::optional<SnapshotRestore> restore_;
  std::optional<SnapshotFetch> fetch_;
  std::size_t chunks_ = 0;
  Timestamp now_{1'000'000};
  std::map<NodeKey, int> asked_;
  std::map<NodeKey, int> bad_;
};

TEST_F(SnapshotFetching, SeveralPeersServeOneSnapshot) {
  for (std::uint8_t i = 1; i <= 3; ++i) AddHonest(i);
  Begin();
  ASSERT_TRUE(Run(100));
  for (std::uint8_t i = 1; i <= 3; ++i) EXPECT_GT(asked_[Peer(i)], 1);
  EXPECT_TRUE(bad_.empty());
  ExpectJoined();
}

TEST_F(SnapshotFetching, LyingPeersAreNoticedByTheChunkAndPassedOver) {
  AddHonest(1);
  // Another place's chunk.
  Add(2, [this](v1::SnapshotRequest request) {
    request.set_depth(4);
    request.set_path(Hash().ToBytes());
    return Honest(request);
  });
  // Cut short.
  Add(3, [this](const v1::SnapshotRequest& request) {
    v1::SnapshotResponse answer = Honest(request);
    if (answer.has_chunk()) answer.mutable_chunk()->resize(answer.chunk().size() / 2);
    return answer;
  });
  // Poisoned: a value changed, everything else as it should be.
  Add(4, [this](const v1::SnapshotRequest& request) {
    v1::SnapshotResponse answer = Honest(request);
    if (answer.has_chunk() && request.window() == 0) {
      auto chunk = Decode<ledger::pb::StateChunk>(*ledger::InflateChunk(answer.chunk()));
      if (!chunk->entries().empty()) chunk->mutable_entries(0)->set_value("poison");
      answer.set_chunk(ledger::PackChunk(Encode(*chunk)));
    }
    return answer;
  });
  Add(5, [](const v1::SnapshotRequest&) { return std::nullopt; });  // silent
  Add(6, [](const v1::SnapshotRequest& request) {                   // endless
    v1::SnapshotResponse answer;
    answer.set_id(request.id());
    answer.set_chunk(ledger::PackChunk(Bytes(ledger::kMaxInflatedChunk + 1, '\0')));
    return answer;
  });
  Add(7, [](const v1::SnapshotRequest& request) {
    v1::SnapshotResponse answer;
    answer.set_id(request.id());
    answer.set_refusal(v1::SNAPSHOT_REFUSAL_GONE);
    return answer;
  });
  Begin();
  ASSERT_TRUE(Run(600));
  for (const std::uint8_t liar : {3, 4, 6}) EXPECT_GT(bad_[Peer(liar)], 0) << int{liar};
  EXPECT_EQ(bad_.count(Peer(1)), 0u);
  EXPECT_EQ(asked_[Peer(7)], 1);
  EXPECT_GT(asked_[Peer(1)], asked_[Peer(4)]);
  ExpectJoined();
}

TEST_F(SnapshotFetching, AfterARestartOnlyTheRestIsFetched) {
  // One place under way when the first run ended, and the places above the rest, which the second
  // finds by itself.
  constexpr int kAskedAgain = 4;
  AddHonest(1);
  Begin();
  while (restore_->state_done() < 0.4 && !Run(1)) {
  }
  const double before = restore_->state_done();
  ASSERT_GT(before, 0);
  ASSERT_LT(before, 1);
  const int first_run = std::exchange(asked_[Peer(1)], 0);
  Begin();
  EXPECT_EQ(restore_->state_done(), before);
  ASSERT_TRUE(Run(100));
  const int second_run = asked_[Peer(1)];
  EXPECT_LT(second_run, AllRequests());
  EXPECT_LE(first_run + second_run, AllRequests() + kAskedAgain);
  ExpectJoined();
}

// All answer but whoever is asked for what comes next.
TEST_F(SnapshotFetching, MemoryIsBoundedWhileTheLowestPlaceIsMissing) {
  for (std::uint8_t i = 1; i <= 40; ++i) {
    Add(i, [this](const v1::SnapshotRequest& request) -> std::optional<v1::SnapshotResponse> {
      v1::SnapshotResponse answer = Honest(request);
      const bool lowest = request.window() == 0 && request.path() == Hash().ToBytes();
      if (lowest && answer.has_chunk()) return std::nullopt;
      if (answer.has_chunk() && request.window() == 0) ++chunks_;
      return answer;
    });
  }
  Begin();
  EXPECT_FALSE(Run(500));
  EXPECT_EQ(restore_->state_done(), 0);
  EXPECT_GT(chunks_, 0u);
  EXPECT_LE(chunks_, SnapshotFetch::kMaxAhead) << "what waits is not asked for again";
  AddHonest(50);
  fetch_->OnPeer(Peer(50), true);
  EXPECT_TRUE(Run(5000));
}

TEST_F(SnapshotFetching, APeerThatAlwaysSaysDivideIsFoundOutByTheChunks) {
  Add(1, [this](const v1::SnapshotRequest& request) {
    v1::SnapshotResponse answer;
    if (request.window() != 0) return Honest(request);
    answer.set_id(request.id());
    answer.set_refusal(v1::SNAPSHOT_REFUSAL_DIVIDE);
    return answer;
  });
  AddHonest(2);
  Begin();
  ASSERT_TRUE(Run(1000));
  EXPECT_LT(asked_[Peer(1)], 100);
  ExpectJoined();
}

TEST_F(SnapshotFetching, DividingAloneComesToAnEnd) {
  Add(1, [](const v1::SnapshotRequest& request) {
    v1::SnapshotResponse answer;
    answer.set_id(request.id());
    answer.set_refusal(v1::SNAPSHOT_REFUSAL_DIVIDE);
    return answer;
  });
  Begin();
  EXPECT_FALSE(Run(5000));
  EXPECT_LT(asked_[Peer(1)], 600) << "256 places deep, and then ever less often";
  AddHonest(2);
  fetch_->OnPeer(Peer(2), true);
  ASSERT_TRUE(Run(1000));
  ExpectJoined();
}

TEST_F(SnapshotFetching, WhatASlowPeerKeepsAllWaitingForIsAskedOfAnother) {
  Add(1, [](const v1::SnapshotRequest&) { return std::nullopt; });
  AddHonest(2);
  Begin();
  const Timestamp began = now_;
  ASSERT_TRUE(Run(1000));
  EXPECT_LT(now_ - began, SnapshotFetch::kRequestTimeout.value);
  ExpectJoined();
}

TEST_F(SnapshotFetching, UnaskedAnswersAreIgnored) {
  AddHonest(1);
  Begin();
  v1::SnapshotResponse response;
  response.set_id(7);
  response.set_chunk("garbage");
  int bad = 0;
  EXPECT_TRUE(fetch_->OnResponse(Peer(1), response, now_, [&](const Error&) { ++bad; }));
  EXPECT_EQ(bad, 0);
}

}  // namespace
}  // namespace talent::node
