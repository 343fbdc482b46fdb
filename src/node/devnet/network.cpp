#include "node/devnet/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "base/file.h"
#include "crypto/key_file.h"
#include "ledger/genesis.h"
#include "node/chain/vote_log.h"
#include "node/devnet/process.h"
#include "node/devnet/topology.h"
#include "node/ops/config.h"
#include "node/rpc/client.h"

namespace talent::node {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kViewer = "viewer";
constexpr std::string_view kMarker = "devnet.json";  // written last: its directory is whole
constexpr Millis kStopGrace{20'000};
constexpr Millis kReadyWithin{60'000};

struct Ports {
  std::uint16_t p2p = 0, grpc = 0, http = 0, web = 0;  // web: the viewer's only
};
// Tests of pages load them as fast as they can, all from one address.
constexpr std::uint32_t kWebRequestsPerSecond = 2000, kWebConnections = 512;

fs::path NodeHome(const fs::path& dir, const std::string& node) { return dir / "nodes" / node; }

fs::path KeyFileOf(const fs::path& dir, const std::string& party) {
  const auto& enterprises = DevnetEnterprises();
  if (std::find(enterprises.begin(), enterprises.end(), party) != enterprises.end()) {
    return dir / "enterprises" / (party + ".key");
  }
  return NodeHome(dir, party) / "keys" / "party.key";
}

Status MakeDirectories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return Fail(Code::kIo, "cannot make {}: {}", path.string(), error.message());
  return {};
}

/// What a node does on a chain; nullopt where it takes no part.
std::optional<ChainRole> RoleOn(const DevnetChain& chain, const std::string& node) {
  const auto holds = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), node) != names.end();
  };
  if (holds(chain.validators)) return ChainRole::kValidator;
  const bool open_to_all = chain.tier == ledger::Tier::kPublic;
  if (holds(chain.followers) || open_to_all) return ChainRole::kFollower;
  return std::nullopt;
}

Result<PublicKeys> MakeNodeKeys(const fs::path& dir, const std::string& node,
                                const std::string& passphrase, Random& random) {
  const fs::path keys = NodeHome(dir, node) / "keys";
  TRY(MakeDirectories(keys));
  std::vector<std::string> purposes = {"node", "party"};
  for (const DevnetChain& chain : DevnetChains()) {
    if (RoleOn(chain, node) == ChainRole::kValidator) purposes.push_back("vote-" + chain.name);
  }
  PublicKeys made;
  for (const std::string& purpose : purposes) {
    const crypto::KeyPair key = crypto::KeyPair::Generate(random);
    TRY(crypto::WriteKeyFile(keys / (purpose + ".key"), key, purpose, passphrase,
                             crypto::KdfCost::kInteractive, random));
    made.emplace(purpose, key.public_key());
  }
  for (const DevnetChain& chain : DevnetChains()) {
    const auto vote_key = made.find("vote-" + chain.name);
    if (vote_key == made.end()) continue;
    TRY(VoteLog::Prepare(VoteLogFile(NodeHome(dir, node), chain.name), vote_key->second));
  }
  return made;
}

Config NodeConfig(const fs::path& dir, const std::string& node,
                  const std::map<std::string, Ports>& ports,
                  const std::map<std::string, PublicKeys>& keys, const fs::path& explorer) {
  const auto address = [](std::uint16_t port) { return fmt::format("127.0.0.1:{}", port); };
  const fs::path home = NodeHome(dir, node);
  Config config;
  config.name = node;
  config.home = home;
  config.node_key_file = home / "keys" / "node.key";
  config.passphrase_file = dir / "passphrase";
  config.p2p_listen = address(ports.at(node).p2p);
  config.grpc_listen = address(ports.at(node).grpc);
  config.http_listen = address(ports.at(node).http);
  if (node == kViewer) {
    WebConfig& web = config.web.emplace();
    web.listen = address(ports.at(node).web);
    web.requests_per_second = kWebRequestsPerSecond;
    web.connections_per_address = kWebConnections;
    if (!explorer.empty()) web.explorer_dir = fs::absolute(explorer);
  }
  for (const std::string& peer : DevnetNodes()) {
    if (peer == node || peer == kViewer) continue;  // a viewer dials; nobody needs to find it
    config.peers.push_back({address(ports.at(peer).p2p), keys.at(peer).at("node")});
  }
  std::set<std::string> validates;
  for (const DevnetChain& chain : DevnetChains()) {
    const std::optional<ChainRole> role = RoleOn(chain, node);
    if (!role) continue;
    ChainConfig hosted;
    hosted.genesis = dir / "genesis" / (chain.name + ".json");
    hosted.role = *role;
    if (role == ChainRole::kValidator) {
      validates.insert(chain.name);
      hosted.vote_key_file = home / "keys" / ("vote-" + chain.name + ".key");
    }
    if (node != kViewer) hosted.party_key_file = home / "keys" / "party.key";
    config.chains.push_back(std::move(hosted));
  }
  // A source's validators promote: they see its blocks first.
  for (const DevnetChain& target : DevnetChains()) {
    for (const std::string& source : target.sources) {
      if (validates.contains(source)) config.promotions.push_back({source, target.name});
    }
  }
  return config;
}

