#include "node/devnet/five_talents.h"

#include "node/devnet/career_steps.h"
#include "node/devnet/parties.h"
#include "node/devnet/review_steps.h"
#include "tiers/consortium_state.h"
#include "tiers/private_state.h"
#include "tiers/public_rules.h"
#include "tiers/signing.h"

namespace talent::node {
namespace {

namespace pb = tiers::v1;
using ledger::pb::DISCLOSURE_FULL;
using ledger::pb::DISCLOSURE_PRIVATE;
using ledger::pb::DISCLOSURE_UNSPECIFIED;
using tiers::kConsortiumRecords;

constexpr std::uint64_t kLongConsentMs = 365 * kDayMs;
constexpr std::uint32_t kGood = 7'400;  // over the bar
constexpr std::uint32_t kPoor = 6'000;  // below it

class FiveTalents {
 public:
  FiveTalents(const DevnetNetwork& network, const std::function<void(const std::string&)>& say)
      : say_(say), parties_(network) {}

  Status Tell() {
    TRY(OpenSessions());
    const std::pair<const char*, std::function<Status()>> lives[] = {
        {"就业 placed", [&] { return Placed(); }},
        {"再培训后就业 trained again, then placed", [&] { return Retrained(); }},
        {"无企业投资 nobody invests", [&] { return WithoutInvestors(); }},
        {"流动被警示 moves and is flagged", [&] { return Flagged(); }},
        {"异议、仲裁、更正 disputed, arbitrated, corrected", [&] { return Arbitrated(); }},
    };
    int number = 0;
    for (const auto& [name, live] : lives) {
      say_(fmt::format("\n人才 talent {}/{}: {}", ++number, std::size(lives), name));
      if (Status told = live(); !told) return Within(name, std::move(told).error());
    }
    return {};
  }

 private:
  Status OpenSessions();
  Result<Assessed> Enrol();
  Result<RecordId> PlaceWithAcme(const Assessed& person);
  Status SeeOnConsortium(const RecordId& record);

  Status Placed();
  Status Retrained();
  Status WithoutInvestors();
  Status Flagged();
  Status Arbitrated();
  Result<std::vector<TxId>> Dispute(const RecordId& record);
  Status Arbitrate(const RecordId& record);

  void Say(const TxId& id, Phrase phrase) {
    say_(fmt::format("  {}  {} / {}", id.Hex(), phrase.chinese, phrase.english));
  }
  Result<TxId> Write(PartySession& author, const google::protobuf::Message& record,
                     ledger::pb::Disclosure disclosure, Phrase phrase) {
    const TxId id = TRY(author.Submit(record.GetDescriptor()->name(), record, disclosure));
    Say(id, phrase);
    return id;
  }
  const WriteRecord write_ = [this](PartySession& author, const google::protobuf::Message& record,
                                    ledger::pb::Disclosure disclosure, Phrase phrase) {
    return Write(author, record, disclosure, phrase);
  };

