// Which nodes belong to a chain, by its sealed state: validators now and next, and followers.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "ledger/chain.h"
#include "node/peers/p2p.h"

namespace talent::node {

/// Thread-safe.
class Members {
 public:
  /// Reads the state of `chain`, which must outlive this.
  explicit Members(const ledger::Chain& chain);

  /// To be called after every sealed block; cheap where nobody came or went. Where the state cannot
  /// be read the members stay what they were.
  void Refresh();

  bool Contains(const NodeKey& key) const;
  /// The party that runs a node: an empty one where the chain knows none. nullopt: the node votes
  /// now, or will once the epoch ends.
  std::optional<std::string> RunnerOf(const NodeKey& key) const;
  std::size_t size() const;
  /// Those that vote now, or will once the epoch ends.
  std::vector<NodeKey> validators() const;

 private:
  void CannotRead(const Error& error) const;
  using Followers = std::map<NodeKey, std::string>;  // and the party that runs each
  Result<Followers> ReadFollowers(const ledger::StateReader& state, bool governed) const;

  const ledger::Chain& chain_;

  mutable std::mutex mutex_;  // guards:
  Bytes epoch_;               // the state's entries that the members were read at
  Bytes changed_;
  std::set<NodeKey> validators_;
  Followers followers_;
};

}  // namespace talent::node
