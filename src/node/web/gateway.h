// The HTTP gateway: the read API under /api/, the explorer's files everywhere else.
//
// Plain HTTP without credentials, for loopback or behind a proxy that speaks TLS.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/ops/config.h"
#include "node/ops/http_server.h"
#include "node/rpc/node_service.h"

namespace talent::node {

class WebGateway {
 public:
  struct Options {
    WebConfig config;
    NodeInfo info;
    HttpObserver* observer = nullptr;
    // So that a test need not wait.
    std::chrono::milliseconds idle_time{15'000};     // a page's next click
    std::chrono::milliseconds request_time{10'000};  // of a phone on a slow line
  };

  /// Chains, clock, random source and observer must outlive it. Errors: those of HttpServer and
  /// ExplorerFiles.
  static Result<std::unique_ptr<WebGateway>> Start(Options options,
                                                   const std::vector<ChainRunner*>& chains,
                                                   const Clock& clock, Random& random);
  /// As HttpServer's.
  ~WebGateway();

  std::string listen_address() const;

 private:
  struct Impl;
  explicit WebGateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::node
