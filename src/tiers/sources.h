// The light client a receiving chain keeps in its state for every chain whose records it accepts:
// validators by epoch, and the headers that records cite.
#pragma once

#include "base/json_fields.h"
#include "ledger/epochs.h"
#include "ledger/light_client.h"
#include "talent/tiers/v1/public.pb.h"
#include "tiers/kind.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// Reads "sources" of the genesis: chains of tier `tier`. Errors: kInvalidArgument (names the
/// field).
Status InitSources(JsonFields& app, ledger::Tier tier, ledger::StateOverlay& state);

/// "validators" of `json`: name, vote key and node key of each. Errors: kInvalidArgument (names the
/// field).
Result<ledger::ValidatorInfos> ValidatorsFromJson(JsonFields& json);

/// As many as a genesis may name.
inline constexpr std::size_t kMaxSources = 256;
/// Writes a source and its validators in the epoch it names, from its first height on.
void PutSource(ledger::StateOverlay& state, const ChainId& chain, const pb::Source& source,
               const ledger::ValidatorInfos& validators);

/// That records of the chain are accepted. Errors: kNotFound (no source), kPrecondition (closed by
/// vote).
Result<pb::Source> RequireSource(const ledger::StateReader& state, BytesView chain_id);

/// SourceHeaderAccepted.
std::span<const Kind> SourceKinds();

/// Key of an accepted header in kHeaders.
Bytes HeaderKey(BytesView chain_id, Height height);

/// An accepted header that a transaction cites. Errors: kNotFound (submit it first).
Result<ledger::pb::BlockHeader> CitedHeader(const ledger::StateReader& state, BytesView chain_id,
                                            std::uint64_t height);

/// That the entry `key` has the value in `proof` in the state after `header`. Errors:
/// kBadSignature.
Status VerifyPresent(const ledger::pb::BlockHeader& header, BytesView key,
                     const ledger::pb::StateProof& proof);

/// That the transaction is in the block of `header` and took effect. Errors: kBadSignature.
Status VerifyEffective(const ledger::pb::BlockHeader& header, const TxId& id,
                       const ledger::pb::TransactionPath& path);

}  // namespace talent::tiers
