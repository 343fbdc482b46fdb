// A promotion policy held against the records of a private chain.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "node/cli/connect.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node::cli {

/// What would change for the records that may be read on `connection`, by kind, with examples:
/// reads them a page at a time and says on stderr how far it is. Errors: those of the node.
Result<nlohmann::json> CheckRecords(const ChainConnection& connection,
                                    const tiers::v1::PromotionPolicy& present,
                                    const tiers::v1::PromotionPolicy& next);
/// Prints that as a table.
void PrintRecords(const nlohmann::json& records);

}  // namespace talent::node::cli
