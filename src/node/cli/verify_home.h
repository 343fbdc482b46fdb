// `talentd verify --home`: walks every chain that a node stores.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace talent::node::cli {

/// Verifies each chain of the node's configuration against its database, beside a running node too,
/// and prints progress and outcome. The exit code; errors are those of reading the configuration.
Result<int> VerifyHome(const std::filesystem::path& home);

}  // namespace talent::node::cli
