// Frames through PeerNetwork: two networks in one process, each with its thread, over loopback TLS.
#include <benchmark/benchmark.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "node/peers/p2p.h"

namespace talent::node {
namespace {

struct Side {
  explicit Side(std::uint8_t n) {
    crypto::Seed seed;
    seed.data()[0] = n;
    key = std::make_unique<crypto::KeyPair>(crypto::KeyPair::FromSeed(seed));
    options.listen = "127.0.0.1:0";
    options.authorize = [](const NodeKey&) { return true; };
    options.on_frame = [this](const NodeKey&, v1::Frame&&) {
      ++received;
      received.notify_one();
      return true;
    };
    options.on_peer = [this](const NodeKey&, bool) {
      up = true;
      up.notify_one();
    };
  }
  void Start() { network = PeerNetwork::Start(io, *key, options).value(); }
  ~Side() {
    network.reset();
    work.reset();
    thread.join();
  }

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::unique_ptr<crypto::KeyPair> key;
  PeerNetwork::Options options;
  std::atomic<std::size_t> received = 0;
  std::atomic<bool> up = false;
  std::unique_ptr<PeerNetwork> network;
  std::thread thread{[this] { io.run(); }};
};

// Frames sent before waiting for them: far below the queue's bound.
constexpr std::size_t kBurst = 1000;

void FramesOverTls(benchmark::State& state) {
  Side a(1), b(2);
  a.Start();
  b.options.dial.push_back({a.network->listen_address(), a.key->public_key()});
  b.Start();
  a.up.wait(false);
  v1::Frame frame;
  frame.set_chain_id(std::string(32, 'c'));
  frame.set_consensus(std::string(static_cast<std::size_t>(state.range(0)), 'x'));
  std::size_t sent = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) sent += a.network->Send(b.key->public_key(), frame);
    for (std::size_t seen = b.received; seen < sent; seen = b.received) b.received.wait(seen);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(sent));
  state.SetBytesProcessed(static_cast<std::int64_t>(sent) * state.range(0));
}
BENCHMARK(FramesOverTls)->Arg(200)->Arg(1024)->Arg(16384)->UseRealTime();

// One frame there and back: what a vote waits for.
void RoundTripOverTls(benchmark::State& state) {
  Side a(1), b(2);
  b.options.on_frame = [&](const NodeKey& from, v1::Frame&& frame) {
    return b.network->Send(from, frame);
  };
  a.Start();
  b.options.dial.push_back({a.network->listen_address(), a.key->public_key()});
  b.Start();
  a.up.wait(false);
  v1::Frame frame;
  frame.set_chain_id(std::string(32, 'c'));
  frame.set_consensus(std::string(200, 'x'));
  for (auto _ : state) {
    const std::size_t seen = a.received;
    a.network->Send(b.key->public_key(), frame);
    a.received.wait(seen);
  }
}
BENCHMARK(RoundTripOverTls)->UseRealTime();

}  // namespace
}  // namespace talent::node
