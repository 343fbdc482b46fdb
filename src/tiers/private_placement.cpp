// The decision that ends a plan: placement or retraining, computed from the state.

#include "tiers/ability_limits.h"
#include "tiers/career.h"
#include "tiers/market_policy.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

std::string_view DueName(const Decided& due) {
  if (due.placed) return "Placed";
  return due.retraining ? "RetrainingAssigned" : "the centre's decision";
}

// Where neither rule applies any more the centre places by its own judgement, and says why. Nobody
// is placed where it refused to work, nor with a suspended enterprise.
Status ValidateOwnDecision(const Call& call, const pb::Placed& message, const Decided& due) {
  TRY(RequireComputed("inputs", message.inputs(), due.inputs));
  TRY(RequireEnterpriseId(call, "enterprise", message.enterprise()));
  TRY(RequireText("reason", message.reason(), kMaxText));
  const auto will = kWills.Get(call.state, message.subject_id());
  if (will && will->until_ms() > call.block.time.value &&
      std::ranges::binary_search(will->refused(), message.enterprise())) {
    return Fail(Code::kPrecondition, "the subject refuses to work for '{}'", message.enterprise());
  }
  if (IsSuspended(call.state, message.enterprise())) {
    return Fail(Code::kPrecondition, "'{}' is suspended", message.enterprise());
  }
  return {};
}

Status ValidatePlacement(const Call& call, const pb::Placed& message, const Decided& due) {
  if (message.basis() == pb::PLACEMENT_BASIS_CENTRE && !due.placed && !due.retraining) {
    return ValidateOwnDecision(call, message, due);
  }
  if (!due.placed) {
    return Fail(Code::kPrecondition, "{} is due, not a placement by the rule", DueName(due));
  }
  return RequireComputed("the placement", message, *due.placed);
}

Status Place(const pb::Placed& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubject(call, message.subject_id(), centre));
  const Decided due = TRY(DecisionDue(call.state, message.subject_id(), call.block.time));
  TRY(ValidatePlacement(call, message, due));
  auto career = kCareers.Get(call.state, message.subject_id());
  CHECK(career.has_value(), "a decision is due");
  EndPlan(*career);
  career->set_stage(pb::CAREER_STAGE_PLACED);
  career->set_retrainings(0);
  career->set_placement(call.tx.id.ToBytes());
  career->set_employer(message.enterprise());
  career->set_placed_ms(call.block.time.value);
  career->set_supervised_until_ms(call.block.time.value +
                                  MarketPolicyOf(call.state).supervision_ms());
  career->set_moves(0);
  career->clear_opened();
  career->clear_closed();
  kCareers.Put(call.state, message.subject_id(), *career);
  NoteConcern(call, message.subject_id(), message.enterprise(), 0);
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

Status Retrain(const pb::RetrainingAssigned& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubject(call, message.subject_id(), centre));
  const Decided due = TRY(DecisionDue(call.state, message.subject_id(), call.block.time));
  if (!due.retraining) {
    return Fail(Code::kPrecondition, "{} is due, not retraining", DueName(due));
  }
  TRY(RequireComputed("the retraining", message, *due.retraining));
  auto career = kCareers.Get(call.state, message.subject_id());
  CHECK(career.has_value(), "a decision is due");
  EndPlan(*career);
  career->set_stage(pb::CAREER_STAGE_RETRAINING);
  career->set_retrainings(career->retrainings() + 1);
  kCareers.Put(call.state, message.subject_id(), *career);
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

constexpr Kind kPlacementKinds[] = {
    {"Placed", Run<pb::Placed, Place>},
    {"RetrainingAssigned", Run<pb::RetrainingAssigned, Retrain>},
};

}  // namespace

std::span<const Kind> PlacementKinds() { return kPlacementKinds; }

}  // namespace talent::tiers
