#include "node/cli/chain_of.h"

#include <unistd.h>

#include <chrono>

#include "tiers/application.h"

namespace talent::node::cli {
namespace {

constexpr std::int64_t kTerminalMs = 200;
constexpr std::int64_t kPlainMs = 5000;

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void AddChainOptions(CLI::App* command, ChainOptions& options) {
  AddHomeOptions(command, options.home);
  command->add_option("--chain", options.chain, "Name of the chain, as in its genesis file")
      ->required();
}

Result<ChainOf> OpenChainOf(const ChainOptions& options, ledger::Database::Mode mode) {
  Config config = TRY(LoadConfigOf(options.home));
  std::string names;
  for (const ChainConfig& chain : config.chains) {
    auto genesis = TRY(ledger::Genesis::Load(chain.genesis));
    if (genesis.name() != options.chain) {
      names += " " + genesis.name();
      continue;
    }
    auto application = TRY(tiers::MakeApplication(genesis));
    auto database = TRY(ledger::Database::Open(config.home / "db", mode));
    return ChainOf{std::move(config), std::move(genesis), std::move(application),
                   std::move(database)};
  }
  return Fail(Code::kNotFound, "the configuration names no chain '{}'; there are:{}", options.chain,
              names);
}

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0), last_ms_(NowMs()) {}

ProgressLine::~ProgressLine() {
  if (shown_ && terminal_) fmt::print(stderr, "\n");
}

void ProgressLine::Show(std::string_view text) {
  const std::int64_t now = NowMs();
  if (now - last_ms_ < (terminal_ ? kTerminalMs : kPlainMs)) return;
  last_ms_ = now;
  shown_ = true;
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r" : "", text, terminal_ ? "   " : "\n");
}

}  // namespace talent::node::cli
