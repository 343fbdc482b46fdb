// The person: registration and consent.

#include <algorithm>

#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

constexpr int kMaxConsentKinds = 64;
constexpr std::size_t kMaxPurpose = 256;

Status Register(const pb::SubjectRegistered& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireId("subject_id", message.subject_id()));
  TRY(RequireId("commitment", message.commitment()));
  if (message.custodian() != centre.id()) {
    return Fail(Code::kUnauthorized, "custodian is '{}', the author is centre '{}'",
                message.custodian(), centre.id());
  }
  if (message.consent_version() == 0) {
    return Fail(Code::kInvalidArgument, "consent_version is 0; versions start at 1");
  }
  if (!message.subject_key().empty()) {
    const auto key = crypto::PublicKey::FromBytes(message.subject_key());
    if (!key) return Within("subject_key", key.error());
    if (FindPartyOf(call.state, *key)) {
      return Fail(Code::kInvalidArgument, "subject_key belongs to a party of this chain");
    }
  }
  if (kSubjects.Has(call.state, message.subject_id())) {
    return Fail(Code::kDuplicate, "subject {} is registered already", ToHex(message.subject_id()));
  }
  pb::Subject subject;
  subject.set_custodian(centre.id());
  subject.set_record(call.tx.id.ToBytes());
  subject.set_key(message.subject_key());
  kSubjects.Put(call.state, message.subject_id(), subject);
  WriteRecord(call, FactsOf(message.subject_id(), centre));
  return {};
}

template <class List>
bool StrictlyAscending(const List& list) {
  return std::adjacent_find(list.begin(), list.end(),
                            [](const auto& a, const auto& b) { return !(a < b); }) == list.end();
}

Status ValidateScope(const pb::ConsentGiven& message, const Call& call) {
  if (message.kinds_size() > kMaxConsentKinds || !StrictlyAscending(message.kinds())) {
    return Fail(Code::kInvalidArgument, "kinds are not in ascending order or more than {}",
                kMaxConsentKinds);
  }
  for (const std::string& kind : message.kinds()) {
    if (FindKind(PrivateKinds(), kind) == nullptr) {
      return Fail(Code::kInvalidArgument, "kinds names '{}', which is no kind of this chain", kind);
    }
  }
  if (message.tiers().empty() || !StrictlyAscending(message.tiers())) {
    return Fail(Code::kInvalidArgument, "tiers are empty or not in ascending order");
  }
  for (const int tier : message.tiers()) {
    if (tier != pb::CONSENT_TIER_CONSORTIUM && tier != pb::CONSENT_TIER_PUBLIC) {
      return Fail(Code::kInvalidArgument, "tiers names unknown tier {}", tier);
    }
  }
  TRY(RequireText("purpose", message.purpose(), kMaxPurpose));
  if (message.until_ms() <= call.block.time.value) {
    return Fail(Code::kPrecondition, "until_ms lies in the past of block time {}",
                call.block.time.value);
  }
  return {};
}

// The subject alone where it has an own key, else the custodian centre in its name.
Status Consent(const pb::ConsentGiven& message, const Call& call) {
  TRY(RequireId("subject_id", message.subject_id()));
  const auto subject = kSubjects.Get(call.state, message.subject_id());
  if (!subject) {
    return Fail(Code::kNotFound, "subject {} is not registered", ToHex(message.subject_id()));
  }
  pb::Party author;
  if (subject->key().empty()) {
    author = TRY(RequireCentre(call));
    if (author.id() != subject->custodian()) {
      return Fail(Code::kUnauthorized, "only custodian '{}' may consent for this subject",
                  subject->custodian());
    }
  } else if (subject->key() != call.tx.author.View()) {
    return Fail(Code::kUnauthorized,
                "the subject has a key of its own: only a consent signed with it counts");
  }
  TRY(ValidateScope(message, call));
  pb::Consent consent;
  consent.set_record(call.tx.id.ToBytes());
  *consent.mutable_kinds() = message.kinds();
  *consent.mutable_tiers() = message.tiers();
  consent.set_until_ms(message.until_ms());
  kConsents.Put(call.state, message.subject_id(), consent);
  RecordFacts facts = FactsOf(message.subject_id(), author);
  facts.entry.set_centre(subject->custodian());
  WriteRecord(call, std::move(facts));
  return {};
}

constexpr Kind kKinds[] = {
    {"SubjectRegistered", Run<pb::SubjectRegistered, Register>},
    {"ConsentGiven", Run<pb::ConsentGiven, Consent>, Lane<1>},
};

}  // namespace

std::span<const Kind> TalentKinds() { return kKinds; }

}  // namespace talent::tiers
