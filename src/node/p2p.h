// Connections to other nodes: mutual TLS 1.3 over Boost.Asio, peers known by their node keys.
//
// A node's certificate is self-signed by its Ed25519 node key; that key, not a name or a CA, is
// what is checked. Who may connect is the host's decision (Options::authorize), from the chains'
// registries.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
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
  struct Options {
    std::string listen;      // "127.0.0.1:0" picks a free port
    std::vector<Peer> dial;  // redialled with backoff for as long as the network runs
    std::size_t max_connections = 128;
    std::size_t max_queued_bytes_per_peer =
        64u << 20;  // beyond it frames to that peer are dropped and counted
    /// May the holder of this node key connect at all?
    std::function<bool(const NodeKey&)> authorize;
    /// Called on the io_context's thread, in the order received from one peer; must not block.
    /// Returning false (garbage, over its quota) closes the connection.
    std::function<bool(const NodeKey&, v1::Frame&&)> on_frame;
    std::function<void(const NodeKey&, bool up)> on_peer;
  };

  /// Listens and starts dialling. `io` must outlive the network. Errors: kIo (address in use; says
  /// which).
  static Result<std::unique_ptr<PeerNetwork>> Start(boost::asio::io_context& io,
                                                    const crypto::KeyPair& node_key,
                                                    Options options);
  ~PeerNetwork();  // closes everything

  /// "127.0.0.1:7001", with the port really bound.
  std::string listen_address() const;

  /// Queues a frame; false where the peer is not connected or its queue is full.
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

 private:
  struct Impl;
  explicit PeerNetwork(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with its coroutines, which end when the network goes
};

}  // namespace talent::node
