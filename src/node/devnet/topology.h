// Who is who on a devnet, and the genesis files that say so.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/ops/founding.h"

namespace talent::node {

/// One chain of the devnet and who takes part in it, by node and party name.
struct DevnetChain {
  std::string name;
  ledger::Tier tier;
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

/// Public keys by what they are for, as on a node's card.
using PublicKeys = std::map<std::string, crypto::PublicKey>;

/// Genesis of `chain`; `keys` by node or party name, `made` the genesis bytes of earlier chains by
/// name.
Result<Bytes> DevnetGenesis(const DevnetChain& chain, const std::map<std::string, PublicKeys>& keys,
                            const std::map<std::string, Bytes>& made, Timestamp time);

}  // namespace talent::node
