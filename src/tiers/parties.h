// The registry of parties: who may write, and with which keys.
#pragma once

#include "base/json_fields.h"
#include "tiers/kind.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// Also the bound on "enterprises a record concerns", which proofs and promotions carry.
inline constexpr std::size_t kMaxParties = 1024;
inline constexpr std::size_t kMaxPartyIdLength = 64;
/// Enough for every desk of a centre; a registry entry stays small.
inline constexpr std::size_t kMaxPartyKeys = 64;
inline constexpr std::size_t kMaxPartyName = 128;

/// Reads "parties" of the genesis and registers them. Errors: kInvalidArgument (names the field).
Status InitParties(JsonFields& app, ledger::StateOverlay& state);

/// The texts of an array. Errors: kInvalidArgument (names the field).
Result<std::vector<std::string>> Texts(JsonFields& json, const std::string& name,
                                       std::size_t max_size);

/// [a-z0-9-], 1 to 64.
bool IsPartyId(std::string_view id);

/// The party `key` signs for.
std::optional<pb::Party> FindPartyOf(const ledger::StateReader& state,
                                     const crypto::PublicKey& key);

/// Whether a party is suspended by vote. Who is not registered is not.
bool IsSuspended(const ledger::StateReader& state, BytesView id);
/// The author as a registered party that is not suspended. Errors: kUnauthorized.
Result<pb::Party> RequireParty(const Call& call);
/// The author as a centre. Errors: kUnauthorized.
Result<pb::Party> RequireCentre(const Call& call);
/// The author as an enterprise. Errors: kUnauthorized.
Result<pb::Party> RequireEnterprise(const Call& call);

}  // namespace talent::tiers
