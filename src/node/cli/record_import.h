// `talentd record import`: a table of people becomes signed records on a private chain.
#pragma once

#include <CLI/CLI.hpp>

namespace talent::node::cli {

/// Adds "import" below `record`.
void AddRecordImportCommand(CLI::App& record, int& exit_code);

}  // namespace talent::node::cli
