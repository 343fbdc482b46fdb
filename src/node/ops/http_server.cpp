#include "node/ops/http_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <set>
#include <thread>

#include "node/await.h"
#include "node/ops/http_limits.h"
#include "node/peers/address.h"

namespace talent::node {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

// Out of file descriptors, say: trying again at once would only burn the processor.
constexpr std::chrono::milliseconds kHttpAcceptPause{100};

// What is read of a refused request before its connection is closed: closed over unread bytes, the
// client's kernel throws our answer away.
constexpr std::size_t kDrainBytes = 256u << 10;
constexpr std::chrono::milliseconds kDrainTime{1000};
constexpr const char* kRetrySoon = "1";  // seconds

HttpResponse WithRetry(HttpResponse response, std::string seconds) {
  response.headers.emplace_back("Retry-After", std::move(seconds));
  return response;
}

HttpResponse Busy(unsigned status, const char* message) {
  return WithRetry(HttpError(status, Code::kExhausted, message), kRetrySoon);
}

/// What a request that could not be read is answered with; nullopt where there is nobody to answer.
std::optional<HttpResponse> RefusalOf(const beast::error_code& ec, bool read_target) {
  if (ec == http::error::header_limit) {
    if (!read_target) {
      return HttpError(414, Code::kTooLarge, "the request's path and query are too long");
    }
    return HttpError(431, Code::kTooLarge, "the request's header is too large");
  }
  if (ec == http::error::body_limit || ec == http::error::unexpected_body) {
    return HttpError(413, Code::kTooLarge, "this server takes requests without a body only");
  }
  if (ec.category() == beast::error_code(http::error::bad_method).category() &&
      ec != http::error::end_of_stream && ec != http::error::partial_message) {
    return HttpError(400, Code::kInvalidArgument, "not an HTTP request: " + ec.message());
  }
  return std::nullopt;
}

/// What pages of other origins may do; nothing here depends on who asks.
HttpResponse Preflight() {
  HttpResponse out{204, "", ""};
  out.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
                 {"Access-Control-Allow-Headers", "If-None-Match"},
                 {"Access-Control-Max-Age", "86400"},
                 {"Cache-Control", "public, max-age=86400"}};
  return out;
}

http::response<http::string_body> ToBeast(HttpResponse&& from, unsigned version, bool keep_alive,
                                          bool cors) {
  http::response<http::string_body> out(static_cast<http::status>(from.status), version);
  out.set(http::field::cache_control, "no-store");
  out.set("X-Content-Type-Options", "nosniff");
  out.set("Referrer-Policy", "no-referrer");
  if (cors) {
    out.set("Access-Control-Allow-Origin", "*");
    out.set("Access-Control-Expose-Headers", "ETag, Retry-After");
  }
  if (from.status == 405) out.set(http::field::allow, cors ? "GET, HEAD, OPTIONS" : "GET, HEAD");
  for (const auto& [name, value] : from.headers) out.set(name, value);
  out.keep_alive(keep_alive);
  if (from.status == 204 || from.status == 304) return out;  // neither has a body
  out.set(http::field::content_type, from.content_type);
  out.body() = std::move(from.body);
  out.prepare_payload();
  return out;
}

}  // namespace

HttpRoutes OperatorRoutes(std::function<Result<std::string>()> ready,
                          std::function<std::string()> metrics) {
  HttpRoutes out;
  out["/healthz"] = [](const HttpRequest&) { return HttpResponse{200, "text/plain", "ok\n"}; };
  out["/readyz"] = [ready = std::move(ready)](const HttpRequest&) {
    const Result<std::string> yes = ready();
    if (yes) return HttpResponse{200, "text/plain", "ready\n" + *yes};
    return HttpError(503, yes.error().code, yes.error().message);
  };
  out["/metrics"] = [metrics = std::move(metrics)](const HttpRequest&) {
    return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics()};
  };
  return out;
}

