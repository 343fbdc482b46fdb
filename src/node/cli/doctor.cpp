#include "node/ops/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/home.h"

namespace talent::node::cli {
namespace {

const char* WordFor(Health health) {
  switch (health) {
    case Health::kGood:
      return "good";
    case Health::kDoubtful:
      return "doubtful";
    case Health::kBad:
      return "BAD";
  }
  return "BAD";
}

Result<int> Diagnose(const HomeOptions& home, Output output) {
  const auto config = LoadConfigOf(home);
  if (!config) return Refused(config.error());
  const std::vector<Finding> findings = Examine(*config);
  std::vector<std::vector<std::string>> rows;
  auto json = nlohmann::json::array();
  for (const Finding& finding : findings) {
    rows.push_back({WordFor(finding.health), finding.what, finding.detail});
    json.push_back(
        {{"health", WordFor(finding.health)}, {"what", finding.what}, {"detail", finding.detail}});
  }
  if (output == Output::kJson) {
    PrintJson(json);
  } else {
    PrintTable({"HEALTH", "WHAT", "DETAIL"}, rows);
  }
  return std::ranges::any_of(findings, [](const Finding& f) { return f.health == Health::kBad; })
             ? kRefused
             : kGood;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, int& exit_code) {
  auto home = std::make_shared<HomeOptions>();
  auto output = std::make_shared<Output>(Output::kTable);
  auto* const doctor =
      app.add_subcommand("doctor", "Look for what may keep a node from running well 体检");
  doctor->footer(
      "Example:\n  talentd doctor --home /var/lib/talentd\n\nLooks at configuration, genesis "
      "files, keys, vote logs, certificate, disk, clock, limits,\naddresses and peers, and says "
      "what to do. Changes nothing; may be run beside the node.\nExits with 1 if anything is BAD.");
  AddHomeOptions(doctor, *home);
  AddOutputOption(doctor, *output);
  OnRun(doctor, exit_code, [home, output] { return Diagnose(*home, *output); });
}

}  // namespace talent::node::cli
