#include "market/chains.h"

#include "tiers/consortium_rules.h"
#include "tiers/delivery.h"
#include "tiers/governance.h"
#include "tiers/points.h"
#include "tiers/promoter.h"

namespace talent::market {
namespace {

using namespace tiers;  // NOLINT(google-build-using-namespace): the rules this plays under

constexpr int kMaxBatch = 4096;
constexpr std::uint64_t kHourMs = 3'600'000;

nlohmann::json GenesisOf(const std::string& tier, const std::vector<std::string>& centres,
                         const std::vector<std::string>& members) {
  nlohmann::json genesis = TierGenesis(tier);
  genesis["consensus"]["max_batch_transactions"] = kMaxBatch;
  auto& parties = genesis["app"]["parties"] = nlohmann::json::array();
  for (const auto& id : centres) parties.push_back(PartyJson(id, "centre"));
  for (const auto& id : members) parties.push_back(PartyJson(id, "enterprise"));
  return genesis;
}

// An industry for each value class: who wants class 3 has to do with the rarest skills.
std::string IndustryOf(std::uint32_t value_class) { return fmt::format("class-{}", value_class); }

ledger::Genesis SourceGenesis(const std::vector<std::string>& centres) {
  nlohmann::json genesis = GenesisOf("private", centres, {});
  auto& promotion = genesis["app"]["policy"]["promotion"];
  promotion["version"] = 1;
  for (std::uint32_t value_class = 0; value_class < 4; ++value_class) {
    promotion["rules"].push_back({{"kind", "AbilityAssessed"},
                                  {"disclosure", "full"},
                                  {"industry", IndustryOf(value_class)},
                                  {"priority", 3},
                                  {"value_class", value_class}});
  }
  return ledger::Genesis::Parse(genesis.dump()).value();
}

ledger::Genesis TargetGenesis(const ledger::Genesis& source,
                              const std::optional<nlohmann::json>& policy,
                              const std::vector<std::string>& centres,
                              const std::vector<std::string>& members) {
  nlohmann::json genesis = GenesisOf("consortium", centres, members);
  genesis["app"]["sources"] = nlohmann::json::array({SourceJson(source)});
  genesis["app"]["sources"][0]["centres"] = centres;
  if (policy) genesis["app"]["policy"] = *policy;
  return ledger::Genesis::Parse(genesis.dump()).value();
}

std::string PersonOf(const std::string& centre) { return "person of " + centre; }

pb::AbilityAssessed ContentOf(const Item& item, std::uint32_t score) {
  auto message = Assessment(score, PersonOf(item.centre));
  message.set_assessor(fmt::format("board-{}", item.number));
  auto* const tag = message.add_tags();
  tag->set_industry(IndustryOf(item.value_class));
  tag->set_match(pb::TAG_MATCH_MATCHED);
  tag->set_weight(100);
  return message;
}

}  // namespace

Chains::Chains(const std::optional<nlohmann::json>& policy, const std::vector<std::string>& centres,
               const std::vector<std::string>& members)
    : database_(
          ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kScratch).value()),
      source_(*database_, SourceGenesis(centres)),
      consortium_(*database_, TargetGenesis(source_.genesis(), policy, centres, members)) {
  std::vector<ledger::Transaction> people;
  for (const auto& centre : centres) {
    auto registration = Registration(PersonOf(centre));
    registration.set_custodian(centre);
    people.push_back(source_.Make(centre, registration));
    people.push_back(source_.Make(centre, ConsentToAll(PersonOf(centre))));
  }
  Must(source_, people, kStart + 1);
}

Chains::Receipts Chains::Commit(TestTier& tier,
                                const std::vector<ledger::Transaction>& transactions,
                                std::uint64_t time) {
  const std::uint64_t next = tier.chain().head().time.value + 1;
  return tier.Commit(transactions, std::max(time, next));
}

void Chains::Must(TestTier& tier, const std::vector<ledger::Transaction>& transactions,
                  std::uint64_t time) {
  const auto receipts = Commit(tier, transactions, time);
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    CHECK(receipts[i] == ledger::pb::RECEIPT_CODE_OK, "{} was refused: {}", transactions[i].kind,
          ledger::pb::ReceiptCode_Name(receipts[i]));
  }
}

