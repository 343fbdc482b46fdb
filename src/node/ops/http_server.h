// A small HTTP/1.1 server: for operators (health, readiness, metrics) and for the read gateway
// (node/web).
//
// Read only (GET and HEAD), without TLS: meant for loopback or a trusted proxy.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/env.h"
#include "node/ops/http_message.h"

namespace talent::node {

/// Path to handler. A path that ends in '/' serves everything below it; the longest match wins.
using HttpRoutes = std::map<std::string, HttpHandler>;
HttpHandler ByRoute(HttpRoutes routes);

/// /healthz (the process answers), /readyz (`ready` has no error), /metrics (text of Prometheus).
HttpRoutes OperatorRoutes(std::function<Result<std::string>()> ready,
                          std::function<std::string()> metrics);

/// Is told what a server does, on its threads.
class HttpObserver {
 public:
  virtual ~HttpObserver() = default;
  virtual void Answered(std::string_view route, unsigned status,
                        std::chrono::duration<double> took) = 0;
  /// `reason` is a word: "connections", "address", "rate", "request", "timeout", "memory".
  virtual void Refused(std::string_view reason) = 0;
  virtual void Connections(std::size_t open) = 0;
};

/// Every refusal is a JSON error with a code (HttpError's).
class HttpServer {
 public:
  struct Options {
    std::string listen = "127.0.0.1:0";
    HttpHandler handler;
    /// Threads that handlers run on, side by side; 0: the server's own, one at a time. A handler
    /// may read from disk and must not wait for consensus.
    std::size_t readers = 0;
    std::size_t max_connections = 64;              // more get 503 and are closed
    std::size_t max_header_bytes = 8192;           // as Apache and nginx; more get 431
    std::size_t max_target_bytes = 4096;           // path and query; more get 414
    std::chrono::milliseconds idle_time{5000};     // until the first byte of a request
    std::chrono::milliseconds request_time{5000};  // from there to its last one; and to take the
                                                   // answer
    /// Of answers that wait to be sent, together; more get 503: readers that are slow on purpose
    /// hold no more.
    std::size_t max_sending_bytes = 256u << 20;

    // Towards strangers. 0: no bound.
    std::size_t max_connections_per_address = 0;  // more get 429 and are closed
    std::uint32_t requests_per_second = 0;        // of an address; more get 429
    std::uint32_t burst = 0;                      // of them at once
    /// Clients come through a proxy that says who they are (X-Forwarded-For): requests count for
    /// them, and connections, which are the proxy's, for nobody.
    bool behind_proxy = false;
    bool cors = false;             // pages of any origin may read
    const Clock* clock = nullptr;  // of the rate; needed where there is one
    HttpObserver* observer = nullptr;
  };

  /// Errors: kInvalidArgument (address), kIo (says which address).
  static Result<std::unique_ptr<HttpServer>> Start(Options options);
  /// Takes no new connections, lets requests that run end for kStopGrace, and ends the threads; no
  /// handler runs afterwards.
  ~HttpServer();
  static constexpr std::chrono::milliseconds kStopGrace{2000};

  /// "127.0.0.1:8001", with the port really bound.
  std::string listen_address() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::node
