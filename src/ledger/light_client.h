// Checks what a node serves from the genesis file alone: headers through epochs, transactions,
// state.
#pragma once

#include "ledger/genesis.h"
#include "ledger/transaction.h"

namespace talent::ledger {

/// What a header says of itself: its form, and the suite Ed25519 + SHA-256. No others are known.
inline constexpr std::uint32_t kHeaderFormat = 1;
inline constexpr std::uint32_t kSuite = 1;

/// A header whose certificate has been verified.
struct TrustedHeader {
  Hash hash;
  pb::BlockHeader header;
};

/// Hash of canonical header bytes.
Hash BlockHash(BytesView header);

/// Verifies a certified header against the set of its epoch: canonical encoding, chain id, epoch,
/// set hash, quorum. Errors name the failing step. Pure.
Result<TrustedHeader> VerifyHeader(const ChainId& chain, const crypto::ValidatorSet& validators,
                                   const pb::CertifiedHeader& header);

/// The same from the genesis, through the changes of validators in `epochs` (from epoch 0 to the
/// header's or further), within the heights its epoch had.
Result<TrustedHeader> VerifyThroughEpochs(
    const Genesis& genesis, const google::protobuf::RepeatedPtrField<pb::EpochChange>& epochs,
    const pb::CertifiedHeader& header);

/// That `tx_id` is in the block of `header` at the path's place, with the receipt the path carries.
Result<pb::Receipt> VerifyTransactionPath(const pb::BlockHeader& header, const TxId& tx_id,
                                          const pb::TransactionPath& path);

/// That `proof` holds under `state_root`. A proof of absence verifies with `present` false.
Status VerifyStateProof(const Hash& state_root, const pb::StateProof& proof);

/// Statements a proof carries at most: a header for each step of the longest correction path, and
/// where the record stands.
inline constexpr int kMaxStatements = 96;

/// A transaction proven from its genesis.
struct ProvenTransaction {
  TrustedHeader header;
  Transaction transaction;
  pb::Receipt receipt;
};

/// Checks every step of `proof`; errors begin with the name of the step that failed ("certificate",
/// "transaction path", "author signature", "payload hash", "statement 2: state proof", …).
Result<ProvenTransaction> VerifyTransactionProof(const Genesis& genesis,
                                                 const pb::TransactionProof& proof);

/// Errors: kInvalidArgument (seals not ascending by validator, or a signature of another size).
Result<crypto::Certificate> FromProto(const pb::Certificate& certificate);
pb::Certificate ToProto(const crypto::Certificate& certificate);

}  // namespace talent::ledger
