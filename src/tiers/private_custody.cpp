// A person passes from the custody of one centre into that of another.

#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

// Whoever speaks for the person lets it go: its own key, where it has one, else the present
// custodian. That the next custodian takes it is what it signs as the author.
Status RequireRelease(const Call& call, const pb::CustodyTransferred& message,
                      const pb::Subject& subject) {
  const auto key = crypto::PublicKey::FromBytes(message.key());
  if (!key) return Within("key", key.error());
  const auto signature = crypto::Signature::FromBytes(message.signature());
  if (!signature) return Within("signature", signature.error());
  if (!subject.key().empty()) {
    if (subject.key() != message.key()) {
      return Fail(Code::kUnauthorized,
                  "the subject has a key of its own: only what is signed with it counts");
    }
  } else {
    const auto party = FindPartyOf(call.state, *key);
    if (!party || party->id() != subject.custodian()) {
      return Fail(Code::kUnauthorized, "key is no key of custodian '{}'", subject.custodian());
    }
    if (party->suspended()) {
      return Fail(Code::kUnauthorized, "custodian '{}' is suspended on this chain", party->id());
    }
  }
  if (!crypto::Verify(*key, crypto::Domain::kConsentSignature, call.block.chain,
                      message.statement(), *signature)) {
    return Fail(Code::kBadSignature, "signature does not verify over the statement on this chain");
  }
  return {};
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
  pb::Subject subject = TRY(FindSubject(call, statement.subject_id()));
  TRY(RequireRelease(call, message, subject));
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
