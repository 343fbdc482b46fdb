// How a command is told which node's configuration it is about.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "node/ops/config.h"

namespace talent::node::cli {

/// --home DIR, which holds config.toml, or --config FILE.
struct HomeOptions {
  std::filesystem::path home;
  std::filesystem::path config;
};
void AddHomeOptions(CLI::App* command, HomeOptions& options);

/// Errors: kInvalidArgument (neither given, or the file's), kIo.
Result<Config> LoadConfigOf(const HomeOptions& options);

}  // namespace talent::node::cli
