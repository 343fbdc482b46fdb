// Lives in which every kind of transaction of every tier has its place, for a KindsTable.
#pragma once

#include "kinds_table.h"
#include "network.h"
#include "talent/tiers/v1/contest.pb.h"
#include "talent/tiers/v1/erasure.pb.h"
#include "tiers/career.h"
#include "tiers/consortium_rules.h"
#include "tiers/market_policy.h"

namespace talent::tiers {

inline ledger::Genesis FourCentres() {
  nlohmann::json genesis = TierGenesis("private");
  for (const char* id : {"centre-c", "centre-d"}) {
    genesis["app"]["parties"].push_back(PartyJson(id, "centre"));
  }
  return ledger::Genesis::Parse(genesis.dump()).value();
}

/// The life of "li" on a private chain, with every kind where it has its place. centre-a is the
/// custodian, acme invests, buys and employs; "wang" is another person with a key.
class KindsLife {
 public:
  /// `voice` signs for the person: the custodian, or the key it is registered with.
  KindsLife(std::string voice, std::vector<KindsColumn> columns,
            KindsTable::OnAccepted on_accepted = nullptr)
      : database_(
            ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kScratch).value()),
        tier_(*database_, FourCentres()),
        table_(tier_, PrivateKinds(), std::move(columns), std::move(on_accepted)),
        voice_(std::move(voice)) {
    auto wang = Registration("wang");
    wang.set_subject_key(KeyOf("wang").public_key().ToBytes());
    table_.Seal("centre-a", wang);
    Enrol();
    Invest();
    EducateWithoutHolders();
    Sell();
    TrainAndPlace();
    Supervise();
    Correct();
    Contest();
    HandOver();
    End();
    TryGovernance(table_, tier_, "centre-d");
  }
  KindsTable& table() { return table_; }

 private:
  bool HasKey() const { return voice_ == "li"; }
  const ChainId& chain() const { return tier_.genesis().chain_id(); }
  auto State() const { return tier_.chain().SealedState(); }
  template <class M>
  M AboutLi() const {
    M message;
    message.set_subject_id(Id("li"));
    return message;
  }

