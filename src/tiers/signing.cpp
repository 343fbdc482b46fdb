#include "tiers/signing.h"

#include <map>

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

v1::CustodyTransferred SignCustody(const ChainId& chain, const v1::CustodyStatement& statement,
                                   const crypto::KeyPair& voice) {
  v1::CustodyTransferred message;
  message.set_statement(Encode(statement));
  message.set_key(voice.public_key().ToBytes());
  message.set_signature(
      voice.Sign(crypto::Domain::kConsentSignature, chain, message.statement()).ToBytes());
  return message;
}

v1::TokenTransferred CosignTransfer(const ChainId& chain, const v1::TransferStatement& statement,
                                    const crypto::KeyPair& buyer) {
  v1::TokenTransferred message;
  message.set_statement(Encode(statement));
  message.set_buyer_key(buyer.public_key().ToBytes());
  message.set_buyer_signature(
      buyer.Sign(crypto::Domain::kConsentSignature, chain, message.statement()).ToBytes());
  return message;
}

v1::FlowRecorded SignFlow(const ChainId& chain, const v1::FlowStatement& statement,
                          std::span<const crypto::KeyPair> keys) {
  v1::FlowRecorded message;
  message.set_statement(Encode(statement));
  std::map<Bytes, Bytes> signatures;  // by key
  for (const crypto::KeyPair& key : keys) {
    signatures[key.public_key().ToBytes()] =
        key.Sign(crypto::Domain::kConsentSignature, chain, message.statement()).ToBytes();
  }
  for (auto& [key, signature] : signatures) {
    auto& added = *message.add_signatures();
    added.set_key(key);
    added.set_signature(signature);
  }
  return message;
}

}  // namespace talent::tiers
