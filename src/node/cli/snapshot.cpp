#include "base/canonical.h"
#include "ledger/snapshot_files.h"
#include "node/cli/chain_of.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"

namespace talent::node::cli {
namespace {

constexpr double kMiB = 1 << 20;

struct SnapshotCommand {
  ChainOptions chain;
  std::filesystem::path directory;
  std::filesystem::path genesis;
  std::uint64_t height = 0;
  std::string pin;
};

ledger::OnSnapshotProgress ShowOn(ProgressLine& line) {
  return [&line](const ledger::SnapshotProgress& at) {
    line.Show(fmt::format("{:.0f} %, {} state entries, {:.1f} MiB", 100 * at.done, at.entries,
                          static_cast<double>(at.bytes) / kMiB));
  };
}

Result<int> CreateSnapshot(const SnapshotCommand& options) {
  const ChainOf chain = TRY(OpenChainOf(options.chain, ledger::Database::Mode::kReadOnly));
  const Height head =
      TRY(ledger::Chain::Open(*chain.database, chain.genesis, *chain.application))->head().height;
  const Height at = options.height == 0 ? head : Height(options.height);
  const auto source = TRY(ledger::SnapshotSource::Open(*chain.database, chain.genesis, at));
  ProgressLine line;
  const auto manifest = TRY(ledger::WriteSnapshot(source, options.directory, ShowOn(line)));
  fmt::print("snapshot of {} at height {}: {} state entries, {:.1f} MiB in {} files\n",
             chain.genesis.name(), at, manifest.state_entries(),
             static_cast<double>(manifest.packed_bytes()) / kMiB,
             manifest.state_chunks() + manifest.window_chunks() + 1);
  return kGood;
}

Result<int> VerifySnapshot(const SnapshotCommand& options) {
  const auto genesis = TRY(ledger::Genesis::Load(options.genesis));
  ProgressLine line;
  const auto trusted = ledger::VerifySnapshot(genesis, options.directory, ShowOn(line));
  if (!trusted) return Refused(trusted.error());
  fmt::print("the snapshot holds: {} at height {}, block {}\n", genesis.name(),
             trusted->header.height(), trusted->hash.Hex());
  return kGood;
}

Result<int> DescribeSnapshot(const SnapshotCommand& options) {
  const auto manifest = TRY(ledger::ReadManifest(options.directory));
  const Bytes& bytes = manifest.head().header().header();
  const auto header = TRY(Decode<ledger::pb::BlockHeader>(bytes));
  fmt::print(
      "chain           {}\nheight          {}\nblock           {}\nstate root      {}\n"
      "epochs before   {}\nstate entries   {} in {} chunks\nwindow          {} chunks\n"
      "size            {:.1f} MiB, {:.1f} MiB inflated\n"
      "Not checked: `talentd snapshot verify` does that.\n",
      ToHex(header.chain_id()), header.height(), ledger::BlockHash(bytes).Hex(),
      ToHex(header.state_root()), manifest.head().epochs_size(), manifest.state_entries(),
      manifest.state_chunks(), manifest.window_chunks(),
      static_cast<double>(manifest.packed_bytes()) / kMiB,
      static_cast<double>(manifest.inflated_bytes()) / kMiB);
  return kGood;
}

Result<int> RestoreSnapshot(const SnapshotCommand& options) {
  std::optional<ledger::PinnedBlock> pin;
  if (!options.pin.empty()) pin = TRY(ledger::PinnedBlock::Parse(options.pin));
  const ChainOf chain = TRY(OpenChainOf(options.chain, ledger::Database::Mode::kReadWrite));
  TRY(CheckNotPromoted(chain.config, chain.genesis.name(), "it cannot begin from a snapshot"));
  ProgressLine line;
  const auto restored = ledger::RestoreSnapshot(*chain.database, chain.genesis, *chain.application,
                                                options.directory, pin, ShowOn(line));
  if (!restored) return Refused(restored.error());
  fmt::print(
      "{} starts at height {}, block {}\n"
      "Start the node: it fetches the blocks after it. A validator without its votes watches "
      "first.\n",
      chain.genesis.name(), restored->header.height(), restored->hash.Hex());
  return kGood;
}

}  // namespace

void AddSnapshotCommand(CLI::App& app, int& exit_code) {
  auto* snapshot = app.add_subcommand("snapshot", "Make, check or describe a snapshot of a chain");
  snapshot->require_subcommand(1);
  auto options = std::make_shared<SnapshotCommand>();
  const auto add = [&](const char* name, const char* help, auto body) {
    auto* command = snapshot->add_subcommand(name, help);
    command->add_option("DIR", options->directory, "The snapshot's directory")->required();
    OnRun(command, exit_code, [options, body] { return body(*options); });
    return command;
  };
  auto* create = add("create", "Write a snapshot, beside the running node too", CreateSnapshot);
  create->footer("Example:\n  talentd snapshot create --home centre-1 --chain public snapshot");
  AddChainOptions(create, options->chain);
  create->add_option("--height", options->height, "A sealed height; the head where not given");
  auto* verify =
      add("verify", "Check a snapshot from the chain's genesis file alone", VerifySnapshot);
  verify->footer("Example:\n  talentd snapshot verify --genesis public.genesis.json snapshot");
  verify->add_option("--genesis", options->genesis, "The chain's genesis file")->required();
  add("info", "Say what a snapshot claims to be", DescribeSnapshot);
}

void AddRestoreCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<SnapshotCommand>();
  auto* restore = app.add_subcommand("restore", "Start a chain of a stopped node from a snapshot");
  restore->footer(
      "Example:\n"
      "  talentd restore --home centre-1 --chain public snapshot\n"
      "\n"
      "Every chunk is checked against the state root of a header that a quorum sealed. A restore\n"
      "that was interrupted goes on when it is run again; until then the chain does not start.");
  AddChainOptions(restore, options->chain);
  restore->add_option("DIR", options->directory, "The snapshot's directory")->required();
  restore->add_option("--pin", options->pin,
                      "HEIGHT:BLOCKHASH that the snapshot must contain, from somebody you trust.\n"
                      "Validators that have left could otherwise show another history");
  OnRun(restore, exit_code, [options] { return RestoreSnapshot(*options); });
}

}  // namespace talent::node::cli