  void Enrol() {
    auto registration = Registration();
    if (HasKey()) registration.set_subject_key(KeyOf("li").public_key().ToBytes());
    table_.Write("centre-a", registration);
    auto consent = ConsentToAll();
    consent.add_centres("centre-c");
    consent_ = table_.Write(voice_, consent);
    auto will = AboutLi<pb::WillDeclared>();
    will.add_ranked("acme");
    will.set_until_ms(kStart + kYear);
    table_.Write(voice_, will);
    entry_ = table_.Write("centre-a", Assessment());
  }
  void Invest() {
    const TxId investment =
        table_.Write("centre-a", CosignInvestment(chain(), Statement(), KeyOf("acme")));
    token_ = table_.Write("centre-a", Issue(investment, 100));
  }
  pb::TrainingPlan PlanOf() const {
    pb::TrainingPlan plan;
    plan.add_courses("welding");
    plan.set_hours(40);
    plan.set_budget(1000);
    plan.set_bar(6500);
    plan.set_before_assessment(entry_.ToBytes());
    return plan;
  }
  pb::MarketFigures Figures() const {
    const auto state = State();
    return FiguresOf(*state, MarketPolicyOf(*state), Id("li"));
  }
  Decided Due() const {
    return DecisionDue(*State(), Id("li"), tier_.chain().head().time + Millis(1)).value();
  }
  pb::TrainingCompleted Trained(const TxId& plan, pb::BudgetClass budget_class) const {
    auto training = Training(entry_);
    training.set_plan(plan.ToBytes());
    training.set_budget_class(budget_class);
    return training;
  }
  TxId AssessAfter() {
    return table_.Seal("centre-a", Assessment(7000, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING));
  }
  void EducateWithoutHolders() {
    auto path = AboutLi<pb::ContinuingEducation>();
    *path.mutable_plan() = PlanOf();
    *path.mutable_figures() = Figures();
    const TxId plan = table_.Write("centre-a", path);
    table_.Write("centre-a", Trained(plan, pb::BUDGET_CLASS_D));
    AssessAfter();
    table_.Write("centre-a", Due().retraining.value());
  }
  void Sell() {
    table_.Write("acme", Purchase(token_, 60));
    table_.Seal("globex", Purchase(token_, 10));
    pb::TransferStatement statement;
    statement.set_token(token_.ToBytes());
    statement.set_seller("acme");
    statement.set_buyer("globex");
    statement.set_units(5);
    statement.set_unit_price(9);
    statement.set_reference(Id("t1"));
    table_.Write("acme", CosignTransfer(chain(), statement, KeyOf("globex")));
  }
  void TrainAndPlace() {
    auto planned = AboutLi<pb::TrainingPlanned>();
    *planned.mutable_plan() = PlanOf();
    *planned.mutable_figures() = Figures();
    planned.set_budget_class(PlanClass(DefaultMarketPolicy(), Figures()));
    const TxId plan = table_.Write("centre-a", planned);
    table_.Seal("centre-a", Trained(plan, planned.budget_class()));
    AssessAfter();
    placement_ = table_.Write("centre-a", Due().placed.value());
  }
  pb::FlowRecorded MoveToInitech() const {
    auto statement = AboutLi<pb::FlowStatement>();
    statement.set_placement(placement_.ToBytes());
    statement.set_from("acme");
    statement.set_to("initech");
    statement.set_reference(Id("move"));
    std::vector<crypto::KeyPair> keys;
    for (const char* signer : {"acme", "initech"}) keys.push_back(KeyOf(signer));
    if (HasKey()) keys.push_back(KeyOf("li"));
    return JudgeFlow(*State(), chain(), SignFlow(chain(), statement, keys),
                     tier_.chain().head().time + Millis(1))
        .value();
  }
  void Supervise() {
    const auto career = tier_.Read(kCareers, Id("li")).value();
    auto opened = AboutLi<pb::SupervisionOpened>();
    opened.set_placement(placement_.ToBytes());
    opened.set_from_ms(career.placed_ms());
    opened.set_until_ms(career.supervised_until_ms());
    table_.Write("centre-a", opened);
    const TxId flow = table_.Write("centre-a", MoveToInitech());
    const auto flag = tier_.Read(kFlags, flow.View()).value();
    auto flagged = AboutLi<pb::SupervisionFlagged>();
    flagged.set_flow(flow.ToBytes());
    flagged.set_from(flag.from());
    flagged.set_to(flag.to());
    *flagged.mutable_suspicions() = flag.suspicions();
    table_.Write("centre-a", flagged);
    auto answered = AboutLi<pb::SupervisionClosed>();
    answered.set_closes(flow.ToBytes());
    answered.set_reason(pb::SUPERVISION_END_FLAG_ANSWERED);
    answered.set_answer_hash(Id("answer"));
    table_.Write("centre-a", answered, "of a flag that was answered");
  }
  void Correct() {
    const TxId by_consent = table_.Seal("centre-c", Assessment(5000));
    table_.Try(Correction(by_consent, Assessment(5001)), "of a record by consent");
    table_.Write("centre-a", Correction(entry_, Assessment(7001)), "of the custodian's record");
  }
  void Contest() {
    const TxId record = table_.Seal("centre-a", Assessment(6000));
    auto contested = AboutLi<pb::RecordContested>();
    contested.set_record_id(record.ToBytes());
    contested.set_field("scores.experience");
    contested.set_reason(pb::CONTEST_REASON_NOT_AS_IT_WAS);
    contested.set_evidence_hash(Id("letter"));
    table_.Write(voice_, contested);
    auto refused = AboutLi<pb::ContestRefused>();
    refused.set_record_id(record.ToBytes());
    refused.mutable_refusal()->set_reason(pb::REFUSAL_REASON_SOURCE_AGREES);
    refused.mutable_refusal()->set_statement_hash(Id("statement"));
    table_.Write("centre-a", refused);
  }
  pb::CustodyTransferred Custody(const std::string& from, const std::string& to) const {
    auto statement = AboutLi<pb::CustodyStatement>();
    statement.set_until_ms(kStart + kYear);
    statement.set_from(from);
    statement.set_to(to);
    statement.set_reference(Id("custody of " + to));
    return SignCustody(chain(), statement, KeyOf(HasKey() ? "li" : from));
  }
  void HandOver() {
    table_.Write("centre-b", Custody("centre-a", "centre-b"), "to another centre");
    table_.Write("centre-a", Custody("centre-b", "centre-a"), "back");
  }
  void End() {
    auto withdrawn = AboutLi<pb::ConsentWithdrawn>();
    withdrawn.set_consent(consent_.ToBytes());
    table_.Write(voice_, withdrawn);
    tier_.Commit({}, tier_.Read(kCareers, Id("li"))->supervised_until_ms());
    auto closed = AboutLi<pb::SupervisionClosed>();
    closed.set_closes(placement_.ToBytes());
    closed.set_reason(pb::SUPERVISION_END_WINDOW_PASSED);
    table_.Write("centre-a", closed, "after the window");
    auto erased = AboutLi<pb::Erased>();
    erased.set_reference("R-1");
    erased.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
    table_.Try(erased, "on the person's request");
    erased.set_ground(pb::ERASURE_GROUND_LEGAL_DUTY);
    table_.Write("centre-a", erased, "by duty");
    table_.Try(Assessment(), "of an erased person");
  }

  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
  TestTier tier_;
  KindsTable table_;
  std::string voice_;
  TxId consent_, entry_, token_, placement_;
};

