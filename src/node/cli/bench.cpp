#include "node/bench/bench.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/canonical.h"
#include "ledger/genesis.h"
#include "node/bench/promotion_bench.h"
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
  std::size_t together = 16;
  std::uint64_t rate = 0;
  bool json = false;
  bool promotion = false;
  std::filesystem::path key;
  PassphraseOptions passphrase;
};

/// Validators of the chain that answer, connected.
struct Network {
  ledger::Genesis genesis;
  std::vector<std::unique_ptr<Client>> clients;
  std::filesystem::path first_home;
  Height height;
  std::vector<std::int64_t> pids;  // of those on this machine
};

/// Processor time a process on this machine has used so far, in seconds; 0 where there is none.
double CpuSecondsOf(std::int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // Fields 14 and 15 of proc(5), user and system time; the name before them may hold anything.
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return fields ? (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)) : 0;
}

double CpuSecondsOf(const std::vector<std::int64_t>& pids) {
  double sum = 0;
  for (const std::int64_t pid : pids) sum += CpuSecondsOf(pid);
  return sum;
}

Result<ChainEndpoint> ChooseChain(const Endpoints& endpoints, const std::string& name) {
  if (!name.empty()) return endpoints.FindChain(name);
  for (const auto& chain : endpoints.chains) {
    if (chain.tier == "private") return chain;
  }
  return Fail(Code::kNotFound, "the endpoints name no private chain; give --chain");
}

