#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/home.h"
#include "node/node.h"

namespace talent::node::cli {
namespace {

struct StartOptions {
  HomeOptions home;
  std::set<std::string> accept_lost_votes;
};

Result<int> Run(const StartOptions& options) {
  TRY(RunNode(TRY(LoadConfigOf(options.home)), options.accept_lost_votes));
  return kGood;
}

}  // namespace

void AddStartCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<StartOptions>();
  auto* start = app.add_subcommand("start", "Run a node until SIGTERM or SIGINT");
  start->footer("Example:\n  talentd start --home centre-1");
  AddHomeOptions(start, options->home);
  start->add_option(
      "--accept-lost-votes", options->accept_lost_votes,
      "Vote on this chain although its vote log is lost. Only where no other copy of this\n"
      "validator has ever voted what this one has forgotten: two votes fork the chain");
  OnRun(start, exit_code, [options] { return Run(*options); });
}

}  // namespace talent::node::cli
