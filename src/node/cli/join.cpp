// A node joins a chain that runs, from its genesis file and the address of one of its nodes.

#include <chrono>
#include <thread>

#include "base/file.h"
#include "ledger/genesis.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/new_home.h"
#include "node/cli/offer.h"
#include "node/cli/passphrase.h"
#include "node/node.h"
#include "node/rpc/grpc_tls.h"
#include "tiers/governance.h"

namespace talent::node::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kPoll{500};
// Statuses come with the connection and every half second.
constexpr int kPollsToTrustSynced = 4;
constexpr int kPollsBetweenLines = 10;

struct JoinOptions {
  fs::path home;
  fs::path genesis;
  std::string peer;
  std::string peer_key;
  std::string name;
  bool validator = false;
  std::string p2p_listen = "127.0.0.1:7001";
  std::string grpc_listen = "127.0.0.1:9001";
  std::string http_listen = "127.0.0.1:8001";
  std::string advertise;
  std::vector<std::string> tls_names;
  crypto::KdfCost cost = crypto::KdfCost::kModerate;
  fs::path passphrase_file;
  std::uint64_t wait_s = 600;
};

Result<Config> NewConfig(const JoinOptions& options, const fs::path& home) {
  if (options.name.empty()) {
    return Fail(Code::kInvalidArgument, "{} is no home yet: give the new node's --name",
                home.string());
  }
  Config config;
  config.name = options.name;
  config.home = home;
  config.passphrase_file =
      options.passphrase_file.empty() ? home / "passphrase" : fs::absolute(options.passphrase_file);
  config.node_key_file = KeyFileOf(home, "node");
  config.p2p_listen = options.p2p_listen;
  config.p2p_advertise = options.advertise;
  config.grpc_listen = options.grpc_listen;
  config.http_listen = options.http_listen;
  return config;
}

/// What `config` names and is not there yet.
Status MakeHome(const JoinOptions& options, const Config& config) {
  TRY(MakeHomeDirectories(config.home));
  TRY(PassphraseFileOf(config.home, options.passphrase_file));
  const std::string passphrase = TRY(ReadPassphrase({config.passphrase_file}, false));
  TRY(MakeKey(config.home, "node", passphrase, options.cost));
  TRY(LoadOrMakeServerCertificate(config.home, options.tls_names));
  return {};
}

Status AddPeer(const JoinOptions& options, Config& config) {
  PeerConfig peer{options.peer, std::nullopt};
  if (!options.peer_key.empty()) {
    peer.node_key = TRY(crypto::PublicKey::FromHexString(options.peer_key));
  }
  const auto known =
      std::ranges::find(config.peers, peer.address, [](const PeerConfig& p) { return p.address; });
  if (known == config.peers.end()) {
    config.peers.push_back(std::move(peer));
  } else if (peer.node_key) {
    known->node_key = peer.node_key;
  }
  return {};
}

Status AddChain(const JoinOptions& options, const ledger::Genesis& genesis, Config& config) {
  for (const ChainConfig& chain : config.chains) {
    if (TRY(ledger::Genesis::Load(chain.genesis)).name() == genesis.name()) {
      return Fail(Code::kPrecondition, "{} takes part in chain '{}' already: 'talentd start'",
                  config.home.string(), genesis.name());
    }
  }
  ChainConfig chain;
  chain.genesis = config.home / "genesis" / (genesis.name() + ".json");
  if (options.validator) {
    chain.role = ChainRole::kValidator;
    chain.vote_key_file = KeyFileOf(config.home, VoteKeyPurpose(genesis.name()));
  }
  config.chains.push_back(std::move(chain));
  return {};
}

/// Makes the home or adds the chain to the one that is there; nothing where an option is wrong.
Result<Config> Prepare(const JoinOptions& options, const ledger::Genesis& genesis) {
  const fs::path home = fs::absolute(options.home);
  const fs::path file = home / "config.toml";
  const bool existing = fs::exists(file);
  Config config = existing ? TRY(LoadConfig(file)) : TRY(NewConfig(options, home));
  TRY(AddPeer(options, config));
  TRY(AddChain(options, genesis, config));
  const std::string text = DefaultConfig(config);
  TRY(ParseConfig(text, file.string(), home));  // an address or a name given here
  if (!existing) TRY(MakeHome(options, config));
  TRY(WriteFile(config.chains.back().genesis, genesis.bytes(), 0644, IfExists::kReplace));
  if (options.validator) {
    const std::string passphrase = TRY(ReadPassphrase({config.passphrase_file}, false));
    TRY(MakeVoteKey(home, genesis.name(), passphrase, options.cost));
  }
  if (existing) {
    TRY(WriteFile(home / fmt::format("config.toml.before-{}", genesis.name()),
                  TRY(ReadFile(file, 1u << 20)), 0600, IfExists::kReplace));
  }
  TRY(WriteFile(file, text, 0600, IfExists::kReplace));
  return config;
}

Result<fs::path> WriteOffer(const JoinOptions& options, const ledger::Genesis& genesis,
                            const Config& config) {
  const PassphraseOptions passphrase{config.passphrase_file};
  const auto node_key = TRY(ReadKey(config.node_key_file, passphrase));
  std::optional<crypto::KeyPair> vote_key;
  if (options.validator) vote_key = TRY(ReadKey(config.chains.back().vote_key_file, passphrase));
  const auto offer =
      tiers::MakeOffer(genesis.chain_id(), config.name, vote_key ? &*vote_key : nullptr, node_key);
  TRY(tiers::VerifyOffer(genesis.chain_id(), offer));
  fs::path file = config.home / (genesis.name() + ".offer");
  TRY(WriteFile(file, OfferToJson(genesis, offer), 0644, IfExists::kReplace));
  return file;
}

