#include "node/bench/bench.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "base/canonical.h"
#include "ledger/genesis.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/connect.h"
#include "node/cli/passphrase.h"
#include "talent/tiers/v1/common.pb.h"

namespace talent::node::cli {
namespace {

/// Subjects signed ahead for a second of the run: more than the reference machine commits.
constexpr std::size_t kSignedAheadPerSecond = 4000;
constexpr std::size_t kMaxSignedAhead = 200'000;  // about 250 MB

struct CommandOptions {
  std::filesystem::path endpoints;
  std::string chain;
  std::uint64_t seconds = 10;
  std::size_t in_flight = 256;
  bool json = false;
  std::filesystem::path key;
  PassphraseOptions passphrase;
};

/// Validators of the chain that answer, connected.
struct Network {
  ledger::Genesis genesis;
  std::vector<std::unique_ptr<Client>> clients;
  std::filesystem::path first_home;
  Height height;
};

Result<ChainEndpoint> ChooseChain(const Endpoints& endpoints, const std::string& name) {
  if (!name.empty()) return endpoints.FindChain(name);
  for (const auto& chain : endpoints.chains) {
    if (chain.tier == "private") return chain;
  }
  return Fail(Code::kNotFound, "the endpoints name no private chain; give --chain");
}

Result<Network> ConnectValidators(const Endpoints& endpoints, const ChainEndpoint& chain) {
  auto genesis = TRY(ledger::Genesis::Load(chain.genesis));
  Network out{std::move(genesis), {}, {}, {}};
  for (const auto& node : endpoints.nodes) {
    auto connection = ConnectTo(node);
    if (!connection) continue;  // a network with a node down is worth measuring too
    for (const auto& state : connection->status.chains()) {
      if (state.chain_id() != chain.id.View() || state.role() != "validator") continue;
      out.height = std::max(out.height, Height(state.height()));
      if (out.clients.empty()) out.first_home = node.home;
      out.clients.push_back(std::move(connection->client));
      break;
    }
  }
  if (out.clients.empty()) {
    return Fail(Code::kUnavailable, "no validator of chain {} answers", chain.name);
  }
  return out;
}

/// The author's key: the one named, or the first validator's own as a devnet lays them out.
Result<crypto::KeyPair> AuthorKey(const CommandOptions& options, const Network& network) {
  if (!options.key.empty()) return ReadKey(options.key, options.passphrase);
  PassphraseOptions passphrase = options.passphrase;
  const auto devnet = std::filesystem::absolute(options.endpoints).parent_path() / "passphrase";
  if (passphrase.file.empty() && std::filesystem::exists(devnet)) passphrase.file = devnet;
  return ReadKey(network.first_home / "keys" / "party.key", passphrase);
}

Result<std::string> PartyOf(Client& client, const ChainId& chain, const crypto::KeyPair& key) {
  TRY(client.Login(chain, key));
  const auto owner = TRY(client.GetState(chain, fmt::format("key/{}", key.public_key().View())));
  return TRY(Decode<tiers::v1::KeyOwner>(owner.value())).party();
}

int Print(const CommandOptions& options, const ChainEndpoint& chain, const Network& network,
          const BenchReport& report, double limit) {
  const double ratio = report.committed_per_s() / limit;
  if (options.json) {
    PrintJson({{"committed_per_s", report.committed_per_s()},
               {"p50_ms", report.p50_ms},
               {"p99_ms", report.p99_ms},
               {"verify_limit_per_s", limit},
               {"ratio_to_limit", ratio},
               {"errors", report.errors},
               {"first_error", report.first_error},
               {"committed", report.committed},
               {"seconds", report.seconds},
               {"in_flight", options.in_flight},
               {"chain", chain.name},
               {"validators", network.genesis.validators().size()}});
  } else {
    PrintTable(
        {"COMMITTED/S", "P50 MS", "P99 MS", "LIMIT/S", "RATIO", "ERRORS"},
        {{fmt::format("{:.0f}", report.committed_per_s()), fmt::format("{:.1f}", report.p50_ms),
          fmt::format("{:.1f}", report.p99_ms), fmt::format("{:.0f}", limit),
          fmt::format("{:.2f}", ratio), std::to_string(report.errors)}});
  }
  if (report.errors > 0) fmt::print(stderr, "first error: {}\n", report.first_error);
  return report.committed > 0 ? kGood : kRefused;
}

Result<int> Bench(const CommandOptions& options) {
  const auto endpoints = TRY(Endpoints::Load(options.endpoints));
  const auto chain = TRY(ChooseChain(endpoints, options.chain));
  const Network network = TRY(ConnectValidators(endpoints, chain));
  const auto key = TRY(AuthorKey(options, network));
  BenchWorkload::Options work;
  work.chain = chain.id;
  work.centre = TRY(PartyOf(*network.clients.front(), chain.id, key));
  work.valid_until = network.height + network.genesis.consensus().max_valid_for / 2;
  work.signed_ahead = std::min(options.seconds * kSignedAheadPerSecond, kMaxSignedAhead);
  BenchWorkload workload(work, key);
  // Every validator verifies every signature once, and all of them share this machine's cores.
  const double limit = MeasureVerificationsPerSecond() * std::thread::hardware_concurrency() /
                       network.genesis.validators().size();
  const auto report = RunBench({chain.id, Millis(options.seconds * 1000), options.in_flight},
                               workload, network.clients);
  return Print(options, chain, network, report, limit);
}

}  // namespace

void AddBenchCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CommandOptions>();
  auto* bench = app.add_subcommand("bench", "Measure committed records a second, and latencies");
  bench->footer(
      "Example:\n"
      "  talentd bench --endpoints .devnet/endpoints.json --seconds 10 --json\n"
      "\n"
      "Registers and assesses made-up people on a private chain, through every validator that\n"
      "answers. verify_limit_per_s is what the machine could do if verifying each signature once\n"
      "on every validator were all there is to do, measured in the same run.");
  bench->add_option("--endpoints", options->endpoints, "endpoints.json of the network")->required();
  bench->add_option("--chain", options->chain, "Chain (default: the first private one)");
  bench->add_option("--seconds", options->seconds, "How long")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{3600}))
      ->capture_default_str();
  bench->add_option("--in-flight", options->in_flight, "Submissions at a time")
      ->check(CLI::Range(std::size_t{1}, std::size_t{4096}))
      ->capture_default_str();
  bench->add_flag("--json", options->json, "One JSON object");
  bench->add_option("--key", options->key,
                    "A centre's key file (default: the first validator's keys/party.key)");
  AddPassphraseOptions(bench, options->passphrase);
  OnRun(bench, exit_code, [options] { return Bench(*options); });
}

}  // namespace talent::node::cli
