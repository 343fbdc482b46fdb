// One run: a cluster under faults, then without; everything follows from the seed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/node.h"

namespace talent::sim {

struct Outcome {
  std::vector<std::string> failures;
  std::string state;  // one line a node, and the configuration
  std::uint64_t trace = 0;
  std::uint64_t simulated_ms = 0;
  Counters counters;
};

Outcome Simulate(std::uint64_t seed);

}  // namespace talent::sim
