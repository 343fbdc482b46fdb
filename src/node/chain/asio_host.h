// A chain's host in the daemon: a strand, the node's worker threads and its network.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "base/env.h"
#include "node/chain/chain_host.h"
#include "node/chain/storage_thread.h"
#include "node/chain/verify_pool.h"

namespace talent::node {

class Metrics;

/// What a node's chains share; everything outlives the chains.
struct AsioHostParts {
  std::string chain;                      // name, for logs and metrics
  boost::asio::any_io_executor executor;  // the host makes its strand on it
  VerifyPool* verify = nullptr;
  StorageThread* storage = nullptr;
  const Clock* clock = nullptr;
  Metrics* metrics = nullptr;  // none in tests
  std::function<bool(const NodeKey&, const v1::Frame&)> send;
  std::function<void(const std::vector<NodeKey>&, const v1::Frame&)> send_to_all;
};

/// Ends the process when votes are lost.
std::unique_ptr<ChainHost> MakeAsioHost(AsioHostParts parts);

}  // namespace talent::node