Status Create(const fs::path& dir, const DevnetNetwork::Progress& progress,
              const fs::path& explorer) {
  crypto::SystemRandom random;
  TRY(MakeDirectories(dir / "genesis"));
  TRY(MakeDirectories(dir / "enterprises"));
  fs::permissions(dir, fs::perms::owner_all);
  const std::string passphrase = ToHex(random.Draw(16));
  TRY(WriteFile(dir / "passphrase", passphrase, 0600, IfExists::kReplace));

  std::map<std::string, PublicKeys> keys;
  for (const std::string& node : DevnetNodes()) {
    progress("keys of " + node);
    keys.emplace(node, TRY(MakeNodeKeys(dir, node, passphrase, random)));
  }
  for (const std::string& enterprise : DevnetEnterprises()) {
    const crypto::KeyPair key = crypto::KeyPair::Generate(random);
    TRY(crypto::WriteKeyFile(KeyFileOf(dir, enterprise), key, "party", passphrase,
                             crypto::KdfCost::kInteractive, random));
    keys[enterprise].emplace("party", key.public_key());
  }

  std::map<std::string, Bytes> genesis;
  for (const DevnetChain& chain : DevnetChains()) {
    genesis[chain.name] = TRY(DevnetGenesis(chain, keys, genesis, SystemClock().Now()));
    TRY(WriteFile(dir / "genesis" / (chain.name + ".json"), genesis[chain.name], 0600,
                  IfExists::kReplace));
  }

  const std::vector<std::uint16_t> free = TRY(FreePorts(3 * DevnetNodes().size() + 1));
  std::map<std::string, Ports> ports;
  Json marker = {{"format", 1}, {"nodes", Json::object()}};
  for (std::size_t i = 0; i < DevnetNodes().size(); ++i) {
    const std::string& node = DevnetNodes()[i];
    ports[node] = Ports{free[3 * i], free[3 * i + 1], free[3 * i + 2], 0};
    marker["nodes"][node] = {{"grpc", ports[node].grpc}, {"http", ports[node].http}};
    if (node != kViewer) continue;
    ports[node].web = free.back();
    marker["nodes"][node]["web"] = free.back();
  }
  for (const std::string& node : DevnetNodes()) {
    TRY(WriteFile(NodeHome(dir, node) / "config.toml",
                  DefaultConfig(NodeConfig(dir, node, ports, keys, explorer)), 0600,
                  IfExists::kReplace));
  }
  return WriteFile(dir / kMarker, marker.dump(2) + "\n", 0600, IfExists::kReplace);
}

}  // namespace

