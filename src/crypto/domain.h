// Domain separation: what a hash or signature is for is part of what it covers.
#pragma once

#include "base/bytes.h"

namespace talent::crypto {

/// One purpose of hashing or signing. The text behind each is in docs/protocol.md and never
/// changes; a new format gets a new domain.
enum class Domain {
  kGenesis,           // "talent/genesis/v1"        → ChainId
  kEnvelope,          // "talent/envelope/v1"       → TxId
  kPayload,           // "talent/payload/v1"        → payload hash (salt ‖ payload)
  kHeader,            // "talent/header/v1"         → block hash
  kValidatorSet,      // "talent/validators/v1"     → validator-set hash
  kBatch,             // "talent/batch/v1"          → order digest
  kStateKey,          // "talent/state-key/v1"      → path in the state tree
  kStateValue,        // "talent/state-value/v1"    → value hash in the state tree
  kReviewCommit,      // "talent/review-commit/v1"  → commitment of a review
  kSubject,           // "talent/subject/v1"        → subject id from identity document and salt
  kTxSignature,       // "talent/sign/tx/v1"
  kConsentSignature,  // "talent/sign/cosign/v1"    second party's signature inside a payload
  kPbftSignature,     // "talent/sign/pbft/v1"
  kSealSignature,     // "talent/sign/seal/v1"
  kClientAuth,        // "talent/sign/client-auth/v1"
  kOfferSignature,    // "talent/sign/offer/v1"     a node's keys, when it asks to be let in
  kAddressSignature,  // "talent/sign/address/v1"   where a node can be reached
};

/// The domain's text, zero-padded to 32 bytes.
BytesView DomainTag(Domain domain);

/// What is signed: tag (32) ‖ chain id (32) ‖ body.
Bytes SigningInput(Domain domain, const ChainId& chain, BytesView body);

}  // namespace talent::crypto
