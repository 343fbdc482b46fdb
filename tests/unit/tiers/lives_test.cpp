// Random lives on a private chain, held against an oracle that keeps its own books and knows
// nothing of the rules' code: what is taken, what is refused, who works where, and how many units
// there are.

#include <cstdlib>
#include <deque>
#include <functional>
#include <map>

#include "records.h"
#include "sim/random.h"
#include "tiers/career.h"
#include "tiers/private_state.h"

namespace talent::tiers {
namespace {

constexpr std::size_t kLives = 400;  // in CI; scripts/lives has more
constexpr int kRounds = 28;
constexpr std::size_t kMaxBatch = 1000;
const std::vector<std::string> kEnterprises = {"acme", "globex", "initech"};

struct TokenBook {
  TxId id;
  std::uint64_t supply = 0;
  std::map<std::string, std::uint64_t> held;
  std::uint64_t Sold() const {
    std::uint64_t sold = 0;
    for (const auto& [party, units] : held) sold += units;
    return sold;
  }
};

/// What is due on a person by the rules in docs/domain.md.
struct Due {
  enum Kind { kNothing, kPlacement, kRetraining, kCentre } kind = kNothing;
  std::string enterprise;
};

struct Life {
  std::string name;
  std::string custodian;
  bool registered = false;
  std::optional<TxId> entry;
  std::optional<TxId> investment;  // without a token
  std::optional<pb::InvestmentStatement> stated;
  std::vector<TokenBook> tokens;
  std::map<std::string, std::uint64_t> holds_since;
  std::vector<std::string> ranked;
  std::vector<std::string> refused;
  // The open plan.
  std::optional<TxId> plan;
  pb::BudgetClass budget_class = pb::BUDGET_CLASS_UNSPECIFIED;
  std::uint32_t bar = 0;
  bool trained = false;
  bool passed = false;
  std::optional<std::uint32_t> after;
  std::uint32_t retrainings = 0;
  std::string employer;
  std::uint64_t placed_ms = 0;
  std::uint64_t numbered = 0;  // references used

  std::uint64_t Supply() const {
    std::uint64_t sum = 0;
    for (const auto& token : tokens) sum += token.supply;
    return sum;
  }
  std::uint64_t Held(const std::string& party) const {
    std::uint64_t sum = 0;
    for (const auto& token : tokens) {
      const auto held = token.held.find(party);
      if (held != token.held.end()) sum += held->second;
    }
    return sum;
  }
  std::uint64_t Sold() const {
    std::uint64_t sum = 0;
    for (const auto& token : tokens) sum += token.Sold();
    return sum;
  }
  std::uint64_t Bps(std::uint64_t units) const {
    return Supply() == 0 ? 0 : units * 10000 / Supply();
  }
  bool Refuses(const std::string& party) const {
    return std::ranges::find(refused, party) != refused.end();
  }

  pb::BudgetClass ClassBySales() const {
    if (Sold() == 0) return pb::BUDGET_CLASS_D;
    if (Bps(Sold()) >= 5000) return pb::BUDGET_CLASS_A;
    return Bps(Sold()) >= 2000 ? pb::BUDGET_CLASS_B : pb::BUDGET_CLASS_C;
  }
  /// 6 parts by the share, 4 by the will.
  std::uint64_t Score(const std::string& party) const {
    const auto at = std::ranges::find(ranked, party);
    const auto behind = static_cast<std::uint64_t>(ranked.end() - at);
    const std::uint64_t will = at == ranked.end() ? 0 : 10000 * behind / ranked.size();
    return 6 * Bps(Held(party)) + 4 * will;
  }
  std::string BestHolder() const {
    std::string best;
    for (const auto& party : kEnterprises) {
      if (Held(party) == 0 || Refuses(party)) continue;
      const bool better =
          best.empty() || Score(party) > Score(best) ||
          (Score(party) == Score(best) && holds_since.at(party) < holds_since.at(best));
      if (better) best = party;
    }
    return best;
  }
  Due WhatIsDue() const {
    if (!plan || !trained || (passed && !after)) return {};
    const std::string best = BestHolder();
    if (Bps(Sold()) >= 3000 && after && *after >= bar && !best.empty()) {
      return {Due::kPlacement, best};
    }
    return {retrainings < 2 ? Due::kRetraining : Due::kCentre, ""};
  }
  void ClosePlan() {
    plan.reset();
    trained = passed = false;
    after.reset();
  }
};

/// A transaction, whether the oracle takes it, and what it then notes in its books.
struct Step {
  ledger::Transaction tx;
  bool taken = false;
  std::function<void(std::uint64_t now)> note;
};

class Lives {
 public:
  explicit Lives(std::uint64_t seed)
      : random_(seed),
        first_db_(Open(first_dir_)),
        second_db_(Open(second_dir_)),
        chain_(*first_db_, BigGenesis()),
        twin_(*second_db_, BigGenesis()) {}