void Chains::Admit(const std::string& member, std::uint64_t time) {
  constexpr std::uint64_t kOpenFor = 40;
  const crypto::KeyPair keys[] = {KeyOf(member)};
  pb::MemberProposed message;
  message.set_open_until(consortium_.chain().head().height.value + kOpenFor);
  *message.mutable_change()->mutable_admit() =
      MakePartyOffer(consortium_.genesis().chain_id(), member, pb::PARTY_ROLE_ENTERPRISE, keys);
  message.set_name(member);
  const auto proposal = consortium_.Make(kAnswering[0], message);
  Must(consortium_, {proposal}, time);
  pb::ProposalVoted vote;
  vote.set_proposal(proposal.id.ToBytes());
  vote.set_approve(true);
  std::vector<ledger::Transaction> votes;
  for (const auto& centre :
       {kAnswering[1], std::string(kStubbornCentre), std::string(kOtherCentre)}) {
    votes.push_back(consortium_.Make(centre, vote));
  }
  Must(consortium_, votes, time);
}

void Chains::WriteAndPromote(std::vector<Item>& items, std::uint64_t time) {
  constexpr std::uint32_t kScore = 7000;
  std::vector<ledger::Transaction> records;
  std::vector<TxId> ids;
  for (Item& item : items) {
    records.push_back(source_.Make(item.centre, ContentOf(item, kScore)));
    item.id = records.back().id;
    ids.push_back(item.id);
  }
  Must(source_, records, time);
  Promote(ids, time);
}

void Chains::Promote(const std::vector<TxId>& records, std::uint64_t time) {
  pb::OutboxEntry entry;
  std::vector<ledger::Transaction> promotions;
  for (const TxId& record : records) {
    entry.set_record_id(record.ToBytes());
    const auto delivery = PromoteRecord(source_.chain(), entry).value();
    promotions.push_back(
        consortium_.Make(kAnswering[0], Decode<pb::RecordPromoted>(delivery.payload).value()));
  }
  const Height height = source_.chain().FindTransaction(records.front()).value()->height;
  const auto header = Decode<pb::SourceHeaderAccepted>(*CarryHeader(source_.chain(), height));
  Must(consortium_, {consortium_.Make(kAnswering[0], *header)}, time);
  Must(consortium_, promotions, time);
}

pb::ReviewOpening Chains::OpeningOf(const Filing& filing) const {
  pb::ReviewOpening opening;
  opening.set_chain_id(consortium_.genesis().chain_id().ToBytes());
  opening.set_record_id(filing.item->id.ToBytes());
  opening.set_member(filing.member);
  auto* const field = opening.mutable_verdict()->add_fields();
  field->set_field("scores.experience");
  field->set_verdict(filing.disputes ? pb::FIELD_VERDICT_DISPUTE : pb::FIELD_VERDICT_CONFIRM);
  if (filing.disputes) {
    field->set_proposed_value_hash(Id("8000"));
    field->set_evidence_hash(Id("letter"));
  }
  opening.set_salt(Id("salt of " + filing.member));
  return opening;
}

std::vector<Filing> Chains::CommitReviews(const std::vector<Filing>& filings, std::uint64_t time) {
  std::vector<ledger::Transaction> transactions;
  for (const Filing& filing : filings) {
    pb::ReviewCommitted message;
    message.set_record_id(filing.item->id.ToBytes());
    message.set_commitment(ReviewCommitment(OpeningOf(filing)).ToBytes());
    transactions.push_back(consortium_.Make(filing.member, message));
  }
  const auto receipts = Commit(consortium_, transactions, time);
  std::vector<Filing> accepted;
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    if (receipts[i] == ledger::pb::RECEIPT_CODE_OK) accepted.push_back(filings[i]);
  }
  return accepted;
}

void Chains::RevealReviews(const std::vector<Filing>& filings, std::uint64_t time) {
  std::vector<ledger::Transaction> transactions;
  for (const Filing& filing : filings) {
    const auto opening = OpeningOf(filing);
    pb::ReviewRevealed message;
    message.set_record_id(opening.record_id());
    *message.mutable_verdict() = opening.verdict();
    message.set_salt(opening.salt());
    transactions.push_back(consortium_.Make(filing.member, message));
  }
  Must(consortium_, transactions, time);
}