/// A record of centre-a on its way over the consortium to the public chain.
class KindsNetwork : public Network {
 public:
  KindsNetwork() : Network({"centre-c", "centre-d"}) { Enrol(); }

  KindsTable ConsortiumTable(KindsTable::OnAccepted on_accepted = nullptr);
  KindsTable PublicTable(KindsTable::OnAccepted on_accepted = nullptr);

 private:
  pb::RecordPromoted Brought(const TxId& record) {
    AcceptHeaderOf(record);
    return PromotionOf(record);
  }
  /// Commits to six records and reveals none: more debt than who reviews may have.
  void RunIntoDebt(const std::string& member) {
    auto assessment = Assessment();
    auto& tag = *assessment.add_tags();
    tag.set_industry("steel");
    tag.set_match(pb::TAG_MATCH_MATCHED);
    TxId last;
    for (std::uint32_t i = 0; i < 6; ++i) {
      assessment.mutable_scores(0)->set_value(100 * i);
      last = Must(source.Write("centre-a", assessment));
      Promote(last);
      Must(Commit(last, member, false));
    }
    CloseReveals(last);
    EXPECT_LT(PointsOfMember(member), -100);
  }
  void TryReview(KindsTable& table, const TxId& record);
  void TryDispute(KindsTable& table, const TxId& record);
  /// What the promoter would publish of a record; the headers it cites are brought.
  template <class M>
  M PublicationOf(const TxId& record) {
    pb::OutboxEntry entry;
    entry.set_record_id(record.ToBytes());
    entry.set_status(StateOf(record).status());
    consortium.Commit({});
    const auto delivery =
        PublishSettlement(consortium.chain(), entry, consortium.chain().head().height).value();
    EXPECT_EQ(delivery.kind, M::descriptor()->name());
    for (const Height height : delivery.cites) {
      Must(outlet.Write("centre-a", HeaderOf(consortium, height)));
    }
    return Decode<M>(delivery.payload).value();
  }
  pb::SourceProposed ClosingOf(const TestTier& from, const TestTier& at) const {
    pb::SourceProposed message;
    message.mutable_change()->set_close(from.genesis().chain_id().ToBytes());
    message.set_open_until(at.chain().head().height.value + 20);
    return message;
  }
};