/// Follows the chain to its head, saying how far it is. False: not there when the time was over.
Result<bool> Follow(const Node& node, const std::string& chain, std::uint64_t wait_s) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(wait_s);
  int synced = 0;
  for (int poll = 0; std::chrono::steady_clock::now() < deadline; ++poll) {
    const ChainStatusInfo status = TRY(node.ChainStatus(chain));
    if (status.halted) return Fail(Code::kDiverged, "chain {} halted: {}", chain, *status.halted);
    const bool there = status.reporting_peers > 0 && status.synced;
    synced = there ? synced + 1 : 0;
    if (synced == kPollsToTrustSynced || poll % kPollsBetweenLines == 0) {
      fmt::print("{}: height {} of {}, {} of its nodes answer\n", chain, status.head.height,
                 std::max(status.head.height, status.best_peer_height), status.reporting_peers);
      std::fflush(stdout);
    }
    if (synced == kPollsToTrustSynced) return true;
    std::this_thread::sleep_for(kPoll);
  }
  return false;
}

void PrintNextSteps(const JoinOptions& options, const ledger::Genesis& genesis,
                    const fs::path& offer, const fs::path& home) {
  const char* const change = options.validator ? "--add" : "--add-follower";
  fmt::print("\nrun the node:\n  talentd start --home {}\n", home.string());
  if (!options.validator && genesis.tier() == ledger::Tier::kPublic) return;
  fmt::print(
      "\nto be let in 申请加入, give {} to a talent centre of the chain, which proposes it;\n"
      "the other centres vote:\n"
      "  talentd validator propose {} {}.offer{} --chain {} --key CENTRE.key --endpoints …\n"
      "  talentd governance vote PROPOSAL --chain {} --key CENTRE.key --endpoints …\n",
      offer.string(), change, genesis.name(), options.validator ? "" : " --party WHO-RUNS-IT",
      genesis.name(), genesis.name());
}

Result<int> Join(const JoinOptions& options) {
  const auto genesis = TRY(ledger::Genesis::Load(options.genesis));
  const Config config = TRY(Prepare(options, genesis));
  const fs::path offer = TRY(WriteOffer(options, genesis, config));
  fmt::print("chain {} ({}), {}\n", genesis.name(), ledger::TierName(genesis.tier()),
             genesis.chain_id().Hex());
  PrintNextSteps(options, genesis, offer, config.home);
  fmt::print("\nfollowing the chain to its head; may be interrupted, 'talentd start' goes on\n");
  Config quiet = config;
  quiet.log.level = "error";
  const auto node = TRY(Node::Start(quiet, {}));
  if (TRY(Follow(*node, genesis.name(), options.wait_s))) return kGood;
  return Refused({Code::kUnavailable,
                  fmt::format("no node at {} took this one in within {} s: is the address right, "
                              "and has a centre admitted this node?",
                              options.peer, options.wait_s)});
}

}  // namespace

void AddJoinCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<JoinOptions>();
  options->tls_names = {"localhost", "127.0.0.1", "::1"};
  auto* join = app.add_subcommand(
      "join", "Join a running chain, knowing its genesis file and one of its nodes 加入已运行的链");
  join->footer(
      "Examples:\n"
      "  talentd join --home viewer --name viewer --genesis public.json --peer 10.0.0.2:7001\n"
      "  talentd join --home centre-5 --name centre-5 --validator --genesis private-a.json \\\n"
      "    --peer 10.0.0.2:7001 --p2p 10.0.0.9:7001\n"
      "\n"
      "Makes the node's home, or adds the chain to a home whose node is stopped; then follows the\n"
      "chain to its head. Anyone may follow a public chain; nodes of the others are admitted by\n"
      "vote of the chain's centres: the offer it writes says who asks. Exits with 2 where no node\n"
      "of the chain took it in.\n"
      "私有链与联盟链的新节点须经链上人才中心投票批准。");
  join->add_option("--home", options->home, "The node's directory, made where it is not there")
      ->required();
  join->add_option("--genesis", options->genesis, "The chain's genesis file")->required();
  join->add_option("--peer", options->peer, "A node of the chain, host:port")->required();
  join->add_option("--peer-key", options->peer_key,
                   "That node's key; needed where no validator of the genesis is left");
  join->add_option("--name", options->name, "A new node's name");
  join->add_flag("--validator", options->validator, "Make a vote key too, to become a validator");
  join->add_option("--p2p", options->p2p_listen, "Where to listen for nodes")
      ->capture_default_str();
  join->add_option("--grpc", options->grpc_listen, "Where to listen for clients")
      ->capture_default_str();
  join->add_option("--http", options->http_listen, "Where to serve health and metrics")
      ->capture_default_str();
  join->add_option("--advertise", options->advertise,
                   "What other nodes are told to connect to (default: where it listens)");
  join->add_option("--tls-name", options->tls_names,
                   "Host names and addresses that clients will use, for the certificate")
      ->capture_default_str();
  join->add_option("--passphrase-file", options->passphrase_file,
                   "File with the keys' passphrase (default: a random one in the home)");
  join->add_option("--wait", options->wait_s, "Seconds until it gives up")->capture_default_str();
  AddKdfOption(join, options->cost);
  OnRun(join, exit_code, [options] { return Join(*options); });
}

}  // namespace talent::node::cli