Result<DevnetNetwork> DevnetNetwork::Open(const fs::path& dir, const Progress& progress,
                                          const fs::path& explorer) {
  DevnetNetwork network;
  std::error_code error;
  network.dir_ = fs::absolute(dir, error);
  const fs::path& root = network.dir_;
  if (!fs::exists(root / kMarker)) {
    const bool begun = fs::exists(root / "passphrase");
    if (fs::exists(root) && !fs::is_empty(root, error) && !begun) {
      return Fail(Code::kPrecondition,
                  "{} holds something that is no devnet; name another directory", root.string());
    }
    fs::remove_all(root, error);  // what an interrupted creation left
    TRY(Create(root, progress, explorer));
  }
  network.passphrase_ = TRY(ReadFile(root / "passphrase", kMaxDevnetFile));
  const Json marker = Json::parse(TRY(ReadFile(root / kMarker, kMaxDevnetFile)), nullptr, false);
  if (marker.is_discarded() || !marker.contains("nodes")) {
    return Fail(Code::kCorruption, "{} is damaged; remove {} and start again",
                (root / kMarker).string(), root.string());
  }
  for (const DevnetChain& chain : DevnetChains()) {
    const fs::path file = root / "genesis" / (chain.name + ".json");
    const auto genesis = TRY(ledger::Genesis::Load(file));
    network.endpoints_.chains.push_back(
        {chain.name, std::string(ledger::TierName(chain.tier)), genesis.chain_id(), file.string()});
  }
  std::map<std::string, std::int64_t> pids;
  if (const auto old = Endpoints::Load(network.endpoints_file())) {
    for (const auto& node : old->nodes) pids[node.name] = node.pid;
  }
  for (const std::string& node : DevnetNodes()) {
    const fs::path home = NodeHome(root, node);
    const Json& at = marker["nodes"][node];
    network.endpoints_.nodes.push_back(
        {.name = node,
         .role = node == kViewer ? "follower" : "validator",
         .pid = IsRunning(static_cast<pid_t>(pids[node]), home.string()) ? pids[node] : 0,
         .grpc = fmt::format("127.0.0.1:{}", at["grpc"].get<int>()),
         .http = fmt::format("127.0.0.1:{}", at["http"].get<int>()),
         .home = home.string(),
         .tls_ca = (home / "grpc.crt").string(),
         .web = at.contains("web") ? fmt::format("127.0.0.1:{}", at["web"].get<int>()) : ""});
  }
  return network;
}

std::string DevnetNetwork::web_url() const {
  for (const auto& node : endpoints_.nodes) {
    if (!node.web.empty()) return fmt::format("http://{}/", node.web);
  }
  return "";
}

Status DevnetNetwork::Start(const fs::path& talentd, const Progress& progress) {
  for (auto& node : endpoints_.nodes) {
    if (node.pid != 0) continue;
    node.pid = TRY(SpawnDetached({talentd.string(), "start", "--home", node.home},
                                 fs::path(node.home) / "output.log"));
    progress(fmt::format("started {} (pid {}, gRPC {}, HTTP {})", node.name, node.pid, node.grpc,
                         node.http));
    TRY(endpoints_.Save(endpoints_file()));
  }
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kReadyWithin.value);
  for (const auto& node : endpoints_.nodes) {
    while (true) {
      const auto ca = ReadFile(node.tls_ca, kMaxDevnetFile);
      const auto client = ca ? Client::Connect(node.grpc, *ca, Millis(1000))
                             : Result<std::unique_ptr<Client>>(tl::unexpect, ca.error());
      if (client && (*client)->GetStatus()) break;
      const std::string log = (fs::path(node.home) / "output.log").string();
      if (!IsRunning(static_cast<pid_t>(node.pid), node.home)) {
        return Fail(Code::kUnavailable, "node {} has ended; {} says why", node.name, log);
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return Fail(Code::kUnavailable, "node {} is not ready after {} s; see {}", node.name,
                    kReadyWithin.value / 1000, log);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  return {};
}

Status DevnetNetwork::Stop(const Progress& progress) {
  for (auto& node : endpoints_.nodes) {
    if (node.pid == 0) continue;
    TRY(StopProcess(static_cast<pid_t>(node.pid), node.home, kStopGrace));
    progress(fmt::format("stopped {} (pid {})", node.name, node.pid));
    node.pid = 0;
  }
  return endpoints_.Save(endpoints_file());
}

Result<crypto::KeyPair> DevnetNetwork::PartyKey(const std::string& party) const {
  return crypto::ReadKeyFile(PartyKeyFile(party), passphrase_);
}

fs::path DevnetNetwork::PartyKeyFile(const std::string& party) const {
  return KeyFileOf(dir_, party);
}

}  // namespace talent::node
