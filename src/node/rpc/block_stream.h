// StreamBlocks: sealed blocks in order, each read from the store when the client can take it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <boost/asio/thread_pool.hpp>
#include <memory>

#include "node/rpc/chain_access.h"

namespace talent::node {

/// Starts streams and bounds how many run. A stream holds one block in memory, the one being
/// written: a slow client slows its own stream and nothing else.
class BlockStreams {
 public:
  static constexpr std::size_t kMaxStreams = 256;  // one block each: at most some hundred MiB

  BlockStreams(ChainAccess& access, boost::asio::thread_pool& readers);

  /// The stream answering a call; owned by gRPC until its OnDone.
  grpc::ServerWriteReactor<v1::StreamBlocksResponse>* Open(const CallMetadata& metadata,
                                                           const v1::StreamBlocksRequest& request);

  /// Ends every stream, and refuses new ones from then on.
  void Stop();

 private:
  class OpenStreams;

  ChainAccess& access_;
  boost::asio::thread_pool& readers_;
  std::shared_ptr<OpenStreams> open_;  // shared with the streams, which sign off in it
};

}  // namespace talent::node
