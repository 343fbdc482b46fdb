#include "node/cli/verify_home.h"

#include <unistd.h>

#include "ledger/chain.h"
#include "node/cli/command.h"
#include "node/ops/config.h"
#include "tiers/application.h"

namespace talent::node::cli {
namespace {

/// One line that is overwritten on a terminal, and nothing elsewhere.
void ShowProgress(const std::string& chain, Height at, Height of) {
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{} {}/{} ", chain, at, of);
}

/// Good or refused; an error where the chain cannot be looked at.
Result<int> VerifyChain(const ledger::Database& database, const ChainConfig& config) {
  const auto genesis = TRY(ledger::Genesis::Load(config.genesis));
  const auto application = TRY(tiers::MakeApplication(genesis));
  const auto report = ledger::VerifyStoredChain(
      database, genesis, *application,
      [&](Height at, Height of) { ShowProgress(genesis.name(), at, of); });
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r");
  if (!report) {
    fmt::print("FAILED  {}  {}\n", genesis.name(), report.error().ToString());
    return Refused(report.error());
  }
  fmt::print(
      "OK      {}  height {}, {} transactions, {} payloads erased, {} others not kept here, head "
      "{}\n",
      genesis.name(), report->height, report->transactions, report->payloads_erased,
      report->payloads_missing, report->head_hash.Hex());
  if (report->executed < report->height) {
    fmt::print(
        "        {}  executed again up to height {}: what comes after lacks a payload, or state it "
        "began with, and "
        "was checked by hashes and certificates\n",
        genesis.name(), report->executed);
  }
  if (report->base > Height(0)) {
    fmt::print("        {}  from the state of height {} on; this node has nothing older\n",
               genesis.name(), report->base);
  }
  return kGood;
}

}  // namespace

Result<int> VerifyHome(const std::filesystem::path& home) {
  const Config config = TRY(LoadConfig(home / "config.toml"));
  const auto database =
      TRY(ledger::Database::Open(config.home / "db", ledger::Database::Mode::kReadOnly));
  int exit_code = kGood;
  for (const auto& chain : config.chains) {
    exit_code = std::max(exit_code, TRY(VerifyChain(*database, chain)));
  }
  return exit_code;
}

}  // namespace talent::node::cli
