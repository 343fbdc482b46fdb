// Random numbers that are the same on every platform: everything of a run follows from its seed.
#pragma once

#include <cstdint>

namespace talent::sim {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 … n-1; n ≥ 1.
  std::uint64_t Below(std::uint64_t n) { return Next() % n; }
  std::uint64_t Between(std::uint64_t low, std::uint64_t high) {
    return low + Below(high - low + 1);
  }
  bool Percent(std::uint64_t percent) { return Below(100) < percent; }
  bool Permille(std::uint64_t permille) { return Below(1000) < permille; }

 private:
  std::uint64_t state_;
};

}  // namespace talent::sim
