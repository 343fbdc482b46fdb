// A running node: everything its configuration names, from the database to the listening sockets.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "node/chain/chain_runner.h"
#include "node/ops/config.h"

namespace talent::node {

/// Runs from Start until destroyed; destruction stops gracefully: clients first, then peers, then
/// the chains, then the disk.
class Node {
 public:
  /// Errors: whatever keeps it from starting, naming the file, key or address.
  /// `accept_lost_votes` names chains whose validator here votes although its vote log is lost: the
  /// operator vouches that no vote of this key is remembered anywhere else. Where the configuration
  /// says so, a chain that is far behind is fetched as a snapshot first, which takes its time;
  /// `stopped`, asked meanwhile, ends that with kUnavailable.
  static Result<std::unique_ptr<Node>> Start(const Config& config,
                                             const std::set<std::string>& accept_lost_votes,
                                             const std::function<bool()>& stopped = {});
  ~Node();

  /// With the ports really bound.
  struct Addresses {
    std::string p2p, grpc, http, web;  // web: empty where there is no gateway
  };
  const Addresses& addresses() const;

  /// How a hosted chain stands, by its name. Errors: kNotFound.
  Result<ChainStatusInfo> ChainStatus(const std::string& chain) const;
  std::size_t connected_peers() const;

 private:
  struct Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Starts a node, waits for SIGTERM or SIGINT, and stops it. Errors: those of Start.
Status RunNode(const Config& config, const std::set<std::string>& accept_lost_votes);

}  // namespace talent::node