Result<Network> ConnectValidators(const Endpoints& endpoints, const ChainEndpoint& chain) {
  auto genesis = TRY(ledger::Genesis::Load(chain.genesis));
  Network out{std::move(genesis), {}, {}, {}, {}};
  for (const auto& node : endpoints.nodes) {
    auto connection = ConnectTo(node);
    if (!connection) continue;  // a network with a node down is worth measuring too
    for (const auto& state : connection->status.chains()) {
      if (state.chain_id() != chain.id.View() || state.role() != "validator") continue;
      out.height = std::max(out.height, Height(state.height()));
      if (out.clients.empty()) out.first_home = node.home;
      out.clients.push_back(std::move(connection->client));
      out.pids.push_back(node.pid);
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
          const BenchReport& report, double limit, double validators_cpu_s) {
  const double ratio = report.committed_per_s() / limit;
  // The client shares the machine with the validators.
  const double records = static_cast<double>(std::max<std::uint64_t>(1, report.committed));
  const double client_us = report.client_cpu_s * 1e6 / records;
  const double validator_us =
      validators_cpu_s * 1e6 / records / static_cast<double>(network.pids.size());
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
               {"per_call", options.together},
               {"rate", options.rate},
               {"client_cpu_us_per_record", client_us},
               {"validator_cpu_us_per_record", validator_us},
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

Result<ChainEndpoint> Consortium(const Endpoints& endpoints) {
  for (const auto& chain : endpoints.chains) {
    if (chain.tier == "consortium") return chain;
  }
  return Fail(Code::kNotFound, "the endpoints name no consortium chain");
}

Result<int> BenchPromotion(const CommandOptions& options, const Endpoints& endpoints,
                           const ChainEndpoint& chain, const Network& network,
                           const crypto::KeyPair& key) {
  const auto consortium = TRY(Consortium(endpoints));
  const Network there = TRY(ConnectValidators(endpoints, consortium));
  PromotionBenchOptions run;
  run.source = chain.id;
  run.target = consortium.id;
  run.centre = TRY(PartyOf(*network.clients.front(), chain.id, key));
  TRY(there.clients.front()->Login(consortium.id, key));
  run.duration = Millis(options.seconds * 1000);
  if (options.rate != 0) run.rate = options.rate;
  const auto report =
      TRY(RunPromotionBench(run, key, *network.clients.front(), *there.clients.front()));
  if (options.json) {
    PrintJson({{"records", report.records},
               {"arrived", report.arrived},
               {"errors", report.errors},
               {"first_error", report.first_error},
               {"rate", run.rate},
               {"commit_p50_ms", report.commit_p50_ms},
               {"commit_p99_ms", report.commit_p99_ms},
               {"promotion_p50_ms", report.promotion_p50_ms},
               {"promotion_p99_ms", report.promotion_p99_ms}});
  } else {
    PrintTable(
        {"RECORDS", "ARRIVED", "COMMIT P50 MS", "P99", "PROMOTION P50 MS", "P99", "ERRORS"},
        {{std::to_string(report.records), std::to_string(report.arrived),
          fmt::format("{:.1f}", report.commit_p50_ms), fmt::format("{:.1f}", report.commit_p99_ms),
          fmt::format("{:.1f}", report.promotion_p50_ms),
          fmt::format("{:.1f}", report.promotion_p99_ms), std::to_string(report.errors)}});
  }
  if (report.errors > 0) fmt::print(stderr, "first error: {}\n", report.first_error);
  return report.records > 0 && report.arrived == report.records ? kGood : kRefused;
}

Result<int> Bench(const CommandOptions& options) {
  const auto endpoints = TRY(Endpoints::Load(options.endpoints));
  const auto chain = TRY(ChooseChain(endpoints, options.chain));
  const Network network = TRY(ConnectValidators(endpoints, chain));
  const auto key = TRY(AuthorKey(options, network));
  if (options.promotion) return BenchPromotion(options, endpoints, chain, network, key);
  BenchWorkload::Options work;
  work.chain = chain.id;
  work.centre = TRY(PartyOf(*network.clients.front(), chain.id, key));
  work.valid_until = network.height + network.genesis.consensus().max_valid_for / 2;
  work.signed_ahead = std::min(options.seconds * kSignedAheadPerSecond, kMaxSignedAhead);
  BenchWorkload workload(work, key);
  // Every validator verifies every signature once, and all of them share this machine's cores.
  const double limit = MeasureVerificationsPerSecond() * std::thread::hardware_concurrency() /
                       network.genesis.validators().size();
  const double cpu_before = CpuSecondsOf(network.pids);
  const auto report = RunBench(
      {chain.id, Millis(options.seconds * 1000), options.in_flight, options.together, options.rate},
      workload, network.clients);
  return Print(options, chain, network, report, limit, CpuSecondsOf(network.pids) - cpu_before);
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
      "on every validator were all there is to do, measured in the same run. The processor time\n"
      "of a record, on the client and on each validator, is right on a busy machine too.");
  bench->add_option("--endpoints", options->endpoints, "endpoints.json of the network")->required();
  bench->add_option("--chain", options->chain, "Chain (default: the first private one)");
  bench->add_option("--seconds", options->seconds, "How long")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{3600}))
      ->capture_default_str();
  bench->add_option("--in-flight", options->in_flight, "Records at a time")
      ->check(CLI::Range(std::size_t{1}, std::size_t{4096}))
      ->capture_default_str();
  bench->add_option("--per-call", options->together, "Records submitted in one call")
      ->check(CLI::Range(std::size_t{1}, std::size_t{256}))
      ->capture_default_str();
  bench
      ->add_option("--rate", options->rate,
                   "Records a second, submitted when due whatever became of those before; 0: as "
                   "many as go with --in-flight")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000}))
      ->capture_default_str();
  bench->add_flag(
      "--promotion", options->promotion,
      "Measure instead how long records take to the consortium, --rate of them a second "
      "(default 20), beside their commits");
  bench->add_flag("--json", options->json, "One JSON object");
  bench->add_option("--key", options->key,
                    "A centre's key file (default: the first validator's keys/party.key)");
  AddPassphraseOptions(bench, options->passphrase);
  OnRun(bench, exit_code, [options] { return Bench(*options); });
}

}  // namespace talent::node::cli
