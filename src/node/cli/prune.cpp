#include "ledger/prune.h"

#include <map>

#include "ledger/chain.h"
#include "node/cli/chain_of.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"

namespace talent::node::cli {
namespace {

using Blocks = ledger::PruneOptions::Blocks;

struct PruneCommand {
  ChainOptions chain;
  std::uint64_t below = 0;
  std::uint64_t keep = 0;
  Blocks blocks = Blocks::kNone;
};

/// What is promoted is read from the source's blocks, and may be long after they were sealed.
Result<int> Prune(const PruneCommand& options) {
  const ChainOf chain = TRY(OpenChainOf(options.chain, ledger::Database::Mode::kReadWrite));
  if (options.blocks != Blocks::kNone) {
    TRY(CheckNotPromoted(chain.config, chain.genesis.name(), "only --blocks none is possible"));
  }
  const Height head =
      TRY(ledger::Chain::Open(*chain.database, chain.genesis, *chain.application))->head().height;
  Height below(options.below);
  if (options.below == 0) below = Height(head.value > options.keep ? head.value - options.keep : 1);
  ProgressLine line;
  const auto report = ledger::PruneChain(
      *chain.database, chain.genesis, {below, options.blocks},
      [&](Height at, Height of) { line.Show(fmt::format("height {} of {}", at.value, of.value)); });
  if (!report) return Refused(report.error());
  fmt::print("{} below height {}: dropped {} records of old states, {} blocks with {} payloads\n",
             chain.genesis.name(), below, report->tree_records, report->blocks, report->payloads);
  if (report->blocks_kept > 0) {
    fmt::print("kept {} blocks that hold records; their payloads may exist nowhere else\n",
               report->blocks_kept);
  }
  return kGood;
}

}  // namespace

void AddPruneCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<PruneCommand>();
  auto* prune = app.add_subcommand("prune", "Drop old states and blocks of a stopped node's chain");
  prune->footer(
      "Examples:\n"
      "  talentd prune --home centre-1 --chain private-a --keep 1000\n"
      "  talentd prune --home archive-2 --chain public --below 50000 --blocks all\n"
      "\n"
      "Old states are needed to prove what the state was then, and to make snapshots of it. "
      "Blocks\n"
      "are needed to prove their transactions and to serve nodes that fetch them. Headers,\n"
      "certificates and the index of transactions stay. What is gone is answered with PRUNED.");
  AddChainOptions(prune, options->chain);
  auto* below = prune->add_option("--below", options->below, "Drop what is older than this height")
                    ->check(CLI::PositiveNumber);
  auto* keep =
      prune->add_option("--keep", options->keep, "Keep the states of so many last heights");
  below->excludes(keep);
  const std::map<std::string, Blocks> kinds = {
      {"none", Blocks::kNone}, {"without-records", Blocks::kWithoutRecords}, {"all", Blocks::kAll}};
  prune
      ->add_option("--blocks", options->blocks,
                   "Which blocks go too, with their payloads: none, without-records (those that\n"
                   "hold no record's payload), all (payloads may exist nowhere else)")
      ->transform(CLI::CheckedTransformer(kinds));
  OnRun(prune, exit_code, [options]() -> Result<int> {
    if (options->below == 0 && options->keep == 0) {
      return Fail(Code::kInvalidArgument, "give --below HEIGHT or --keep N");
    }
    return Prune(*options);
  });
}

}  // namespace talent::node::cli
