// The Market service of market_service.proto: what the tiers' rules compute from a chain's state.
#pragma once

#include "node/rpc/chain_access.h"
#include "talent/node/v1/market_service.grpc.pb.h"

namespace talent::node {

/// Handlers run on gRPC's threads and wait for nothing.
class MarketService final : public v1::Market::CallbackService {
 public:
  /// `access` must outlive it.
  explicit MarketService(ChainAccess& access) : access_(access) {}

  grpc::ServerUnaryReactor* GetCareer(grpc::CallbackServerContext* context,
                                      const v1::GetCareerRequest* request,
                                      v1::GetCareerResponse* response) override;
  grpc::ServerUnaryReactor* JudgeMove(grpc::CallbackServerContext* context,
                                      const v1::JudgeMoveRequest* request,
                                      v1::JudgeMoveResponse* response) override;

 private:
  ChainAccess& access_;
};

}  // namespace talent::node
