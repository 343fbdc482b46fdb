// The Ledger service of node_service.proto: parse, ask one chain, answer.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "node/rpc/block_stream.h"
#include "node/rpc/chain_access.h"
#include "talent/node/v1/node_service.grpc.pb.h"

namespace talent::node {

/// Handlers run on gRPC's threads, read the chains directly and wait for nothing; what waits
/// (outcomes, new blocks) is a reactor that a chain wakes.
class LedgerService final : public v1::Ledger::CallbackService {
 public:
  /// `access` and `readers` (a thread to read blocks on when a chain announces them) must outlive
  /// it.
  LedgerService(ChainAccess& access, boost::asio::thread_pool& readers)
      : access_(access), streams_(access, readers) {}

  /// Ends the streams, which would otherwise go on for as long as their clients like.
  void Stop() { streams_.Stop(); }

  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context,
                                   const v1::SubmitRequest* request,
                                   v1::SubmitResponse* response) override;
  grpc::ServerUnaryReactor* SubmitAndWait(grpc::CallbackServerContext* context,
                                          const v1::SubmitAndWaitRequest* request,
                                          v1::SubmitAndWaitResponse* response) override;
  grpc::ServerUnaryReactor* SubmitAllAndWait(grpc::CallbackServerContext* context,
                                             const v1::SubmitAllAndWaitRequest* request,
                                             v1::SubmitAllAndWaitResponse* response) override;
  grpc::ServerUnaryReactor* GetTransaction(grpc::CallbackServerContext* context,
                                           const v1::GetTransactionRequest* request,
                                           v1::GetTransactionResponse* response) override;
  grpc::ServerUnaryReactor* GetBlock(grpc::CallbackServerContext* context,
                                     const v1::GetBlockRequest* request,
                                     v1::GetBlockResponse* response) override;
  grpc::ServerWriteReactor<v1::StreamBlocksResponse>* StreamBlocks(
      grpc::CallbackServerContext* context, const v1::StreamBlocksRequest* request) override;
  grpc::ServerUnaryReactor* GetState(grpc::CallbackServerContext* context,
                                     const v1::GetStateRequest* request,
                                     v1::GetStateResponse* response) override;
  grpc::ServerUnaryReactor* ScanState(grpc::CallbackServerContext* context,
                                      const v1::ScanStateRequest* request,
                                      v1::ScanStateResponse* response) override;
  grpc::ServerUnaryReactor* GetProof(grpc::CallbackServerContext* context,
                                     const v1::GetProofRequest* request,
                                     v1::GetProofResponse* response) override;

 private:
  ChainAccess& access_;
  BlockStreams streams_;
};

}  // namespace talent::node
