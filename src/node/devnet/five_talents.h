// Five people's lives on a running devnet, each step with its record, in Chinese and English.
#pragma once

#include <functional>
#include <string>

#include "node/devnet/network.h"

namespace talent::node {

/// One is placed; one is trained again and then placed; in one nobody invests; one moves and is
/// flagged; the record of one is disputed, arbitrated and corrected up to the public chain. Can be
/// told again: the people are new each time. Errors name the life.
Status TellFiveTalents(const DevnetNetwork& network,
                       const std::function<void(const std::string&)>& say);

}  // namespace talent::node
