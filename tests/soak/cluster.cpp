#include "soak/cluster.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "node/devnet/process.h"
#include "node/ops/config.h"

namespace talent::soak {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kReadyWithin{90};
constexpr std::chrono::seconds kStopWithin{60};
constexpr std::chrono::milliseconds kPoll{20};
constexpr const char* kNowhere = "127.0.0.1:1";  // nobody listens there

std::uint16_t PortOf(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
}

}  // namespace

const std::vector<std::string>& Cluster::Centres() {
  static const std::vector<std::string> kNames = {"centre-1", "centre-2", "centre-3", "centre-4"};
  return kNames;
}

Result<std::unique_ptr<Cluster>> Cluster::Create(const fs::path& dir, const fs::path& talentd,
                                                 const fs::path& shim, std::uint64_t seed) {
  auto devnet = TRY(node::DevnetNetwork::Open(dir, [](const std::string&) {}));
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(devnet), talentd, shim, seed));
  TRY(cluster->RouteThroughProxies());
  return cluster;
}

Cluster::Cluster(node::DevnetNetwork devnet, fs::path talentd, fs::path shim, std::uint64_t seed)
    : devnet_(std::move(devnet)),
      talentd_(std::move(talentd)),
      shim_(std::move(shim)),
      links_(seed) {}

Cluster::~Cluster() {
  for (const auto& node : devnet_.endpoints().nodes) Kill(node.name);
}

// Each node dials its peers at a proxy's port instead of theirs, and tells nobody of its own: a
// connection past the proxies would outlive every cut.
Status Cluster::RouteThroughProxies() {
  std::map<std::string, node::Config> configs;
  std::map<std::string, std::string> name_at;  // by address
  for (const auto& node : devnet_.endpoints().nodes) {
    const node::Config& config = configs[node.name] =
        TRY(node::LoadConfig(fs::path(node.home) / "config.toml"));
    name_at[config.p2p_listen] = node.name;
  }
  for (auto& [name, config] : configs) {
    for (node::PeerConfig& peer : config.peers) {
      const std::uint16_t port =
          TRY(links_.Add(name, name_at.at(peer.address), PortOf(peer.address)));
      peer.address = fmt::format("127.0.0.1:{}", port);
    }
    config.p2p_advertise = kNowhere;
    TRY(WriteFile(config.home / "config.toml", node::DefaultConfig(config), 0600,
                  IfExists::kReplace));
  }
  return {};
}

const node::NodeEndpoint& Cluster::Endpoint(const std::string& node) const {
  for (const auto& endpoint : devnet_.endpoints().nodes) {
    if (endpoint.name == node) return endpoint;
  }
  internal::CheckFailed("node exists", __FILE__, __LINE__, node);
}

Status Cluster::Start(const std::string& node, const std::string& fault) {
  if (Running(node)) return {};
  const auto& endpoint = Endpoint(node);
  std::vector<std::string> argv = {"/usr/bin/env"};
  if (!fault.empty()) {
    argv.push_back("LD_PRELOAD=" + shim_.string());
    argv.push_back("TALENT_FAULT=" + fault);
    if (fault.starts_with("eio") || fault.starts_with("enospc")) disk_faults_.insert(node);
  }
  for (const std::string& word : {talentd_.string(), std::string("start"), std::string("--home")}) {
    argv.push_back(word);
  }
  argv.push_back(endpoint.home);
  pids_[node] = TRY(node::SpawnDetached(argv, fs::path(endpoint.home) / "output.log"));
  ended_.erase(node);
  return {};
}

Status Cluster::StartAll() {
  for (const auto& node : devnet_.endpoints().nodes) TRY(Start(node.name));
  for (const auto& node : devnet_.endpoints().nodes) TRY(AwaitReady(node.name));
  return {};
}

Status Cluster::AwaitReady(const std::string& node) {
  const auto deadline = std::chrono::steady_clock::now() + kReadyWithin;
  while (true) {
    const auto client = Connect(node);
    if (client && (*client)->GetStatus()) return {};
    const bool ended = !Running(node);
    if (ended || std::chrono::steady_clock::now() > deadline) {
      return Fail(Code::kUnavailable, "node {} {}; see {}/output.log", node,
                  ended ? "has ended" : "is not ready in time", Endpoint(node).home);
    }
    std::this_thread::sleep_for(kPoll);
  }
}

void Cluster::Kill(const std::string& node) {
  if (!Running(node)) return;
  kill(pids_.at(node), SIGKILL);
  while (Running(node)) std::this_thread::sleep_for(kPoll);
}

void Cluster::Pause(const std::string& node) {
  if (Running(node)) kill(pids_.at(node), SIGSTOP);
}

void Cluster::Resume(const std::string& node) {
  if (Running(node)) kill(pids_.at(node), SIGCONT);
}

Status Cluster::Stop(const std::string& node) {
  if (!Running(node)) return {};
  kill(pids_.at(node), SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStopWithin;
  while (Running(node)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return Fail(Code::kIo, "node {} does not end on SIGTERM", node);
    }
    std::this_thread::sleep_for(kPoll);
  }
  if (const int code = ended_.at(node); code != 0) {
    return Fail(Code::kIo, "node {} ended with {} on SIGTERM", node, code);
  }
  return {};
}

bool Cluster::Running(const std::string& node) {
  const auto at = pids_.find(node);
  if (at == pids_.end()) return false;
  int status = 0;
  if (waitpid(at->second, &status, WNOHANG) != at->second) return true;
  ended_[node] = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pids_.erase(at);
  return false;
}

std::optional<int> Cluster::Ended(const std::string& node) {
  Running(node);
  const auto at = ended_.find(node);
  return at == ended_.end() ? std::nullopt : std::optional(at->second);
}

Footprint Cluster::Measure(const std::string& node) const {
  Footprint footprint;
  if (const auto at = pids_.find(node); at != pids_.end()) {
    std::ifstream statm(fmt::format("/proc/{}/statm", at->second));
    std::size_t total = 0, resident = 0;
    if (statm >> total >> resident) {
      footprint.memory_bytes = resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    }
  }
  std::error_code error;
  for (const auto& file : fs::directory_iterator(fs::path(Endpoint(node).home) / "votes", error)) {
    if (file.path().extension() != ".log") continue;
    const auto size = fs::file_size(file.path(), error);  // it may be being replaced
    if (!error) footprint.vote_log_bytes = std::max<std::size_t>(footprint.vote_log_bytes, size);
  }
  return footprint;
}

std::string Cluster::Output(const std::string& node) const {
  std::ifstream file(fs::path(Endpoint(node).home) / "output.log", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<std::unique_ptr<node::Client>> Cluster::Connect(const std::string& node) const {
  const auto& endpoint = Endpoint(node);
  return node::Client::Connect(endpoint.grpc, TRY(ReadFile(endpoint.tls_ca, node::kMaxDevnetFile)),
                               Millis(1000));
}

}  // namespace talent::soak
