// The node's gRPC server: services, TLS, health, reflection and every bound on what clients may do.
#pragma once

#include <memory>
#include <vector>

#include "node/chain/chain_runner.h"
#include "node/rpc/grpc_tls.h"
#include "node/rpc/node_service.h"

namespace talent::node {

/// TLS always. Health ("talent.node.v1.Ledger", ".Node", ".Auth" and "") says SERVING from Start to
/// Stop. Thread-safe.
class GrpcServer {
 public:
  struct Options {
    std::string listen;  // "127.0.0.1:0" picks a free port
    ServerCertificate certificate;
    NodeInfo info;
  };

  /// Chains, clock and random source must outlive the server. Errors: kIo (address in use, or
  /// certificate refused; names the address).
  static Result<std::unique_ptr<GrpcServer>> Start(Options options,
                                                   std::vector<ChainRunner*> chains,
                                                   const Clock& clock, Random& random);
  ~GrpcServer();  // stops

  /// "127.0.0.1:9001", with the port really bound.
  const std::string& listen_address() const;

  /// Ends streams, takes no new calls, gives those that run kStopGrace to end, cancels the rest.
  /// Idempotent.
  void Stop();

  static constexpr Millis kStopGrace{2000};

 private:
  struct Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::node
