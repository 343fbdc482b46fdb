// A chain of a stopped or running node, for the commands that work on its files.
#pragma once

#include <memory>

#include "ledger/application.h"
#include "ledger/database.h"
#include "node/cli/home.h"

namespace talent::node::cli {

/// --home or --config, and --chain NAME.
struct ChainOptions {
  HomeOptions home;
  std::string chain;
};
void AddChainOptions(CLI::App* command, ChainOptions& options);

struct ChainOf {
  Config config;
  ledger::Genesis genesis;
  std::unique_ptr<ledger::Application> application;
  std::unique_ptr<ledger::Database> database;
};
/// Errors: kNotFound (the configuration names no such chain; says which), those of reading
/// configuration and genesis and of opening the database.
Result<ChainOf> OpenChainOf(const ChainOptions& options, ledger::Database::Mode mode);

/// One line that is overwritten on a terminal; elsewhere a line now and then. The destructor ends
/// it.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();
  void Show(std::string_view text);

 private:
  const bool terminal_;
  bool shown_ = false;
  std::int64_t last_ms_;
};

}  // namespace talent::node::cli
