// Policies: the parameters in a chain's state, how they are checked, and how one follows on
// another.
#pragma once

#include "talent/tiers/v1/governance.pb.h"
#include "tiers/kind.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// By the policy's name: decided by vote and not yet in force.
inline constexpr Table<pb::PolicyChange> kNextPolicies{"policy_next/"};

/// A number of a policy and what it may be, both bounds included.
struct PolicyNumber {
  std::string_view name;
  std::uint64_t value;
  std::uint64_t min;
  std::uint64_t max;
};
/// `path` stands before the names in errors. Errors: kInvalidArgument (names the first that is out
/// of bounds).
Status CheckNumbers(std::string_view path, std::initializer_list<PolicyNumber> numbers);

/// Decides that a policy follows on the one in force, in the place of one that was decided for that
/// before. Errors: kInvalidArgument (no policy of this tier; names the field that is wrong),
/// kPrecondition (not the next version).
Status EnactPolicy(const Call& call, const pb::PolicyChange& change);

/// BeginBlock of every tier: puts in force what is decided for this height.
void ApplyPolicies(const ledger::BlockContext& block, ledger::StateOverlay& state);

}  // namespace talent::tiers
