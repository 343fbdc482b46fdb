// Erasure long after: peers need nothing of before any more.
#pragma once

#include <gtest/gtest.h>

#include "ledger/erasure_sweep.h"

namespace talent::ledger {

constexpr Timestamp kLater{1'000'000'000'000'000};

inline void SweepLater(const Database& database, const ChainId& chain) {
  std::atomic<bool> stop = false;
  const auto swept = SweepErased(database, chain, kLater, stop);
  ASSERT_TRUE(swept) << swept.error().ToString();
  EXPECT_FALSE(swept->unfinished);
}

}  // namespace talent::ledger