  void Live(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Life life;
      life.name = fmt::format("person {}", i);
      life.custodian = i % 2 == 0 ? "centre-a" : "centre-b";
      lives_.push_back(std::move(life));
    }
    for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
      for (std::size_t from = 0; from < count; from += kMaxBatch) {
        LiveOn(from, std::min(count, from + kMaxBatch));
      }
    }
    for (const Life& life : lives_) Compare(life);
  }

  int taken() const { return taken_; }
  int refused() const { return refused_; }
  std::map<std::string, int> taken_of() const { return taken_of_; }

 private:
  static std::unique_ptr<ledger::Database> Open(const TempDir& dir) {
    return ledger::Database::Open(dir.path() / "db", ledger::Database::Mode::kScratch).value();
  }
  static ledger::Genesis BigGenesis() {
    nlohmann::json genesis = TierGenesis("private");
    genesis["consensus"]["max_batch_transactions"] = kMaxBatch;
    genesis["consensus"]["max_batch_bytes"] = 4 << 20;
    return ledger::Genesis::Parse(genesis.dump()).value();
  }

  // One step of each in one block, executed twice.
  void LiveOn(std::size_t from, std::size_t to) {
    const std::uint64_t now = chain_.chain().head().time.value + 1 + random_.Below(86'400'000);
    std::vector<Step> steps;
    std::vector<ledger::Transaction> transactions;
    for (std::size_t i = from; i < to; ++i) {
      steps.push_back(NextOf(lives_[i], now));
      transactions.push_back(steps.back().tx);
    }
    const auto receipts = chain_.Commit(transactions, now);
    EXPECT_EQ(receipts, twin_.Commit(transactions, now));
    EXPECT_EQ(chain_.chain().head().hash, twin_.chain().head().hash) << "the state roots differ";
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool taken = receipts[i] == ledger::pb::RECEIPT_CODE_OK;
      ASSERT_EQ(taken, steps[i].taken) << steps[i].tx.kind << " of " << lives_[from + i].name
                                       << ": " << ledger::pb::ReceiptCode_Name(receipts[i]);
      if (taken) steps[i].note(now);
      (taken ? taken_ : refused_) += 1;
      if (taken) taken_of_[steps[i].tx.kind] += 1;
    }
  }

  Bytes SubjectOf(const Life& life) const { return Id(life.name); }
  const std::string& AnyEnterprise() { return kEnterprises[random_.Below(kEnterprises.size())]; }
  static std::string OtherCentre(const Life& life) {
    return life.custodian == "centre-a" ? "centre-b" : "centre-a";
  }
  template <class M>
  Step By(const std::string& author, const M& message, bool taken,
          std::function<void(std::uint64_t)> note) {
    return {chain_.Make(author, message), taken, std::move(note)};
  }

  Step NextOf(Life& life, std::uint64_t now) {
    if (!life.registered || random_.Percent(3)) return Register(life);
    if (!life.entry) return Assess(life, pb::ASSESSMENT_PHASE_ENTRY);
    switch (random_.Below(12)) {
      case 0:
        return life.investment ? Issue(life) : Invest(life);
      case 1:
        return Invest(life);
      case 2:
        return life.tokens.empty() ? Invest(life) : Buy(life);
      case 3:
        return life.tokens.empty() ? Assess(life, pb::ASSESSMENT_PHASE_ENTRY) : Sell(life);
      case 4:
        return Will(life, now);
      case 5:
        return Assess(life, pb::ASSESSMENT_PHASE_AFTER_TRAINING);
      case 6:
        return Plan(life);
      case 7:
        return Continue(life);
      default:
        break;
    }
    // Mostly what comes next.
    if (!life.plan) return life.investment && life.tokens.empty() ? Issue(life) : Plan(life);
    if (!life.trained) return Train(life);
    if (life.passed && !life.after) return Assess(life, pb::ASSESSMENT_PHASE_AFTER_TRAINING);
    return Decide(life, now);
  }

  Step Register(Life& life) {
    auto message = Registration(life.name);
    message.set_custodian(life.custodian);
    return By(life.custodian, message, !life.registered,
              [&life](std::uint64_t) { life.registered = true; });
  }
  // Now and then by a centre that has neither custody nor consent.
  Step Assess(Life& life, pb::AssessmentPhase phase) {
    const bool own = !random_.Percent(10);
    const auto score = static_cast<std::uint32_t>(random_.Between(5000, 9000));
    Step step =
        By(own ? life.custodian : OtherCentre(life), Assessment(score, life.name, phase), own, {});
    step.note = [&life, phase, score, id = step.tx.id](std::uint64_t) {
      if (phase == pb::ASSESSMENT_PHASE_ENTRY) life.entry = id;
      if (phase == pb::ASSESSMENT_PHASE_AFTER_TRAINING && life.plan) life.after = score;
    };
    return step;
  }
  Step Invest(Life& life) {
    const bool again = life.stated && random_.Percent(20);
    pb::InvestmentStatement statement;
    if (again) {
      statement = *life.stated;
    } else {
      statement = Statement(1000, fmt::format("{} {}", life.name, ++life.numbered));
      statement.set_subject_id(SubjectOf(life));
      statement.set_centre(life.custodian);
      statement.set_enterprise(AnyEnterprise());
    }
    const bool forged = random_.Percent(10);
    const auto key = KeyOf(forged ? life.name : statement.enterprise());
    Step step = By(life.custodian, CosignInvestment(chain_.genesis().chain_id(), statement, key),
                   !again && !forged, {});
    step.note = [&life, statement, id = step.tx.id](std::uint64_t) {
      life.stated = statement;
      life.investment = id;
    };
    return step;
  }
  Step Issue(Life& life) {
    const std::uint64_t supply = random_.Between(1, 60);
    auto message = tiers::Issue(*life.investment, supply);
    message.set_subject_id(SubjectOf(life));
    const bool own = !random_.Percent(10);
    Step step = By(own ? life.custodian : OtherCentre(life), message, own, {});
    step.note = [&life, supply, id = step.tx.id](std::uint64_t) {
      life.tokens.push_back({id, supply, {}});
      life.investment.reset();
    };
    return step;
  }
  TokenBook& AnyToken(Life& life) { return life.tokens[random_.Below(life.tokens.size())]; }
  static void Move(Life& life, TokenBook& token, const std::string& party, std::int64_t units,
                   std::uint64_t now) {
    if (life.Held(party) == 0) life.holds_since[party] = now;
    token.held[party] += static_cast<std::uint64_t>(units);
  }
  Step Buy(Life& life) {
    TokenBook& token = AnyToken(life);
    const std::string buyer = AnyEnterprise();
    const std::uint64_t units = random_.Below(token.supply + 2);
    return By(buyer, Purchase(token.id, units), units > 0 && units <= token.supply - token.Sold(),
              [&life, &token, buyer, units](std::uint64_t now) {
                Move(life, token, buyer, static_cast<std::int64_t>(units), now);
              });
  }
  Step Sell(Life& life) {
    TokenBook& token = AnyToken(life);
    const std::string seller = AnyEnterprise();
    const std::string buyer = AnyEnterprise();
    const std::uint64_t held = token.held.contains(seller) ? token.held.at(seller) : 0;
    const std::uint64_t units = random_.Below(held + 2);
    pb::TransferStatement statement;
    statement.set_token(token.id.ToBytes());
    statement.set_seller(seller);
    statement.set_buyer(buyer);
    statement.set_units(units);
    statement.set_unit_price(9);
    statement.set_reference(Id(fmt::format("{} sale {}", life.name, ++life.numbered)));
    return By(seller, CosignTransfer(chain_.genesis().chain_id(), statement, KeyOf(buyer)),
              units > 0 && units <= held && seller != buyer,
              [&life, &token, seller, buyer, units](std::uint64_t now) {
                Move(life, token, buyer, static_cast<std::int64_t>(units), now);
                token.held[seller] -= units;
              });
  }
  // Now and then dated into the past.
  Step Will(Life& life, std::uint64_t now) {
    pb::WillDeclared message;
    message.set_subject_id(SubjectOf(life));
    std::vector<std::string> ranked;
    std::vector<std::string> refused;
    for (const auto& party : kEnterprises) {
      const auto draw = random_.Below(3);
      if (draw == 0) ranked.push_back(party);
      if (draw == 1) refused.push_back(party);
    }
    if (random_.Percent(50)) std::ranges::reverse(ranked);
    for (const auto& party : ranked) message.add_ranked(party);
    for (const auto& party : refused) message.add_refused(party);
    const bool past = random_.Percent(10);
    message.set_until_ms(past ? now : now + 10 * kYear);
    const bool own = !random_.Percent(10);
    return By(own ? life.custodian : AnyEnterprise(), message, own && !past,
              [&life, ranked, refused](std::uint64_t) {
                life.ranked = ranked;
                life.refused = refused;
              });
  }

  pb::TrainingPlan PlanFor(const Life& life) {
    pb::TrainingPlan plan;
    plan.add_courses("welding");
    plan.set_hours(40);
    plan.set_budget(1000);
    plan.set_bar(static_cast<std::uint32_t>(random_.Between(6000, 8000)));
    plan.set_before_assessment(life.entry->ToBytes());
    return plan;
  }
  pb::MarketFigures FiguresFor(const Life& life) {
    pb::MarketFigures figures;
    figures.set_supply(life.Supply());
    figures.set_sold(life.Sold());
    figures.set_sold_bps(static_cast<std::uint32_t>(life.Bps(life.Sold())));
    figures.set_policy_version(1);
    if (random_.Percent(5)) figures.set_sold(life.Sold() + 1);
    return figures;
  }
  bool IsTrue(const Life& life, const pb::MarketFigures& figures) const {
    return figures.sold() == life.Sold();
  }
  static std::function<void(std::uint64_t)> Opening(Life& life, const Step& step,
                                                    const pb::TrainingPlan& plan,
                                                    pb::BudgetClass budget_class) {
    return [&life, id = step.tx.id, bar = plan.bar(), budget_class](std::uint64_t) {
      life.ClosePlan();
      life.plan = id;
      life.bar = bar;
      life.budget_class = budget_class;
    };
  }
  Step Plan(Life& life) {
    pb::TrainingPlanned message;
    message.set_subject_id(SubjectOf(life));
    *message.mutable_plan() = PlanFor(life);
    *message.mutable_figures() = FiguresFor(life);
    const bool right = !random_.Percent(10);
    const auto by_sales = life.ClassBySales();
    message.set_budget_class(right ? by_sales : pb::BUDGET_CLASS_D);
    const bool taken = right && IsTrue(life, message.figures()) && by_sales != pb::BUDGET_CLASS_D &&
                       !life.plan && life.employer.empty();
    Step step = By(life.custodian, message, taken, {});
    step.note = Opening(life, step, message.plan(), by_sales);
    return step;
  }
  Step Continue(Life& life) {
    pb::ContinuingEducation message;
    message.set_subject_id(SubjectOf(life));
    *message.mutable_plan() = PlanFor(life);
    *message.mutable_figures() = FiguresFor(life);
    const bool open = life.plan && life.WhatIsDue().kind != Due::kCentre;
    const bool taken = IsTrue(life, message.figures()) && !open && life.employer.empty() &&
                       (life.Sold() == 0 || life.retrainings >= 2);
    Step step = By(life.custodian, message, taken, {});
    step.note = Opening(life, step, message.plan(), pb::BUDGET_CLASS_D);
    return step;
  }
  Step Train(Life& life) {
    pb::TrainingCompleted message = Training(*life.entry, life.name);
    message.set_plan(life.plan->ToBytes());
    const bool right = !random_.Percent(10);
    message.set_budget_class(right ? life.budget_class
                                   : static_cast<pb::BudgetClass>(life.budget_class % 4 + 1));
    const bool passed = !random_.Percent(20);
    message.set_outcome(passed ? pb::TRAINING_OUTCOME_PASSED : pb::TRAINING_OUTCOME_FAILED);
    return By(life.custodian, message, right && !life.trained, [&life, passed](std::uint64_t) {
      life.trained = true;
      life.passed = passed;
    });
  }

  // What is due; now and then with an enterprise of somebody's choice.
  Step Decide(Life& life, std::uint64_t now) {
    const Due due = life.WhatIsDue();
    const auto computed =
        DecisionDue(*chain_.chain().SealedState(), SubjectOf(life), Timestamp(now));
    EXPECT_EQ(computed.has_value(), due.kind != Due::kNothing) << life.name;
    EXPECT_EQ(computed && computed->placed, due.kind == Due::kPlacement) << life.name;
    EXPECT_EQ(computed && computed->retraining, due.kind == Due::kRetraining) << life.name;
    if (due.kind == Due::kRetraining && computed && computed->retraining) {
      return By(life.custodian, *computed->retraining, true, [&life](std::uint64_t) {
        life.ClosePlan();
        life.retrainings += 1;
      });
    }
    pb::Placed message;
    message.set_subject_id(SubjectOf(life));
    if (computed) *message.mutable_inputs() = computed->inputs;
    const bool by_rule = due.kind == Due::kPlacement;
    message.set_basis(by_rule ? pb::PLACEMENT_BASIS_COMPUTED : pb::PLACEMENT_BASIS_CENTRE);
    if (!by_rule) message.set_reason("takes on trainees");
    const bool other = !by_rule || random_.Percent(15);
    const std::string enterprise = other ? AnyEnterprise() : due.enterprise;
    message.set_enterprise(enterprise);
    const bool taken = by_rule ? enterprise == due.enterprise
                               : due.kind == Due::kCentre && !life.Refuses(enterprise);
    return By(life.custodian, message, taken, [&life, enterprise](std::uint64_t at) {
      life.ClosePlan();
      life.retrainings = 0;
      life.employer = enterprise;
      life.placed_ms = at;
    });
  }

  // The chain's books against the oracle's.
  void Compare(const Life& life) {
    const auto subject = chain_.Read(kSubjects, SubjectOf(life)).value_or(pb::Subject());
    EXPECT_EQ(subject.supply(), life.Supply()) << life.name;
    EXPECT_EQ(subject.sold(), life.Sold()) << life.name;
    for (const TokenBook& token : life.tokens) {
      const auto stored = chain_.Read(kTokens, token.id.View()).value();
      EXPECT_EQ(stored.supply(), token.supply);
      EXPECT_EQ(stored.unsold() + token.Sold(), token.supply) << life.name;
      for (const auto& [party, units] : token.held) {
        const auto holding = chain_.Read(kHoldings, Concat({token.id.View(), party}));
        EXPECT_EQ(holding.value_or(pb::Holding()).units(), units) << life.name << ' ' << party;
      }
    }
    const auto career = chain_.Read(kCareers, SubjectOf(life)).value_or(pb::Career());
    EXPECT_EQ(career.employer(), life.employer) << life.name;
    EXPECT_EQ(career.placed_ms(), life.placed_ms) << life.name;
    EXPECT_EQ(career.retrainings(), life.retrainings) << life.name;
    EXPECT_EQ(career.plan(), life.plan ? life.plan->ToBytes() : Bytes()) << life.name;
  }

  sim::Rng random_;
  TempDir first_dir_;
  TempDir second_dir_;
  std::unique_ptr<ledger::Database> first_db_;
  std::unique_ptr<ledger::Database> second_db_;
  TestTier chain_;
  TestTier twin_;
  std::deque<Life> lives_;
  int taken_ = 0;
  int refused_ = 0;
  std::map<std::string, int> taken_of_;
};

TEST(RandomLives, KeepTheBooksAndAgreeInTwoExecutions) {
  const char* const count = std::getenv("TALENT_LIVES");
  const char* const seed = std::getenv("TALENT_LIVES_SEED");
  Lives lives(seed == nullptr ? 1 : std::stoull(seed));
  lives.Live(count == nullptr ? kLives : std::stoull(count));
  const auto taken_of = lives.taken_of();
  for (const char* const kind : {"TokenTransferred", "Placed", "RetrainingAssigned", "WillDeclared",
                                 "ContinuingEducation", "TrainingPlanned"}) {
    EXPECT_TRUE(taken_of.contains(kind)) << kind << " never came up";
  }
  EXPECT_GT(lives.refused(), lives.taken() / 10);
  if (count != nullptr) fmt::print("{} taken, {} refused\n", lives.taken(), lives.refused());
}

}  // namespace
}  // namespace talent::tiers
