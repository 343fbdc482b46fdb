// Time as a test sets it.
#pragma once

#include <atomic>

#include "base/env.h"

namespace talent::node {

/// Thread-safe.
class ManualClock final : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(now_); }
  void Advance(Millis by) { now_ += by.value; }

 private:
  std::atomic<std::uint64_t> now_ = 1'800'000'000'000;
};

}  // namespace talent::node
