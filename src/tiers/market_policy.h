// The parameters of plans, placement and supervision.
#pragma once

#include "base/json_fields.h"
#include "tiers/private_state.h"

namespace talent::tiers {

/// The whole, in basis points.
inline constexpr std::uint32_t kBasisPoints = 10000;

/// Reads "market" of a policy; what it does not name keeps its default. Errors: kInvalidArgument
/// (names the field).
Result<pb::MarketPolicy> ReadMarketPolicy(JsonFields& json);
/// `path` stands before the field's name in errors. Errors: kInvalidArgument.
Status ValidateMarketPolicy(const pb::MarketPolicy& policy, const std::string& path);
pb::MarketPolicy DefaultMarketPolicy();
/// The policy in force.
pb::MarketPolicy MarketPolicyOf(const ledger::StateReader& state);

}  // namespace talent::tiers