inline void KindsNetwork::TryReview(KindsTable& table, const TxId& record) {
  table.Try<pb::ReviewCommitted>("", [&](const std::string& member) {
    pb::ReviewCommitted message;
    message.set_record_id(record.ToBytes());
    message.set_commitment(ReviewCommitment(OpeningOf(record, member, true)).ToBytes());
    return message;
  });
  for (const char* member : {"globex", "acme", "centre-c"}) Must(Commit(record, member, true));
  CloseCommits(record);
  table.Try<pb::ReviewRevealed>("", [&](const std::string& member) {
    const auto opening = OpeningOf(record, member, true);
    pb::ReviewRevealed message;
    message.set_record_id(record.ToBytes());
    *message.mutable_verdict() = opening.verdict();
    message.set_salt(opening.salt());
    return message;
  });
  for (const char* member : {"globex", "acme", "centre-c"}) Must(Reveal(record, member, true));
  CloseReveals(record);
}

inline void KindsNetwork::TryDispute(KindsTable& table, const TxId& record) {
  pb::DisputeAnswered answer;
  answer.set_record_id(record.ToBytes());
  answer.set_correction(Id("correction"));
  table.Try(answer, "by a correction");
  answer.mutable_refusal()->set_reason(pb::REFUSAL_REASON_SOURCE_AGREES);
  answer.mutable_refusal()->set_statement_hash(Id("statement"));
  table.Write("centre-a", answer, "by a refusal");
  pb::ArbitrationOpened opened;
  opened.set_record_id(record.ToBytes());
  table.Write("globex", opened);
  pb::ArbitrationVoted voted;
  voted.set_record_id(record.ToBytes());
  voted.set_verdict(pb::ARBITRATION_VERDICT_RECORD_STANDS);
  table.Try(voted);
}

inline KindsTable KindsNetwork::ConsortiumTable(KindsTable::OnAccepted on_accepted) {
  RunIntoDebt("initech");
  KindsTable table(consortium, ConsortiumKinds(),
                   {{"the record's centre", "centre-a"},
                    {"another centre (arbiter)", "centre-b"},
                    {"a centre that reviewed", "centre-c"},
                    {"a member that reviewed", "globex"},
                    {"a member with a stake that reviewed", "acme"},
                    {"a member in debt", "initech"},
                    {"the record's centre, suspended", "centre-a", "centre-a"},
                    {"another centre, the record's being suspended", "centre-b", "centre-a"},
                    {"a suspended member that reviewed", "globex", "globex"},
                    {"no member", "nobody"}},
                   std::move(on_accepted));
  Must(source.Write("centre-a",
                    CosignInvestment(source.genesis().chain_id(), Statement(), KeyOf("acme"))));
  const TxId record = Must(source.Write("centre-a", Assessment()));
  table.Try(HeaderOf(source, source.chain().FindTransaction(record).value()->height));
  table.Write("centre-a", Brought(record));
  TryReview(table, record);
  TryDispute(table, record);
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(6999))));
  table.Try(Brought(correction), "of a correction");
  TryGovernance(table, consortium, "centre-d");
  table.Try(ClosingOf(source, consortium));
  return table;
}

inline KindsTable KindsNetwork::PublicTable(KindsTable::OnAccepted on_accepted) {
  KindsTable table(outlet, PublicKinds(),
                   {{"a centre", "centre-a"},
                    {"another centre", "centre-b"},
                    {"a suspended centre", "centre-b", "centre-b"},
                    {"not registered", "nobody"}},
                   std::move(on_accepted));
  const TxId record = Must(source.Write("centre-a", Assessment()));
  Promote(record);
  Network::Review(record, {{"globex", false}, {"acme", false}});
  table.Try(HeaderOf(consortium, Height(1)));
  table.Write("centre-a", PublicationOf<pb::RecordPublished>(record));
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(6999))));
  Promote(correction);
  table.Write("centre-a", PublicationOf<pb::CorrectionPublished>(record));
  pb::Erased erased;
  erased.set_subject_id(Id("li"));
  erased.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
  erased.set_reference("R-1");
  erased.add_records(record.ToBytes());
  Promote(Must(
      source.Submit(source.Make("centre-a", "Erased", erased, ledger::pb::DISCLOSURE_COMMITMENT))));
  table.Try(PublicationOf<pb::ErasurePublished>(record));
  TryGovernance(table, outlet, "centre-a");
  table.Try(ClosingOf(consortium, outlet));
  return table;
}

}  // namespace talent::tiers
