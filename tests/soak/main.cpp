// Runs a soak; see scripts/soak.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "soak/soak.h"

int main(int argc, char** argv) {
  using namespace talent;
  soak::Options options;
  std::uint64_t minutes = 0;
  options.seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                            std::chrono::seconds(1));
  options.talentd = TALENTD;
  options.shim = FAULT_SHIM;
  CLI::App app("Kills, stops and cuts off real nodes under load, then looks for what was lost");
  app.add_option("--cycles", options.cycles, "Random faults, one after the other")
      ->capture_default_str();
  app.add_option(
         "--crash-points", options.crash_points,
         "Then kills nodes at a write, sync or send of their own, each kind in turn, at the "
         "first such call, the second, …")
      ->capture_default_str();
  app.add_option("--first-call", options.first_call, "Begins the crash points there")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--minutes", minutes, "Begins no further cycle after so long; 0: no limit");
  app.add_option("--seed", options.seed, "Draws the faults and the load");
  app.add_option("--dir", options.dir,
                 "A new directory for the network; scripts/soak takes a temporary one")
      ->required();
  app.add_option("--talentd", options.talentd, "Program of the nodes")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.at_most = std::chrono::minutes(minutes);
  options.say = [](const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  };
  signal(SIGPIPE, SIG_IGN);
  options.say(fmt::format("seed {}, network in {}", options.seed, options.dir.string()));
  const auto report = soak::RunSoak(options);
  if (!report) {
    fmt::print("FAILED: {}\n", report.error().ToString());
    return 1;
  }
  fmt::print("\n{}", report->text);
  for (const std::string& complaint : report->complaints) fmt::print("WRONG: {}\n", complaint);
  fmt::print("{}\n", report->complaints.empty()
                         ? "0 lost, 0 forks, 0 promoted twice; the history can be true"
                         : "FAILED");
  return report->complaints.empty() ? 0 : 1;
}
