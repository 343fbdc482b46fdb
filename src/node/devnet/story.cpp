#include "node/devnet/story.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <type_traits>

#include "base/file.h"
#include "crypto/sha256.h"
#include "ledger/light_client.h"
#include "node/devnet/party_session.h"
#include "node/devnet/process.h"
#include "tiers/consortium_state.h"
#include "tiers/private_state.h"
#include "tiers/public_rules.h"

namespace talent::node {
namespace {

namespace pb = ::talent::ledger::v1;
using tiers::kConsents;
using tiers::kConsortiumRecords;
using tiers::kPublished;
using tiers::kStandings;
using tiers::kSubjects;

constexpr std::size_t kReviewedRecords =
    6;  // assessments made for the review stage; the last is disputed
constexpr std::size_t kInvestedSubjects = 3;
constexpr std::uint64_t kWillMs = 365ull * 86'400'000;
constexpr Millis kStageWithin{120'000};
constexpr std::chrono::milliseconds kPoll{100};
constexpr std::size_t kMaxFileBytes = 1 << 20;

struct PromotedRecord {
  RecordId id;
  Bytes subject;
  tiers::pb::AbilityAssessed assessed;
};

/// A review that was committed to and has still to be revealed.
struct OpenReview {
  PartySession* reviewer;
  RecordId record;
  tiers::pb::ReviewRevealed reveal;
};

class Story {
 public:
  Story(const DevnetNetwork& network, const StoryOptions& options)
      : network_(network), say_(options.say) {}

  Status Tell(const StoryOptions& options) {
    TRY(OpenSessions());
    const std::pair<const char*, std::function<Status()>> stages[] = {
        {"import 导入", [&] { return Import(options); }},
        {"invest 投资与通证", [&] { return Invest(); }},
        {"assess 评估", [&] { return Assess(); }},
        {"train and place 培训与就业", [&] { return Place(); }},
        {"promote 上传联盟链", [&] { return AwaitPromotion(); }},
        {"review 核查", [&] { return Review(); }},
        {"dispute 异议与更正", [&] { return AnswerDispute(); }},
        {"settle 结算与积分", [&] { return AwaitSettlement(); }},
        {"publish 发布公有链", [&] { return AwaitPublication(); }},
        {"prove 离线验证", [&] { return Prove(); }},
    };
    int number = 0;
    for (const auto& [name, tell] : stages) {
      say_(fmt::format("\n[{}/{}] {}", ++number, std::size(stages), name));
      if (Status told = tell(); !told) return Within(name, std::move(told).error());
      say_("  " + TRY(Heights()));
    }
    return {};
  }

 private:
  /// "heights: private-a 33, consortium 82, public 8; private-b 13".
  Result<std::string> Heights() {
    std::string text = "heights:";
    for (PartySession* const session : {&*centre_, &*centre_b_}) {
      const auto status = TRY(session->client().GetStatus());
      for (const v1::ChainState& chain : status.chains()) {
        if (session == &*centre_ || chain.role() == "validator") {
          text += fmt::format(" {} {}", chain.name(), chain.height());
        }
      }
    }
    return text;
  }

  const ChainId& Chain(std::string_view name) const {
    const auto& chains = network_.endpoints().chains;
    return std::find_if(chains.begin(), chains.end(), [&](const auto& c) { return c.name == name; })
        ->id;
  }

  Result<PartySession> Session(const std::string& node, const std::string& party,
                               std::string_view chain) {
    const auto& nodes = network_.endpoints().nodes;
    const auto at =
        std::find_if(nodes.begin(), nodes.end(), [&](const auto& n) { return n.name == node; });
    if (!keys_.contains(party)) keys_.emplace(party, TRY(network_.PartyKey(party)));
    return PartySession::Open(at->grpc, TRY(ReadFile(at->tls_ca, kMaxFileBytes)), Chain(chain),
                              keys_.at(party));
  }

  Status OpenSessions() {
    centre_.emplace(TRY(Session("centre-1", "centre-1", "private-a")));
    centre_on_consortium_.emplace(TRY(Session("centre-1", "centre-1", "consortium")));
    centre_b_.emplace(TRY(Session("centre-b1", "centre-b1", "private-b")));
    acme_.emplace(TRY(Session("centre-2", "acme", "private-a")));
    // The reviewers talk to different nodes, as enterprises of different cities would.
    reviewers_.push_back(TRY(Session("centre-2", "acme", "consortium")));
    reviewers_.push_back(TRY(Session("centre-3", "globex", "consortium")));
    // What acme says of those it has invested in does not count.
    reviewers_.push_back(TRY(Session("centre-4", "centre-4", "consortium")));
    viewer_ = TRY(Session("viewer", "centre-1", "public"));
    return {};
  }

  Status Import(const StoryOptions& options);
  Status Invest();
  Status Assess();
  Status Place();
  Status Train(const PromotedRecord& entry, std::uint32_t score);
  Status AwaitPromotion();
  Status Review();
  Status AnswerDispute();
  Status AwaitSettlement();
  Status AwaitPublication();
  Status Prove();

  /// Reads the entry of `record` on the session's chain until `good`. Errors: kUnavailable (says
  /// Reads the entry of `record` in `table` until it is `good`. Errors: kUnavailable (says what was
  /// seen last).
  template <class M>
  Result<M> Await(PartySession& session, const tiers::Table<M>& table, const RecordId& record,
                  const char* what,
                  const std::type_identity_t<std::function<bool(const M&)>>& good) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(kStageWithin.value);
    std::string last = "no entry";
    while (std::chrono::steady_clock::now() < deadline) {
      const auto entry = TRY(session.Read<M>(table.Key(record.View())));
      if (entry && good(*entry)) return *entry;
      if (entry) last = entry->ShortDebugString();
      std::this_thread::sleep_for(kPoll);
    }
    return Fail(Code::kUnavailable, "record {} is not {} after {} s; last seen: {}", record.Hex(),
                what, kStageWithin.value / 1000, last);
  }

  const DevnetNetwork& network_;
  const std::function<void(const std::string&)>& say_;
  std::map<std::string, crypto::KeyPair> keys_;
  crypto::SystemRandom random_;
  std::optional<PartySession> centre_, centre_b_, centre_on_consortium_, acme_, viewer_;
  std::vector<PartySession> reviewers_;
  std::vector<Bytes> subjects_;  // of centre-1, with consent
  std::vector<PromotedRecord> records_;
  std::vector<TxId> disputes_;  // the reveals that dispute the last of records_
  RecordId correction_;
};

// As a person at the centre would: by the command.
Status Story::Import(const StoryOptions& options) {
  const auto import_into = [&](const std::string& chain, const std::string& centre,
                               const std::filesystem::path& csv) -> Status {
    const int code =
        TRY(RunAndWait({options.talentd.string(), "record", "import", "--mapping",
                        options.mapping.string(), "--csv", csv.string(), "--custodian", centre,
                        "--endpoints", network_.endpoints_file().string(), "--chain", chain,
                        "--key", network_.PartyKeyFile(centre).string(), "--passphrase-file",
                        (network_.dir() / "passphrase").string(), "--rejects",
                        (network_.dir() / ("rejects-" + chain + ".csv")).string()}));
    // 1: some rows were refused and are listed, as is normal for data in the wild.
    if (code > 1) return Fail(Code::kUnavailable, "record import ended with exit code {}", code);
    return {};
  };
  TRY(import_into("private-a", "centre-1", options.csv));
  return import_into("private-b", "centre-b1", options.csv_b);
}

/// Subjects that centre-1 keeps and that consent to disclosure.
Status Story::Invest() {
  for (auto& [key, value] : TRY(centre_->Scan(kSubjects.name, 100'000))) {
    const auto subject = TRY(Decode<tiers::pb::Subject>(value));
    const Bytes id = key.substr(kSubjects.name.size());
    if (subject.custodian() != "centre-1" || subjects_.size() >= kReviewedRecords) continue;
    if (TRY(centre_->Read<tiers::pb::Consent>(kConsents.Key(id)))) subjects_.push_back(id);
  }
  if (subjects_.empty()) return Fail(Code::kPrecondition, "no subject of centre-1 gives consent");

  for (std::size_t i = 0; i < std::min(kInvestedSubjects, subjects_.size()); ++i) {
    tiers::pb::InvestmentStatement statement;
    statement.set_subject_id(subjects_[i]);
    statement.set_centre("centre-1");
    statement.set_enterprise("acme");
    statement.set_amount(50'000'00);
    statement.set_reference(random_.Draw(Hash::kSize));
    tiers::pb::InvestmentConfirmed confirmed;
    confirmed.set_statement(Encode(statement));
    confirmed.set_enterprise_key(acme_->key().public_key().ToBytes());
    confirmed.set_enterprise_signature(
        acme_->key()
            .Sign(crypto::Domain::kConsentSignature, acme_->chain(), confirmed.statement())
            .ToBytes());
    const TxId investment =
        TRY(centre_->Submit("InvestmentConfirmed", confirmed, pb::DISCLOSURE_PRIVATE));

    tiers::pb::TokenIssued issued;
    issued.set_investment(investment.ToBytes());
    issued.set_subject_id(subjects_[i]);
    issued.set_supply(1000);
    issued.set_unit_price(100'00);
    const TxId token = TRY(centre_->Submit("TokenIssued", issued, pb::DISCLOSURE_FULL));

    tiers::pb::TokenPurchased purchased;
    purchased.set_token(token.ToBytes());
    purchased.set_units(300 + 100 * i);
    purchased.set_unit_price(100'00);
    TRY(acme_->Submit("TokenPurchased", purchased, pb::DISCLOSURE_FULL));
  }
  say_(fmt::format("  acme invested in {} people; talent tokens issued and {} units bought",
                   kInvestedSubjects, 300 + 400 + 500));
  return {};
}

Status Story::Assess() {
  for (std::size_t i = 0; i < kReviewedRecords; ++i) {
    tiers::pb::AbilityAssessed assessed;
    const Bytes& subject = subjects_[i % subjects_.size()];
    assessed.set_subject_id(subject);
    const auto add_score = [&](const char* dimension, std::uint32_t value) {
      auto* const score = assessed.add_scores();
      score->set_dimension(dimension);
      score->set_value(value);
    };
    add_score("analysis", static_cast<std::uint32_t>(6200 + 300 * i));
    add_score("communication", static_cast<std::uint32_t>(7100 - 200 * i));
    assessed.set_method("structured interview");
    assessed.set_assessor("board-7");
    assessed.set_phase(tiers::pb::ASSESSMENT_PHASE_ENTRY);
    auto* const tag = assessed.add_tags();
    tag->set_industry("data-science");
    tag->set_match(tiers::pb::TAG_MATCH_MATCHED);
    tag->set_weight(8000);
    const RecordId id = TRY(centre_->Submit("AbilityAssessed", assessed, pb::DISCLOSURE_FULL));
    records_.push_back(PromotedRecord{id, subject, std::move(assessed)});
  }
  say_(fmt::format("  centre-1 made {} assessments, all fully disclosable", records_.size()));
  return {};
}

/// From a plan to the after-training assessment of a person in whom acme has invested.
Status Story::Train(const PromotedRecord& entry, std::uint32_t score) {
  const auto career = TRY(centre_->client().GetCareer(centre_->chain(), entry.subject));
  tiers::pb::TrainingPlanned planned;
  planned.set_subject_id(entry.subject);
  planned.mutable_plan()->add_courses("data engineering");
  planned.mutable_plan()->set_hours(80);
  planned.mutable_plan()->set_budget(9'000'00);
  planned.mutable_plan()->set_bar(6'500);
  planned.mutable_plan()->set_before_assessment(entry.id.ToBytes());
  planned.set_budget_class(career.plan_class());
  *planned.mutable_figures() = career.figures();
  const TxId plan = TRY(centre_->Submit("TrainingPlanned", planned, pb::DISCLOSURE_FULL));

  tiers::pb::TrainingCompleted completed;
  completed.set_subject_id(entry.subject);
  completed.set_course("data engineering");
  completed.set_hours(80);
  completed.set_budget_class(career.plan_class());
  completed.set_before_assessment(entry.id.ToBytes());
  completed.set_outcome(tiers::pb::TRAINING_OUTCOME_PASSED);
  completed.set_plan(plan.ToBytes());
  TRY(centre_->Submit("TrainingCompleted", completed, pb::DISCLOSURE_FULL));

  tiers::pb::AbilityAssessed after = entry.assessed;
  for (auto& dimension : *after.mutable_scores()) dimension.set_value(score);
  after.set_phase(tiers::pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  TRY(centre_->Submit("AbilityAssessed", after, pb::DISCLOSURE_FULL));
  return {};
}

// The chain's rules decide; the centre writes down what they give.
Status Story::Place() {
  std::size_t placed = 0;
  for (std::size_t i = 0; i < std::min(kInvestedSubjects, subjects_.size()); ++i) {
    const PromotedRecord& entry = records_[i];
    tiers::pb::WillDeclared will;
    will.set_subject_id(entry.subject);
    will.add_ranked("acme");
    will.add_cities("Shenyang");
    will.set_until_ms(SystemClock().Now().value + kWillMs);
    TRY(centre_->Submit("WillDeclared", will, pb::DISCLOSURE_PRIVATE));
    TRY(Train(entry, i == 0 ? 6'000 : 7'400));  // the first misses the bar
    const auto due = TRY(centre_->client().GetCareer(centre_->chain(), entry.subject));
    if (due.has_retraining()) {
      TRY(centre_->Submit("RetrainingAssigned", due.retraining(), pb::DISCLOSURE_FULL));
    } else if (due.has_placed()) {
      TRY(centre_->Submit("Placed", due.placed(), pb::DISCLOSURE_FULL));
      ++placed;
    } else {
      return Fail(Code::kPrecondition, "no decision is due on {}: {}", ToHex(entry.subject),
                  due.not_due());
    }
  }
  say_(
      fmt::format("  trained {} people: {} placed with acme by holdings and will, {} to be trained "
                  "again",
                  kInvestedSubjects, placed, kInvestedSubjects - placed));
  say_("  for example: talentd career show " + ToHex(records_[1].subject));
  return {};
}

Status Story::AwaitPromotion() {
  for (const PromotedRecord& record : records_) {
    TRY(Await(*centre_on_consortium_, kConsortiumRecords, record.id, "on the consortium chain",
              [](const auto&) { return true; }));
  }
  std::map<std::string, std::size_t> by_source;
  for (const auto& [key, value] :
       TRY(centre_on_consortium_->Scan(kConsortiumRecords.name, 1'000'000))) {
    const auto record = TRY(Decode<tiers::pb::ConsortiumRecord>(value));
    for (const auto& chain : network_.endpoints().chains) {
      if (chain.id.View() == record.source_chain()) ++by_source[chain.name];
    }
  }
  for (const auto& [source, count] : by_source) {
    say_(
        fmt::format("  consortium holds {} records of {}, each once, as the bytes that were signed",
                    count, source));
  }
  return {};
}

Status Story::Review() {
  std::vector<OpenReview> open;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const bool disputed = i + 1 == records_.size();
    for (std::size_t r = 0; r < reviewers_.size(); ++r) {
      static constexpr const char* kMembers[] = {"acme", "globex", "centre-4"};
      PartySession& reviewer = reviewers_[r];
      tiers::pb::ReviewOpening opening;
      opening.set_chain_id(reviewer.chain().ToBytes());
      opening.set_record_id(records_[i].id.ToBytes());
      opening.set_member(kMembers[r]);
      opening.set_salt(random_.Draw(ledger::kSaltSize));
      auto* const field = opening.mutable_verdict()->add_fields();
      field->set_field("scores.communication");
      field->set_verdict(disputed ? tiers::pb::FIELD_VERDICT_DISPUTE
                                  : tiers::pb::FIELD_VERDICT_CONFIRM);
      if (disputed) {
        field->set_proposed_value_hash(crypto::Sha256("5400").ToBytes());
        field->set_evidence_hash(crypto::Sha256("interview protocol").ToBytes());
      }
      tiers::pb::ReviewCommitted committed;
      committed.set_record_id(opening.record_id());
      committed.set_commitment(
          crypto::TaggedHash(crypto::Domain::kReviewCommit, {Encode(opening)}).ToBytes());
      TRY(reviewer.Submit("ReviewCommitted", committed, pb::DISCLOSURE_UNSPECIFIED));
      tiers::pb::ReviewRevealed reveal;
      reveal.set_record_id(opening.record_id());
      *reveal.mutable_verdict() = opening.verdict();
      reveal.set_salt(opening.salt());
      open.push_back(OpenReview{&reviewer, records_[i].id, std::move(reveal)});
    }
  }
  say_(fmt::format("  acme, globex and centre-4 committed to {} verdicts nobody can read yet",
                   open.size()));
  for (const OpenReview& review : open) {
    const auto entry =
        TRY(Await(*review.reviewer, kConsortiumRecords, review.record, "open for reveals",
                  [](const auto& record) {
                    return SystemClock().Now() > Timestamp(record.commits_close_ms());
                  }));
    (void)entry;
    const TxId revealed =
        TRY(review.reviewer->Submit("ReviewRevealed", review.reveal, pb::DISCLOSURE_UNSPECIFIED));
    if (review.record == records_.back().id) disputes_.push_back(revealed);
  }
  say_(fmt::format("  {} verdicts revealed: {} records confirmed, 1 disputed by all three",
                   open.size(), records_.size() - 1));
  return {};
}

Status Story::AnswerDispute() {
  const PromotedRecord& disputed = records_.back();
  TRY(Await(
      *centre_on_consortium_, kConsortiumRecords, disputed.id, "disputed",
      [](const auto& record) { return record.status() == tiers::pb::RECORD_STATUS_DISPUTED; }));
  tiers::pb::AbilityAssessed right = disputed.assessed;
  right.mutable_scores(1)->set_value(5400);
  tiers::pb::Corrected corrected;
  corrected.set_supersedes(disputed.id.ToBytes());
  corrected.set_content_kind("AbilityAssessed");
  corrected.set_content(Encode(right));
  corrected.set_reason(tiers::pb::CORRECTION_REASON_DISPUTE);
  for (const TxId& dispute : disputes_) corrected.add_disputes(dispute.ToBytes());
  // The answer names the correction before it is written: promotion is so quick that it would
  // arrive first.
  const auto correction = TRY(centre_->Sign("Corrected", corrected, pb::DISCLOSURE_FULL));
  correction_ = correction.id;
  tiers::pb::DisputeAnswered answered;
  answered.set_record_id(disputed.id.ToBytes());
  answered.set_correction(correction_.ToBytes());
  TRY(centre_on_consortium_->Submit("DisputeAnswered", answered, pb::DISCLOSURE_UNSPECIFIED));
  TRY(centre_->SubmitSigned(correction));
  say_(fmt::format("  centre-1 accepted the dispute of {} and wrote correction {}",
                   disputed.id.Hex().substr(0, 12), correction_.Hex().substr(0, 12)));
  return {};
}

Status Story::AwaitSettlement() {
  for (const PromotedRecord& record : records_) {
    const bool disputed = record.id == records_.back().id;
    const auto wanted =
        disputed ? tiers::pb::RECORD_STATUS_CORRECTED : tiers::pb::RECORD_STATUS_VERIFIED;
    TRY(Await(*centre_on_consortium_, kConsortiumRecords, record.id,
              disputed ? "corrected" : "verified",
              [wanted](const auto& entry) { return entry.status() == wanted; }));
  }
  say_(fmt::format("  {} records verified, 1 corrected", records_.size() - 1));
  for (const char* member : {"acme", "globex", "centre-4"}) {
    const auto standing =
        TRY(centre_on_consortium_->Read<tiers::pb::Standing>(kStandings.Key(member)));
    if (standing) say_(fmt::format("  {} has {} community points", member, standing->points()));
  }
  return {};
}

Status Story::AwaitPublication() {
  for (const PromotedRecord& record : records_) {
    const bool disputed = record.id == records_.back().id;
    TRY(Await(*viewer_, kPublished, record.id, "published",
              [disputed](const tiers::pb::PublishedRecord& entry) {
                return disputed ? !entry.superseded_by().empty() : true;
              }));
  }
  const auto status = TRY(viewer_->client().GetStatus());
  say_(
      fmt::format("the public follower shows all {} of them, and the correction with its path, at "
                  "height {}",
                  records_.size(), status.chains(0).height()));
  return {};
}

Status Story::Prove() {
  const auto& chains = network_.endpoints().chains;
  const auto at = std::find_if(chains.begin(), chains.end(),
                               [](const auto& chain) { return chain.name == "public"; });
  const auto genesis = TRY(ledger::Genesis::Load(at->genesis));
  const auto proof = TRY(viewer_->client().GetProof(at->id, correction_));
  const Bytes bytes = Encode(proof);
  const auto proven = TRY(ledger::VerifyTransactionProof(genesis, proof));
  const std::filesystem::path file = network_.dir() / "correction.proof";
  TRY(WriteFile(file, bytes, 0644, IfExists::kReplace));
  say_(fmt::format(
      "proof of the correction ({} bytes, {} in block {}) checks out offline; it is in {}",
      bytes.size(), proven.transaction.kind, proven.header.header.height(), file.string()));
  say_("  correction record: " + correction_.Hex());
  return {};
}

}  // namespace

Status TellStory(const DevnetNetwork& network, const StoryOptions& options) {
  return Story(network, options).Tell(options);
}

}  // namespace talent::node
