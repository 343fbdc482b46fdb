// Time as a test sets it, peers by number, and how long to wait.
#pragma once

#include <atomic>

#include "base/env.h"
#include "node/peers/p2p.h"

namespace talent::node {

/// Thread-safe.
class ManualClock final : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(now_); }
  void Advance(Millis by) { now_ += by.value; }

 private:
  std::atomic<std::uint64_t> now_ = 1'800'000'000'000;
};

/// Key of the peer with this number.
inline NodeKey Peer(std::uint8_t number) {
  NodeKey key;
  key.data()[0] = number;
  return key;
}

/// Longer than anything these tests wait for takes.
inline constexpr Millis kWait{5000};

}  // namespace talent::node
