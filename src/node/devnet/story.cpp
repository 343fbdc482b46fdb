#include "node/devnet/story.h"

#include <algorithm>

#include "base/file.h"
#include "ledger/light_client.h"
#include "node/devnet/career_steps.h"
#include "node/devnet/parties.h"
#include "node/devnet/process.h"
#include "node/devnet/review_steps.h"
#include "tiers/consortium_state.h"
#include "tiers/private_state.h"
#include "tiers/public_rules.h"

namespace talent::node {
namespace {

using tiers::kConsents;
using tiers::kConsortiumRecords;
using tiers::kPublished;
using tiers::kStandings;
using tiers::kSubjects;

constexpr std::size_t kReviewedRecords =
    6;  // assessments made for the review stage; the last is disputed
constexpr std::size_t kInvestedSubjects = 3;

const WriteRecord kQuietly = [](PartySession& author, const google::protobuf::Message& record,
                                ledger::pb::Disclosure disclosure, Phrase) {
  return author.Submit(record.GetDescriptor()->name(), record, disclosure);
};

class Story {
 public:
  Story(const DevnetNetwork& network, const StoryOptions& options)
      : network_(network), say_(options.say), parties_(network) {}

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

  Status OpenSessions() {
    centre_.emplace(TRY(parties_.Open("centre-1", "centre-1", "private-a")));
    centre_on_consortium_.emplace(TRY(parties_.Open("centre-1", "centre-1", "consortium")));
    centre_b_.emplace(TRY(parties_.Open("centre-b1", "centre-b1", "private-b")));
    acme_.emplace(TRY(parties_.Open("centre-2", "acme", "private-a")));
    // The reviewers talk to different nodes, as enterprises of different cities would.
    reviewers_.push_back(TRY(parties_.Open("centre-2", "acme", "consortium")));
    reviewers_.push_back(TRY(parties_.Open("centre-3", "globex", "consortium")));
    // What acme says of those it has invested in does not count.
    reviewers_.push_back(TRY(parties_.Open("centre-4", "centre-4", "consortium")));
    viewer_ = TRY(parties_.Open("viewer", "centre-1", "public"));
    return {};
  }

  Status Import(const StoryOptions& options);
  Status Invest();
  Status Assess();
  Status Place();
  Status AwaitPromotion();
  Status Review();
  Status AnswerDispute();
  Status AwaitSettlement();
  Status AwaitPublication();
  Status Prove();

