#include "tiers/signing.h"

#include "base/canonical.h"
#include "crypto/sha256.h"

namespace talent::tiers {

Hash SubjectId(BytesView salt, BytesView identity_document) {
  CHECK(salt.size() == Hash::kSize, "a salt of {} bytes", salt.size());
  return crypto::TaggedHash(crypto::Domain::kSubject, {salt, identity_document});
}

Hash ReviewCommitment(const v1::ReviewOpening& opening) {
  return crypto::TaggedHash(crypto::Domain::kReviewCommit, {Encode(opening)});
}

v1::InvestmentConfirmed CosignInvestment(const ChainId& chain,
                                         const v1::InvestmentStatement& statement,
                                         const crypto::KeyPair& enterprise) {
  v1::InvestmentConfirmed message;
  message.set_statement(Encode(statement));
  message.set_enterprise_key(enterprise.public_key().ToBytes());
  message.set_enterprise_signature(
      enterprise.Sign(crypto::Domain::kConsentSignature, chain, message.statement()).ToBytes());
  return message;
}

}  // namespace talent::tiers
