#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/new_home.h"
#include "node/cli/passphrase.h"
#include "node/ops/config.h"
#include "node/rpc/grpc_tls.h"

namespace talent::node::cli {
namespace {

namespace fs = std::filesystem;

struct InitOptions {
  fs::path home;
  std::string name;
  std::vector<std::string> validate;  // chains
  std::vector<std::string> follow;
  std::string p2p_listen = "127.0.0.1:7001";
  std::string grpc_listen = "127.0.0.1:9001";
  std::string http_listen = "127.0.0.1:8001";
  std::string advertise;
  std::vector<std::string> peers;
  std::vector<std::string> promotions;  // "FROM:TO"
  std::vector<std::string> tls_names;
  crypto::KdfCost cost = crypto::KdfCost::kModerate;
  fs::path passphrase_file;
  Output output = Output::kTable;
};

Config MakeConfig(const InitOptions& options, const fs::path& home, const fs::path& passphrase) {
  Config config;
  config.name = options.name;
  config.home = home;
  config.node_key_file = home / "keys" / "node.key";
  config.passphrase_file = passphrase;
  config.p2p_listen = options.p2p_listen;
  config.grpc_listen = options.grpc_listen;
  config.http_listen = options.http_listen;
  config.p2p_advertise = options.advertise;
  for (const std::string& peer : options.peers) config.peers.push_back({peer, std::nullopt});
  for (const std::string& promotion : options.promotions) {
    const std::size_t colon = promotion.find(':');  // there, as CLI11 has checked
    config.promotions.push_back({promotion.substr(0, colon), promotion.substr(colon + 1)});
  }
  const auto promotes_to = [&](const std::string& chain) {
    return std::ranges::any_of(config.promotions,
                               [&](const PromotionConfig& p) { return p.to == chain; });
  };
  const auto add = [&](const std::string& chain, ChainRole role) {
    ChainConfig out;
    out.genesis = home / "genesis" / (chain + ".json");
    out.role = role;
    if (role == ChainRole::kValidator) {
      out.vote_key_file = KeyFileOf(home, VoteKeyPurpose(chain));
    }
    if (role == ChainRole::kValidator || promotes_to(chain)) {
      out.party_key_file = home / "keys" / "party.key";
    }
    config.chains.push_back(std::move(out));
  };
  for (const auto& chain : options.validate) add(chain, ChainRole::kValidator);
  for (const auto& chain : options.follow) add(chain, ChainRole::kFollower);
  return config;
}

/// The keys a node needs, by purpose.
Result<std::vector<std::pair<std::string, MadeKey>>> MakeKeys(const InitOptions& options,
                                                              const fs::path& home,
                                                              const std::string& passphrase) {
  std::vector<std::pair<std::string, MadeKey>> out;
  const auto make = [&](const std::string& purpose) -> Status {
    out.emplace_back(purpose, TRY(MakeKey(home, purpose, passphrase, options.cost)));
    return {};
  };
  TRY(make("node"));
  if (!options.validate.empty()) TRY(make("party"));
  for (const auto& chain : options.validate) {
    out.emplace_back(VoteKeyPurpose(chain),
                     TRY(MakeVoteKey(home, chain, passphrase, options.cost)));
  }
  return out;
}

Result<int> Init(const InitOptions& options) {
  const fs::path home = fs::absolute(options.home);
  const fs::path config_file = home / "config.toml";
  if (fs::exists(config_file)) {
    return Fail(Code::kPrecondition, "{} is there already: this is a node's home",
                config_file.string());
  }
  TRY(MakeHomeDirectories(home));
  const fs::path passphrase_file = TRY(PassphraseFileOf(home, options.passphrase_file));
  const std::string passphrase = TRY(ReadPassphrase({passphrase_file}, false));
  std::vector<std::vector<std::string>> rows;
  nlohmann::json keys;
  for (const auto& [purpose, made] : TRY(MakeKeys(options, home, passphrase))) {
    rows.push_back({purpose, made.key.Hex(), made.file.string()});
    keys[purpose] = made.key.Hex();
  }
  TRY(LoadOrMakeServerCertificate(home, options.tls_names));
  // Last: a home without it is begun and not done.
  TRY(WriteFile(config_file, DefaultConfig(MakeConfig(options, home, passphrase_file)), 0600,
                IfExists::kFail));
  if (options.output == Output::kJson) {
    PrintJson({{"home", home.string()}, {"name", options.name}, {"keys", keys}});
    return kGood;
  }
  PrintTable({"KEY", "PUBLIC KEY", "FILE"}, rows);
  fmt::print("\nput the chains' genesis files into {}{}, then:\n  talentd start --home {}\n",
             (home / "genesis").string(),
             options.peers.empty() ? ", name peers in " + config_file.string() : "", home.string());
  return kGood;
}

}  // namespace

void AddInitCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<InitOptions>();
  options->tls_names = {"localhost", "127.0.0.1", "::1"};
  auto* init = app.add_subcommand("init", "Make a node's home: keys, certificate, configuration");
  init->footer(
      "Examples:\n"
      "  talentd init --home centre-1 --name centre-1 --validate private-a --validate public\n"
      "  talentd init --home viewer --name viewer --follow public --peer node1.example:7001\n"
      "\n"
      "Prints the public keys, which go into the genesis files: with --output json as the card "
      "that\n"
      "'talentd genesis create' reads. A key for votes is made for every chain to validate, and "
      "one\n"
      "that signs for the centre as a party.");
  init->add_option("--home", options->home, "Directory to make")->required();
  init->add_option("--name", options->name, "The node's name")->required();
  init->add_option("--validate", options->validate, "Chain to validate, by name; repeatable");
  init->add_option("--follow", options->follow, "Chain to follow, by name; repeatable");
  init->add_option("--p2p", options->p2p_listen, "Where to listen for nodes")
      ->capture_default_str();
  init->add_option("--grpc", options->grpc_listen, "Where to listen for clients")
      ->capture_default_str();
  init->add_option("--http", options->http_listen, "Where to serve health and metrics")
      ->capture_default_str();
  init->add_option("--advertise", options->advertise,
                   "HOST:PORT that other nodes are told to connect to (default: --p2p)");
  init->add_option("--peer", options->peers, "HOST:PORT of a node to connect to; repeatable");
  init->add_option("--promote", options->promotions,
                   "Carry records from one of these chains to another, FROM:TO; repeatable")
      ->check([](const std::string& text) {
        return text.find(':') == std::string::npos ? "write FROM:TO" : std::string();
      });
  init->add_option("--tls-name", options->tls_names,
                   "Host names and addresses that clients will use, for the certificate")
      ->capture_default_str();
  init->add_option("--passphrase-file", options->passphrase_file,
                   "File with the keys' passphrase (default: a random one in the home)");
  AddKdfOption(init, options->cost);
  AddOutputOption(init, options->output);
  OnRun(init, exit_code, [options] { return Init(*options); });
}

}  // namespace talent::node::cli
