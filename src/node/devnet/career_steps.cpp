#include "node/devnet/career_steps.h"

#include "tiers/private_state.h"
#include "tiers/signing.h"

namespace talent::node {
namespace {

namespace pb = tiers::v1;
using ledger::pb::DISCLOSURE_FULL;
using ledger::pb::DISCLOSURE_PRIVATE;

constexpr std::uint64_t kWillMs = 365 * kDayMs;
constexpr std::uint64_t kSupply = 1000;
constexpr std::uint64_t kUnitPrice = 100'00;

pb::TrainingPlan MakePlan(const RecordId& before) {
  pb::TrainingPlan plan;
  plan.add_courses("data engineering");
  plan.set_hours(80);
  plan.set_budget(4'000'00);  // within that of every class
  plan.set_bar(6'500);
  plan.set_before_assessment(before.ToBytes());
  return plan;
}

}  // namespace

pb::AbilityAssessed MakeAssessment(const Bytes& subject, std::uint32_t analysis,
                                   std::uint32_t communication) {
  pb::AbilityAssessed assessed;
  assessed.set_subject_id(subject);
  const auto add_score = [&](const char* dimension, std::uint32_t value) {
    auto* const score = assessed.add_scores();
    score->set_dimension(dimension);
    score->set_value(value);
  };
  add_score("analysis", analysis);
  add_score("communication", communication);
  assessed.set_method("structured interview");
  assessed.set_assessor("board-7");
  assessed.set_phase(pb::ASSESSMENT_PHASE_ENTRY);
  auto* const tag = assessed.add_tags();
  tag->set_industry("data-science");
  tag->set_match(pb::TAG_MATCH_MATCHED);
  tag->set_weight(8000);
  return assessed;
}

Status Invest(PartySession& centre, PartySession& enterprise, const std::string& enterprise_id,
              const Bytes& subject, std::uint64_t units, const WriteRecord& write) {
  const auto person = TRY(centre.Read<pb::Subject>(tiers::kSubjects.Key(subject)));
  if (!person) return Fail(Code::kNotFound, "subject {} is not registered", ToHex(subject));
  crypto::SystemRandom random;
  pb::InvestmentStatement statement;
  statement.set_subject_id(subject);
  statement.set_centre(person->custodian());
  statement.set_enterprise(enterprise_id);
  statement.set_amount(50'000'00);
  statement.set_reference(random.Draw(Hash::kSize));
  const TxId investment = TRY(
      write(centre, tiers::CosignInvestment(enterprise.chain(), statement, enterprise.key()),
            DISCLOSURE_PRIVATE, {"投资确认，企业联署", "investment, signed by the enterprise"}));

  pb::TokenIssued issued;
  issued.set_investment(investment.ToBytes());
  issued.set_subject_id(subject);
  issued.set_supply(kSupply);
  issued.set_unit_price(kUnitPrice);
  const TxId token =
      TRY(write(centre, issued, DISCLOSURE_FULL, {"人才通证发行", "talent tokens issued"}));

  pb::TokenPurchased purchased;
  purchased.set_token(token.ToBytes());
  purchased.set_units(units);
  purchased.set_unit_price(kUnitPrice);
  TRY(write(enterprise, purchased, DISCLOSURE_FULL, {"通证购买", "units bought"}));
  return {};
}

Status Train(PartySession& centre, const Assessed& entry, std::uint32_t score,
             const WriteRecord& write) {
  const auto career = TRY(centre.client().GetCareer(centre.chain(), entry.subject));
  if (career.plan_class() == pb::BUDGET_CLASS_D) {
    pb::ContinuingEducation continued;
    continued.set_subject_id(entry.subject);
    *continued.mutable_plan() = MakePlan(entry.id);
    *continued.mutable_figures() = career.figures();
    TRY(write(centre, continued, DISCLOSURE_FULL,
              {"无企业投资：继续教育", "nobody invested: continuing education"}));
    return {};
  }
  pb::TrainingPlanned planned;
  planned.set_subject_id(entry.subject);
  *planned.mutable_plan() = MakePlan(entry.id);
  planned.set_budget_class(career.plan_class());
  *planned.mutable_figures() = career.figures();
  const TxId plan = TRY(write(centre, planned, DISCLOSURE_FULL,
                              {"培训计划，等级由持有比例定",
                               "training planned, of the class the sold "
                               "share gives"}));
  pb::TrainingCompleted completed;
  completed.set_subject_id(entry.subject);
  completed.set_course("data engineering");
  completed.set_hours(80);
  completed.set_budget_class(career.plan_class());
  completed.set_before_assessment(entry.id.ToBytes());
  completed.set_outcome(pb::TRAINING_OUTCOME_PASSED);
  completed.set_plan(plan.ToBytes());
  TRY(write(centre, completed, DISCLOSURE_FULL, {"培训完成", "training completed"}));

  pb::AbilityAssessed after = entry.assessment;
  for (auto& dimension : *after.mutable_scores()) dimension.set_value(score);
  after.set_phase(pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  TRY(write(centre, after, DISCLOSURE_FULL, {"培训后评估", "assessed after training"}));
  return {};
}

Result<Decision> Decide(PartySession& centre, const Bytes& subject, const WriteRecord& write) {
  const auto due = TRY(centre.client().GetCareer(centre.chain(), subject));
  if (due.has_retraining()) {
    const TxId id = TRY(write(centre, due.retraining(), DISCLOSURE_FULL,
                              {"未达标：再培训", "below the bar: to be trained again"}));
    return Decision{id, false};
  }
  if (due.has_placed()) {
    const TxId id = TRY(write(centre, due.placed(), DISCLOSURE_FULL,
                              {"就业，按持有与意愿计算", "placed, by holdings and will"}));
    return Decision{id, true};
  }
  return Fail(Code::kPrecondition, "no decision is due on {}: {}", ToHex(subject), due.not_due());
}

Status DeclareWill(PartySession& centre, const Bytes& subject, const std::string& enterprise,
                   const WriteRecord& write) {
  pb::WillDeclared will;
  will.set_subject_id(subject);
  will.add_ranked(enterprise);
  will.add_cities("Shenyang");
  will.set_until_ms(SystemClock().Now().value + kWillMs);
  TRY(write(centre, will, DISCLOSURE_PRIVATE, {"个人意愿", "will declared"}));
  return {};
}

}  // namespace talent::node
