#include "ledger/transaction.h"

#include <algorithm>

#include "base/canonical.h"
#include "crypto/sha256.h"

namespace talent::ledger {
namespace {

constexpr std::uint32_t kEnvelopeFormat = 1;

// Tags and lengths of a SignedEnvelope and a Payload inside their lists, with lengths of at most
// five bytes each: 6 + 6 + 2 around envelope and signature, 6 + 2 + 6 around salt and data.
constexpr std::size_t kFraming = 28;

bool IsKind(const std::string& kind) {
  return !kind.empty() && kind.size() <= kMaxKindLength &&
         std::all_of(kind.begin(), kind.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

/// `bytes` as a T, or an error that names `field`.
template <class T>
Result<T> Sized(const char* field, BytesView bytes) {
  auto value = T::FromBytes(bytes);
  if (!value) return Within(field, std::move(value).error());
  return value;
}

Result<Transaction> ReadEnvelope(Bytes envelope_bytes, BytesView signature) {
  auto envelope = TRY(Decode<pb::Envelope>(envelope_bytes));
  if (envelope.format() != kEnvelopeFormat) {
    return Fail(Code::kInvalidArgument, "envelope.format: {}; this program reads {}",
                envelope.format(), kEnvelopeFormat);
  }
  if (!IsKind(envelope.kind())) {
    return Fail(Code::kInvalidArgument, "envelope.kind: 1 to {} letters and digits are expected",
                kMaxKindLength);
  }
  if (envelope.valid_until() == 0) {
    return Fail(Code::kInvalidArgument, "envelope.valid_until: missing");
  }
  if (!pb::Disclosure_IsValid(envelope.disclosure())) {
    return Fail(Code::kInvalidArgument, "envelope.disclosure: unknown class {}",
                static_cast<int>(envelope.disclosure()));
  }
  Transaction tx;
  tx.id = TransactionId(envelope_bytes);
  tx.chain = TRY(Sized<ChainId>("envelope.chain_id", envelope.chain_id()));
  tx.kind = std::move(*envelope.mutable_kind());
  tx.author = TRY(Sized<crypto::PublicKey>("envelope.author_key", envelope.author_key()));
  tx.payload_hash = TRY(Sized<Hash>("envelope.payload_hash", envelope.payload_hash()));
  tx.valid_until = Height(envelope.valid_until());
  tx.disclosure = envelope.disclosure();
  tx.envelope_bytes = std::move(envelope_bytes);
  tx.signature = TRY(Sized<crypto::Signature>("signature", signature));
  return tx;
}

}  // namespace

std::size_t Transaction::size() const {
  return kFraming + envelope_bytes.size() + crypto::Signature::kSize + salt.size() + payload.size();
}

TxId TransactionId(BytesView envelope_bytes) {
  const Hash hash = crypto::TaggedHash(crypto::Domain::kEnvelope, {envelope_bytes});
  return TxId::FromBytes(hash.View()).value();
}

Hash PayloadHash(BytesView salt, BytesView payload) {
  return crypto::TaggedHash(crypto::Domain::kPayload, {salt, payload});
}

Result<Transaction> ParseTransaction(BytesView canonical_transaction, std::size_t max_bytes) {
  const auto too_large = [&](std::size_t size) {
    return Fail(Code::kTooLarge, "a transaction of {} bytes; this chain takes up to {}", size,
                max_bytes);
  };
  if (canonical_transaction.size() > max_bytes) return too_large(canonical_transaction.size());
  auto message = TRY(Decode<pb::Transaction>(canonical_transaction));
  Transaction tx = TRY(ReadEnvelope(std::move(*message.mutable_envelope()), message.signature()));
  TRY(AttachPayload(tx, std::move(*message.mutable_payload())));
  if (tx.size() > max_bytes) return too_large(tx.size());
  return tx;
}

Result<Transaction> ParseTransaction(const pb::SignedEnvelope& envelope,
                                     const pb::Payload* payload) {
  Transaction tx = TRY(ReadEnvelope(envelope.envelope(), envelope.signature()));
  if (payload != nullptr) TRY(AttachPayload(tx, *payload));
  return tx;
}

Status AttachPayload(Transaction& tx, pb::Payload payload) {
  if (payload.salt().size() != kSaltSize) {
    return Fail(Code::kInvalidArgument, "payload.salt: {} bytes where {} are expected",
                payload.salt().size(), kSaltSize);
  }
  if (PayloadHash(payload.salt(), payload.data()) != tx.payload_hash) {
    return Fail(Code::kInvalidArgument,
                "payload: its hash is not the envelope's payload_hash; sign the bytes you send");
  }
  tx.salt = std::move(*payload.mutable_salt());
  tx.payload = std::move(*payload.mutable_data());
  return {};
}

Status VerifySignature(const Transaction& tx, const ChainId& chain) {
  if (tx.chain != chain) {
    return Fail(Code::kWrongChain, "transaction {} is meant for chain {}, not {}", tx.id.Hex(),
                tx.chain.Hex(), chain.Hex());
  }
  if (!crypto::Verify(tx.author, crypto::Domain::kTxSignature, chain, tx.envelope_bytes,
                      tx.signature)) {
    return Fail(Code::kBadSignature, "signature of transaction {} does not verify", tx.id.Hex());
  }
  return {};
}

Bytes Serialize(const Transaction& tx) {
  pb::Transaction message;
  message.set_envelope(tx.envelope_bytes);
  message.set_signature(tx.signature.ToBytes());
  if (tx.has_payload()) {
    message.mutable_payload()->set_salt(tx.salt);
    message.mutable_payload()->set_data(tx.payload);
  }
  return Encode(message);
}

Transaction MakeTransaction(const ChainId& chain, std::string_view kind, Bytes payload,
                            pb::Disclosure disclosure, Height valid_until,
                            const crypto::KeyPair& author, Random& random) {
  CHECK(IsKind(std::string(kind)), "'{}' is no kind", kind);
  CHECK(valid_until.value > 0, "a transaction is valid until some height");
  Transaction tx;
  tx.chain = chain;
  tx.kind = std::string(kind);
  tx.author = author.public_key();
  tx.valid_until = valid_until;
  tx.disclosure = disclosure;
  tx.salt = random.Draw(kSaltSize);
  tx.payload = std::move(payload);
  tx.payload_hash = PayloadHash(tx.salt, tx.payload);

  pb::Envelope envelope;
  envelope.set_format(kEnvelopeFormat);
  envelope.set_chain_id(chain.ToBytes());
  envelope.set_kind(tx.kind);
  envelope.set_author_key(tx.author.ToBytes());
  envelope.set_payload_hash(tx.payload_hash.ToBytes());
  envelope.set_valid_until(valid_until.value);
  envelope.set_disclosure(disclosure);
  tx.envelope_bytes = Encode(envelope);
  tx.id = TransactionId(tx.envelope_bytes);
  tx.signature = author.Sign(crypto::Domain::kTxSignature, chain, tx.envelope_bytes);
  return tx;
}

}  // namespace talent::ledger
