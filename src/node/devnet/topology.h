// Who is who on a devnet, and the genesis files that say so.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "crypto/ed25519.h"

namespace talent::node {

/// One chain of the devnet and who takes part in it, by node and party name.
struct DevnetChain {
  std::string name;
  std::string tier;
  std::vector<std::string> validators;
  std::vector<std::string> followers;
  std::vector<std::string> centres;      // parties
  std::vector<std::string> enterprises;  // parties
  std::vector<std::string> sources;      // chains it takes records from
};

/// In the order their genesis files must be made: sources first.
const std::vector<DevnetChain>& DevnetChains();
/// Nodes, in the order they are started.
const std::vector<std::string>& DevnetNodes();
/// Enterprises that hold keys and run no node.
const std::vector<std::string>& DevnetEnterprises();

/// Public keys by what they are for: "node", "party" or "vote-<chain>".
using PublicKeys = std::map<std::string, crypto::PublicKey>;

/// Genesis of `chain`; `keys` by node or party name, `made` the genesis bytes of earlier chains by
/// name.
nlohmann::json DevnetGenesis(const DevnetChain& chain,
                             const std::map<std::string, PublicKeys>& keys,
                             const std::map<std::string, std::string>& made, std::uint64_t time_ms);

}  // namespace talent::node
