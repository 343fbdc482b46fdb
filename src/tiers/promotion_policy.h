// Which records leave a private chain: the policy in its state, and the decision on one record.
#pragma once

#include "tiers/private_rules.h"

namespace talent::tiers {

inline constexpr std::uint32_t kLowestPriority = 9;
inline constexpr std::uint32_t kHighestValueClass = 3;

/// Reads "promotion" of the genesis' policy. Errors: kInvalidArgument (names the field).
Result<pb::PromotionPolicy> ReadPromotionPolicy(JsonFields& json);
/// `path` stands before the field's name in errors. Errors: kInvalidArgument.
Status ValidatePromotionPolicy(const pb::PromotionPolicy& policy, const std::string& path);
/// Corrections 0, token events 2, assessments 3 to 5 by tag, trainings 5, the rest 9; FULL only.
pb::PromotionPolicy DefaultPromotionPolicy();

/// The first rule that fits a record; nullptr: none does. What neither rule nor policy knows,
/// consent and the promotion of what a record corrects, is asked for apart.
const pb::PromotionRule* FittingRule(const pb::PromotionPolicy& policy, const RecordFacts& facts);

/// The decision on an Erased: it leaves, first in line, whatever policy and consent say.
pb::PromotionDecision DecideErasure(const Call& call, const RecordFacts& facts);
/// The decision on a record that `call` writes; nullopt: it stays. It leaves where a rule says so,
/// the subject's consent for its kind is in force and, for a correction, what it corrects leaves
/// too.
std::optional<pb::PromotionDecision> Decide(const Call& call, const RecordFacts& facts);

}  // namespace talent::tiers
