// Proof of equivocation: two messages of one validator of which a correct one sends at most one.
#pragma once

#include <string_view>

#include "consensus/replica.h"

namespace talent::consensus {

enum class EvidenceKind {
  kPrePrepare,  // two offers for one view and height
  kPrepare,
  kCommit,
  kVotes,       // of two of these kinds, for one view and height and two digests
  kViewChange,  // two view changes to one view
  kNewView,     // two openings of one view
};
/// "PRE-PREPARE", "VOTES" and so on.
std::string_view EvidenceKindName(EvidenceKind kind);

/// What evidence is about. One validator's misdeed at one place counts once, whoever saw which two
/// of its messages: (epoch, culprit, kind, view, height) names it.
struct EvidenceFacts {
  Epoch epoch;
  ValidatorIndex culprit;
  EvidenceKind kind = EvidenceKind::kVotes;
  View view;
  Height height;  // 0 in a view change or new view
  auto operator<=>(const EvidenceFacts&) const = default;
};

/// Bounds what is kept, and goes on chains: a NEW-VIEW of 31 validators and a window of 16 fits.
inline constexpr std::size_t kMaxEvidenceBytes = 1u << 20;

/// Does a validator of `validators` stand convicted by these two messages, as the Evidence action
/// carries them (canonical Message bytes without a proposal)? Pure and deterministic; needs no
/// replica and no history. Two seals are no evidence: a seal signs a block hash and no height.
/// Errors: kInvalidArgument (not two signed messages that exclude each other), kTooLarge,
/// kWrongChain (of another epoch), kUnauthorized (no validator), kBadSignature.
Result<EvidenceFacts> VerifyEvidence(const ChainId& chain, const crypto::ValidatorSet& validators,
                                     BytesView first, BytesView second);

}  // namespace talent::consensus
