// The Node and Auth services of node_service.proto.
#pragma once

#include <functional>
#include <string>

#include "node/rpc/chain_access.h"
#include "talent/node/v1/node_service.grpc.pb.h"

namespace talent::node {

/// What a node says of itself.
struct NodeInfo {
  std::string name;
  std::string version;
  std::function<std::uint32_t()> peers;  // connected ones; thread-safe
};

class NodeService final : public v1::Node::CallbackService {
 public:
  /// `access` must outlive it.
  NodeService(const ChainAccess& access, NodeInfo info) : access_(access), info_(std::move(info)) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* ListEvidence(grpc::CallbackServerContext* context,
                                         const v1::ListEvidenceRequest* request,
                                         v1::ListEvidenceResponse* response) override;

 private:
  const ChainAccess& access_;
  const NodeInfo info_;
};

/// Challenge and login of clients by the key that the chain's registry knows them by.
class AuthService final : public v1::Auth::CallbackService {
 public:
  /// `access` must outlive it.
  explicit AuthService(ChainAccess& access) : access_(access) {}

  grpc::ServerUnaryReactor* GetChallenge(grpc::CallbackServerContext* context,
                                         const v1::GetChallengeRequest* request,
                                         v1::GetChallengeResponse* response) override;
  grpc::ServerUnaryReactor* Login(grpc::CallbackServerContext* context,
                                  const v1::LoginRequest* request,
                                  v1::LoginResponse* response) override;

 private:
  ChainAccess& access_;
};

}  // namespace talent::node
