// Erasure on a private chain: what a person, or a duty of its custodian, takes back.
//
// A payload can go whatever it decided: units that moved, people who were placed and the standing
// of others stay in the state as figures under a pseudonym. Only what a decision still rests on
// waits until that is made.

#include <algorithm>

#include "ledger/erasure.h"
#include "tiers/contest.h"
#include "tiers/erasure.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

/// One transaction erases so many at most: it fits a block beside others, and its promotion too.
constexpr std::size_t kMaxRecords = kMaxErased;
constexpr std::size_t kMaxReference = 128;

Status ValidateGround(const pb::Erased& message) {
  if (message.ground() == pb::ERASURE_GROUND_UNSPECIFIED ||
      !pb::ErasureGround_IsValid(message.ground())) {
    return Fail(Code::kInvalidArgument, "ground is missing or unknown");
  }
  return RequireText("reference", message.reference(), kMaxReference);
}

/// The person itself; or the custodian, on a request only where the person cannot sign one.
Result<Voice> RequireEraser(const Call& call, const pb::Erased& message) {
  TRY(RequireId("subject_id", message.subject_id()));
  const bool request = message.ground() == pb::ERASURE_GROUND_SUBJECT_REQUEST;
  const auto subject = kSubjects.Get(call.state, message.subject_id());
  if (request || (subject && subject->key() == call.tx.author.View())) {
    auto voice = TRY(RequireVoice(call, message.subject_id()));
    if (request) return voice;
    return Fail(Code::kUnauthorized, "a person asks, and names no duty: ground is a request");
  }
  Voice voice;
  voice.party = TRY(RequireCentre(call));
  voice.subject = TRY(RequireSubject(call, message.subject_id(), voice.party));
  return voice;
}

/// What nobody has decided yet, or others wait to see answered.
Status RequireSettled(const Call& call, BytesView subject_id, const pb::Subject& subject,
                      BytesView record) {
  if (record == subject.record()) {
    return Fail(Code::kPrecondition,
                "records names the registration {}: that goes with all about the person, when "
                "records is empty",
                ToHex(record));
  }
  const auto flag = kFlags.Get(call.state, record);
  if (flag && flag->lifted().empty()) {
    return Fail(Code::kPrecondition,
                "records names move {}, whose flag is open: answer it or take it back first",
                ToHex(record));
  }
  const auto career = kCareers.Get(call.state, subject_id);
  if (!career) return {};
  const bool training = career->stage() == pb::CAREER_STAGE_IN_TRAINING &&
                        (record == career->plan() || record == career->training() ||
                         record == career->after_assessment());
  const bool supervised =
      record == career->placement() && call.block.time.value < career->supervised_until_ms();
  if (!training && !supervised) return {};
  return Fail(Code::kPrecondition, "records names {}, on which {} rests; erase it after that",
              ToHex(record), training ? "the open plan" : "the running supervision");
}

Status RequireErasable(const Call& call, BytesView subject_id, const pb::Subject& subject,
                       BytesView record) {
  TRY(RequireId("records", record));
  if (!kAbout.Has(call.state, Concat({subject_id, record}))) {
    const auto known = kPrivateRecords.Get(call.state, record);
    if (known && known->subject_id() == subject_id && !known->erased_by().empty()) {
      return Fail(Code::kDuplicate, "record {} was erased by {}", ToHex(record),
                  ToHex(known->erased_by()));
    }
    return Fail(Code::kNotFound, "records names {}, which is nothing about this subject",
                ToHex(record));
  }
  return RequireSettled(call, subject_id, subject, record);
}

/// All transactions about the person whose payloads are here.
Result<std::vector<Bytes>> AllAbout(const Call& call, BytesView subject_id) {
  std::vector<Bytes> all;
  kAbout.Scan(call.state, subject_id, {}, [&](BytesView id, const pb::AboutSubject&) {
    all.emplace_back(id);
    return all.size() <= kMaxRecords;
  });
  if (all.size() <= kMaxRecords) return all;
  return Fail(Code::kTooLarge, "more than {} records are about the subject: erase some by id first",
              kMaxRecords);
}

