#include "tiers/proven_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/canonical.h"
#include "tiers/consortium_state.h"
#include "tiers/public_rules.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

/// The accepted headers that a proof's statements show. What is none is left out: a quorum may have
/// sealed anything.
class Statements final : public ledger::StateReader {
 public:
  explicit Statements(const ledger::pb::TransactionProof& proof) {
    for (const auto& statement : proof.statements()) {
      if (statement.proof().present() &&
          Decode<pb::AcceptedHeader>(statement.proof().value()).has_value()) {
        entries_[statement.proof().key()] = statement.proof().value();
      }
    }
  }
  std::optional<Bytes> Get(BytesView key) const override {
    const auto found = entries_.find(Bytes(key));
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
  }
  void Scan(BytesView /*prefix*/, BytesView /*from*/,
            const std::function<bool(BytesView, BytesView)>& /*visit*/) const override {}
  Status status() const override { return {}; }

 private:
  std::map<Bytes, Bytes> entries_;
};

/// What others wrote, for one line of a terminal.
std::string Line(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

struct Words {
  std::string english;
  std::string chinese;
};

Words OfStatus(pb::RecordStatus status) {
  static const std::map<pb::RecordStatus, Words> kWords = {
      {pb::RECORD_STATUS_IN_REVIEW, {"in review", "核查中"}},
      {pb::RECORD_STATUS_DISPUTED, {"disputed", "待答复"}},
      {pb::RECORD_STATUS_ANSWERED, {"to be corrected", "待更正"}},
      {pb::RECORD_STATUS_VERIFIED, {"verified", "已核实"}},
      {pb::RECORD_STATUS_UNVERIFIED, {"unverified", "未核实"}},
      {pb::RECORD_STATUS_CORRECTED, {"corrected", "已更正"}},
      {pb::RECORD_STATUS_CORRECTION, {"a correction", "更正记录"}},
      {pb::RECORD_STATUS_COMMITMENT, {"known by its envelope only", "仅承诺"}},
      {pb::RECORD_STATUS_REFUSED, {"disputed, and not corrected by its centre", "待仲裁"}},
      {pb::RECORD_STATUS_ARBITRATION, {"in arbitration", "仲裁中"}},
      {pb::RECORD_STATUS_ERASED, {"erased", "已删除"}},
      {pb::RECORD_STATUS_CONTEST, {"the contest of a person", "本人异议"}},
  };
  const auto found = kWords.find(status);
  if (found != kWords.end()) return found->second;
  return {pb::RecordStatus_Name(status), pb::RecordStatus_Name(status)};
}

Words OfReview(const pb::ReviewRevealed& review) {
  std::string disputed;
  for (const auto& field : review.verdict().fields()) {
    if (field.verdict() != pb::FIELD_VERDICT_DISPUTE) continue;
    disputed += (disputed.empty() ? "" : ", ") + Line(field.field());
  }
  if (disputed.empty()) return {"a member confirms it", "成员确认"};
  return {"a member disputes " + disputed, "成员对 " + disputed + " 提出异议"};
}

Words OfAnswer(const pb::DisputeAnswered& answer) {
  if (answer.has_refusal()) {
    const std::string reason = pb::RefusalReason_Name(answer.refusal().reason());
    return {"the centre refuses: " + reason, "中心拒绝：" + reason};
  }
  const std::string id = ToHex(answer.correction());
  return {"the centre answers with correction " + id, "中心以更正 " + id + " 答复"};
}

Words OfVote(const pb::ArbitrationVoted& vote) {
  return vote.verdict() == pb::ARBITRATION_VERDICT_DISPUTE_UPHELD
             ? Words{"another centre votes for the dispute", "仲裁中心支持异议"}
             : Words{"another centre votes for the record", "仲裁中心维持记录"};
}

Words OfStep(const ledger::Transaction& tx) {
  if (tx.kind == "RecordPromoted") return {"promoted to the consortium", "上传至联盟链"};
  if (tx.kind == "ArbitrationOpened") return {"the other centres are asked", "申请仲裁"};
  if (const auto review = Decode<pb::ReviewRevealed>(tx.payload);
      review && tx.kind == "ReviewRevealed") {
    return OfReview(*review);
  }
  if (const auto answer = Decode<pb::DisputeAnswered>(tx.payload);
      answer && tx.kind == "DisputeAnswered") {
    return OfAnswer(*answer);
  }
  if (const auto vote = Decode<pb::ArbitrationVoted>(tx.payload);
      vote && tx.kind == "ArbitrationVoted") {
    return OfVote(*vote);
  }
  return {tx.kind, tx.kind};
}

/// The headers a publication or a promotion cites, as (chain, height).
using Cited = std::vector<std::pair<Bytes, std::uint64_t>>;

template <class Publication>
Cited CitedBy(const Publication& message) {
  Cited out{{message.source_chain(), message.height()}};
  for (const auto& step : message.steps()) out.emplace_back(message.source_chain(), step.height());
  return out;
}

Cited CitedBy(const pb::RecordPromoted& message) {
  return {{message.source_chain(), message.height()},
          {message.source_chain(), message.decision_height()}};
}

template <class Message>
Cited CitedIn(const Bytes& payload) {
  const auto message = Decode<Message>(payload);
  return message ? CitedBy(*message) : Cited();
}

/// Bytes that were signed or proven and are to be an M; else the step fails.
template <class M>
Result<M> ReadAt(const std::string& step, BytesView bytes) {
  auto message = Decode<M>(bytes);
  if (!message) return Within(step, std::move(message).error());
  return message;
}

/// Goes through the evidence of one transaction.
class Walk {
 public:
  explicit Walk(const ledger::pb::TransactionProof& proof) : proof_(proof), state_(proof) {}

  Status Publication(const pb::RecordPublished& message) {
    TRY(Record("record", "记录", message.record()));
    TRY(State("record", message.record(), message.source_chain(), message.height()));
    TRY(Steps(message, message.record()));
    return Standing(message.record());
  }

  Status Publication(const pb::CorrectionPublished& message) {
    TRY(Record("original", "原记录", message.original()));
    TRY(Record("correction", "更正记录", message.correction()));
    TRY(State("original", message.original(), message.source_chain(), message.height()));
    TRY(State("correction", message.correction(), message.source_chain(), message.height()));
    TRY(Steps(message, message.original()));
    TRY(Standing(message.original()));
    return Standing(message.correction());
  }

  Status Promotion(const pb::RecordPromoted& message) {
    const auto record = ledger::ParseTransaction(
        message.record(), message.has_payload() ? &message.payload() : nullptr);
    if (!record) return Within("record", record.error());
    TRY(Signed("record", "记录", *record));
    const auto sealed = Header(message.source_chain(), message.height());
    if (sealed) TRY(At("private block", VerifyEffective(*sealed, record->id, message.path())));
    Say("private block", sealed.has_value(),
        {fmt::format("sealed in block {} of private chain {}", message.height(),
                     record->chain.Hex()),
         fmt::format("在私有链 {} 的第 {} 块中确认", record->chain.Hex(), message.height())});
    const auto decided = Header(message.source_chain(), message.decision_height());
    if (decided) {
      TRY(At("decision",
             VerifyPresent(*decided, kDecisions.Key(record->id.View()), message.decision())));
    }
    const auto decision =
        TRY(ReadAt<pb::PromotionDecision>("decision", message.decision().value()));
    Say("decision", decided.has_value(),
        {fmt::format("that chain's policy lets it leave: priority {}, value class {}, centre {}",
                     decision.priority(), decision.value_class(), Line(decision.centre())),
         fmt::format("该链策略允许上传：优先级 {}，价值等级 {}，中心 {}", decision.priority(),
                     decision.value_class(), Line(decision.centre()))});
    return ConsortiumStanding(record->id);
  }

  std::vector<PathFact> facts;

 private:
  static Status At(const std::string& step, const Status& status) {
    return status ? Status() : Status(Within(step, status.error()));
  }

  void Say(std::string step, bool checked, Words words) {
    facts.push_back({std::move(step), std::move(words.english), std::move(words.chinese), checked});
  }

  std::optional<ledger::pb::BlockHeader> Header(const Bytes& chain, std::uint64_t height) const {
    auto header = CitedHeader(state_, chain, height);
    return header ? std::optional(*std::move(header)) : std::nullopt;
  }

  Status Signed(const std::string& role, std::string_view chinese,
                const ledger::Transaction& record) {
    TRY(At(role, ledger::VerifySignature(record, record.chain)));
    Say(role, true,
        {fmt::format("{} {}, written on private chain {}, signed by {}", record.kind,
                     record.id.Hex(), record.chain.Hex(), record.author.Hex()),
         fmt::format("{}：{} {}，写于私有链 {}，签名者 {}", chinese, record.kind, record.id.Hex(),
                     record.chain.Hex(), record.author.Hex())});
    return {};
  }

  Status Record(const std::string& role, std::string_view chinese,
                const pb::RecordEvidence& evidence) {
    const auto record = ledger::ParseTransaction(
        evidence.record(), evidence.has_payload() ? &evidence.payload() : nullptr);
    if (!record) return Within(role, record.error());
    return Signed(role, chinese, *record);
  }

  Status State(const std::string& role, const pb::RecordEvidence& evidence, const Bytes& chain,
               std::uint64_t height) {
    const std::string step = role + " state";
    const TxId id = ledger::TransactionId(evidence.record().envelope());
    const auto header = Header(chain, height);
    if (header) {
      TRY(At(step, VerifyPresent(*header, kConsortiumRecords.Key(id.View()), evidence.state())));
    }
    Describe(step, TRY(ReadAt<pb::ConsortiumRecord>(step, evidence.state().value())), height,
             header.has_value());
    return {};
  }

  void Describe(const std::string& step, const pb::ConsortiumRecord& record, std::uint64_t height,
                bool checked) {
    const Words status = OfStatus(record.status());
    Say(step, checked,
        {fmt::format("{} on the consortium after block {}: {} confirmations, {} disputes, value "
                     "class {}, policy version {}",
                     status.english, height, record.confirmations(), record.disputes(),
                     record.value_class(), record.policy_version()),
         fmt::format("联盟链第 {} 块后{}：确认 {}，异议 {}，价值等级 {}，策略版本 {}", height,
                     status.chinese, record.confirmations(), record.disputes(),
                     record.value_class(), record.policy_version())});
  }

  /// Every step of the path that the consortium's state lists for `of`, and no other.
  template <class Message>
  Status Steps(const Message& message, const pb::RecordEvidence& of) {
    const auto chain = ChainId::FromBytes(message.source_chain());
    if (!chain) return Within("steps", chain.error());
    const auto record = TRY(ReadAt<pb::ConsortiumRecord>("steps", of.state().value()));
    if (record.path_size() != message.steps_size()) {
      return Fail(Code::kBadSignature, "steps: {} of the {} that the record's path has",
                  message.steps_size(), record.path_size());
    }
    for (int i = 0; i < message.steps_size(); ++i) {
      const std::string name = fmt::format("step {}", i + 1);
      TRY(At(name, Step(name, message.steps(i), message.source_chain(), *chain, record.path(i))));
    }
    return {};
  }

  Status Step(const std::string& name, const pb::PathStep& step, const Bytes& source,
              const ChainId& chain, const Bytes& expected) {
    const auto tx = TRY(ledger::ParseTransaction(step.transaction(),
                                                 step.has_payload() ? &step.payload() : nullptr));
    if (tx.id.View() != expected) {
      return Fail(Code::kBadSignature, "it is transaction {}, the path has {}", tx.id.Hex(),
                  ToHex(expected));
    }
    TRY(ledger::VerifySignature(tx, chain));
    const auto header = Header(source, step.height());
    if (header) TRY(VerifyEffective(*header, tx.id, step.path()));
    const Words words = OfStep(tx);
    Say(name, header.has_value(),
        {fmt::format("block {}: {}", step.height(), words.english),
         fmt::format("第 {} 块：{}", step.height(), words.chinese)});
    return {};
  }

  /// What the proven chain says of a record after the statement's block.
  template <class Entry>
  std::optional<std::pair<Entry, std::uint64_t>> Find(const Table<Entry>& table,
                                                      const TxId& id) const {
    for (const auto& statement : proof_.statements()) {
      if (statement.proof().key() != table.Key(id.View()) || !statement.proof().present()) continue;
      const auto header = Decode<ledger::pb::BlockHeader>(statement.header().header());
      const auto entry = Decode<Entry>(statement.proof().value());
      if (header && entry) return std::pair(*entry, header->height());
    }
    return std::nullopt;
  }

  Status Standing(const pb::RecordEvidence& evidence) {
    const TxId id = ledger::TransactionId(evidence.record().envelope());
    const auto found = Find(kPublished, id);
    if (!found) return {};
    const auto& [entry, height] = *found;
    const Words status = OfStatus(entry.status());
    Words words{
        fmt::format("{} is {} on this chain as of block {}", id.Hex(), status.english, height),
        fmt::format("截至本链第 {} 块，{} {}", height, id.Hex(), status.chinese)};
    if (entry.superseded_by().empty()) {
      words.english += ", not superseded";
      words.chinese += "，未被取代";
    } else {
      words.english += ", superseded by " + ToHex(entry.superseded_by());
      words.chinese += "，已被 " + ToHex(entry.superseded_by()) + " 取代";
    }
    Say("standing", true, std::move(words));
    return {};
  }

  Status ConsortiumStanding(const TxId& id) {
    const auto found = Find(kConsortiumRecords, id);
    if (found) Describe("standing", found->first, found->second, true);
    return {};
  }

  const ledger::pb::TransactionProof& proof_;
  Statements state_;
};

}  // namespace

