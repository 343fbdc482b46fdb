// A person passes from the custody of one centre into that of another.

#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

/// Whether `key` speaks for the person: its own key, where it has one, else one of the present
/// custodian.
bool IsVoice(const Call& call, const pb::Subject& subject, const crypto::PublicKey& key) {
  if (!subject.key().empty()) return subject.key() == key.View();
  const auto party = FindPartyOf(call.state, key);
  return party && party->id() == subject.custodian();
}

// The voice of the person lets it go. That the next custodian takes it is what it signs as the
// author; without a release it learns nothing of the person. Errors: the key's and the signature's,
// kBadSignature, kNotFound, kUnauthorized (a suspended custodian), kPruned.
Result<pb::Subject> RequireReleased(const Call& call, const pb::CustodyTransferred& message,
                                    BytesView subject_id) {
  const auto key = crypto::PublicKey::FromBytes(message.key());
  if (!key) return Within("key", key.error());
  const auto signature = crypto::Signature::FromBytes(message.signature());
  if (!signature) return Within("signature", signature.error());
  if (!crypto::Verify(*key, crypto::Domain::kConsentSignature, call.block.chain,
                      message.statement(), *signature)) {
    return Fail(Code::kBadSignature, "signature does not verify over the statement on this chain");
  }
  const auto subject = kSubjects.Get(call.state, subject_id);
  if (!subject || !IsVoice(call, *subject, *key)) {
    return Fail(Code::kNotFound, "key speaks for no subject {} of this chain", ToHex(subject_id));
  }
  const auto party = FindPartyOf(call.state, *key);
  if (party && party->suspended()) {
    return Fail(Code::kUnauthorized, "custodian '{}' is suspended on this chain", party->id());
  }
  return FindSubject(call, subject_id);
}

Status Transfer(const pb::CustodyTransferred& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  const auto statement = TRY(Decode<pb::CustodyStatement>(message.statement()));
  TRY(RequireId("statement.subject_id", statement.subject_id()));
  TRY(RequireId("statement.reference", statement.reference()));
  if (statement.to() != centre.id()) {
    return Fail(Code::kUnauthorized, "statement.to is '{}', the author is centre '{}'",
                statement.to(), centre.id());
  }
  pb::Subject subject = TRY(RequireReleased(call, message, statement.subject_id()));
  if (statement.from() != subject.custodian() || statement.from() == statement.to()) {
    return Fail(Code::kPrecondition, "statement is from '{}' to '{}', the custodian is '{}'",
                statement.from(), statement.to(), subject.custodian());
  }
  if (statement.until_ms() <= call.block.time.value) {
    return Fail(Code::kPrecondition, "statement.until_ms lies in the past of block time {}",
                call.block.time.value);
  }
  TRY(UseStatement(call, message.statement()));
  subject.set_custodian(centre.id());
  kSubjects.Put(call.state, statement.subject_id(), subject);
  return WriteRecord(call, FactsOf(statement.subject_id(), centre));
}

constexpr Kind kCustodyKinds[] = {
    {"CustodyTransferred", Run<pb::CustodyTransferred, Transfer>, Lane<1>}};

}  // namespace

std::span<const Kind> CustodyKinds() { return kCustodyKinds; }

}  // namespace talent::tiers
