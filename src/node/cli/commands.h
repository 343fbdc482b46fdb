// The commands of talentd, each in a file of its own that is named after it.
#pragma once

#include <CLI/CLI.hpp>

namespace talent::node::cli {

// Each adds one command (and what is below it) to `app`; when run it sets `exit_code`, which must
// outlive the app.
void AddInitCommand(CLI::App& app, int& exit_code);
void AddJoinCommand(CLI::App& app, int& exit_code);
void AddStartCommand(CLI::App& app, int& exit_code);
void AddGenesisCommand(CLI::App& app, int& exit_code);
void AddDoctorCommand(CLI::App& app, int& exit_code);
void AddConfigCommand(CLI::App& app, int& exit_code);
void AddStatusCommand(CLI::App& app, int& exit_code);
void AddEvidenceCommand(CLI::App& app, int& exit_code);
void AddKeysCommand(CLI::App& app, int& exit_code);
void AddRecordCommand(CLI::App& app, int& exit_code);
void AddCareerCommand(CLI::App& app, int& exit_code);
void AddCustodyCommand(CLI::App& app, int& exit_code);
void AddEraseCommand(CLI::App& app, int& exit_code);
void AddValidatorCommand(CLI::App& app, int& exit_code);
void AddMemberCommand(CLI::App& app, int& exit_code);
void AddSourceCommand(CLI::App& app, int& exit_code);
void AddPolicyCommand(CLI::App& app, int& exit_code);
void AddGovernanceCommand(CLI::App& app, int& exit_code);
void AddQueryCommand(CLI::App& app, int& exit_code);
void AddProofCommand(CLI::App& app, int& exit_code);
void AddVerifyCommand(CLI::App& app, int& exit_code);
void AddSnapshotCommand(CLI::App& app, int& exit_code);
void AddRestoreCommand(CLI::App& app, int& exit_code);
void AddPruneCommand(CLI::App& app, int& exit_code);
void AddBenchCommand(CLI::App& app, int& exit_code);
void AddDevnetCommand(CLI::App& app, int& exit_code);

/// Runs talentd with the process' arguments; its exit code.
int Main(int argc, char** argv);

}  // namespace talent::node::cli
