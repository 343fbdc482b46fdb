// The person: registration, consent and will.

#include <set>

#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

constexpr int kMaxConsentKinds = 64;
constexpr int kMaxConsentCentres = 32;
constexpr std::size_t kMaxPurpose = 256;
constexpr int kMaxRanked = 32;
constexpr int kMaxRefused = 64;
constexpr int kMaxCities = 16;
constexpr std::size_t kMaxCity = 64;

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
    if (kKeys.Has(call.state, key->View())) {
      return Fail(Code::kInvalidArgument,
                  "subject_key belongs to a party or another person of this chain");
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
  if (!message.subject_key().empty()) {
    pb::KeyOwner owner;
    owner.set_subject(message.subject_id());
    kKeys.Put(call.state, message.subject_key(), owner);
  }
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

Status ValidateScope(const pb::ConsentGiven& message, const Call& call) {
  TRY(RequireAscending("kinds", message.kinds(), kMaxConsentKinds));
  for (const std::string& kind : message.kinds()) {
    if (FindKind(PrivateKinds(), kind) == nullptr) {
      return Fail(Code::kInvalidArgument, "kinds names '{}', which is no kind of this chain", kind);
    }
  }
  TRY(RequireAscending("tiers", message.tiers(), pb::ConsentTier_ARRAYSIZE));
  for (const int tier : message.tiers()) {
    if (tier != pb::CONSENT_TIER_CONSORTIUM && tier != pb::CONSENT_TIER_PUBLIC) {
      return Fail(Code::kInvalidArgument, "tiers names unknown tier {}", tier);
    }
  }
  TRY(RequireAscending("centres", message.centres(), kMaxConsentCentres));
  for (const std::string& centre : message.centres()) {
    const auto party = kParties.Get(call.state, centre);
    if (!party || party->role() != pb::PARTY_ROLE_CENTRE) {
      return Fail(Code::kInvalidArgument, "centres names '{}', which is no centre of this chain",
                  centre);
    }
  }
  if (message.tiers().empty() && message.centres().empty()) {
    return Fail(Code::kInvalidArgument, "neither tiers nor centres: it consents to nothing");
  }
  TRY(RequireText("purpose", message.purpose(), kMaxPurpose));
  if (message.until_ms() <= call.block.time.value) {
    return Fail(Code::kPrecondition, "until_ms lies in the past of block time {}",
                call.block.time.value);
  }
  return {};
}

pb::Consent NewestConsent(const Call& call, BytesView subject_id) {
  return kConsents.Get(call.state, subject_id).value_or(pb::Consent());
}

Status Consent(const pb::ConsentGiven& message, const Call& call) {
  const Voice voice = TRY(RequireVoice(call, message.subject_id()));
  TRY(ValidateScope(message, call));
  pb::Consent consent;
  consent.set_record(call.tx.id.ToBytes());
  *consent.mutable_kinds() = message.kinds();
  *consent.mutable_tiers() = message.tiers();
  *consent.mutable_centres() = message.centres();
  consent.set_until_ms(message.until_ms());
  consent.set_withdrawn_height(NewestConsent(call, message.subject_id()).withdrawn_height());
  kConsents.Put(call.state, message.subject_id(), consent);
  return WriteRecord(call, FactsOf(message.subject_id(), voice));
}

// What waits to be promoted stays as well: the promoter asks IsStopped before it carries a
// record.
Status Withdraw(const pb::ConsentWithdrawn& message, const Call& call) {
  const Voice voice = TRY(RequireVoice(call, message.subject_id()));
  TRY(RequireId("consent", message.consent()));
  const pb::Consent newest = NewestConsent(call, message.subject_id());
  if (newest.record() != message.consent() || newest.until_ms() == 0) {
    return Fail(Code::kPrecondition, "{} is not the subject's consent in force",
                ToHex(message.consent()));
  }
  pb::Consent none;
  none.set_record(call.tx.id.ToBytes());
  none.set_withdrawn_height(call.block.height.value);
  kConsents.Put(call.state, message.subject_id(), none);
  return WriteRecord(call, FactsOf(message.subject_id(), voice));
}

Status ValidateWill(const pb::WillDeclared& message, const Call& call) {
  if (message.ranked_size() > kMaxRanked) {
    return Fail(Code::kInvalidArgument, "{} ranked enterprises, the most is {}",
                message.ranked_size(), kMaxRanked);
  }
  TRY(RequireAscending("refused", message.refused(), kMaxRefused));
  std::set<std::string_view> ranked;
  for (const std::string& id : message.ranked()) {
    TRY(RequireEnterpriseId(call, "ranked", id));
    if (!ranked.insert(id).second) {
      return Fail(Code::kInvalidArgument, "ranked names '{}' twice", id);
    }
  }
  for (const std::string& id : message.refused()) {
    TRY(RequireEnterpriseId(call, "refused", id));
    if (ranked.contains(id)) {
      return Fail(Code::kInvalidArgument, "'{}' is both ranked and refused", id);
    }
  }
  if (message.cities_size() > kMaxCities) {
    return Fail(Code::kInvalidArgument, "{} cities, the most is {}", message.cities_size(),
                kMaxCities);
  }
  for (const std::string& city : message.cities()) TRY(RequireText("cities", city, kMaxCity));
  if (message.until_ms() <= call.block.time.value) {
    return Fail(Code::kPrecondition, "until_ms lies in the past of block time {}",
                call.block.time.value);
  }
  return {};
}

Status DeclareWill(const pb::WillDeclared& message, const Call& call) {
  const Voice voice = TRY(RequireVoice(call, message.subject_id()));
  TRY(ValidateWill(message, call));
  pb::Will will;
  will.set_record(call.tx.id.ToBytes());
  *will.mutable_ranked() = message.ranked();
  *will.mutable_refused() = message.refused();
  will.set_until_ms(message.until_ms());
  kWills.Put(call.state, message.subject_id(), will);
  return WriteRecord(call, FactsOf(message.subject_id(), voice));
}

constexpr Kind kTalentKinds[] = {
    {"SubjectRegistered", Run<pb::SubjectRegistered, Register>},
    {"ConsentGiven", Run<pb::ConsentGiven, Consent>, Lane<1>},
    {"ConsentWithdrawn", Run<pb::ConsentWithdrawn, Withdraw>, Lane<0>},
    {"WillDeclared", Run<pb::WillDeclared, DeclareWill>, Lane<1>},
};

}  // namespace

std::span<const Kind> TalentKinds() { return kTalentKinds; }

}  // namespace talent::tiers
