// What may keep a node from running well, looked for without starting it.
#pragma once

#include <string>
#include <vector>

#include "node/ops/config.h"

namespace talent::node {

enum class Health { kGood, kDoubtful, kBad };

/// One thing looked at.
struct Finding {
  Health health = Health::kGood;
  std::string what;    // "key vote-city", "peer node2.example:7001"
  std::string detail;  // what was seen, and unless it is good, what to do
};

/// Opens the key files, looks at genesis files, vote logs, certificate, disk, clock and limits,
/// tries the addresses to listen on and dials the peers, each for kDialTime at most. Changes
/// nothing, and may be run beside the node.
std::vector<Finding> Examine(const Config& config);

}  // namespace talent::node
