// A small HTTP/1.1 server for operators: health, readiness, metrics and what else is put in its
// table.
//
// Read only (GET and HEAD), without TLS: meant for loopback or a trusted proxy.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"

namespace talent::node {

struct HttpRequest {
  std::string path;   // "/v1/chains/ab12", as sent: percent-escapes are left in
  std::string query;  // after '?', as sent
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// {"error":{"code":"NOT_FOUND","message":"…"}} with the HTTP status that fits the code.
HttpResponse HttpError(const Error& error);

/// Called on the server's thread, one at a time; may read from disk, must not wait for consensus.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// Path to handler. A path that ends in '/' serves everything below it; the longest match wins.
using HttpRoutes = std::map<std::string, HttpHandler>;

/// /healthz (the process answers), /readyz (`ready` has no error), /metrics (text of Prometheus).
HttpRoutes OperatorRoutes(std::function<Result<std::string>()> ready,
                          std::function<std::string()> metrics);

/// Runs on a thread of its own. Every refusal is a JSON error with a code (HttpError's).
class HttpServer {
 public:
  struct Options {
    std::string listen = "127.0.0.1:0";
    HttpRoutes routes;
    std::size_t max_connections = 64;              // more get 503 and are closed
    std::size_t max_header_bytes = 8192;           // as Apache and nginx; more get 431
    std::chrono::milliseconds request_time{5000};  // from the first byte awaited to the last one
                                                   // written; an idle connection is closed
  };

  /// Errors: kInvalidArgument (address), kIo (says which address).
  static Result<std::unique_ptr<HttpServer>> Start(Options options);
  /// Ends connections and the thread; no handler runs afterwards.
  ~HttpServer();

  /// "127.0.0.1:8001", with the port really bound.
  std::string listen_address() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::node
