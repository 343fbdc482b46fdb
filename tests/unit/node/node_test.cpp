#include "node/node.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "crypto/key_file.h"
#include "network_fixture.h"
#include "node/chain/snapshot_server.h"
#include "unit/ledger/test_chain.h"

namespace talent::node {
namespace {

constexpr char kPassphrase[] = "correct horse battery staple";

/// A node that follows chains, and one peer that its operator has named.
class NodeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.name = "here";
    config_.home = dir_.path();
    config_.node_key_file = dir_.path() / "node.key";
    config_.passphrase_file = dir_.path() / "passphrase";
    config_.p2p_listen = config_.grpc_listen = config_.http_listen = "127.0.0.1:0";
    config_.log.level = "error";
    ASSERT_TRUE(WriteFile(config_.passphrase_file, kPassphrase, 0600, IfExists::kFail));
    ASSERT_TRUE(crypto::WriteKeyFile(config_.node_key_file, TestKey(9), "node", kPassphrase,
                                     crypto::KdfCost::kInteractive, random_));
    peer_.Start();
    config_.peers.push_back({peer_.address(), peer_.key()});
  }

  /// Follows a private chain whose `follower`, if any, may read it.
  ChainId Host(const std::string& name, std::optional<NodeKey> follower) {
    nlohmann::json genesis = ledger::GenesisJson();
    genesis["name"] = name;
    genesis["app"]["parties"] = {{{"id", "centre"},
                                  {"role", "centre"},
                                  {"name", "centre"},
                                  {"keys", {TestKey(8).public_key().Hex()}}}};
    if (follower) {
      genesis["followers"].push_back({{"name", "peer"}, {"node_key", follower->Hex()}});
    }
    ChainConfig chain;
    chain.genesis = dir_.path() / (name + ".json");
    EXPECT_TRUE(WriteFile(chain.genesis, genesis.dump(), 0600, IfExists::kFail));
    config_.chains.push_back(chain);
    return ledger::Genesis::Parse(genesis.dump()).value().chain_id();
  }

  void Start() {
    auto node = Node::Start(config_, {});
    ASSERT_TRUE(node) << node.error().ToString();
    node_ = std::move(*node);
  }

  void AskForSnapshot(const ChainId& chain) {
    v1::Frame frame;
    frame.set_chain_id(chain.ToBytes());
    frame.mutable_snapshot_request();
    EXPECT_TRUE(peer_.network().Send(TestKey(9).public_key(), frame));
  }
  static bool IsAnswer(const v1::Frame& frame, const ChainId& chain) {
    return frame.has_snapshot_response() && frame.chain_id() == chain.View();
  }

  TempDir dir_;
  crypto::SystemRandom random_;
  IoThread io_;
  TestNode peer_{io_.io(), 1};
  Config config_;
  std::unique_ptr<Node> node_;
};

TEST_F(NodeTest, SnapshotsGoOnlyToThoseWhoMayReadTheChain) {
  const ChainId foreign = Host("foreign", std::nullopt);
  const ChainId shared = Host("shared", peer_.key());
  Start();
  ASSERT_TRUE(peer_.AwaitUp(TestKey(9).public_key()));
  // More than it is served in a second: the rest would be refused at once, before what is asked
  // next is answered.
  for (std::uint64_t i = 0; i < 2 * SnapshotServer::kChunksPerSecond; ++i) AskForSnapshot(foreign);
  AskForSnapshot(shared);
  ASSERT_TRUE(peer_.AwaitFrame([&](const v1::Frame& frame) { return IsAnswer(frame, shared); }));
  for (const auto& [from, frame] : peer_.frames()) EXPECT_FALSE(IsAnswer(frame, foreign));
  EXPECT_EQ((node_->ChainStatus("foreign")->refused[{"snapshot", "unauthorized"}]),
            2 * SnapshotServer::kChunksPerSecond);
}

/// A peer that serves a chain of 20 blocks, and nodes that begin from its snapshot.
class NodeFromSnapshot : public NodeTest {
 protected:
  /// The genesis of Host("far", the peer) and its chain, over there.
  void HostFar() {
    Host("far", peer_.key());
    config_.chains.back().snapshot_behind = 10;
    source_.emplace(4, ReadFile(config_.chains.back().genesis, 1u << 20).value());
    for (int i = 1; i <= 20; ++i) source_->Commit({source_->Put("key", std::to_string(i))});
    serving_.options().on_frame = [this](const NodeKey& from, v1::Frame&& frame) {
      if (frame.has_snapshot_request() &&
          frame.chain_id() == source_->genesis().chain_id().View()) {
        v1::Frame answer;
        answer.set_chain_id(frame.chain_id());
        *answer.mutable_snapshot_response() = SnapshotServer::Answer(
            *source_->database, source_->genesis(), frame.snapshot_request(), Height(20));
        serving_.network().Send(from, answer);
      }
      return true;
    };
    serving_.Start();
    config_.peers = {{serving_.address(), serving_.key()}};
  }

  std::optional<ledger::TestChain> source_;
  TestNode serving_{io_.io(), 2};
};

TEST_F(NodeFromSnapshot, ItHostsTheChainAtTheSnapshotsHeight) {
  HostFar();
  Start();
  const auto status = node_->ChainStatus("far");
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(status->head.hash, source_->chain->head().hash);
}

TEST_F(NodeFromSnapshot, AStopWhileItIsFetchedIsNoCrash) {
  HostFar();
  const auto node = Node::Start(config_, {}, [] { return true; });
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, Code::kUnavailable);
}

TEST_F(NodeFromSnapshot, AChainThatThisNodePromotesFromIsRefused) {
  HostFar();
  Host("target", std::nullopt);
  config_.promotions.push_back({"far", "target"});
  const auto node = Node::Start(config_, {});
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, Code::kPrecondition);
}

}  // namespace
}  // namespace talent::node
