// Time and randomness, injected: consensus and execution never reach for the real ones.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/strong.h"

namespace talent {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time; may jump. Thread-safe.
  virtual Timestamp Now() const = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  /// `n` bytes fit for keys and salts (or, in a simulation, from its seed). Thread-safe.
  virtual Bytes Draw(std::size_t n) = 0;
};

/// The operating system's clock.
class SystemClock final : public Clock {
 public:
  Timestamp Now() const override;
};

}  // namespace talent
