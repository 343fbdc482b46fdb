#include "node/ops/held_text.h"

#include <fmt/chrono.h>

#include "ledger/genesis.h"

namespace talent::node {

std::string HeldText(std::uint64_t blocks, Timestamp until) {
  std::string out = fmt::format("held back by release: {} block{}", blocks, blocks == 1 ? "" : "s");
  // A peer says when: what is no time of ours is not shown.
  if (until == Timestamp() || until > ledger::kMaxTime) return out;
  const auto seconds = static_cast<std::time_t>(until.value / 1000);
  return out + fmt::format(", until {:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

}  // namespace talent::node
