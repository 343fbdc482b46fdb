#include "ledger/genesis.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/home.h"

namespace talent::node::cli {

void AddHomeOptions(CLI::App* command, HomeOptions& options) {
  auto* home = command->add_option("--home", options.home, "The node's home, with config.toml");
  command->add_option("--config", options.config, "Configuration file")->excludes(home);
}

Result<Config> LoadConfigOf(const HomeOptions& options) {
  if (!options.config.empty()) return LoadConfig(options.config);
  if (!options.home.empty()) return LoadConfig(options.home / "config.toml");
  return Fail(Code::kInvalidArgument, "give --home DIR or --config FILE");
}

namespace {

Result<int> Check(const HomeOptions& options) {
  const auto config = LoadConfigOf(options);
  if (!config) return Refused(config.error());
  for (const auto& chain : config->chains) {
    const auto genesis = ledger::Genesis::Load(chain.genesis);
    if (!genesis) return Refused(genesis.error());
    if (const Status good = CheckSnapshotBehind(*config, chain, genesis->name()); !good) {
      return Refused(good.error());
    }
    fmt::print("{} chain {} {} as {}\n", ledger::TierName(genesis->tier()), genesis->name(),
               genesis->chain_id().Hex(),
               chain.role == ChainRole::kValidator ? "validator" : "follower");
  }
  fmt::print("the configuration of {} is good\n", config->name);
  return kGood;
}

}  // namespace

void AddConfigCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<HomeOptions>();
  auto* config = app.add_subcommand("config", "Look after a node's configuration");
  config->require_subcommand(1);
  auto* check = config->add_subcommand("check", "Check a configuration and its genesis files");
  check->footer(
      "Example:\n  talentd config check --home centre-1\n\nExits with 1 and names the key that is "
      "wrong.");
  AddHomeOptions(check, *options);
  OnRun(check, exit_code, [options] { return Check(*options); });
}

}  // namespace talent::node::cli
