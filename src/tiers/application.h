// The three applications: private, consortium and public chain.
#pragma once

#include <memory>
#include <optional>

#include "ledger/application.h"

namespace talent::tiers {

/// The application of the genesis' tier. Errors: kInvalidArgument (names the field of "app" that is
/// wrong).
Result<std::unique_ptr<ledger::Application>> MakeApplication(const ledger::Genesis& genesis);

/// May the holder of `reader` (nullopt: anyone) read the payload of `tx`, sealed on the chain whose
/// state this is? Private: the person, the centres that answer for it or that its consent lets in,
/// and the enterprises it concerns. Consortium: registered parties, once released to their points
/// tier. Public: everyone.
bool MayReadPayload(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
                    const ledger::Transaction& tx, const std::optional<crypto::PublicKey>& reader);

/// May the holder of `reader` read this entry of the state, and proofs of it? Public: everyone.
/// Else who may log in; what a private chain's state says of a person is for those who may read the
/// person's payloads.
bool MayReadEntry(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
                  BytesView key, const std::optional<crypto::PublicKey>& reader);

/// Is `key` one of a registered party of the chain, or a registered person's own?
bool MayLogIn(const ledger::StateReader& state, const crypto::PublicKey& key);

}  // namespace talent::tiers
