// What is said to people of blocks that are held back from a node.
#pragma once

#include <string>

#include "base/strong.h"

namespace talent::node {

/// "held back by release: 12 blocks, until 2026-11-22T05:00:00Z".
std::string HeldText(std::uint64_t blocks, Timestamp until);

}  // namespace talent::node
