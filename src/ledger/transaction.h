// Transactions: parsing with every check that needs no state, building, signing.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/strong.h"
#include "crypto/ed25519.h"
#include "talent/ledger/v1/ledger.pb.h"

namespace talent::ledger {

namespace pb = ::talent::ledger::v1;

/// A well-formed transaction. `envelope_bytes` are the bytes its author signed and are what is
/// stored, hashed and passed on; `envelope` is only a reading of them.
struct Transaction {
  TxId id;
  ChainId chain;
  std::string kind;
  crypto::PublicKey author;
  Hash payload_hash;
  Height valid_until;
  pb::Disclosure disclosure = pb::DISCLOSURE_UNSPECIFIED;
  Bytes envelope_bytes;
  crypto::Signature signature;
  Bytes salt;     // empty where the payload is withheld or erased
  Bytes payload;  // canonical bytes of the kind's message

  bool has_payload() const { return !salt.empty(); }
  /// Bytes it takes in a batch with its payload.
  std::size_t size() const;
};

using TxPtr = std::shared_ptr<const Transaction>;  // shared by mempool, batches and blocks

inline constexpr std::size_t kSaltSize = 32;
inline constexpr std::size_t kMaxKindLength = 64;

TxId TransactionId(BytesView envelope_bytes);
Hash PayloadHash(BytesView salt, BytesView payload);

/// Reads a submitted transaction: canonical envelope of the known format, sizes, payload hash.
/// Does not check the signature. Errors: kInvalidArgument (names the field), kTooLarge.
Result<Transaction> ParseTransaction(BytesView canonical_transaction, std::size_t max_bytes);
/// The same from a block's parts; pass nullptr where the payload is not at hand.
Result<Transaction> ParseTransaction(const pb::SignedEnvelope& envelope,
                                     const pb::Payload* payload);
/// Gives a transaction parsed without its payload the payload. Errors: kInvalidArgument (its hash
/// is not the envelope's).
Status AttachPayload(Transaction& tx, pb::Payload payload);

/// Errors: kWrongChain, kBadSignature. Pure and thread-safe; about 50 µs.
Status VerifySignature(const Transaction& tx, const ChainId& chain);

/// Canonical bytes of the talent.ledger.v1.Transaction.
Bytes Serialize(const Transaction& tx);

/// Signs a new transaction on `chain`; `payload` is the canonical bytes of the kind's message.
Transaction MakeTransaction(const ChainId& chain, std::string_view kind, Bytes payload,
                            pb::Disclosure disclosure, Height valid_until,
                            const crypto::KeyPair& author, Random& random);

}  // namespace talent::ledger
