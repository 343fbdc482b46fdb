// Nodes on loopback for tests of PeerNetwork: each records what its callbacks were told.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "crypto/ed25519.h"
#include "node/peers/p2p.h"

namespace talent::node {

inline crypto::KeyPair TestKey(std::uint8_t n) {
  crypto::Seed seed;
  seed.data()[0] = n;
  return crypto::KeyPair::FromSeed(seed);
}

inline v1::Frame ConsensusFrame(std::string text) {
  v1::Frame frame;
  frame.set_chain_id(std::string(ChainId::kSize, 'c'));
  frame.set_consensus(std::move(text));
  return frame;
}

/// An io_context with its thread.
class IoThread {
 public:
  ~IoThread() {
    work_.reset();
    thread_.join();  // returns only if the networks have ended all they began
  }
  boost::asio::io_context& io() { return io_; }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io_);
  std::thread thread_{[this] { io_.run(); }};
};

/// A PeerNetwork and what it was told. Started by Start, so that peers can name its address.
class TestNode {
 public:
  TestNode(boost::asio::io_context& io, std::uint8_t n) : io_(io), pair_(TestKey(n)) {
    options_.listen = "127.0.0.1:0";
    options_.timing.redial_first = std::chrono::milliseconds(10);
    options_.authorize = [this](const NodeKey& key) {
      const std::lock_guard lock(mutex_);
      ++asked_;
      changed_.notify_all();
      return !refused_.contains(key);
    };
    options_.on_frame = [this](const NodeKey& from, v1::Frame&& frame) {
      const std::lock_guard lock(mutex_);
      frames_.emplace_back(from, std::move(frame));
      changed_.notify_all();
      return accept_frames_;
    };
    options_.on_peer = [this](const NodeKey& key, bool up) {
      const std::lock_guard lock(mutex_);
      events_.emplace_back(key, up);
      up ? (void)up_.insert(key) : (void)up_.erase(key);
      changed_.notify_all();
    };
  }

  PeerNetwork::Options& options() { return options_; }
  const NodeKey& key() const { return pair_.public_key(); }
  PeerNetwork& network() { return *network_; }
  std::string address() const { return network_->listen_address(); }

  void Dial(const std::string& to, std::optional<NodeKey> pinned) {
    options_.dial.push_back({to, pinned});
  }
  void Start() {
    auto network = PeerNetwork::Start(io_, pair_, options_);
    ASSERT_TRUE(network) << network.error().ToString();
    network_ = std::move(*network);
  }
  void Stop() { network_.reset(); }
  void Refuse(const NodeKey& key) {
    const std::lock_guard lock(mutex_);
    refused_.insert(key);
  }
  void RefuseFrames() {
    const std::lock_guard lock(mutex_);
    accept_frames_ = false;
  }

  bool Send(const TestNode& to, std::string text) {
    return network_->Send(to.key(), ConsensusFrame(std::move(text)));
  }

  /// Waits until `condition` holds; false when it never does. Checked whenever a callback came.
  template <class Condition>
  bool Await(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }
  bool AwaitUp(const TestNode& peer) { return AwaitUp(peer.key()); }
  bool AwaitUp(const NodeKey& peer) {
    return Await([&] { return up_.contains(peer); });
  }
  bool AwaitDown(const TestNode& peer) {
    return Await([&] { return !up_.contains(peer.key()); });
  }
  bool AwaitFrames(std::size_t n) {
    return Await([&] { return frames_.size() >= n; });
  }
  /// Waits for a frame that is as `wanted` says.
  template <class Wanted>
  bool AwaitFrame(Wanted wanted) {
    return Await([&] {
      return std::any_of(frames_.begin(), frames_.end(),
                         [&](const auto& frame) { return wanted(frame.second); });
    });
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  bool AwaitAsked(int times) {
    return Await([&] { return asked_ >= times; });
  }

  std::vector<std::pair<NodeKey, v1::Frame>> frames() {
    const std::lock_guard lock(mutex_);
    return frames_;
  }
  std::vector<std::pair<NodeKey, bool>> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  boost::asio::io_context& io_;
  crypto::KeyPair pair_;
  PeerNetwork::Options options_;
  std::mutex mutex_;  // guards all down to accept_frames_
  std::condition_variable changed_;
  std::vector<std::pair<NodeKey, v1::Frame>> frames_;
  std::vector<std::pair<NodeKey, bool>> events_;
  std::set<NodeKey> refused_, up_;
  int asked_ = 0;
  bool accept_frames_ = true;
  std::unique_ptr<PeerNetwork> network_;
};

}  // namespace talent::node
