// Nodes that know one address come to know the others.

#include "node/peers/address_gossip.h"

#include <boost/asio/post.hpp>
#include <future>

#include "network_fixture.h"
#include "node/ops/log.h"
#include "support/temp_dir.h"

namespace talent::node {
namespace {

const ChainId kChain = ChainId::FromBytes(Bytes(ChainId::kSize, 'c')).value();

/// A network with its gossip; everybody in `members_` is a validator.
class Gossiper {
 public:
  Gossiper(boost::asio::io_context& io, std::uint8_t n, std::filesystem::path file,
           std::set<NodeKey> members)
      : io_(io), pair_(TestKey(n)), file_(std::move(file)), members_(std::move(members)) {}
  ~Gossiper() {
    // Where it runs.
    std::promise<void> gone;
    boost::asio::post(io_, [&] {
      network_.reset();
      gossip_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  void Start(const std::vector<PeerNetwork::Peer>& dial) {
    PeerNetwork::Options options;
    options.listen = "127.0.0.1:0";
    options.dial = dial;
    options.timing.redial_first = std::chrono::milliseconds(10);
    options.authorize = [this](const NodeKey& key) { return members_.contains(key); };
    options.on_frame = [this](const NodeKey& from, v1::Frame&& frame) {
      return gossip_->OnAddress(from, ChainId::FromBytes(frame.chain_id()).value(),
                                frame.address());
    };
    options.on_peer = [this](const NodeKey& peer, bool up) {
      gossip_->OnPeer(peer, up);
      const std::lock_guard lock(mutex_);
      up ? (void)up_.insert(peer) : (void)up_.erase(peer);
      changed_.notify_all();
    };
    std::promise<void> started;
    boost::asio::post(io_, [&] {
      network_ = PeerNetwork::Start(io_, pair_, options).value();
      gossip_ = AddressGossip::Start(io_, *network_, GossipOptions()).value();
      started.set_value();
    });
    started.get_future().wait();
  }

  PeerNetwork::Peer peer() const { return {network_->listen_address(), pair_.public_key()}; }
  bool AwaitUp(std::uint8_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return up_.contains(TestKey(n).public_key()); });
  }
  bool AwaitRefused(const ChainId& chain, Code code) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      return refused_.contains({chain, code});
    });
  }
  bool AwaitSaved() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return saved_; });
  }

 private:
  AddressGossip::Options GossipOptions() {
    AddressGossip::Options options;
    options.self = &pair_;
    options.advertise = network_->listen_address();
    options.file = file_;
    options.chains = {kChain};
    options.clock = &clock_;
    options.is_member = [this](const ChainId& chain, const NodeKey& key) {
      return chain == kChain && members_.contains(key);
    };
    options.validators = [this](const ChainId&) {
      return std::vector<NodeKey>(members_.begin(), members_.end());
    };
    options.store = [this](const std::function<void()>& job) {
      job();
      const std::lock_guard lock(mutex_);
      saved_ = true;
      changed_.notify_all();
    };
    options.refused = [this](const ChainId& chain, const Error& error) {
      const std::lock_guard lock(mutex_);
      ++refused_[{chain, error.code}];
      changed_.notify_all();
    };
    options.log = ComponentLog("p2p");
    return options;
  }

  boost::asio::io_context& io_;
  const crypto::KeyPair pair_;
  const std::filesystem::path file_;
  const std::set<NodeKey> members_;
  SystemClock clock_;
  std::unique_ptr<PeerNetwork> network_;
  std::unique_ptr<AddressGossip> gossip_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<NodeKey> up_;
  std::map<std::pair<ChainId, Code>, int> refused_;
  bool saved_ = false;
};

TEST(AddressGossip, WhatIsRefusedIsTold) {
  IoThread thread;
  const TempDir dir;
  TestNode liar(thread.io(), 2);
  liar.Start();
  Gossiper a(thread.io(), 1, dir.path() / "a", {TestKey(1).public_key(), TestKey(2).public_key()});
  a.Start({{liar.address(), liar.key()}});
  ASSERT_TRUE(liar.AwaitUp(TestKey(1).public_key()));
  const ChainId other = ChainId::FromBytes(Bytes(ChainId::kSize, 'o')).value();
  for (const ChainId& chain : {other, kChain}) {
    AddressBook book;
    v1::Frame frame;
    frame.set_chain_id(chain.ToBytes());
    *frame.mutable_address() =
        book.Announce(chain, TestKey(2), "node.example:7001", Timestamp(1'700'000'000'000));
    frame.mutable_address()->mutable_signature()->front() ^= 1;
    ASSERT_TRUE(liar.network().Send(TestKey(1).public_key(), frame));
  }
  EXPECT_TRUE(a.AwaitRefused(other, Code::kUnauthorized));
  EXPECT_TRUE(a.AwaitRefused(kChain, Code::kBadSignature));
}

TEST(AddressGossip, NodesThatKnowOneAddressReachEachOther) {
  IoThread thread;
  const TempDir dir;
  const std::set<NodeKey> members{TestKey(1).public_key(), TestKey(2).public_key(),
                                  TestKey(3).public_key()};
  Gossiper a(thread.io(), 1, dir.path() / "a", members);
  Gossiper b(thread.io(), 2, dir.path() / "b", members);
  a.Start({});
  b.Start({a.peer()});
  {
    Gossiper c(thread.io(), 3, dir.path() / "c", members);
    c.Start({a.peer()});
    EXPECT_TRUE(c.AwaitUp(2));
    EXPECT_TRUE(b.AwaitUp(3));
    EXPECT_TRUE(c.AwaitSaved());
  }
  // It finds them again with nothing but its file.
  Gossiper again(thread.io(), 3, dir.path() / "c", members);
  again.Start({});
  EXPECT_TRUE(again.AwaitUp(1));
  EXPECT_TRUE(again.AwaitUp(2));
}

}  // namespace
}  // namespace talent::node
