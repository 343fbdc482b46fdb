#include "tiers/career.h"

#include <algorithm>
#include <tuple>

#include "tiers/market_policy.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

std::uint32_t ShareOf(std::uint64_t units, std::uint64_t supply) {
  return supply == 0 ? 0 : static_cast<std::uint32_t>(units * kBasisPoints / supply);
}

// The first of n has the whole, the last one n-th of it.
std::uint32_t WillOf(const pb::Will& will, const std::string& enterprise) {
  const auto& ranked = will.ranked();
  const auto at = std::ranges::find(ranked, enterprise);
  if (at == ranked.end()) return 0;
  const auto count = static_cast<std::uint64_t>(ranked.size());
  const auto rank = static_cast<std::uint64_t>(at - ranked.begin());
  return static_cast<std::uint32_t>((count - rank) * kBasisPoints / count);
}

pb::Will WillInForce(const ledger::StateReader& state, BytesView subject_id, Timestamp now) {
  auto will = kWills.Get(state, subject_id);
  if (!will || will->until_ms() <= now.value) return {};
  return *std::move(will);
}

bool IsBetter(const pb::Candidate& a, const pb::Candidate& b) {
  return std::tuple(b.score(), a.since_ms(), std::string_view(a.enterprise())) <
         std::tuple(a.score(), b.since_ms(), std::string_view(b.enterprise()));
}

std::vector<pb::Candidate> CandidatesOf(const ledger::StateReader& state,
                                        const pb::MarketPolicy& policy, BytesView subject_id,
                                        std::uint64_t supply, const pb::Will& will) {
  std::vector<pb::Candidate> out;  // bounded by kMaxParties
  kConcerns.Scan(state, subject_id, {}, [&](BytesView party, const pb::Concern& concern) {
    const std::string id(party);
    if (concern.units() == 0 || std::ranges::binary_search(will.refused(), id)) return true;
    pb::Candidate& candidate = out.emplace_back();
    candidate.set_enterprise(id);
    candidate.set_units(concern.units());
    candidate.set_share_bps(ShareOf(concern.units(), supply));
    candidate.set_will_bps(WillOf(will, id));
    candidate.set_score(std::uint64_t{policy.share_weight()} * candidate.share_bps() +
                        std::uint64_t{policy.will_weight()} * candidate.will_bps());
    candidate.set_since_ms(concern.holds_since_ms());
    return true;
  });
  std::erase_if(out, [&](const pb::Candidate& candidate) {
    return IsSuspended(state, candidate.enterprise());
  });
  std::ranges::sort(out, IsBetter);
  return out;
}

Result<pb::DecisionInputs> InputsOf(const ledger::StateReader& state,
                                    const pb::MarketPolicy& policy, BytesView subject_id,
                                    Timestamp now) {
  const auto career = kCareers.Get(state, subject_id);
  if (!career || career->stage() != pb::CAREER_STAGE_IN_TRAINING) {
    return Fail(Code::kPrecondition, "no plan is open for subject {}: nothing is to be decided",
                ToHex(subject_id));
  }
  if (career->training().empty()) {
    return Fail(Code::kPrecondition, "the training of plan {} is not completed",
                ToHex(career->plan()));
  }
  if (career->outcome() == pb::TRAINING_OUTCOME_PASSED && career->after_assessment().empty()) {
    return Fail(Code::kPrecondition, "plan {} has no after-training assessment yet",
                ToHex(career->plan()));
  }
  const pb::Will will = WillInForce(state, subject_id, now);
  pb::DecisionInputs inputs;
  inputs.set_plan(career->plan());
  inputs.set_training(career->training());
  if (!career->after_assessment().empty()) {
    const auto assessment = kPrivateRecords.Get(state, career->after_assessment());
    CHECK(assessment.has_value(), "a career names an assessment of this chain");
    inputs.set_after_assessment(career->after_assessment());
    inputs.set_mean_score(assessment->mean_score());
  }
  inputs.set_bar(career->bar());
  *inputs.mutable_figures() = FiguresOf(state, policy, subject_id);
  inputs.set_will(will.record());
  for (pb::Candidate& candidate :
       CandidatesOf(state, policy, subject_id, inputs.figures().supply(), will)) {
    *inputs.add_candidates() = std::move(candidate);
  }
  inputs.set_retrainings(career->retrainings());
  return inputs;
}

std::vector<pb::PlacementLack> LacksOf(const pb::MarketPolicy& policy,
                                       const pb::DecisionInputs& inputs) {
  std::vector<pb::PlacementLack> lacks;
  if (inputs.figures().sold_bps() < policy.placement_bps()) {
    lacks.push_back(pb::PLACEMENT_LACK_SHARE);
  }
  if (inputs.after_assessment().empty() || inputs.mean_score() < inputs.bar()) {
    lacks.push_back(pb::PLACEMENT_LACK_SCORE);
  }
  if (inputs.candidates().empty()) lacks.push_back(pb::PLACEMENT_LACK_CANDIDATE);
  return lacks;
}

}  // namespace

pb::MarketFigures FiguresOf(const ledger::StateReader& state, const pb::MarketPolicy& policy,
                            BytesView subject_id) {
  const auto subject = kSubjects.Get(state, subject_id);
  CHECK(subject.has_value(), "figures of a subject that is not registered");
  pb::MarketFigures figures;
  figures.set_supply(subject->supply());
  figures.set_sold(subject->sold());
  figures.set_sold_bps(ShareOf(subject->sold(), subject->supply()));
  figures.set_policy_version(policy.version());
  return figures;
}

pb::BudgetClass PlanClass(const pb::MarketPolicy& policy, const pb::MarketFigures& figures) {
  if (figures.sold() == 0) return pb::BUDGET_CLASS_D;
  if (figures.sold_bps() >= policy.plan_a_bps()) return pb::BUDGET_CLASS_A;
  if (figures.sold_bps() >= policy.plan_b_bps()) return pb::BUDGET_CLASS_B;
  return pb::BUDGET_CLASS_C;
}

Result<Decided> DecisionDue(const ledger::StateReader& state, BytesView subject_id, Timestamp now) {
  const pb::MarketPolicy policy = MarketPolicyOf(state);
  Decided decided;
  decided.inputs = TRY(InputsOf(state, policy, subject_id, now));
  const auto lacks = LacksOf(policy, decided.inputs);
  if (lacks.empty()) {
    pb::Placed& placed = decided.placed.emplace();
    placed.set_subject_id(Bytes(subject_id));
    *placed.mutable_inputs() = decided.inputs;
    placed.set_basis(pb::PLACEMENT_BASIS_COMPUTED);
    placed.set_enterprise(decided.inputs.candidates(0).enterprise());
  } else if (decided.inputs.retrainings() < policy.max_retrainings()) {
    pb::RetrainingAssigned& retraining = decided.retraining.emplace();
    retraining.set_subject_id(Bytes(subject_id));
    *retraining.mutable_inputs() = decided.inputs;
    for (const pb::PlacementLack lack : lacks) retraining.add_lacks(lack);
  }
  return decided;
}

}  // namespace talent::tiers