Result<std::vector<Bytes>> RecordsNamed(const Call& call, const pb::Erased& message,
                                        const pb::Subject& subject) {
  TRY(RequireAscending("records", message.records(), static_cast<int>(kMaxRecords)));
  for (const std::string& record : message.records()) {
    TRY(RequireErasable(call, message.subject_id(), subject, record));
  }
  return std::vector<Bytes>(message.records().begin(), message.records().end());
}

void EraseRecord(const Call& call, BytesView subject_id, const Bytes& record) {
  ledger::ErasePayload(call.state, call.block, TxId::FromBytes(record).value(), call.tx.id.View());
  kAbout.Delete(call.state, Concat({subject_id, record}));
  EraseContest(call, record);
  auto entry = kPrivateRecords.Get(call.state, record);
  if (!entry) return;  // it took no effect
  entry->clear_phase();
  entry->clear_mean_score();
  entry->clear_plan();
  entry->set_erased_by(call.tx.id.ToBytes());
  ledger::EraseEntry(call.state, call.block, kPrivateRecords.Key(record), Encode(*entry));
}

/// A suspicion that can be answered no more is held against nobody.
void DropFlag(const Call& call, const Bytes& flow) {
  const auto flag = kFlags.Get(call.state, flow);
  if (!flag) return;
  if (flag->lifted().empty()) {
    auto standing = kPartyStandings.Get(call.state, flag->to());
    CHECK(standing && standing->open_flags() > 0, "an open flag counts in a standing");
    standing->set_open_flags(standing->open_flags() - 1);
    kPartyStandings.Put(call.state, flag->to(), *standing);
  }
  ledger::EraseEntry(call.state, call.block, kFlags.Key(flow));
}

/// All that the state knows besides records and units. The subject's own entry stays, empty: nobody
/// takes the id again.
void EraseDerived(const Call& call, BytesView subject_id, const pb::Subject& subject) {
  const auto erase = [&](const Bytes& key) { ledger::EraseEntry(call.state, call.block, key); };
  erase(kConsents.Key(subject_id));
  erase(kWills.Key(subject_id));
  erase(kCareers.Key(subject_id));
  erase(kPersonStandings.Key(subject_id));
  if (!subject.key().empty()) erase(kKeys.Key(subject.key()));
  std::vector<Bytes> concerns;  // at most one for each party
  kConcerns.Scan(call.state, subject_id, {}, [&](BytesView party, const pb::Concern&) {
    concerns.push_back(kConcerns.Key(Concat({subject_id, party})));
    return true;
  });
  for (const Bytes& key : concerns) erase(key);
  pb::Subject left;
  left.set_custodian(subject.custodian());
  left.set_supply(subject.supply());
  left.set_sold(subject.sold());
  left.set_erased_by(call.tx.id.ToBytes());
  ledger::EraseEntry(call.state, call.block, kSubjects.Key(subject_id), Encode(left));
}

Status Erase(const pb::Erased& message, const Call& call) {
  TRY(ValidateGround(message));
  if (call.tx.disclosure != ledger::pb::DISCLOSURE_COMMITMENT) {
    return Fail(Code::kInvalidArgument,
                "disclosure is not COMMITMENT: the envelope is to go "
                "wherever a record that it erases has gone");
  }
  const Voice voice = TRY(RequireEraser(call, message));
  const bool whole = message.records().empty();
  const auto records = TRY(whole ? AllAbout(call, message.subject_id())
                                 : RecordsNamed(call, message, voice.subject));
  RecordFacts facts = FactsOf(message.subject_id(), voice);
  for (const Bytes& record : records) {
    if (kDecisions.Has(call.state, record)) facts.erases.push_back(record);
    EraseRecord(call, message.subject_id(), record);
    if (!whole) continue;
    DropFlag(call, record);
    ledger::EraseEntry(call.state, call.block, kTransfers.Key(record));
  }
  if (whole) EraseDerived(call, message.subject_id(), voice.subject);
  WriteErasure(call, std::move(facts));
  return {};
}

constexpr Kind kErasureKinds[] = {{"Erased", Run<pb::Erased, Erase>, Lane<0>}};

/// What a payload says it is about, whatever else is wrong with it.
std::optional<Bytes> SubjectIn(const ledger::StateReader& state, std::string_view kind,
                               BytesView payload);

