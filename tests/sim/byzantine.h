// A validator that lies: it runs an honest replica and twists what that one sends.
#pragma once

#include "sim/node.h"

namespace talent::sim {

/// What it does follows from the seed: it may propose two batches for one height and vote for both,
/// call for huge views, pass on others' seals as those of other heights, send garbage, keep silent.
void MakeByzantine(Node::Cluster cluster, std::uint32_t index);

}  // namespace talent::sim