  const DevnetNetwork& network_;
  const std::function<void(const std::string&)>& say_;
  DevnetParties parties_;
  std::optional<PartySession> centre_, centre_b_, centre_on_consortium_, acme_, viewer_;
  std::vector<PartySession> reviewers_;
  std::vector<Bytes> subjects_;  // of centre-1, with consent
  std::vector<Assessed> records_;
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
    TRY(talent::node::Invest(*centre_, *acme_, "acme", subjects_[i], 300 + 100 * i, kQuietly));
  }
  say_(fmt::format("  acme invested in {} people; talent tokens issued and {} units bought",
                   kInvestedSubjects, 300 + 400 + 500));
  return {};
}

Status Story::Assess() {
  for (std::size_t i = 0; i < kReviewedRecords; ++i) {
    const Bytes& subject = subjects_[i % subjects_.size()];
    const auto step = static_cast<std::uint32_t>(100 * i);
    auto assessed = MakeAssessment(subject, 6200 + 3 * step, 7100 - 2 * step);
    const RecordId id =
        TRY(centre_->Submit("AbilityAssessed", assessed, ledger::pb::DISCLOSURE_FULL));
    records_.push_back(Assessed{subject, id, std::move(assessed)});
  }
  say_(fmt::format("  centre-1 made {} assessments, all fully disclosable", records_.size()));
  return {};
}

// The chain's rules decide; the centre writes down what they give.
Status Story::Place() {
  std::size_t placed = 0;
  for (std::size_t i = 0; i < std::min(kInvestedSubjects, subjects_.size()); ++i) {
    const Assessed& entry = records_[i];
    TRY(DeclareWill(*centre_, entry.subject, "acme", kQuietly));
    TRY(Train(*centre_, entry, i == 0 ? 6'000 : 7'400, kQuietly));  // the first misses the bar
    if (TRY(Decide(*centre_, entry.subject, kQuietly)).placed) ++placed;
  }
  say_(
      fmt::format("  trained {} people: {} placed with acme by holdings and will, {} to be trained "
                  "again",
                  kInvestedSubjects, placed, kInvestedSubjects - placed));
  say_("  for example: talentd career show " + ToHex(records_[1].subject));
  return {};
}

Status Story::AwaitPromotion() {
  for (const Assessed& record : records_) {
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
  static constexpr const char* kMembers[] = {"acme", "globex", "centre-4"};
  std::vector<CommittedVerdict> open;
  for (const Assessed& record : records_) {
    const bool disputed = record.id == records_.back().id;
    for (std::size_t r = 0; r < reviewers_.size(); ++r) {
      open.push_back(TRY(CommitVerdict(reviewers_[r], kMembers[r], record.id, disputed)));
    }
  }
  say_(fmt::format("  acme, globex and centre-4 committed to {} verdicts nobody can read yet",
                   open.size()));
  for (const CommittedVerdict& verdict : open) {
    const TxId revealed = TRY(RevealVerdict(verdict));
    if (verdict.record == records_.back().id) disputes_.push_back(revealed);
  }
  say_(fmt::format("  {} verdicts revealed: {} records confirmed, 1 disputed by all three",
                   open.size(), records_.size() - 1));
  return {};
}

Status Story::AnswerDispute() {
  const Assessed& disputed = records_.back();
  TRY(Await(
      *centre_on_consortium_, kConsortiumRecords, disputed.id, "disputed",
      [](const auto& record) { return record.status() == tiers::pb::RECORD_STATUS_DISPUTED; }));
  tiers::pb::AbilityAssessed right = disputed.assessment;
  right.mutable_scores(1)->set_value(5400);
  tiers::pb::Corrected corrected;
  corrected.set_supersedes(disputed.id.ToBytes());
  corrected.set_content_kind("AbilityAssessed");
  corrected.set_content(Encode(right));
  corrected.set_reason(tiers::pb::CORRECTION_REASON_DISPUTE);
  for (const TxId& dispute : disputes_) corrected.add_disputes(dispute.ToBytes());
  // The answer names the correction before it is written: promotion is so quick that it would
  // arrive first.
  const auto correction = TRY(centre_->Sign("Corrected", corrected, ledger::pb::DISCLOSURE_FULL));
  correction_ = correction.id;
  tiers::pb::DisputeAnswered answered;
  answered.set_record_id(disputed.id.ToBytes());
  answered.set_correction(correction_.ToBytes());
  TRY(centre_on_consortium_->Submit("DisputeAnswered", answered,
                                    ledger::pb::DISCLOSURE_UNSPECIFIED));
  TRY(centre_->SubmitSigned(correction));
  say_(fmt::format("  centre-1 accepted the dispute of {} and wrote correction {}",
                   disputed.id.Hex().substr(0, 12), correction_.Hex().substr(0, 12)));
  return {};
}

Status Story::AwaitSettlement() {
  for (const Assessed& record : records_) {
    const bool disputed = record.id == records_.back().id;
    const auto wanted =
        disputed ? tiers::pb::RECORD_STATUS_CORRECTED : tiers::pb::RECORD_STATUS_VERIFIED;
    TRY(Await(*centre_on_consortium_, kConsortiumRecords, record.id,
              disputed ? "corrected" : "verified",
              [wanted](const auto& entry) { return entry.status() == wanted; }));
  }
  say_(fmt::format("  {} records verified, 1 corrected", records_.size() - 1));
  // Nobody disputes the correction in its own review.
  TRY(Await(*centre_on_consortium_, kConsortiumRecords, records_.back().id, "upheld",
            [](const auto& entry) { return entry.upheld(); }));
  for (const char* member : {"acme", "globex", "centre-4"}) {
    const auto standing =
        TRY(centre_on_consortium_->Read<tiers::pb::Standing>(kStandings.Key(member)));
    if (standing) say_(fmt::format("  {} has {} community points", member, standing->points()));
  }
  return {};
}

Status Story::AwaitPublication() {
  for (const Assessed& record : records_) {
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
