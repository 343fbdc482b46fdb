// How long a peer that failed is left alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/strong.h"

namespace talent::node {

/// `first`, doubled for each of `failures` before; at most `cap`.
inline Millis RetryPause(std::uint32_t failures, Millis first, Millis cap) {
  Millis pause = first;
  for (std::uint32_t i = 0; i < failures && pause < cap; ++i) pause = Millis(2 * pause.value);
  return std::min(pause, cap);
}

}  // namespace talent::node
