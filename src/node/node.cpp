#include "node/node.h"

#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <map>
#include <thread>

#include "base/file.h"
#include "crypto/key_file.h"
#include "ledger/snapshot.h"
#include "node/chain/asio_host.h"
#include "node/chain/erasure_worker.h"
#include "node/chain/local_chain.h"
#include "node/chain/promotion_loop.h"
#include "node/chain/snapshot_join.h"
#include "node/chain/snapshot_server.h"
#include "node/ops/held_text.h"
#include "node/ops/http_server.h"
#include "node/ops/metrics.h"
#include "node/ops/version.h"
#include "node/peers/address.h"
#include "node/peers/address_gossip.h"
#include "node/rpc/grpc_server.h"
#include "node/web/gateway.h"
#include "tiers/application.h"

namespace talent::node {
namespace {

constexpr std::size_t kMaxPassphraseBytes = 4096;
// Chains run side by side; more threads than chains are of no use.
constexpr std::size_t kStrandThreads = 2;
// A thread of its own, so that peers that fetch snapshots do not hold up the chains.
constexpr std::size_t kServingThreads = 1;
constexpr std::size_t kMaxVerifying = 20'000;

Result<std::string> ReadPassphrase(const std::filesystem::path& path) {
  std::string text = TRY(ReadFile(path, kMaxPassphraseBytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

/// `listening`, unless that is every address of this machine and so none that others can use.
std::string ReachableAddress(const std::string& listening) {
  const auto address = ParseAddress(listening);
  return address && (address->host == "0.0.0.0" || address->host == "::") ? "" : listening;
}

}  // namespace

struct Node::Impl {
  Impl(const Config& c, const std::set<std::string>& accept, std::function<bool()> stop)
      : config(c), accept_lost_votes(accept), stopped(std::move(stop)) {}
  ~Impl() { Stop(); }

  Status Start();
  Result<bool> MayOpen(const ChainConfig& chain);
  Status FetchSnapshot(const ledger::Genesis& genesis, const ChainConfig& chain,
                       std::uint64_t behind);
  void OpenSnapshotServer(LocalChain& chain);
  Status OpenChain(const ChainConfig& chain, const std::string& passphrase);
  Status StartPeers();
  Status StartGossip();
  Status OpenPromotion(const PromotionConfig& promotion);
  Status StartServers();
  void Stop();
  bool OnFrame(const NodeKey& from, v1::Frame&& frame);
  bool MayConnect(const NodeKey& key) const;
  LocalChain* FindChain(const std::string& name) const;
  Result<std::string> Ready() const;
  std::string MetricsText();

  const Config config;
  const std::set<std::string> accept_lost_votes;
  const std::function<bool()> stopped;
  SystemClock clock;
  crypto::SystemRandom random;
  Metrics metrics;
  Addresses addresses;
  std::optional<crypto::KeyPair> node_key;
  std::map<std::string, crypto::KeyPair> vote_keys;   // by chain name
  std::map<std::string, crypto::KeyPair> party_keys;  // by chain name

  std::unique_ptr<ledger::Database> database;
  std::unique_ptr<StorageThread> storage;
  std::unique_ptr<VerifyPool> verify;
  std::unique_ptr<boost::asio::thread_pool> strands;
  std::unique_ptr<boost::asio::thread_pool> serving;
  boost::asio::io_context io{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> io_work;
  std::thread io_thread;
  std::map<ChainId, std::shared_ptr<LocalChain>> chains;
  std::map<std::string, Error> unhosted;  // chains by name, and why
  std::unique_ptr<ErasureWorker> erasures;
  std::map<ChainId, std::shared_ptr<SnapshotServer>> snapshots;
  std::vector<std::shared_ptr<PromotionLoop>> promotions;
  std::unique_ptr<PeerNetwork> peers;
  std::unique_ptr<AddressGossip> gossip;  // on the thread of `io`
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<WebGateway> web;
  std::unique_ptr<GrpcServer> grpc;
};

Status Node::Impl::Start() {
  TRY(StartLogging(config.log));
  // What strangers send must not be able to fill a log; what is wrong with it is in our own errors.
  google::protobuf::SetLogHandler(nullptr);
  const std::string passphrase = TRY(ReadPassphrase(config.passphrase_file));
  node_key.emplace(TRY(crypto::ReadKeyFile(config.node_key_file, passphrase)));
  database = TRY(ledger::Database::Open(config.home / "db", ledger::Database::Mode::kReadWrite));
  storage = std::make_unique<StorageThread>();
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  verify = std::make_unique<VerifyPool>(cores, kMaxVerifying);
  strands = std::make_unique<boost::asio::thread_pool>(kStrandThreads);
  serving = std::make_unique<boost::asio::thread_pool>(kServingThreads);
  for (const ChainConfig& chain : config.chains) {
    if (TRY(MayOpen(chain))) TRY(OpenChain(chain, passphrase));
  }
  if (chains.empty() && !unhosted.empty()) {
    return Within("chain " + unhosted.begin()->first, unhosted.begin()->second);
  }
  std::set<NodeKey> pinned;
  for (const PeerConfig& peer : config.peers) {
    if (peer.node_key) pinned.insert(*peer.node_key);
  }
  for (auto& [id, chain] : chains) chain->TrustForBlocks(pinned);
  TRY(StartPeers());  // before anything runs that would send
  io_work.emplace(io.get_executor());
  io_thread = std::thread([this] { io.run(); });
  for (auto& [id, chain] : chains) chain->Start();
  std::vector<const ChainRunner*> hosted;
  for (const auto& [id, chain] : chains) hosted.push_back(chain.get());
  erasures = std::make_unique<ErasureWorker>(*database, std::move(hosted), clock);
  for (const PromotionConfig& promotion : config.promotions) TRY(OpenPromotion(promotion));
  return StartServers();
}

/// Fetches its snapshot where that is configured. False: the chain stays as it is until the next
/// start; that of the others is not in the way.
Result<bool> Node::Impl::MayOpen(const ChainConfig& hosted) {
  const auto genesis = TRY(ledger::Genesis::Load(hosted.genesis));
  const bool wanted = TRY(ledger::WantsSnapshot(*database, genesis.chain_id()));
  if (hosted.snapshot_behind == 0 && !wanted) return true;
  if (wanted) {
    spdlog::warn("chain {}: goes on from a snapshot, since blocks it lacks hold erased payloads",
                 genesis.name());
  } else {
    TRY(CheckNotPromoted(config, genesis.name(), "its snapshot_behind must be 0"));
  }
  // A validator is not kept from starting: far behind, a snapshot may be all that it can have.
  if (const Status good = CheckSnapshotBehind(config, hosted, genesis.name()); !good) {
    spdlog::warn("{}", good.error().message);
  }
  const Status fetched = FetchSnapshot(genesis, hosted, wanted ? 1 : hosted.snapshot_behind);
  if (fetched) return true;
  if (fetched.error().code != Code::kUnavailable || (stopped && stopped())) {
    return Within("chain " + genesis.name(), fetched.error());
  }
  spdlog::error("chain {}: not hosted: {}", genesis.name(), fetched.error().ToString());
  unhosted.emplace(genesis.name(), fetched.error());
  return false;
}

Status Node::Impl::FetchSnapshot(const ledger::Genesis& genesis, const ChainConfig& hosted,
                                 std::uint64_t behind) {
  const auto application = TRY(tiers::MakeApplication(genesis));
  SnapshotJoin join;
  join.database = database.get();
  join.genesis = &genesis;
  join.application = application.get();
  join.clock = &clock;
  join.node_key = &*node_key;
  for (const PeerConfig& peer : config.peers) join.peers.push_back({peer.address, peer.node_key});
  join.behind = behind;
  join.pinned = hosted.snapshot_pin;
  join.log = ComponentLog("snapshot");
  join.stopped = stopped;
  return JoinBySnapshot(join);
}

void Node::Impl::OpenSnapshotServer(LocalChain& chain) {
  const ledger::Genesis& genesis = chain.chain().genesis();
  const ChainId id = genesis.chain_id();
  snapshots[id] = std::make_shared<SnapshotServer>(
      serving->get_executor(), *database, genesis, clock,
      [this, id](const NodeKey& to, v1::SnapshotResponse&& response) {
        v1::Frame frame;
        frame.set_chain_id(id.ToBytes());
        *frame.mutable_snapshot_response() = std::move(response);
        peers->Send(to, frame);
      },
      [&chain](const Error& error) { chain.Refused("snapshot", error); });
}

Status Node::Impl::OpenChain(const ChainConfig& hosted, const std::string& passphrase) {
  const auto genesis = TRY(ledger::Genesis::Load(hosted.genesis));
  const std::string& name = genesis.name();
  auto application = TRY(tiers::MakeApplication(genesis));
  auto chain = ledger::Chain::Open(*database, genesis, *application);
  if (!chain) return Within("chain " + name, std::move(chain).error());

  std::optional<ValidatorRole> role;
  if (hosted.role == ChainRole::kValidator) {
    const auto [key, added] =
        vote_keys.emplace(name, TRY(crypto::ReadKeyFile(hosted.vote_key_file, passphrase)));
    if (!added) return Fail(Code::kInvalidArgument, "two chains are named '{}'", name);
    auto votes = TRY(VoteLog::Open(VoteLogFile(config.home, name), genesis.chain_id(),
                                   key->second.public_key()));
    role = ValidatorRole::Resume(key->second, std::move(votes));
    role->evidence = TRY(EvidenceStore::Open(config.home / "evidence" / (name + ".evidence")));
    if (accept_lost_votes.contains(name)) {
      spdlog::warn("chain {}: votes although its vote log may be lost, as told at start", name);
      role->accept_lost_votes = true;
    } else if (role->votes_lost) {
      spdlog::warn(
          "chain {}: the vote log was missing or damaged; this validator watches without voting "
          "until the chain has passed everything it may have voted for",
          name);
    }
  }
  if (hosted.party_key_file) {
    party_keys.emplace(name, TRY(crypto::ReadKeyFile(*hosted.party_key_file, passphrase)));
  }
  AsioHostParts parts;
  parts.chain = name;
  parts.executor = strands->get_executor();
  parts.verify = verify.get();
  parts.storage = storage.get();
  parts.clock = &clock;
  parts.metrics = &metrics;
  parts.send = [this](const NodeKey& to, const v1::Frame& frame) { return peers->Send(to, frame); };
  parts.send_to_all = [this](const std::vector<NodeKey>& to, const v1::Frame& frame) {
    peers->SendToAll(to, frame);
  };
  auto local = LocalChain::Create(MakeAsioHost(std::move(parts)), node_key->public_key(),
                                  std::move(application), std::move(*chain), std::move(role));
  if (!local) return Within("chain " + name, std::move(local).error());
  spdlog::info("chain {}: {} at height {}", name,
               hosted.role == ChainRole::kValidator ? "validator" : "follower",
               (*local)->chain().head().height);
  const auto [opened, added] = chains.emplace(genesis.chain_id(), std::move(*local));
  if (!added) return Fail(Code::kInvalidArgument, "chain {} is configured twice", name);
  OpenSnapshotServer(*opened->second);
  return {};
}

Status Node::Impl::StartPeers() {
  PeerNetwork::Options options;
  options.listen = config.p2p_listen;
  for (const PeerConfig& peer : config.peers) options.dial.push_back({peer.address, peer.node_key});
  options.authorize = [this](const NodeKey& key) { return MayConnect(key); };
  options.is_member = [this](const NodeKey& key) {
    return std::any_of(chains.begin(), chains.end(),
                       [&](const auto& chain) { return chain.second->IsMember(key); });
  };
  options.on_frame = [this](const NodeKey& from, v1::Frame&& frame) {
    return OnFrame(from, std::move(frame));
  };
  options.on_peer = [this](const NodeKey& peer, bool up) {
    for (auto& [id, chain] : chains) chain->OnPeer(peer, up);
    gossip->OnPeer(peer, up);
    if (up) return;
    for (auto& [id, server] : snapshots) server->OnPeerDown(peer);
  };
  options.log = ComponentLog("p2p");
  peers = TRY(PeerNetwork::Start(io, *node_key, std::move(options)));
  addresses.p2p = peers->listen_address();
  return StartGossip();
}

// Before the network's thread runs, so that its callbacks find it.
Status Node::Impl::StartGossip() {
  AddressGossip::Options options;
  options.self = &*node_key;
  options.advertise =
      config.p2p_advertise.empty() ? ReachableAddress(addresses.p2p) : config.p2p_advertise;
  options.file = config.home / "addresses";
  for (const auto& [id, chain] : chains) options.chains.push_back(id);
  options.clock = &clock;
  options.is_member = [this](const ChainId& chain, const NodeKey& key) {
    const auto it = chains.find(chain);
    return it != chains.end() && it->second->IsMember(key);
  };
  options.validators = [this](const ChainId& chain) {
    return chains.at(chain)->members().validators();
  };
  options.store = [this](std::function<void()> job) { storage->Post(std::move(job)); };
  options.refused = [this](const ChainId& chain, const Error& error) {
    chains.at(chain)->Refused("address", error);
  };
  options.log = ComponentLog("p2p");
  gossip = TRY(AddressGossip::Start(io, *peers, std::move(options)));
  return {};
}

bool Node::Impl::MayConnect(const NodeKey& key) const {
  return std::any_of(chains.begin(), chains.end(),
                     [&](const auto& chain) { return chain.second->MayPeer(key); });
}

// Frames about chains we do not host are no offence: the peer may host more than we do.
bool Node::Impl::OnFrame(const NodeKey& from, v1::Frame&& frame) {
  const auto id = ChainId::FromBytes(frame.chain_id());
  if (!id) return false;
  const auto chain = chains.find(*id);
  if (chain == chains.end()) return true;
  // Nor are those of a node that is a member of another chain, and was one of this.
  if (!chain->second->MayPeer(from)) return MayConnect(from);
  if (frame.has_address()) return gossip->OnAddress(from, *id, frame.address());
  if (frame.has_snapshot_request()) {
    // Blocks may be taken from a peer that may not see the chain: one named by the operator, or a
    // follower that was removed.
    if (!chain->second->MayRead(from)) {
      chain->second->Refused("snapshot", "unauthorized");
      return true;
    }
    snapshots.at(*id)->OnRequest(from, frame.snapshot_request(),
                                 chain->second->chain().head().height);
    return true;
  }
  return chain->second->OnFrame(from, std::move(frame));
}

LocalChain* Node::Impl::FindChain(const std::string& name) const {
  for (const auto& [id, chain] : chains) {
    if (chain->chain().genesis().name() == name) return chain.get();
  }
  return nullptr;
}

Status Node::Impl::OpenPromotion(const PromotionConfig& promotion) {
  if (unhosted.contains(promotion.from) || unhosted.contains(promotion.to)) return {};
  LocalChain* const source = FindChain(promotion.from);
  LocalChain* const target = FindChain(promotion.to);
  if (source == nullptr || target == nullptr) {
    return Fail(Code::kInvalidArgument, "promotions: chain '{}' is not hosted by this node",
                source == nullptr ? promotion.from : promotion.to);
  }
  const auto author = party_keys.find(promotion.to);
  if (author == party_keys.end()) {
    return Fail(Code::kInvalidArgument,
                "promotions: chain '{}' needs a party_key_file to sign what is promoted to it",
                promotion.to);
  }
  const crypto::ValidatorSet promoters = *source->chain().validators();
  const auto rank = promoters.FindNodeKey(node_key->public_key());
  tiers::Promoter::Options options;
  options.source = &source->chain();
  options.target = &target->chain();
  options.author = &author->second;
  options.rank = rank ? rank->value : promoters.size() - 1;
  options.promoters = promoters.size();
  auto promoter = TRY(tiers::Promoter::Open(*database, options));
  promotions.push_back(std::make_shared<PromotionLoop>(strands->get_executor(), std::move(promoter),
                                                       *source, *target, clock));
  promotions.back()->Start();
  return {};
}

Status Node::Impl::StartServers() {
  GrpcServer::Options options;
  options.listen = config.grpc_listen;
  options.certificate = TRY(LoadOrMakeServerCertificate(config.home, {"localhost", "127.0.0.1"}));
  const NodeInfo info{config.name, std::string(kVersion),
                      [this] { return static_cast<std::uint32_t>(peers->peers().size()); }};
  options.info = info;
  std::vector<ChainRunner*> runners;
  for (auto& [id, chain] : chains) runners.push_back(chain.get());
  grpc = TRY(GrpcServer::Start(std::move(options), runners, clock, random));
  addresses.grpc = grpc->listen_address();
  HttpServer::Options http_options;
  http_options.listen = config.http_listen;
  http_options.handler =
      ByRoute(OperatorRoutes([this] { return Ready(); }, [this] { return MetricsText(); }));
  http = TRY(HttpServer::Start(std::move(http_options)));
  addresses.http = http->listen_address();
  if (config.web) {
    WebGateway::Options web_options;
    web_options.config = *config.web;
    web_options.info = info;
    web_options.observer = &metrics;
    web = TRY(WebGateway::Start(std::move(web_options), runners, clock, random));
    addresses.web = web->listen_address();
  }
  spdlog::info("node {} is up: peers {}, gRPC {}, HTTP {}, web {}", config.name, addresses.p2p,
               addresses.grpc, addresses.http, config.web ? addresses.web : "off");
  return {};
}

Result<std::string> Node::Impl::Ready() const {
  std::string notes;
  for (const auto& [name, error] : unhosted) {
    return Fail(Code::kUnavailable, "chain {} is not hosted: {}", name, error.message);
  }
  for (const auto& [id, chain] : chains) {
    const ChainStatusInfo status = chain->status();
    const std::string& name = chain->chain().genesis().name();
    if (status.halted) return Fail(Code::kUnavailable, "chain {} halted: {}", name, *status.halted);
    if (status.erased_ahead != Height(0)) {
      return Fail(Code::kUnavailable,
                  "chain {} needs a snapshot: block {} holds erased payloads; restart this node",
                  name, status.erased_ahead);
    }
    if (!status.synced) {
      return Fail(Code::kUnavailable, "chain {} is at height {} of {}", name, status.head.height,
                  status.best_peer_height);
    }
    if (status.held_blocks > 0) {
      notes += fmt::format("chain {} at height {}: {}\n", name, status.head.height,
                           HeldText(status.held_blocks, status.held_until));
    }
  }
  return notes;
}

std::string Node::Impl::MetricsText() {
  for (const auto& [id, chain] : chains) {
    metrics.SetChain(chain->chain().genesis().name(), chain->status());
  }
  for (const auto& promotion : promotions) {
    metrics.SetPromotion(promotion->from(), promotion->to(), promotion->stats());
  }
  metrics.SetPeers(peers->peers().size(), peers->totals());
  metrics.SetVerification(*verify);
  return metrics.Text();
}

// Clients first, so that nothing new comes in; then the strands run dry, and with them what they
// send and write; then whatever still holds a chain goes before the chains, and they before the
// threads that their strands belong to and before their database.
void Node::Impl::Stop() {
  if (grpc) grpc->Stop();
  web.reset();
  for (auto& promotion : promotions) promotion->Stop();
  for (auto& [id, chain] : chains) chain->Stop();
  for (auto& [id, server] : snapshots) server->Stop();
  if (strands) strands->join();
  if (serving) serving->join();
  http.reset();
  erasures.reset();
  io_work.reset();
  io.stop();
  if (io_thread.joinable()) io_thread.join();
  gossip.reset();
  peers.reset();
  verify.reset();
  storage.reset();
  grpc.reset();
  promotions.clear();
  chains.clear();
  snapshots.clear();
  strands.reset();
  serving.reset();
  database.reset();
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;
const Node::Addresses& Node::addresses() const { return impl_->addresses; }

Result<ChainStatusInfo> Node::ChainStatus(const std::string& chain) const {
  const LocalChain* const local = impl_->FindChain(chain);
  if (local == nullptr) return Fail(Code::kNotFound, "this node hosts no chain '{}'", chain);
  return local->status();
}

std::size_t Node::connected_peers() const { return impl_->peers->peers().size(); }

Result<std::unique_ptr<Node>> Node::Start(const Config& config,
                                          const std::set<std::string>& accept_lost_votes,
                                          const std::function<bool()>& stopped) {
  auto impl = std::make_unique<Impl>(config, accept_lost_votes, stopped);
  TRY(impl->Start());
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

Status RunNode(const Config& config, const std::set<std::string>& accept_lost_votes) {
  boost::asio::io_context signals;
  boost::asio::signal_set stop(signals, SIGTERM, SIGINT);
  bool stopping = false;
  stop.async_wait([&](const boost::system::error_code&, int signal) {
    spdlog::info("stopping on signal {}", signal);
    stopping = true;
  });
  auto node = Node::Start(config, accept_lost_votes, [&] {
    signals.poll();
    return stopping;
  });
  if (stopping) return {};
  const auto running = TRY(std::move(node));
  signals.run();
  return {};
}

}  // namespace talent::node
