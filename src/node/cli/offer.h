// The file in which a node asks to be let in to a chain: JSON, carried by people from the node to a
// centre.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/strong.h"
#include "ledger/epochs.h"
#include "ledger/genesis.h"
#include "talent/tiers/v1/governance.pb.h"

namespace talent::node::cli {

/// The text of an offer file.
std::string OfferToJson(const ledger::Genesis& genesis, const tiers::v1::NodeOffer& offer);

/// An offer and what it says.
struct CheckedOffer {
  tiers::v1::NodeOffer offer;
  tiers::v1::NodeStatement statement;
};
/// Errors: those of ReadFile; kInvalidArgument (names the field), kWrongChain, kBadSignature (its
/// keys are not proven).
Result<CheckedOffer> ReadOffer(const std::filesystem::path& file, const ChainId& chain);

/// An array of their names, vote keys and node keys.
nlohmann::json ValidatorsToJson(const ledger::ValidatorInfos& validators);

}  // namespace talent::node::cli