HttpHandler ByRoute(HttpRoutes routes) {
  return [routes = std::move(routes)](const HttpRequest& request) {
    const std::string& path = request.path;
    auto found = routes.find(path);
    for (std::size_t end = path.rfind('/'); found == routes.end() && end != path.npos;
         end = end == 0 ? path.npos : path.rfind('/', end - 1)) {
      found = routes.find(path.substr(0, end + 1));
    }
    if (found != routes.end()) return found->second(request);
    std::string known;
    for (const auto& [route, unused] : routes) known += " " + route;
    return HttpError(Error{Code::kNotFound, "nothing here; there is" + known});
  };
}

struct HttpServer::Impl {
  /// One client's; on the io thread.
  struct Connection {
    Connection(Impl& s, tcp::socket socket, std::string c)
        : server(s),
          stream(std::move(socket)),
          buffer(s.options.max_header_bytes + 1024),
          client(std::move(c)) {
      server.open.insert(this);
      server.TellConnections();
    }
    ~Connection() {
      server.open.erase(this);
      server.counts.Remove(client);
      server.TellConnections();
      if (server.grace_runs && server.open.empty()) server.grace.cancel();
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Impl& server;
    beast::tcp_stream stream;
    beast::flat_buffer buffer;
    const std::string client;
    bool idle = false;  // no byte of a request has come
  };
  /// A request that was read, or what is wrong with it.
  struct Asked {
    HttpRequest request;
    std::optional<HttpResponse> refused;
    unsigned version = 11;
    bool head = false;
    bool keep_alive = false;
  };

  explicit Impl(Options o)
      : options(std::move(o)),
        counts(options.max_connections_per_address),
        acceptor(io),
        grace(io),
        pool(std::max<std::size_t>(1, options.readers)) {
    if (options.requests_per_second == 0) return;
    CHECK(options.clock != nullptr, "a rate needs a clock");
    rates.emplace(options.requests_per_second, std::max(1u, options.burst), *options.clock);
  }
  ~Impl();

  Status Listen();
  asio::awaitable<void> AcceptLoop();
  void Accept(tcp::socket socket);
  void TurnAway(tcp::socket socket, HttpResponse response, std::string_view reason) const;
  asio::awaitable<void> Session(tcp::socket socket, std::string client);
  asio::awaitable<bool> Exchange(Connection& connection);
  asio::awaitable<bool> AwaitFirstByte(Connection& connection) const;
  asio::awaitable<std::optional<Asked>> Read(Connection& connection);
  asio::awaitable<void> Drain(Connection& connection) const;
  std::optional<HttpResponse> Refuses(const http::request<http::empty_body>& request,
                                      const std::string& client);
  asio::awaitable<HttpResponse> Answer(HttpRequest request);
  void BeginStop();
  void Refused(std::string_view reason) const {
    if (options.observer != nullptr) options.observer->Refused(reason);
  }
  void TellConnections() const {
    if (options.observer != nullptr) options.observer->Connections(open.size());
  }

  const Options options;
  // Confined to the io thread:
  std::set<Connection*> open;
  ConnectionCounts counts;
  std::optional<RateLimiter> rates;
  std::size_t sending_bytes = 0;
  bool stopping = false;
  bool grace_runs = false;