Item Chains::CorrectAndPromote(const Item& item, std::uint64_t time) {
  constexpr std::uint32_t kRightScore = 8000;
  const auto correction =
      source_.Make(item.centre, Correction(item.id, ContentOf(item, kRightScore)));
  Must(source_, {correction}, time);
  Promote({correction.id}, time);
  Item out = item;
  out.id = correction.id;
  out.correction = true;
  out.promoted_ms = time;
  out.value_class = RecordOf(out).value_class();
  return out;
}

void Chains::Refuse(const Item& item, std::uint64_t time) {
  pb::DisputeAnswered message;
  message.set_record_id(item.id.ToBytes());
  message.mutable_refusal()->set_reason(pb::REFUSAL_REASON_SOURCE_AGREES);
  message.mutable_refusal()->set_statement_hash(Id("statement"));
  Must(consortium_, {consortium_.Make(item.centre, message)}, time);
}

bool Chains::Appeal(const Item& item, const std::string& member, std::uint64_t time) {
  pb::ArbitrationOpened message;
  message.set_record_id(item.id.ToBytes());
  const auto receipts = Commit(consortium_, {consortium_.Make(member, message)}, time);
  return receipts.front() == ledger::pb::RECEIPT_CODE_OK;
}

void Chains::Vote(const Item& item, const std::string& centre, bool stands, std::uint64_t time) {
  pb::ArbitrationVoted message;
  message.set_record_id(item.id.ToBytes());
  message.set_verdict(stands ? pb::ARBITRATION_VERDICT_RECORD_STANDS
                             : pb::ARBITRATION_VERDICT_DISPUTE_UPHELD);
  // Once two thirds agree, later votes have nothing to decide.
  Commit(consortium_, {consortium_.Make(centre, message)}, time);
}

void Chains::Pass(std::uint64_t time) {
  do {
    Commit(consortium_, {}, time);
  } while (IsWorkDue(consortium_.chain().head().time, *consortium_.chain().SealedState()));
}

pb::ConsortiumRecord Chains::RecordOf(const Item& item) const {
  return consortium_.Read(kConsortiumRecords, item.id.View()).value();
}

std::vector<std::string> Chains::ArbitersOf(const Item& item) const {
  const auto arbitration = consortium_.Read(kArbitrations, item.id.View()).value();
  return {arbitration.arbiters().begin(), arbitration.arbiters().end()};
}

std::int64_t Chains::PointsOf(const std::string& member) const {
  const auto state = consortium_.chain().SealedState();
  return tiers::PointsOf(*state, PolicyOf(*state), member, consortium_.chain().head().time);
}

bool Chains::IsExplained(const std::string& member) const {
  const auto state = consortium_.chain().SealedState();
  std::int64_t points = 0;
  std::int64_t waiting = 0;
  bool complete = true;
  kPoints.Scan(*state, Concat({member, "/"}), {}, [&](BytesView, const pb::PointsEntry& line) {
    points += line.delta();
    waiting += line.waiting();
    const auto review = kReviews.Get(*state, Concat({line.record_id(), member}));
    complete = complete && line.balance() == points && line.reason() != 0 &&
               line.policy_version() == 1 && review && review->commit_tx() == line.review();
    return true;
  });
  const auto standing = kStandings.Get(*state, member).value_or(pb::Standing());
  return complete && standing.points() == points && standing.waiting() == waiting;
}

bool Chains::MayStillReview(const std::string& member, std::uint64_t time) const {
  const auto state = consortium_.chain().SealedState();
  const auto policy = PolicyOf(*state);
  return tiers::PointsOf(*state, policy, member, Timestamp(time)) >=
         -static_cast<std::int64_t>(policy.max_debt());
}

double Chains::DelayHours(const Item& item, const std::string& member) const {
  const auto policy = PolicyOf(*consortium_.chain().SealedState());
  const Millis delay = ReleaseDelay(policy, item.value_class, PointsTier(policy, PointsOf(member)));
  return static_cast<double>(delay.value) / static_cast<double>(kHourMs);
}

bool Chains::MayRead(const Item& item, const std::string& member, std::uint64_t time) const {
  const auto promotion =
      consortium_.chain().GetTransaction(TxId::FromBytes(RecordOf(item).promotion_tx()).value());
  return MayReadPayload(consortium_.genesis(), *consortium_.chain().SealedState(), Timestamp(time),
                        *promotion, KeyOf(member).public_key());
}

}  // namespace talent::market
