#include "node/web/gateway.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "node/web/explorer_files.h"
#include "node/web/read_api.h"

namespace talent::node {
namespace {

/// Reads take CPU more than they wait; what serves strangers leaves the chains theirs.
constexpr std::size_t kMostReaders = 4;
/// Each has a socket and up to 9 KiB of a request; a thousand pages are open at once.
constexpr std::size_t kMaxWebConnections = 1024;
/// A page loads some dozens of files and answers at once.
constexpr std::uint32_t kBurstSeconds = 3;
constexpr std::chrono::seconds kDropEvery{10};

std::size_t Readers() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostReaders);
}

}  // namespace

struct WebGateway::Impl {
  Impl(NodeInfo info, const std::vector<ChainRunner*>& chains, const Clock& clock, Random& random)
      : api(std::move(info), chains, clock, random) {}
  ~Impl();

  HttpResponse Answer(const HttpRequest& request);
  void DropOldStates();

  ReadApi api;
  std::optional<ExplorerFiles> files;
  std::unique_ptr<HttpServer> server;
  std::mutex mutex;  // guards stopping
  std::condition_variable wake;
  bool stopping = false;
  std::thread dropper;
};

WebGateway::Impl::~Impl() {
  server.reset();
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  wake.notify_one();
  if (dropper.joinable()) dropper.join();
}

HttpResponse WebGateway::Impl::Answer(const HttpRequest& request) {
  if (request.path.starts_with("/api/")) return api.Answer(request);
  HttpResponse out = files ? files->Answer(request)
                           : HttpError(Error{Code::kNotFound,
                                             "nothing here; the read API is below /api/v1/, and "
                                             "this node serves no explorer"});
  out.route = "files";
  return out;
}

void WebGateway::Impl::DropOldStates() {
  std::unique_lock lock(mutex);
  while (!wake.wait_for(lock, kDropEvery, [this] { return stopping; })) api.DropOldStates();
}

Result<std::unique_ptr<WebGateway>> WebGateway::Start(Options options,
                                                      const std::vector<ChainRunner*>& chains,
                                                      const Clock& clock, Random& random) {
  auto impl = std::make_unique<Impl>(std::move(options.info), chains, clock, random);
  const WebConfig& config = options.config;
  if (config.explorer_dir) impl->files = TRY(ExplorerFiles::Load(*config.explorer_dir));
  HttpServer::Options http;
  http.listen = config.listen;
  http.handler = [&gateway = *impl](const HttpRequest& request) { return gateway.Answer(request); };
  http.readers = Readers();
  http.max_connections = kMaxWebConnections;
  http.idle_time = options.idle_time;
  http.request_time = options.request_time;
  http.max_connections_per_address = config.connections_per_address;
  http.requests_per_second = config.requests_per_second;
  http.burst = kBurstSeconds * config.requests_per_second;
  http.behind_proxy = config.behind_proxy;
  http.cors = true;
  http.clock = &clock;
  http.observer = options.observer;
  impl->server = TRY(HttpServer::Start(std::move(http)));
  impl->dropper = std::thread([gateway = impl.get()] { gateway->DropOldStates(); });
  return std::unique_ptr<WebGateway>(new WebGateway(std::move(impl)));
}

WebGateway::WebGateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebGateway::~WebGateway() = default;
std::string WebGateway::listen_address() const { return impl_->server->listen_address(); }

}  // namespace talent::node
