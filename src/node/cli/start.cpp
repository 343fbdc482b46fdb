#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/home.h"
#include "node/node.h"

namespace talent::node::cli {
namespace {

Result<int> Run(const HomeOptions& options) {
  TRY(RunNode(TRY(LoadConfigOf(options))));
  return kGood;
}

}  // namespace

void AddStartCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<HomeOptions>();
  auto* start = app.add_subcommand("start", "Run a node until SIGTERM or SIGINT");
  start->footer("Example:\n  talentd start --home centre-1");
  AddHomeOptions(start, *options);
  OnRun(start, exit_code, [options] { return Run(*options); });
}

}  // namespace talent::node::cli
