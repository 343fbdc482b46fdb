// What a proof shows beyond its own chain: the way of a record across the tiers, checked, and said
// in words.
#pragma once

#include <string>
#include <vector>

#include "ledger/light_client.h"

namespace talent::tiers {

/// State entries that the evidence in `tx` is checked with: the headers of the chain below that its
/// chain has accepted. Empty where it carries no evidence (or its payload is not here).
std::vector<Bytes> EvidenceKeys(const ledger::Transaction& tx);

/// One step that was checked.
struct PathFact {
  std::string step;     // "record", "consortium state", "step 3", …
  std::string english;  // one line each, without control characters
  std::string chinese;
  bool checked = true;  // false: the proof lacks the header it would be checked with
};

/// Checks the evidence that the transaction of `proof` carries: signature and payload hash of the
/// records in it, and states and transactions of the chain below, under the headers which the
/// statements of `proof` show as accepted. Requires: `proven` is what VerifyTransactionProof gave
/// for `proof`. Empty where the transaction carries no evidence. Errors name the step:
/// kBadSignature, kInvalidArgument. Pure.
Result<std::vector<PathFact>> CheckEvidence(const ledger::ProvenTransaction& proven,
                                            const ledger::pb::TransactionProof& proof);

}  // namespace talent::tiers
