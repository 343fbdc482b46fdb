// Policies as people write them: JSON, in the form the genesis has them.
#pragma once

#include <string>

#include "base/json_fields.h"
#include "talent/tiers/v1/governance.pb.h"

namespace talent::tiers {

/// A policy file is larger than any policy of 256 rules, and is no book.
inline constexpr std::size_t kMaxPolicyFileBytes = 256 << 10;

/// Reads {"promotion": {…}}, {"market": {…}} or {"consortium": {…}}: the policy's name and the
/// object that a genesis has for it, with its version. What it leaves out keeps its default, as in
/// a genesis. `in_force` is left to the caller. Errors: kInvalidArgument (names the field).
Result<v1::PolicyChange> ParsePolicyFile(BytesView text);

/// The version of a policy's canonical bytes. Errors: kInvalidArgument.
Result<std::uint64_t> PolicyVersion(const std::string& policy, BytesView content);

/// What ParsePolicyFile reads, complete: {"market": {…}}. Errors: kInvalidArgument (no such policy,
/// or not its bytes).
Result<nlohmann::json> PolicyToJson(const std::string& policy, BytesView content);

}  // namespace talent::tiers
