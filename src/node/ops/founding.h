// The genesis file of a new chain, from what its founders have sent each other.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crypto/ed25519.h"
#include "ledger/genesis.h"

namespace talent::node {

/// What a node tells of itself: public keys by what they are for, "node", "party" or
/// "vote-CHAIN".
struct NodeCard {
  std::string name;
  std::map<std::string, crypto::PublicKey> keys;
};

/// As `talentd init --output json` prints it. Errors: kInvalidArgument (names the field).
Result<NodeCard> ParseNodeCard(BytesView json);

/// A chain that is to be. Whoever has a key to vote on it validates it, the other nodes follow; a
/// node's party key makes it a talent centre of the chain, whose id is the node's name.
struct Founding {
  std::string name;
  ledger::Tier tier = ledger::Tier::kPrivate;
  Timestamp time;  // of height 0
  ledger::ConsensusRules consensus;
  std::vector<NodeCard> nodes;
  std::map<std::string, crypto::PublicKey> enterprises;  // by id
  std::map<std::string, std::string> titles;  // what people call a party, where that is not its id
  std::vector<Bytes> sources;                 // genesis files of the chains whose records it takes
  nlohmann::json policy;                      // null: the tier's defaults
};

/// The file's bytes; what they say has been read back as a node reads it. Errors: kInvalidArgument
/// (names the field).
Result<Bytes> MakeGenesis(const Founding& founding);

}  // namespace talent::node
