// One run: a cluster under faults, then without; everything follows from the seed.
#pragma once

#include <string>
#include <vector>

#include "sim/checker.h"
#include "sim/config.h"

namespace talent::sim {

struct Outcome {
  std::vector<std::string> failures;
  std::string state;  // the configuration, and one line a replica
  std::uint64_t trace = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t recovery_ms = 0;  // from the end of the faults until everything was sealed
  Counters counters;
};

Outcome Simulate(const Config& config);
inline Outcome Simulate(std::uint64_t seed) { return Simulate(Config::Random(seed)); }

}  // namespace talent::sim
