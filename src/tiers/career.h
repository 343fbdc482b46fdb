// What the market's rules make of the state: plan classes, and decisions after training. Whoever
// proposes a decision computes it here, and so does every validator that checks it.
#pragma once

#include "base/strong.h"
#include "tiers/private_state.h"

namespace talent::tiers {

/// The market's figures of a person. Requires: the subject is registered.
pb::MarketFigures FiguresOf(const ledger::StateReader& state, const pb::MarketPolicy& policy,
                            BytesView subject_id);

/// The class of a plan by the sold share; D where nothing is sold.
pb::BudgetClass PlanClass(const pb::MarketPolicy& policy, const pb::MarketFigures& figures);

/// What the rule decides after training. Where it is neither (retraining is used up), the centre
/// decides, and `inputs` are those of its Placed.
struct Decided {
  std::optional<pb::Placed> placed;
  std::optional<pb::RetrainingAssigned> retraining;
  pb::DecisionInputs inputs;
};

/// The decision due on a person in a block of time `now`. Errors: kPrecondition (no plan is open,
/// its training is not completed, or passed without an after-training assessment).
Result<Decided> DecisionDue(const ledger::StateReader& state, BytesView subject_id, Timestamp now);

/// `flow` with moves, finding and suspicions as the rules find them in a block of time `now`. Its
/// statement is well-formed; that it names the person's placement and its transfer the two
/// enterprises is for the rule to check. Errors: kNotFound (no placement), kPrecondition
/// (a supervised move that neither enterprise has signed), those of its signatures.
Result<pb::FlowRecorded> JudgeFlow(const ledger::StateReader& state, const ChainId& chain,
                                   const pb::FlowRecorded& flow, Timestamp now);

}  // namespace talent::tiers
