// A person from the first assessment to a placement.
#pragma once

#include "private_fixture.h"
#include "tiers/career.h"
#include "tiers/market_policy.h"

namespace talent::tiers {

class CareerTest : public Private {
 protected:
  CareerTest() {
    Register();
    entry_ = Assess();
    token_ = Must(chain_.Write("centre-a", Issue(Invest(), 100)));
  }

  Status Buy(std::string_view enterprise, std::uint64_t units) {
    const auto bought = chain_.Write(enterprise, Purchase(token_, units));
    if (!bought) return tl::unexpected<Error>(bought.error());
    return {};
  }
  pb::MarketFigures Figures() const {
    const auto state = chain_.chain().SealedState();
    return FiguresOf(*state, MarketPolicyOf(*state), Id("li"));
  }
  pb::TrainingPlan PlanOf(std::uint64_t budget = 1000, std::uint32_t bar = 6500) const {
    pb::TrainingPlan plan;
    plan.add_courses("welding");
    plan.set_hours(40);
    plan.set_budget(budget);
    plan.set_bar(bar);
    plan.set_before_assessment(entry_.ToBytes());
    return plan;
  }
  pb::TrainingPlanned Planned(pb::BudgetClass budget_class) const {
    pb::TrainingPlanned message;
    message.set_subject_id(Id("li"));
    *message.mutable_plan() = PlanOf();
    message.set_budget_class(budget_class);
    *message.mutable_figures() = Figures();
    return message;
  }
  pb::ContinuingEducation Continuing() const {
    pb::ContinuingEducation message;
    message.set_subject_id(Id("li"));
    *message.mutable_plan() = PlanOf();
    *message.mutable_figures() = Figures();
    return message;
  }
  pb::TrainingCompleted Carried(const TxId& plan, pb::BudgetClass budget_class) const {
    pb::TrainingCompleted message = Training(entry_);
    message.set_plan(plan.ToBytes());
    message.set_budget_class(budget_class);
    return message;
  }
  /// Plans by the sold share, trains and assesses with `score`.
  TxId Train(std::uint32_t score = 7000) {
    const auto figures = Figures();
    const auto budget_class = PlanClass(DefaultMarketPolicy(), figures);
    const TxId plan = budget_class == pb::BUDGET_CLASS_D
                          ? Must(chain_.Write("centre-a", Continuing()))
                          : Must(chain_.Write("centre-a", Planned(budget_class)));
    Must(chain_.Write("centre-a", Carried(plan, budget_class)));
    return Assess(score, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  }
  Decided Due() const {
    const auto& chain = chain_.chain();
    return DecisionDue(*chain.SealedState(), Id("li"), chain.head().time + Millis(1)).value();
  }
  /// Trains and writes down the placement that is due.
  TxId PlaceNow() {
    Train();
    return Must(chain_.Write("centre-a", Due().placed.value()));
  }
  pb::Career CareerNow() const { return chain_.Read(kCareers, Id("li")).value_or(pb::Career()); }

  pb::WillDeclared WillFor(const std::vector<std::string>& ranked,
                           const std::vector<std::string>& refused = {}) const {
    pb::WillDeclared message;
    message.set_subject_id(Id("li"));
    for (const auto& id : ranked) message.add_ranked(id);
    for (const auto& id : refused) message.add_refused(id);
    message.add_cities("Shenyang");
    message.set_until_ms(kStart + kYear);
    return message;
  }
  pb::TransferStatement TransferOf(std::uint64_t units, std::string_view seller = "acme",
                                   std::string_view buyer = "globex",
                                   std::string_view reference = "t1") const {
    pb::TransferStatement statement;
    statement.set_token(token_.ToBytes());
    statement.set_seller(std::string(seller));
    statement.set_buyer(std::string(buyer));
    statement.set_units(units);
    statement.set_unit_price(9);
    statement.set_reference(Id(reference));
    return statement;
  }
  pb::TokenTransferred Transferred(const pb::TransferStatement& statement) const {
    return CosignTransfer(chain_.genesis().chain_id(), statement, KeyOf(statement.buyer()));
  }

  TxId entry_;
  TxId token_;
};

}  // namespace talent::tiers