template <class M>
std::optional<Bytes> Named(const ledger::StateReader&, BytesView payload) {
  const auto message = Decode<M>(payload);
  return message ? std::optional(message->subject_id()) : std::nullopt;
}

template <class M, class Statement>
std::optional<Bytes> Stated(const ledger::StateReader& state, BytesView payload) {
  const auto message = Decode<M>(payload);
  return message ? Named<Statement>(state, message->statement()) : std::nullopt;
}

std::optional<Bytes> OfToken(const ledger::StateReader& state, BytesView token_id) {
  const auto token = kTokens.Get(state, token_id);
  return token ? std::optional(token->subject_id()) : std::nullopt;
}

std::optional<Bytes> Bought(const ledger::StateReader& state, BytesView payload) {
  const auto message = Decode<pb::TokenPurchased>(payload);
  return message ? OfToken(state, message->token()) : std::nullopt;
}

std::optional<Bytes> Sold(const ledger::StateReader& state, BytesView payload) {
  const auto message = Decode<pb::TokenTransferred>(payload);
  const auto statement = message ? Decode<pb::TransferStatement>(message->statement())
                                 : Fail(Code::kInvalidArgument, "no transfer");
  return statement ? OfToken(state, statement->token()) : std::nullopt;
}

std::optional<Bytes> Corrects(const ledger::StateReader& state, BytesView payload) {
  const auto message = Decode<pb::Corrected>(payload);
  if (!message || message->content_kind() == "Corrected") return std::nullopt;
  return SubjectIn(state, message->content_kind(), message->content());
}

constexpr struct {
  std::string_view kind;
  std::optional<Bytes> (*subject)(const ledger::StateReader& state, BytesView payload);
} kSubjectIn[] = {
    {"SubjectRegistered", Named<pb::SubjectRegistered>},
    {"ConsentGiven", Named<pb::ConsentGiven>},
    {"ConsentWithdrawn", Named<pb::ConsentWithdrawn>},
    {"WillDeclared", Named<pb::WillDeclared>},
    {"AbilityAssessed", Named<pb::AbilityAssessed>},
    {"TrainingCompleted", Named<pb::TrainingCompleted>},
    {"TrainingPlanned", Named<pb::TrainingPlanned>},
    {"ContinuingEducation", Named<pb::ContinuingEducation>},
    {"Placed", Named<pb::Placed>},
    {"RetrainingAssigned", Named<pb::RetrainingAssigned>},
    {"SupervisionOpened", Named<pb::SupervisionOpened>},
    {"SupervisionFlagged", Named<pb::SupervisionFlagged>},
    {"SupervisionClosed", Named<pb::SupervisionClosed>},
    {"CustodyTransferred", Stated<pb::CustodyTransferred, pb::CustodyStatement>},
    {"InvestmentConfirmed", Stated<pb::InvestmentConfirmed, pb::InvestmentStatement>},
    {"FlowRecorded", Stated<pb::FlowRecorded, pb::FlowStatement>},
    {"TokenIssued", Named<pb::TokenIssued>},
    {"TokenPurchased", Bought},
    {"TokenTransferred", Sold},
    {"Corrected", Corrects},
    {"RecordContested", Named<pb::RecordContested>},
    {"ContestRefused", Named<pb::ContestRefused>},
};

std::optional<Bytes> SubjectIn(const ledger::StateReader& state, std::string_view kind,
                               BytesView payload) {
  const auto found =
      std::ranges::find(kSubjectIn, kind, [](const auto& known) { return known.kind; });
  return found == std::end(kSubjectIn) ? std::nullopt : found->subject(state, payload);
}

}  // namespace

std::span<const Kind> ErasureKinds() { return kErasureKinds; }

void NoteRefusedRecord(const ledger::Transaction& tx, const ledger::BlockContext& block,
                       ledger::StateOverlay& state) {
  const auto subject_id = SubjectIn(state, tx.kind, tx.payload);
  if (!subject_id || subject_id->size() != Hash::kSize) return;
  const auto subject = kSubjects.Get(state, *subject_id);
  if (subject && !subject->erased_by().empty()) {
    ledger::ErasePayload(state, block, tx.id, subject->erased_by());
  } else {
    kAbout.Put(state, Concat({*subject_id, tx.id.View()}), {});
  }
}

}  // namespace talent::tiers