  const std::function<void(const std::string&)>& say_;
  DevnetParties parties_;
  crypto::SystemRandom random_;
  // On private-a; on the consortium; on the public chain.
  std::optional<PartySession> centre_, acme_, globex_;
  std::optional<PartySession> centre_there_, acme_there_, globex_there_;
  std::vector<PartySession> arbiters_;
  std::optional<PartySession> viewer_;
};

Status FiveTalents::OpenSessions() {
  centre_ = TRY(parties_.Open("centre-1", "centre-1", "private-a"));
  acme_ = TRY(parties_.Open("centre-2", "acme", "private-a"));
  globex_ = TRY(parties_.Open("centre-3", "globex", "private-a"));
  centre_there_ = TRY(parties_.Open("centre-1", "centre-1", "consortium"));
  acme_there_ = TRY(parties_.Open("centre-2", "acme", "consortium"));
  globex_there_ = TRY(parties_.Open("centre-3", "globex", "consortium"));
  for (const char* const centre : {"centre-2", "centre-3", "centre-4"}) {
    arbiters_.push_back(TRY(parties_.Open(centre, centre, "consortium")));
  }
  viewer_ = TRY(parties_.Open("viewer", "centre-1", "public"));
  return {};
}

/// A new person that consents to everything, assessed on entry.
Result<Assessed> FiveTalents::Enrol() {
  const Bytes subject = random_.Draw(Hash::kSize);
  pb::SubjectRegistered registered;
  registered.set_subject_id(subject);
  registered.set_commitment(random_.Draw(Hash::kSize));
  registered.set_custodian("centre-1");
  registered.set_consent_version(1);
  TRY(Write(*centre_, registered, DISCLOSURE_PRIVATE, {"人才登记", "registered by its centre"}));
  pb::ConsentGiven consent;
  consent.set_subject_id(subject);
  consent.add_tiers(pb::CONSENT_TIER_CONSORTIUM);
  consent.add_tiers(pb::CONSENT_TIER_PUBLIC);
  consent.set_purpose("placement");
  consent.set_until_ms(SystemClock().Now().value + kLongConsentMs);
  TRY(Write(*centre_, consent, DISCLOSURE_PRIVATE, {"同意上传与公布", "consents to disclosure"}));
  Assessed out{subject, {}, MakeAssessment(subject, 6'600, 6'900)};
  out.id = TRY(Write(*centre_, out.assessment, DISCLOSURE_FULL, {"入库评估", "assessed on entry"}));
  return out;
}

/// Acme invests, the person would like to work there, and is placed after training.
Result<RecordId> FiveTalents::PlaceWithAcme(const Assessed& person) {
  TRY(Invest(*centre_, *acme_, "acme", person.subject, 500, write_));
  TRY(DeclareWill(*centre_, person.subject, "acme", write_));
  TRY(Train(*centre_, person, kGood, write_));
  return TRY(Decide(*centre_, person.subject, write_)).id;
}

Status FiveTalents::SeeOnConsortium(const RecordId& record) {
  TRY(Await(*centre_there_, kConsortiumRecords, record, "on the consortium chain",
            [](const auto&) { return true; }));
  Say(record, {"已上传联盟链，核查中", "is on the consortium now, in review"});
  return {};
}

Status FiveTalents::Placed() {
  const Assessed person = TRY(Enrol());
  return SeeOnConsortium(TRY(PlaceWithAcme(person)));
}

Status FiveTalents::Retrained() {
  const Assessed person = TRY(Enrol());
  TRY(Invest(*centre_, *acme_, "acme", person.subject, 400, write_));
  TRY(DeclareWill(*centre_, person.subject, "acme", write_));
  TRY(Train(*centre_, person, kPoor, write_));
  TRY(Decide(*centre_, person.subject, write_));
  TRY(Train(*centre_, person, kGood, write_));
  return SeeOnConsortium(TRY(Decide(*centre_, person.subject, write_)).id);
}

Status FiveTalents::WithoutInvestors() {
  const Assessed person = TRY(Enrol());
  TRY(Train(*centre_, person, kGood, write_));
  return SeeOnConsortium(person.id);
}

// To an enterprise that holds no units of the person, and without a transfer of any.
Status FiveTalents::Flagged() {
  const Assessed person = TRY(Enrol());
  const RecordId placement = TRY(PlaceWithAcme(person));
  const auto career = TRY(centre_->client().GetCareer(centre_->chain(), person.subject)).career();
  pb::SupervisionOpened opened;
  opened.set_subject_id(person.subject);
  opened.set_placement(placement.ToBytes());
  opened.set_from_ms(career.placed_ms());
  opened.set_until_ms(career.supervised_until_ms());
  TRY(Write(*centre_, opened, DISCLOSURE_FULL, {"监督开始", "supervision opens"}));

  pb::FlowStatement statement;
  statement.set_subject_id(person.subject);
  statement.set_placement(placement.ToBytes());
  statement.set_from("acme");
  statement.set_to("globex");
  statement.set_reference(random_.Draw(Hash::kSize));
  const auto flow = TRY(centre_->client().JudgeMove(
      centre_->chain(), tiers::SignFlow(centre_->chain(), statement, {&globex_->key(), 1})));
  const TxId moved = TRY(Write(*centre_, flow, DISCLOSURE_FULL,
                               {"流动：疑似恶意跳槽", "moves to globex, which holds no units"}));
  pb::SupervisionFlagged flagged;
  flagged.set_subject_id(person.subject);
  flagged.set_flow(moved.ToBytes());
  flagged.set_from("acme");
  flagged.set_to("globex");
  *flagged.mutable_suspicions() = flow.suspicions();
  return SeeOnConsortium(
      TRY(Write(*centre_, flagged, DISCLOSURE_FULL, {"监督警示", "the move is flagged"})));
}

/// Both enterprises dispute the record, and the centre refuses.
Result<std::vector<TxId>> FiveTalents::Dispute(const RecordId& record) {
  TRY(SeeOnConsortium(record));
  const CommittedVerdict verdicts[] = {TRY(CommitVerdict(*acme_there_, "acme", record, true)),
                                       TRY(CommitVerdict(*globex_there_, "globex", record, true))};
  std::vector<TxId> disputes;
  for (const CommittedVerdict& verdict : verdicts) {
    disputes.push_back(TRY(RevealVerdict(verdict)));
    Say(disputes.back(), {"企业异议：沟通分数", "a member disputes the communication score"});
  }
  TRY(Await(*centre_there_, kConsortiumRecords, record, "disputed",
            [](const auto& entry) { return entry.status() == pb::RECORD_STATUS_DISPUTED; }));
  pb::DisputeAnswered refused;
  refused.set_record_id(record.ToBytes());
  refused.mutable_refusal()->set_reason(pb::REFUSAL_REASON_WITHIN_JUDGEMENT);
  refused.mutable_refusal()->set_statement_hash(random_.Draw(Hash::kSize));
  TRY(Write(*centre_there_, refused, DISCLOSURE_UNSPECIFIED,
            {"中心拒绝异议", "the centre refuses the dispute"}));
  return disputes;
}

Status FiveTalents::Arbitrate(const RecordId& record) {
  pb::ArbitrationOpened opened;
  opened.set_record_id(record.ToBytes());
  TRY(Write(*globex_there_, opened, DISCLOSURE_UNSPECIFIED,
            {"申请仲裁", "globex asks the other centres to decide"}));
  for (PartySession& arbiter : arbiters_) {
    pb::ArbitrationVoted vote;
    vote.set_record_id(record.ToBytes());
    vote.set_verdict(pb::ARBITRATION_VERDICT_DISPUTE_UPHELD);
    TRY(Write(arbiter, vote, DISCLOSURE_UNSPECIFIED,
              {"仲裁人支持异议", "an arbiter upholds the dispute"}));
  }
  TRY(Await(*centre_there_, kConsortiumRecords, record, "decided",
            [](const auto& entry) { return entry.status() == pb::RECORD_STATUS_ANSWERED; }));
  return {};
}

Status FiveTalents::Arbitrated() {
  const Assessed person = TRY(Enrol());
  const auto disputes = TRY(Dispute(person.id));
  TRY(Arbitrate(person.id));
  pb::AbilityAssessed right = person.assessment;
  right.mutable_scores(1)->set_value(5'400);
  pb::Corrected corrected;
  corrected.set_supersedes(person.id.ToBytes());
  corrected.set_content_kind("AbilityAssessed");
  corrected.set_content(Encode(right));
  corrected.set_reason(pb::CORRECTION_REASON_DISPUTE);
  for (const TxId& dispute : disputes) corrected.add_disputes(dispute.ToBytes());
  const TxId correction =
      TRY(Write(*centre_, corrected, DISCLOSURE_FULL, {"更正", "the centre corrects the record"}));
  TRY(Await(*centre_there_, kConsortiumRecords, person.id, "corrected",
            [](const auto& entry) { return entry.status() == pb::RECORD_STATUS_CORRECTED; }));
  Say(person.id, {"联盟链：已更正", "is corrected on the consortium"});
  TRY(Await(*viewer_, tiers::kPublished, person.id, "published",
            [](const auto& entry) { return !entry.superseded_by().empty(); }));
  Say(correction, {"公有链：更正及其全部路径", "is on the public chain, with the whole path"});
  return {};
}

}  // namespace

Status TellFiveTalents(const DevnetNetwork& network,
                       const std::function<void(const std::string&)>& say) {
  return FiveTalents(network, say).Tell();
}

}  // namespace talent::node
