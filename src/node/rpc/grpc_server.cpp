#include "node/rpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <mutex>

#include "node/rpc/ledger_service.h"
#include "node/rpc/market_service.h"

namespace talent::node {
namespace {

/// What a request holds besides its transaction: ids, keys, framing.
constexpr int kRequestOverheadBytes = 4096;
/// Calls on one connection at a time; a client's own pipelining rarely passes it, and further calls
/// wait in the client.
constexpr int kMaxConcurrentCalls = 1024;
/// Metadata holds one bearer token.
constexpr int kMaxMetadataBytes = 8 * 1024;
/// Memory gRPC may use for all calls together before it refuses new ones.
constexpr std::size_t kMaxCallMemory = 512u << 20;
/// gRPC's threads for its synchronous services (reflection, health).
constexpr int kMaxThreads = 16;
constexpr int kKeepaliveMs = 60'000;         // finds clients that vanished
constexpr int kKeepaliveTimeoutMs = 20'000;  // gRPC's default
constexpr int kMinPingIntervalMs = 10'000;   // clients that ping more often are cut off
// How soon the health of a chain's service follows what became of the chain.
constexpr std::chrono::milliseconds kHealthInterval{500};
constexpr std::size_t kReaderThreads = 1;  // reads for streams; a block is read in under a ms

int MaxRequestBytes(const std::vector<ChainRunner*>& chains) {
  std::uint32_t largest = 0;
  for (const ChainRunner* runner : chains) {
    largest = std::max(largest, runner->chain().genesis().consensus().max_transaction_bytes);
  }
  return static_cast<int>(largest) + kRequestOverheadBytes;
}

/// Once a process: both are settings of the library, not of a server.
void EnableHealthAndReflection() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

std::shared_ptr<grpc::ServerCredentials> Credentials(const ServerCertificate& certificate) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs.push_back({certificate.private_key, certificate.certificate});
  return grpc::SslServerCredentials(tls);
}

void SetBounds(grpc::ServerBuilder& builder, const std::vector<ChainRunner*>& chains) {
  builder.SetMaxReceiveMessageSize(MaxRequestBytes(chains));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentCalls);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two servers never share a port by accident.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("talentd");
  quota.Resize(kMaxCallMemory).SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
}

}  // namespace

struct GrpcServer::Impl {
  Impl(std::vector<ChainRunner*> chains, const Clock& clock, Random& random, NodeInfo info)
      : access(std::move(chains), clock, random),
        ledger(access, readers),
        node(access, std::move(info)),
        auth(access),
        market(access) {}

  ChainAccess access;
  boost::asio::thread_pool readers{kReaderThreads};
  LedgerService ledger;
  NodeService node;
  AuthService auth;
  MarketService market;
  // Of each chain, the health service that clients watch: "talent.node.v1.Ledger/NAME".
  void UpdateHealth() {
    auto& health = *server->GetHealthCheckService();
    for (const ChainRunner* runner : access.chains()) {
      health.SetServingStatus(
          fmt::format("{}/{}", v1::Ledger::service_full_name(), runner->chain().genesis().name()),
          !runner->status().halted);
    }
    health_timer.expires_after(kHealthInterval);
    health_timer.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled && !stopping) UpdateHealth();
    });
  }

  // On return the health service is not touched any more: there is one reader thread, and what it
  // runs after this job sees `stopping`.
  void StopHealth() {
    std::promise<void> done;
    boost::asio::post(readers, [&] {
      stopping = true;
      health_timer.cancel();
      done.set_value();
    });
    done.get_future().wait();
  }

  boost::asio::steady_timer health_timer{readers};
  bool stopping = false;
  std::unique_ptr<grpc::Server> server;
  std::string address;
  std::once_flag stopped;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { Stop(); }
const std::string& GrpcServer::listen_address() const { return impl_->address; }

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(Options options,
                                                      std::vector<ChainRunner*> chains,
                                                      const Clock& clock, Random& random) {
  EnableHealthAndReflection();
  grpc::ServerBuilder builder;
  SetBounds(builder, chains);
  auto impl = std::make_unique<Impl>(std::move(chains), clock, random, std::move(options.info));
  int port = 0;
  builder.AddListeningPort(options.listen, Credentials(options.certificate), &port);
  builder.RegisterService(&impl->ledger);
  builder.RegisterService(&impl->node);
  builder.RegisterService(&impl->auth);
  builder.RegisterService(&impl->market);
  impl->server = builder.BuildAndStart();
  if (!impl->server || port == 0) {
    return Fail(Code::kIo, "gRPC cannot listen on {}: address in use, or not one of this machine",
                options.listen);
  }
  impl->address = fmt::format("{}:{}", options.listen.substr(0, options.listen.rfind(':')), port);
  auto& health = *impl->server->GetHealthCheckService();
  for (const char* service : {v1::Ledger::service_full_name(), v1::Node::service_full_name(),
                              v1::Auth::service_full_name()}) {
    health.SetServingStatus(service, true);
  }
  impl->UpdateHealth();
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

void GrpcServer::Stop() {
  std::call_once(impl_->stopped, [this] {
    impl_->StopHealth();
    impl_->server->GetHealthCheckService()->Shutdown();
    impl_->ledger.Stop();
    impl_->server->Shutdown(std::chrono::system_clock::now() +
                            std::chrono::milliseconds(kStopGrace.value));
    impl_->server.reset();  // returns once every call's OnDone has run
    impl_->readers.join();
  });
}

}  // namespace talent::node
