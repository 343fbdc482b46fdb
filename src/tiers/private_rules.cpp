#include "tiers/private_rules.h"

#include <google/protobuf/util/message_differencer.h>

#include "crypto/sha256.h"
#include "tiers/promotion_policy.h"

namespace talent::tiers {

namespace {

void PutRecord(const Call& call, RecordFacts& facts) {
  pb::PrivateRecord& entry = facts.entry;
  entry.set_kind(call.tx.kind);
  if (entry.content_kind().empty()) entry.set_content_kind(call.tx.kind);
  entry.set_disclosure(call.tx.disclosure);
  entry.set_height(call.block.height.value);
  if (facts.mean_score) entry.set_mean_score(*facts.mean_score);
  kPrivateRecords.Put(call.state, call.tx.id.View(), entry);
}

}  // namespace

Status WriteRecord(const Call& call, RecordFacts facts) {
  PutRecord(call, facts);
  const Bytes& subject_id = facts.entry.subject_id();
  TRY(FindSubject(call, subject_id));
  kAbout.Put(call.state, Concat({subject_id, call.tx.id.View()}), {});
  if (const auto decision = Decide(call, facts)) {
    kDecisions.Put(call.state, call.tx.id.View(), *decision);
  }
  return {};
}

void WriteErasure(const Call& call, RecordFacts facts) {
  PutRecord(call, facts);
  if (!facts.erases.empty()) {
    kDecisions.Put(call.state, call.tx.id.View(), DecideErasure(call, facts));
  }
}

Result<pb::Subject> FindSubject(const Call& call, BytesView subject_id) {
  auto subject = kSubjects.Get(call.state, subject_id);
  if (!subject) return Fail(Code::kNotFound, "subject {} is not registered", ToHex(subject_id));
  if (subject->erased_by().empty()) return *std::move(subject);
  return Fail(Code::kPruned, "all about subject {} was erased by {}", ToHex(subject_id),
              ToHex(subject->erased_by()));
}

Status RequireContent(std::string_view what, BytesView id, const pb::PrivateRecord& record) {
  if (record.erased_by().empty()) return {};
  return Fail(Code::kPruned, "{} {} was erased by {}", what, ToHex(id), ToHex(record.erased_by()));
}

Result<pb::Subject> RequireSubject(const Call& call, BytesView subject_id,
                                   const pb::Party& centre) {
  TRY(RequireId("subject_id", subject_id));
  const auto subject = kSubjects.Get(call.state, subject_id);
  if (!subject || subject->custodian() != centre.id()) {
    return Fail(Code::kNotFound, "no subject {} is registered in the custody of '{}'",
                ToHex(subject_id), centre.id());
  }
  return FindSubject(call, subject_id);
}

Status RequireSubjectOrConsent(const Call& call, BytesView subject_id, const pb::Party& centre,
                               std::string_view kind) {
  const auto subject = RequireSubject(call, subject_id, centre);
  if (subject) return {};
  const auto consent = kConsents.Get(call.state, subject_id);
  if (subject.error().code == Code::kNotFound && consent &&
      Covers(*consent, kind, call.block.time) &&
      std::ranges::binary_search(consent->centres(), centre.id())) {
    return {};
  }
  return tl::unexpected<Error>(subject.error());
}

Result<Voice> RequireVoice(const Call& call, BytesView subject_id) {
  TRY(RequireId("subject_id", subject_id));
  Voice voice;
  const auto subject = kSubjects.Get(call.state, subject_id);
  if (subject && subject->key() == call.tx.author.View()) {
    voice.subject = *subject;
    return voice;
  }
  voice.party = TRY(RequireCentre(call));
  voice.subject = TRY(RequireSubject(call, subject_id, voice.party));
  if (voice.subject.key().empty()) return voice;
  return Fail(Code::kUnauthorized,
              "the subject has a key of its own: only what is signed with it counts");
}

RecordFacts FactsOf(BytesView subject_id, const Voice& voice) {
  RecordFacts facts = FactsOf(subject_id, voice.party);
  facts.entry.set_centre(voice.subject.custodian());
  return facts;
}

bool Covers(const pb::Consent& consent, std::string_view kind, Timestamp now) {
  if (consent.until_ms() <= now.value) return false;
  const auto& kinds = consent.kinds();
  return kinds.empty() || std::ranges::find(kinds, kind) != kinds.end();
}

bool IsErased(const ledger::StateReader& state, BytesView record_id) {
  const auto record = kPrivateRecords.Get(state, record_id);
  return record && !record->erased_by().empty();
}

bool IsStopped(const ledger::StateReader& state, BytesView record_id) {
  const auto record = kPrivateRecords.Get(state, record_id);
  if (!record || record->kind() == "Erased") return false;
  if (!record->erased_by().empty()) return true;
  const auto consent = kConsents.Get(state, record->subject_id());
  return consent && record->height() <= consent->withdrawn_height();
}

RecordFacts FactsOf(BytesView subject_id, const pb::Party& centre) {
  RecordFacts facts;
  facts.entry.set_subject_id(Bytes(subject_id));
  facts.entry.set_author(centre.id());
  facts.entry.set_centre(centre.id());
  return facts;
}

Status RequireId(std::string_view field, BytesView id) {
  if (const auto hash = Hash::FromBytes(id); !hash) return Within(field, hash.error());
  return {};
}

Status RequireText(std::string_view field, std::string_view text, std::size_t max_size) {
  if (text.empty() || text.size() > max_size) {
    return Fail(Code::kInvalidArgument, "{} has {} bytes where 1 to {} are expected", field,
                text.size(), max_size);
  }
  return {};
}

Status RequireEnterpriseId(const Call& call, std::string_view field, const std::string& id) {
  const auto party = kParties.Get(call.state, id);
  if (party && party->role() == pb::PARTY_ROLE_ENTERPRISE) return {};
  if (!IsPartyId(id)) return Fail(Code::kInvalidArgument, "{} names no party id", field);
  return Fail(Code::kNotFound, "{} names '{}', which is no enterprise of this chain", field, id);
}

Status RequireAssessment(const Call& call, std::string_view field, BytesView id,
                         BytesView subject_id, pb::AssessmentPhase phase,
                         pb::AssessmentPhase or_phase) {
  TRY(RequireId(field, id));
  const auto record = kPrivateRecords.Get(call.state, id);
  if (!record || record->content_kind() != "AbilityAssessed") {
    return Fail(Code::kNotFound, "{} names no assessment of this chain", field);
  }
  if (record->subject_id() != subject_id) {
    return Fail(Code::kPrecondition, "{} is an assessment of another subject", field);
  }
  TRY(RequireContent(field, id, *record));
  if (!record->superseded_by().empty()) {
    return Fail(Code::kPrecondition, "{} was superseded by record {}; name that one", field,
                ToHex(record->superseded_by()));
  }
  if (record->phase() != phase && record->phase() != or_phase) {
    return Fail(Code::kPrecondition, "{} is an assessment of another phase ({})", field,
                pb::AssessmentPhase_Name(record->phase()));
  }
  return {};
}

Status RequireCosignature(const Call& call, std::string_view field, BytesView statement,
                          BytesView key, BytesView signature, const std::string& party_id) {
  const auto public_key = crypto::PublicKey::FromBytes(key);
  if (!public_key) return Within(fmt::format("{}_key", field), public_key.error());
  const auto bytes = crypto::Signature::FromBytes(signature);
  if (!bytes) return Within(fmt::format("{}_signature", field), bytes.error());
  const auto party = FindPartyOf(call.state, *public_key);
  if (!party || party->id() != party_id || party->role() != pb::PARTY_ROLE_ENTERPRISE) {
    return Fail(Code::kUnauthorized, "{}_key is no key of enterprise '{}'", field, party_id);
  }
  if (party->suspended()) {
    return Fail(Code::kUnauthorized, "{}_key: '{}' is suspended on this chain", field, party_id);
  }
  if (!crypto::Verify(*public_key, crypto::Domain::kConsentSignature, call.block.chain, statement,
                      *bytes)) {
    return Fail(Code::kBadSignature,
                "{}_signature does not verify over the statement on this chain", field);
  }
  return {};
}

Status UseStatement(const Call& call, BytesView statement) {
  const Hash hash = crypto::Sha256(statement);
  if (kStatements.Has(call.state, hash.View())) {
    return Fail(Code::kDuplicate, "this statement was used before");
  }
  pb::ConfirmedStatement used;
  used.set_record(call.tx.id.ToBytes());
  kStatements.Put(call.state, hash.View(), used);
  return {};
}

void NoteConcern(const Call& call, BytesView subject_id, BytesView enterprise, std::int64_t units) {
  const Bytes key = Concat({subject_id, enterprise});
  auto concern = kConcerns.Get(call.state, key);
  if (concern && units == 0) return;
  if (!concern) {
    concern.emplace();
    concern->set_since_ms(call.block.time.value);
  }
  if (concern->units() == 0 && units > 0) concern->set_holds_since_ms(call.block.time.value);
  const auto after = static_cast<std::int64_t>(concern->units()) + units;
  CHECK(after >= 0, "an enterprise sells more than it holds");
  concern->set_units(static_cast<std::uint64_t>(after));
  if (after == 0) concern->clear_holds_since_ms();
  kConcerns.Put(call.state, key, *concern);
}

void EndPlan(pb::Career& career) {
  career.clear_stage();
  career.clear_plan();
  career.clear_budget_class();
  career.clear_bar();
  career.clear_training();
  career.clear_outcome();
  career.clear_after_assessment();
}

constexpr std::size_t kMaxDifference = 256;

Status RequireComputed(std::string_view what, const google::protobuf::Message& stated,
                       const google::protobuf::Message& computed) {
  std::string differences;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(computed, stated)) return {};
  return Fail(Code::kPrecondition, "{} is not what the chain's state gives; {}", what,
              differences.substr(0, std::min(differences.find('\n'), kMaxDifference)));
}

}  // namespace talent::tiers
