#include "node/chain/snapshot_join.h"

#include <spdlog/sinks/null_sink.h>

#include "network_fixture.h"
#include "node/chain/snapshot_server.h"
#include "unit/ledger/test_chain.h"

namespace talent::node {
namespace {

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
          *source_.database, source_.genesis(), frame.snapshot_request(), Height(20));
      server_->Send(from, answer);
      return true;
    };
    auto server = PeerNetwork::Start(io_.io(), server_key_, std::move(options));
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
    node_.chain.reset();
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
    join.log = std::make_shared<spdlog::logger>("snapshot",
                                                std::make_shared<spdlog::sinks::null_sink_mt>());
    join.stopped = std::move(stopped);
    return JoinBySnapshot(join);
  }

  ledger::TestChain source_;
  ledger::TestChain node_;
  const crypto::KeyPair server_key_ = ledger::KeyOf("node v0");
  const crypto::KeyPair own_key_ = ledger::KeyOf("joiner");
  SystemClock clock_;
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

TEST_F(SnapshotJoining, StoppingEndsIt) {
  const Status joined = Join(20, [] { return true; });
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, Code::kUnavailable);
  node_.Reopen();
}

}  // namespace
}  // namespace talent::node