std::vector<Bytes> EvidenceKeys(const ledger::Transaction& tx) {
  if (!tx.has_payload()) return {};
  Cited cited;
  if (tx.kind == "RecordPublished") cited = CitedIn<pb::RecordPublished>(tx.payload);
  if (tx.kind == "CorrectionPublished") cited = CitedIn<pb::CorrectionPublished>(tx.payload);
  if (tx.kind == "RecordPromoted") cited = CitedIn<pb::RecordPromoted>(tx.payload);
  std::ranges::sort(cited);
  const auto [first, last] = std::ranges::unique(cited);
  cited.erase(first, last);
  std::vector<Bytes> out;
  for (const auto& [chain, height] : cited) {
    out.push_back(kHeaders.Key(HeaderKey(chain, Height(height))));
  }
  return out;
}

Result<std::vector<PathFact>> CheckEvidence(const ledger::ProvenTransaction& proven,
                                            const ledger::pb::TransactionProof& proof) {
  const ledger::Transaction& tx = proven.transaction;
  Walk walk(proof);
  if (!tx.has_payload()) return std::move(walk.facts);
  if (tx.kind == "RecordPublished") {
    TRY(walk.Publication(TRY(ReadAt<pb::RecordPublished>("payload", tx.payload))));
  } else if (tx.kind == "CorrectionPublished") {
    TRY(walk.Publication(TRY(ReadAt<pb::CorrectionPublished>("payload", tx.payload))));
  } else if (tx.kind == "RecordPromoted") {
    TRY(walk.Promotion(TRY(ReadAt<pb::RecordPromoted>("payload", tx.payload))));
  }
  return std::move(walk.facts);
}

}  // namespace talent::tiers