  // What is destroyed last is named first: coroutines that never ended go with `io`.
  asio::io_context io{1};
  tcp::acceptor acceptor;
  asio::steady_timer grace;
  asio::thread_pool pool;
  std::string address;
  std::thread thread;
};

HttpServer::Impl::~Impl() {
  asio::post(io, [this] { BeginStop(); });
  if (thread.joinable()) thread.join();
  pool.join();
  grace_runs = false;  // connections that are left end after the timer has
}

// The io thread ends when nothing is left to do there.
void HttpServer::Impl::BeginStop() {
  stopping = true;
  beast::error_code ignored;
  acceptor.close(ignored);
  for (Connection* connection : open) {
    if (connection->idle) connection->stream.close();
  }
  if (open.empty()) return;
  grace_runs = true;
  grace.expires_after(kStopGrace);
  grace.async_wait([this](const beast::error_code& ec) {
    if (!ec) io.stop();
  });
}

Status HttpServer::Impl::Listen() {
  const Address listen = TRY(ParseListenAddress(options.listen));
  const tcp::endpoint endpoint(asio::ip::make_address(listen.host), listen.port);
  beast::error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return Fail(Code::kIo, "HTTP cannot listen on {}: {}", options.listen, ec.message());
  address = Address{listen.host, acceptor.local_endpoint().port()}.ToString();
  return {};
}

asio::awaitable<void> HttpServer::Impl::AcceptLoop() {
  asio::steady_timer pause(io);
  while (!stopping) {
    tcp::socket socket(io);
    const auto [ec] = co_await acceptor.async_accept(socket, kTuple);
    if (!ec) {
      Accept(std::move(socket));
    } else if (!stopping) {
      pause.expires_after(kHttpAcceptPause);
      co_await pause.async_wait(kTuple);
    }
  }
}

void HttpServer::Impl::Accept(tcp::socket socket) {
  beast::error_code ec;
  const tcp::endpoint remote = socket.remote_endpoint(ec);
  if (ec) return;  // gone already
  if (open.size() >= options.max_connections) {
    TurnAway(std::move(socket), Busy(503, "too many connections; try again later"), "connections");
    return;
  }
  std::string client = ClientKey(remote.address());
  const bool counted = options.max_connections_per_address > 0 && !options.behind_proxy;
  if (counted && !counts.TryAdd(client)) {
    TurnAway(std::move(socket), Busy(429, "too many connections from this address; close some"),
             "address");
    return;
  }
  asio::co_spawn(io, Session(std::move(socket), std::move(client)), asio::detached);
}

// One small write that the kernel can take at once, or none: a full server waits for nobody.
void HttpServer::Impl::TurnAway(tcp::socket socket, HttpResponse response,
                                std::string_view reason) const {
  Refused(reason);
  const auto message = ToBeast(std::move(response), 11, false, options.cors);
  beast::error_code ignored;
  socket.non_blocking(true, ignored);
  http::write(socket, message, ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> HttpServer::Impl::Session(tcp::socket socket, std::string client) {
  Connection connection(*this, std::move(socket), std::move(client));
  while (co_await Exchange(connection)) {
  }
  beast::error_code ignored;
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

/// One request and its answer. Whether there may be another.
asio::awaitable<bool> HttpServer::Impl::Exchange(Connection& connection) {
  if (!co_await AwaitFirstByte(connection)) co_return false;
  const auto begun = std::chrono::steady_clock::now();
  std::optional<Asked> asked = co_await Read(connection);
  if (!asked) co_return false;
  const bool unread = asked->refused && !asked->keep_alive;
  HttpResponse answer;
  if (asked->refused) {
    answer = *std::move(asked->refused);
  } else {
    answer = co_await Answer(std::move(asked->request));
  }
  if (sending_bytes + answer.body.size() > options.max_sending_bytes) {
    Refused("memory");
    answer = Busy(503, "too many answers wait to be taken; try again later");
  }
  const std::size_t bytes = answer.body.size();
  const unsigned status = answer.status;
  const std::string_view route = answer.route;
  const bool keep_alive = asked->keep_alive && !stopping;
  auto response = ToBeast(std::move(answer), asked->version, keep_alive, options.cors);
  if (asked->head) response.body().clear();  // the length stays: it tells what GET would bring
  sending_bytes += bytes;
  connection.stream.expires_after(options.request_time);
  const auto [ec, written] = co_await http::async_write(connection.stream, response, kTuple);
  sending_bytes -= bytes;
  if (options.observer != nullptr) {
    options.observer->Answered(route, status, std::chrono::steady_clock::now() - begun);
  }
  if (!ec && unread) co_await Drain(connection);
  co_return !ec && keep_alive;
}

asio::awaitable<bool> HttpServer::Impl::AwaitFirstByte(Connection& connection) const {
  if (stopping) co_return false;
  if (connection.buffer.size() > 0) co_return true;
  connection.idle = true;
  connection.stream.expires_after(options.idle_time);
  const auto [ec, read] =
      co_await connection.stream.async_read_some(connection.buffer.prepare(1024), kTuple);
  connection.idle = false;
  connection.buffer.commit(read);
  co_return !ec;
}

asio::awaitable<std::optional<HttpServer::Impl::Asked>> HttpServer::Impl::Read(
    Connection& connection) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(options.max_header_bytes));
  connection.stream.expires_after(options.request_time);
  const auto [ec, read] =
      co_await http::async_read(connection.stream, connection.buffer, parser, kTuple);
  Asked out;
  if (ec) {
    if (ec == beast::error::timeout) Refused("timeout");
    out.refused = RefusalOf(ec, !parser.get().target().empty());
    if (!out.refused) co_return std::nullopt;
    Refused("request");
    co_return out;
  }
  const auto& request = parser.get();
  const std::string_view target(request.target().data(), request.target().size());
  const auto question = target.find('?');
  out.request.path = target.substr(0, question);
  if (question != target.npos) out.request.query = target.substr(question + 1);
  out.request.if_none_match = request[http::field::if_none_match];
  out.version = request.version();
  out.head = request.method() == http::verb::head;
  out.keep_alive = request.keep_alive();
  out.refused = Refuses(request, connection.client);
  co_return out;
}

std::optional<HttpResponse> HttpServer::Impl::Refuses(
    const http::request<http::empty_body>& request, const std::string& client) {
  if (rates) {
    std::string payer = client;
    if (options.behind_proxy) {
      const auto value = request["X-Forwarded-For"];
      const auto address_of_client = ForwardedFor({value.data(), value.size()});
      if (address_of_client) payer = ClientKey(*address_of_client);
    }
    if (const auto wait = rates->Refuses(payer)) {
      Refused("rate");
      return WithRetry(HttpError(429, Code::kExhausted,
                                 "too many requests from this address; wait as Retry-After says"),
                       std::to_string((wait->value + 999) / 1000));
    }
  }
  if (options.cors && request.method() == http::verb::options) return Preflight();
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return HttpError(405, Code::kInvalidArgument, "only GET and HEAD are served");
  }
  if (request.target().size() > options.max_target_bytes) {
    return HttpError(414, Code::kTooLarge,
                     fmt::format("path and query are {} bytes where {} are the most",
                                 request.target().size(), options.max_target_bytes));
  }
  return std::nullopt;
}

asio::awaitable<void> HttpServer::Impl::Drain(Connection& connection) const {
  beast::error_code ignored;
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  connection.stream.expires_after(kDrainTime);
  for (std::size_t drained = 0; drained < kDrainBytes;) {
    connection.buffer.clear();
    const auto [ec, read] =
        co_await connection.stream.async_read_some(connection.buffer.prepare(8192), kTuple);
    if (ec) co_return;
    drained += read;
  }
}

asio::awaitable<HttpResponse> HttpServer::Impl::Answer(HttpRequest request) {
  if (options.readers == 0) co_return options.handler(request);
  const auto answer = [](const HttpHandler& handler,
                         const HttpRequest& asked) -> asio::awaitable<HttpResponse> {
    co_return handler(asked);
  };
  co_return co_await asio::co_spawn(pool, answer(options.handler, request), asio::use_awaitable);
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  TRY(impl->Listen());
  asio::co_spawn(impl->io, impl->AcceptLoop(), asio::detached);
  impl->thread = std::thread([io = &impl->io] { io->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
std::string HttpServer::listen_address() const { return impl_->address; }

}  // namespace talent::node
