// How many faults n validators stand, and how many votes decide. One place, never a literal 2f+1.
#pragma once

#include <cstdint>

namespace talent::crypto {

/// Byzantine validators that n stand: ⌊(n−1)/3⌋. Requires n ≥ 1.
constexpr std::uint32_t MaxFaulty(std::uint32_t n) { return (n - 1) / 3; }

/// Votes that decide: ⌊(n+f)/2⌋+1 = ⌈(n+f+1)/2⌉. Any two quorums share a correct validator, and the
/// correct ones alone make a quorum; 2f+1 where n = 3f+1.
constexpr std::uint32_t Quorum(std::uint32_t n) { return (n + MaxFaulty(n)) / 2 + 1; }

}  // namespace talent::crypto
