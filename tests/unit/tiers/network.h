// A private chain that feeds a consortium that feeds a public chain, in one database.
#pragma once

#include <map>

#include "records.h"
#include "talent/tiers/v1/public.pb.h"
#include "tiers/consortium_state.h"
#include "tiers/delivery.h"
#include "tiers/promoter.h"
#include "tiers/public_rules.h"
#include "tiers/sources.h"

namespace talent::tiers {

// Of the test network's policy.
inline constexpr std::uint64_t kCommitWindow = 10000;
inline constexpr std::uint64_t kRevealWindow = 5000;
inline constexpr std::uint64_t kAnswerWindow = 20000;

class Network {
 public:
  explicit Network(const std::vector<std::string>& more_centres = {})
      : database(
            ledger::Database::Open(dir.path() / "db", ledger::Database::Mode::kScratch).value()),
        source(*database, PrivateGenesis()),
        consortium(*database, ConsortiumGenesis(source.genesis(), more_centres)),
        outlet(*database, PublicGenesis(consortium.genesis())) {}

  static TxId Must(const Result<TxId>& result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().ToString());
    return result.value_or(TxId());
  }

  /// Subject "li" with consent to everything.
  void Enrol() {
    Must(source.Write("centre-a", Registration()));
    Must(source.Write("centre-a", ConsentToAll()));
  }

  pb::RecordPromoted PromotionOf(const TxId& record) const {
    pb::OutboxEntry entry;
    entry.set_record_id(record.ToBytes());
    return Decode<pb::RecordPromoted>(PromoteRecord(source.chain(), entry)->payload).value();
  }
  static pb::SourceHeaderAccepted HeaderOf(const TestTier& tier, Height height) {
    return Decode<pb::SourceHeaderAccepted>(*CarryHeader(tier.chain(), height)).value();
  }
  void AcceptHeaderOf(const TxId& record, std::string_view centre = "centre-a") {
    const Height height = source.chain().FindTransaction(record).value()->height;
    Must(consortium.Write(centre, HeaderOf(source, height)));
  }
  /// Carries a sealed record to the consortium; the promoting transaction.
  TxId Promote(const TxId& record) {
    AcceptHeaderOf(record);
    return Must(consortium.Write("centre-a", PromotionOf(record)));
  }

  std::uint64_t Now() const { return consortium.chain().head().time.value; }
  void WaitUntil(std::uint64_t time) { consortium.Commit({}, time); }
  /// Passes the end of the record's commits, its reveals, or the answer's time.
  void CloseCommits(const TxId& record) { WaitUntil(StateOf(record).commits_close_ms()); }
  void CloseReveals(const TxId& record) { WaitUntil(StateOf(record).reveals_close_ms()); }
  void CloseAnswer(const TxId& record) { WaitUntil(StateOf(record).answer_by_ms()); }
  /// Passes the end of the time to open an arbitration, or to vote in it.
  void CloseArbitration(const TxId& record) { WaitUntil(StateOf(record).arbitration_by_ms()); }

  pb::ConsortiumRecord StateOf(const TxId& record) const {
    return consortium.Read(kConsortiumRecords, record.View()).value_or(pb::ConsortiumRecord());
  }
  std::int64_t PointsOfMember(std::string_view member) const {
    return consortium.Read(kStandings, member).value_or(pb::Standing()).points();
  }
  /// Earned by confirmations, and not paid out.
  std::int64_t WaitingOfMember(std::string_view member) const {
    return consortium.Read(kStandings, member).value_or(pb::Standing()).waiting();
  }

  pb::ReviewOpening OpeningOf(const TxId& record, const std::string& member, bool disputes) const {
    pb::ReviewOpening opening;
    opening.set_chain_id(consortium.genesis().chain_id().ToBytes());
    opening.set_record_id(record.ToBytes());
    opening.set_member(member);
    auto* const field = opening.mutable_verdict()->add_fields();
    field->set_field("scores.experience");
    field->set_verdict(disputes ? pb::FIELD_VERDICT_DISPUTE : pb::FIELD_VERDICT_CONFIRM);
    if (disputes) {
      field->set_proposed_value_hash(Id("8000"));
      field->set_evidence_hash(Id("letter"));
    }
    opening.set_salt(Id("salt of " + member));
    return opening;
  }
  Result<TxId> Commit(const TxId& record, const std::string& member, bool disputes) {
    pb::ReviewCommitted message;
    message.set_record_id(record.ToBytes());
    message.set_commitment(ReviewCommitment(OpeningOf(record, member, disputes)).ToBytes());
    return consortium.Write(member, message);
  }
  Result<TxId> Reveal(const TxId& record, const std::string& member, bool disputes) {
    const auto opening = OpeningOf(record, member, disputes);
    pb::ReviewRevealed message;
    message.set_record_id(record.ToBytes());
    *message.mutable_verdict() = opening.verdict();
    message.set_salt(opening.salt());
    return consortium.Write(member, message);
  }
  /// Everybody commits, reveals, and the windows close.
  void Review(const TxId& record, const std::map<std::string, bool>& disputes_of) {
    for (const auto& [member, disputes] : disputes_of) Must(Commit(record, member, disputes));
    CloseCommits(record);
    for (const auto& [member, disputes] : disputes_of) Must(Reveal(record, member, disputes));
    CloseReveals(record);
  }
  Result<TxId> Refuse(const TxId& record, std::string_view centre = "centre-a") {
    pb::DisputeAnswered message;
    message.set_record_id(record.ToBytes());
    message.mutable_refusal()->set_reason(pb::REFUSAL_REASON_SOURCE_AGREES);
    message.mutable_refusal()->set_statement_hash(Id("statement"));
    return consortium.Write(centre, message);
  }
  Result<TxId> AnswerWith(const TxId& record, const TxId& correction) {
    pb::DisputeAnswered message;
    message.set_record_id(record.ToBytes());
    message.set_correction(correction.ToBytes());
    return consortium.Write("centre-a", message);
  }

  Result<TxId> OpenArbitration(const TxId& record, std::string_view party) {
    pb::ArbitrationOpened message;
    message.set_record_id(record.ToBytes());
    return consortium.Write(party, message);
  }
  Result<TxId> Arbitrate(const TxId& record, std::string_view centre,
                         pb::ArbitrationVerdict verdict) {
    pb::ArbitrationVoted message;
    message.set_record_id(record.ToBytes());
    message.set_verdict(verdict);
    return consortium.Write(centre, message);
  }

  /// Takes what the record was settled as to the public chain.
  Result<TxId> Publish(const TxId& record) {
    pb::OutboxEntry entry;
    entry.set_record_id(record.ToBytes());
    entry.set_status(StateOf(record).status());
    consortium.Commit({});
    const auto delivery =
        PublishSettlement(consortium.chain(), entry, consortium.chain().head().height);
    EXPECT_TRUE(delivery) << (delivery ? "" : delivery.error().ToString());
    for (const Height height : delivery->cites) {
      Must(outlet.Write("centre-a", HeaderOf(consortium, height)));
    }
    if (delivery->kind == "RecordPublished") {
      return outlet.Write("centre-a", *Decode<pb::RecordPublished>(delivery->payload));
    }
    return outlet.Write("centre-a", *Decode<pb::CorrectionPublished>(delivery->payload));
  }

  TempDir dir;
  std::unique_ptr<ledger::Database> database;
  TestTier source;
  TestTier consortium;
  TestTier outlet;  // the public chain
};

}  // namespace talent::tiers
