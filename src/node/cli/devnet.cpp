// talentd devnet: a local network of real processes, and the main story told on it.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/devnet/five_talents.h"
#include "node/devnet/network.h"
#include "node/devnet/process.h"
#include "node/devnet/story.h"

namespace talent::node::cli {
namespace {

struct DevnetOptions {
  std::filesystem::path dir = ".devnet";
  std::filesystem::path csv = "data/hr-sample.csv";
  std::filesystem::path csv_b = "data/hr-sample-b.csv";
  std::filesystem::path mapping = "data/hr-mapping.toml";
  std::filesystem::path explorer = "explorer/dist";
  bool stop = false, clean = false, status = false, start_only = false, five = false;
};

void Say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void PrintNodes(const DevnetNetwork& network) {
  std::vector<std::vector<std::string>> rows;
  for (const NodeEndpoint& node : network.endpoints().nodes) {
    rows.push_back({node.name, node.role, node.pid == 0 ? "stopped" : std::to_string(node.pid),
                    node.grpc, node.http});
  }
  PrintTable({"node", "role", "pid", "grpc", "http"}, rows);
}

void PrintWhereToLook(const DevnetNetwork& network) {
  const std::string endpoints = network.endpoints_file().string();
  Say("");
  Say("The network runs on. 网络继续运行。");
  Say("  look    talentd status --endpoints " + endpoints);
  Say("  query   talentd query chain --endpoints " + endpoints + " --chain consortium");
  Say("  prove   talentd proof RECORD --endpoints " + endpoints +
      " --chain public --out record.proof");
  Say("  check   talentd verify --proof record.proof --genesis " +
      (network.dir() / "genesis" / "public.json").string());
  if (const std::string url = network.web_url(); !url.empty()) {
    Say("  web     " + url + "      (read API: " + url + "api/v1/status)");
  }
  Say("  logs    " + (network.dir() / "nodes" / "*" / "output.log").string());
  Say("  stop    ./scripts/devnet --stop      (--clean also deletes its data)");
}

Result<int> Run(const DevnetOptions& options) {
  const bool exists = std::filesystem::exists(options.dir / "devnet.json");
  if ((options.stop || options.clean || options.status) && !exists) {
    Say("there is no devnet in " + options.dir.string());
    return kGood;
  }
  auto network = TRY(DevnetNetwork::Open(
      options.dir, Say,
      std::filesystem::exists(options.explorer / "index.html") ? options.explorer : ""));
  if (options.status) {
    PrintNodes(network);
    return kGood;
  }
  if (options.stop || options.clean) {
    TRY(network.Stop(Say));
    std::error_code error;
    if (options.clean) std::filesystem::remove_all(network.dir(), error);
    if (error)
      return Fail(Code::kIo, "cannot remove {}: {}", network.dir().string(), error.message());
    return kGood;
  }
  const std::filesystem::path talentd = std::filesystem::read_symlink("/proc/self/exe");
  TRY(network.Start(talentd, Say));
  if (options.start_only) return kGood;
  const Status told = options.five
                          ? TellFiveTalents(network, Say)
                          : TellStory(network, StoryOptions{talentd, options.csv, options.csv_b,
                                                            options.mapping, Say});
  if (!told) {
    PrintError(told.error());
    Say("The network runs on; logs are in " + (network.dir() / "nodes").string());
    return kRefused;
  }
  PrintWhereToLook(network);
  return kGood;
}

}  // namespace

void AddDevnetCommand(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand(
      "devnet",
      "Start a local network (four centre nodes, a second operator, a public follower) and tell "
      "the\n"
      "main story on it: import, promotion, review, dispute, correction, publication, proof.\n"
      "Can be run again: what is running is kept, what is imported is not imported twice.");
  auto options = std::make_shared<DevnetOptions>();
  command->add_option("--dir", options->dir, "Directory of keys, data and logs")
      ->capture_default_str();
  command->add_option("--csv", options->csv, "People of the first operator to import")
      ->capture_default_str();
  command->add_option("--csv-b", options->csv_b, "People of the second operator")
      ->capture_default_str();
  command->add_option("--mapping", options->mapping, "How the columns become records")
      ->capture_default_str();
  command
      ->add_option("--explorer", options->explorer,
                   "The explorer's built files, which the public follower serves where they are "
                   "there when the network is made")
      ->capture_default_str();
  CLI::Option_group* const what = command->add_option_group("instead of the main story");
  what->add_flag(
      "--story", options->five,
      "Tell five people's lives instead, step by step with their records 五位人才的故事");
  what->add_flag("--start-only", options->start_only, "Start what is not running, no story");
  what->add_flag("--status", options->status, "Print the nodes and whether they run");
  what->add_flag("--stop", options->stop, "Stop the network, keep its data");
  what->add_flag("--clean", options->clean, "Stop the network and delete its directory");
  what->require_option(0, 1);
  OnRun(command, exit_code, [options] { return Run(*options); });
}

}  // namespace talent::node::cli
