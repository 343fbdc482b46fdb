// Connections to other nodes: mutual TLS 1.3 over Boost.Asio, peers known by their node keys.
//
// A node's certificate is self-signed by its Ed25519 node key; that key, not a name or a CA, is
// what is checked. Who may connect is the host's decision (Options::authorize), from the chains'
// registries.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/ed25519.h"
#include "talent/node/v1/p2p.pb.h"

namespace talent::node {

using NodeKey = crypto::PublicKey;

/// Thread-safe. Two nodes that dial each other keep one connection.
class PeerNetwork {
 public:
  static constexpr std::size_t kMaxFrameBytes =
      16u << 20;  // a synced block batch; larger closes the connection

  struct Peer {
    std::string address;         // "127.0.0.1:7001"
    std::optional<NodeKey> key;  // pinned; nullopt only for a public chain's upstream
  };
  /// How long things may take. The defaults are for use, shorter ones for tests.
  struct Timing {
    std::chrono::milliseconds handshake{5000};    // from connecting until both said hello
    std::chrono::milliseconds keepalive{5000};    // a connection idle for this long says so
    std::chrono::milliseconds idle{15000};        // three keepalives missed: the peer is gone
    std::chrono::milliseconds redial_first{100};  // doubles with every failure, with jitter
    std::chrono::milliseconds redial_cap{10000};
  };
  struct Options {
    std::string listen;      // "127.0.0.1:0" picks a free port
    std::vector<Peer> dial;  // redialled with backoff for as long as the network runs
    /// Beyond three quarters of it a stranger's connection is closed at once. Peers of `dial` and
    /// members always get in: the configuration and the registries bound their number.
    std::size_t max_connections = 128;
    /// Incoming connections that have not proved their key yet; more are closed at once, and so are
    /// more from one address.
    std::size_t max_handshakes = 32;
    std::size_t max_handshakes_per_address = 8;
    /// Beyond it frames to that peer are dropped and counted. Sync responses may take half.
    std::size_t max_queued_bytes_per_peer = 64u << 20;
    Timing timing;
    std::shared_ptr<spdlog::logger> log;  // null: says nothing

    // The callbacks run on the io_context, one at a time, and never after ~PeerNetwork. They must
    // not block and must not destroy the network.

    /// May the holder of this node key be connected at all? Asked at the handshake, and again at
    /// every keepalive, so that a revoked key loses its connection.
    std::function<bool(const NodeKey&)> authorize;
    /// Is it more than a stranger, whose place no stranger may take? Null: nobody is.
    std::function<bool(const NodeKey&)> is_member;
    /// In the order received from one peer. Returning false (garbage, over its quota) closes the
    /// connection.
    std::function<bool(const NodeKey&, v1::Frame&&)> on_frame;
    /// Once with `up` when a peer is connected and once without when it is not any more. Where one
    /// connection replaces another the peer stays up.
    std::function<void(const NodeKey&, bool up)> on_peer;
  };

  /// Listens and starts dialling. `io` must outlive the network. Errors: kIo (address in use; says
  /// which), kInvalidArgument (an address).
  static Result<std::unique_ptr<PeerNetwork>> Start(boost::asio::io_context& io,
                                                    const crypto::KeyPair& node_key,
                                                    Options options);
  /// Closes everything. What is left of the coroutines ends on `io`, or goes with it.
  ~PeerNetwork();

  /// Peers to dial besides those of Options::dial, in the place of what was set before. Connections
  /// that are open stay open.
  void SetLearned(std::map<NodeKey, std::string> addresses);

  /// "127.0.0.1:7001", with the port really bound.
  std::string listen_address() const;

  // Frames go out in order, but sync responses after everything else that waits. One frame is never
  // overtaken half-way: keep sync responses to about 1 MiB, or votes wait behind them.

  /// Queues a frame; never blocks. False where the peer is not connected, its queue is full or the
  /// frame is over kMaxFrameBytes.
  bool Send(const NodeKey& to, const v1::Frame& frame);
  /// Serialises once. Returns to how many it was queued.
  std::size_t SendToAll(const std::vector<NodeKey>& to, const v1::Frame& frame);

  struct PeerInfo {
    NodeKey key;
    std::string address;
    bool outgoing = false;
    std::uint64_t frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0, dropped = 0;
  };
  std::vector<PeerInfo> peers() const;

  /// Sums over all peers since the start, connected or not; they only grow.
  struct Totals {
    std::uint64_t frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0, dropped = 0;
    std::uint64_t refused = 0;  // connections that ended before hello, incoming ones
  };
  Totals totals() const;

 private:
  struct Impl;
  explicit PeerNetwork(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with its coroutines, which end when the network goes
};

}  // namespace talent::node
