#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/ops/version.h"

namespace talent::node::cli {

int Main(int argc, char** argv) {
  CLI::App app(
      "talentd: a node of a permissioned ledger for a talent market\n"
      "\n"
      "One node takes part in any number of chains of three tiers: private (the records of one\n"
      "operator's talent centres), consortium (review and points) and public (what anyone may\n"
      "read and verify offline).",
      "talentd");
  app.footer(
      "Examples:\n"
      "  talentd status --endpoints .devnet/endpoints.json\n"
      "  talentd query points acme --endpoints .devnet/endpoints.json --key KEYFILE\n"
      "  talentd proof RECORD --endpoints .devnet/endpoints.json > proof\n"
      "  talentd verify --proof proof --genesis public.genesis.json\n"
      "\n"
      "Exit codes: 0 good, 1 checked and refused, 2 usage or environment.\n"
      "'talentd COMMAND --help' says more about each command.");
  app.set_version_flag("--version", std::string(kVersion));
  app.require_subcommand(1);
  app.fallthrough(false);
  int exit_code = kGood;
  AddInitCommand(app, exit_code);
  AddJoinCommand(app, exit_code);
  AddStartCommand(app, exit_code);
  AddGenesisCommand(app, exit_code);
  AddConfigCommand(app, exit_code);
  AddDoctorCommand(app, exit_code);
  AddStatusCommand(app, exit_code);
  AddEvidenceCommand(app, exit_code);
  AddKeysCommand(app, exit_code);
  AddRecordCommand(app, exit_code);
  AddCareerCommand(app, exit_code);
  AddCustodyCommand(app, exit_code);
  AddEraseCommand(app, exit_code);
  AddValidatorCommand(app, exit_code);
  AddMemberCommand(app, exit_code);
  AddSourceCommand(app, exit_code);
  AddPolicyCommand(app, exit_code);
  AddGovernanceCommand(app, exit_code);
  AddQueryCommand(app, exit_code);
  AddProofCommand(app, exit_code);
  AddVerifyCommand(app, exit_code);
  AddSnapshotCommand(app, exit_code);
  AddRestoreCommand(app, exit_code);
  AddPruneCommand(app, exit_code);
  AddBenchCommand(app, exit_code);
  AddDevnetCommand(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // prints the help or version asked for
    PrintError({Code::kInvalidArgument, fmt::format("{}; --help says more", error.what())});
    return kUsage;
  }
  return exit_code;
}

}  // namespace talent::node::cli
