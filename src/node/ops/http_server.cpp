#include "node/ops/http_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/await.h"
#include "node/peers/address.h"

namespace talent::node {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

// Out of file descriptors, say: trying again at once would only burn the processor.
constexpr std::chrono::milliseconds kHttpAcceptPause{100};

unsigned HttpStatusOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kBadSignature:
    case Code::kWrongChain:
      return 400;
    case Code::kUnauthorized:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kDuplicate:
    case Code::kPrecondition:
    case Code::kExpired:
      return 409;
    case Code::kPruned:
      return 410;
    case Code::kTooLarge:
      return 413;
    case Code::kExhausted:
      return 429;
    case Code::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

HttpResponse ErrorWithStatus(unsigned status, Code code, std::string message) {
  HttpResponse out = HttpError(Error{code, std::move(message)});
  out.status = status;
  return out;
}

// What a request that could not be read is answered with; nullopt where there is nobody to answer.
std::optional<HttpResponse> RefusalOf(const beast::error_code& ec) {
  if (ec == http::error::header_limit) {
    return ErrorWithStatus(431, Code::kTooLarge, "the request's header is too large");
  }
  if (ec == http::error::body_limit || ec == http::error::unexpected_body) {
    return ErrorWithStatus(413, Code::kTooLarge, "this server takes requests without a body only");
  }
  if (ec.category() == beast::error_code(http::error::bad_method).category() &&
      ec != http::error::end_of_stream && ec != http::error::partial_message) {
    return ErrorWithStatus(400, Code::kInvalidArgument, "not an HTTP request: " + ec.message());
  }
  return std::nullopt;
}

http::response<http::string_body> ToBeast(HttpResponse&& from, unsigned version, bool keep_alive) {
  http::response<http::string_body> out(static_cast<http::status>(from.status), version);
  out.set(http::field::content_type, from.content_type);
  out.set(http::field::cache_control, "no-store");
  out.set("X-Content-Type-Options", "nosniff");
  if (from.status == 405) out.set(http::field::allow, "GET, HEAD");
  out.keep_alive(keep_alive);
  out.body() = std::move(from.body);
  out.prepare_payload();
  return out;
}

}  // namespace

HttpResponse HttpError(const Error& error) {
  const nlohmann::json json = {
      {"error", {{"code", CodeName(error.code)}, {"message", error.message}}}};
  return {HttpStatusOf(error.code), "application/json",
          json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

HttpRoutes OperatorRoutes(std::function<Result<std::string>()> ready,
                          std::function<std::string()> metrics) {
  HttpRoutes out;
  out["/healthz"] = [](const HttpRequest&) { return HttpResponse{200, "text/plain", "ok\n"}; };
  out["/readyz"] = [ready = std::move(ready)](const HttpRequest&) {
    const Result<std::string> yes = ready();
    if (yes) return HttpResponse{200, "text/plain", "ready\n" + *yes};
    HttpResponse no = HttpError(yes.error());
    no.status = 503;
    return no;
  };
  out["/metrics"] = [metrics = std::move(metrics)](const HttpRequest&) {
    return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics()};
  };
  return out;
}

struct HttpServer::Impl {
  explicit Impl(Options o) : options(std::move(o)), acceptor(io) {}
  ~Impl() {
    io.stop();
    if (thread.joinable()) thread.join();
  }

  Status Listen();
  asio::awaitable<void> AcceptLoop();
  asio::awaitable<void> Session(tcp::socket socket);
  void TurnAway(tcp::socket socket) const;
  HttpResponse Answer(const http::request<http::empty_body>& request) const;
  const HttpHandler* FindRoute(const std::string& path) const;

  const Options options;
  asio::io_context io{1};
  tcp::acceptor acceptor;
  std::string address;
  std::size_t sessions = 0;
  std::thread thread;
};

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
  while (true) {
    tcp::socket socket(io);
    const auto [ec] = co_await acceptor.async_accept(socket, kTuple);
    if (ec) {
      pause.expires_after(kHttpAcceptPause);
      co_await pause.async_wait(kTuple);
    } else if (sessions >= options.max_connections) {
      TurnAway(std::move(socket));
    } else {
      ++sessions;
      asio::co_spawn(io, Session(std::move(socket)), asio::detached);
    }
  }
}

// One small write that the kernel can take at once, or none: a full server waits for nobody.
void HttpServer::Impl::TurnAway(tcp::socket socket) const {
  const auto response = ToBeast(
      ErrorWithStatus(503, Code::kExhausted, "too many connections; try again later"), 11, false);
  beast::error_code ignored;
  socket.non_blocking(true, ignored);
  http::write(socket, response, ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> HttpServer::Impl::Session(tcp::socket socket) {
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer(options.max_header_bytes + 1024);
  bool keep_alive = true;
  while (keep_alive) {
    stream.expires_after(options.request_time);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options.max_header_bytes));
    const auto [read_ec, read] = co_await http::async_read(stream, buffer, parser, kTuple);
    std::optional<HttpResponse> answer;
    unsigned version = 11;
    bool head = false;
    if (read_ec) {
      answer = RefusalOf(read_ec);
      if (!answer) break;
      keep_alive = false;
    } else {
      version = parser.get().version();
      head = parser.get().method() == http::verb::head;
      keep_alive = parser.get().keep_alive();
      answer = Answer(parser.get());
    }
    auto response = ToBeast(std::move(*answer), version, keep_alive);
    if (head) response.body().clear();  // the length stays: it tells what GET would bring
    stream.expires_after(options.request_time);
    const auto [write_ec, written] = co_await http::async_write(stream, response, kTuple);
    if (write_ec) break;
  }
  beast::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  --sessions;
}

HttpResponse HttpServer::Impl::Answer(const http::request<http::empty_body>& request) const {
  const std::string target(request.target());
  const auto question = target.find('?');
  HttpRequest parsed{target.substr(0, question),
                     question == std::string::npos ? "" : target.substr(question + 1)};
  const HttpHandler* const handler = FindRoute(parsed.path);
  if (handler == nullptr) {
    std::string known;
    for (const auto& [path, unused] : options.routes) known += " " + path;
    return HttpError(Error{Code::kNotFound, "nothing here; there is" + known});
  }
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return ErrorWithStatus(405, Code::kInvalidArgument, "only GET and HEAD are served");
  }
  return (*handler)(parsed);
}

const HttpHandler* HttpServer::Impl::FindRoute(const std::string& path) const {
  if (const auto it = options.routes.find(path); it != options.routes.end()) return &it->second;
  for (std::size_t end = path.rfind('/'); end != std::string::npos;
       end = end == 0 ? std::string::npos : path.rfind('/', end - 1)) {
    const auto it = options.routes.find(path.substr(0, end + 1));
    if (it != options.routes.end()) return &it->second;
  }
  return nullptr;
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
