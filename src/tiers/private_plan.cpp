// Training plans: one is open at a time, until a decision ends it.

#include "tiers/ability_limits.h"
#include "tiers/career.h"
#include "tiers/market_policy.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

constexpr int kMaxCourses = 16;

Status RequireNoPlan(const pb::Career& career) {
  if (career.stage() == pb::CAREER_STAGE_IN_TRAINING) {
    return Fail(Code::kPrecondition, "plan {} is open; a decision ends it first",
                ToHex(career.plan()));
  }
  if (career.stage() == pb::CAREER_STAGE_PLACED) {
    return Fail(Code::kPrecondition, "the subject works for '{}'", career.employer());
  }
  return {};
}

Status ValidatePlan(const Call& call, const pb::TrainingPlan& plan, BytesView subject_id,
                    const pb::MarketPolicy& policy, pb::BudgetClass budget_class) {
  if (plan.courses().empty() || plan.courses_size() > kMaxCourses) {
    return Fail(Code::kInvalidArgument, "plan.courses has {} entries where 1 to {} are expected",
                plan.courses_size(), kMaxCourses);
  }
  for (const std::string& course : plan.courses()) {
    TRY(RequireText("plan.courses", course, kMaxText));
  }
  if (plan.hours() == 0 || plan.hours() > kMaxHours) {
    return Fail(Code::kInvalidArgument, "plan.hours is {}, 1 to {} are expected", plan.hours(),
                kMaxHours);
  }
  const std::uint64_t budget = policy.budgets(budget_class - pb::BUDGET_CLASS_A);
  if (plan.budget() > budget) {
    return Fail(Code::kPrecondition, "plan.budget is {}, the policy gives {} at most {}",
                plan.budget(), pb::BudgetClass_Name(budget_class), budget);
  }
  if (plan.bar() < policy.min_bar() || plan.bar() > kFullScore) {
    return Fail(Code::kInvalidArgument, "plan.bar is {}, {} to {} are expected", plan.bar(),
                policy.min_bar(), kFullScore);
  }
  TRY(RequireAssessment(call, "plan.before_assessment", plan.before_assessment(), subject_id,
                        pb::ASSESSMENT_PHASE_ENTRY, pb::ASSESSMENT_PHASE_BEFORE_TRAINING));
  return {};
}

void OpenPlan(const Call& call, BytesView subject_id, pb::Career career,
              pb::BudgetClass budget_class, std::uint32_t bar) {
  career.set_stage(pb::CAREER_STAGE_IN_TRAINING);
  career.set_plan(call.tx.id.ToBytes());
  career.set_budget_class(budget_class);
  career.set_bar(bar);
  kCareers.Put(call.state, subject_id, career);
}

Status Plan(const pb::TrainingPlanned& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubject(call, message.subject_id(), centre));
  const auto career = kCareers.Get(call.state, message.subject_id()).value_or(pb::Career());
  TRY(RequireNoPlan(career));
  const pb::MarketPolicy policy = MarketPolicyOf(call.state);
  const auto figures = FiguresOf(call.state, policy, message.subject_id());
  TRY(RequireComputed("figures", message.figures(), figures));
  const pb::BudgetClass budget_class = PlanClass(policy, figures);
  if (budget_class == pb::BUDGET_CLASS_D) {
    return Fail(Code::kPrecondition,
                "nobody holds units of this subject: its path is ContinuingEducation");
  }
  if (message.budget_class() != budget_class) {
    return Fail(Code::kPrecondition, "budget_class is {}, the sold share of {} bps gives {}",
                pb::BudgetClass_Name(message.budget_class()), figures.sold_bps(),
                pb::BudgetClass_Name(budget_class));
  }
  TRY(ValidatePlan(call, message.plan(), message.subject_id(), policy, budget_class));
  OpenPlan(call, message.subject_id(), career, budget_class, message.plan().bar());
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

// Also for a person whose retrainings are used up: that is a decision of the centre.
Status Continue(const pb::ContinuingEducation& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubject(call, message.subject_id(), centre));
  auto career = kCareers.Get(call.state, message.subject_id()).value_or(pb::Career());
  const pb::MarketPolicy policy = MarketPolicyOf(call.state);
  if (career.stage() == pb::CAREER_STAGE_IN_TRAINING) {
    const Decided due = TRY(DecisionDue(call.state, message.subject_id(), call.block.time));
    if (due.placed || due.retraining) return RequireNoPlan(career);
    EndPlan(career);
  }
  TRY(RequireNoPlan(career));
  const auto figures = FiguresOf(call.state, policy, message.subject_id());
  TRY(RequireComputed("figures", message.figures(), figures));
  if (figures.sold() != 0 && career.retrainings() < policy.max_retrainings()) {
    return Fail(Code::kPrecondition,
                "{} units of this subject are sold: its path is TrainingPlanned", figures.sold());
  }
  TRY(ValidatePlan(call, message.plan(), message.subject_id(), policy, pb::BUDGET_CLASS_D));
  OpenPlan(call, message.subject_id(), career, pb::BUDGET_CLASS_D, message.plan().bar());
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

constexpr Kind kPlanKinds[] = {
    {"TrainingPlanned", Run<pb::TrainingPlanned, Plan>},
    {"ContinuingEducation", Run<pb::ContinuingEducation, Continue>},
};

}  // namespace

std::span<const Kind> PlanKinds() { return kPlanKinds; }

}  // namespace talent::tiers
