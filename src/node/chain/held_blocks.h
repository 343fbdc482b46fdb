// Which blocks a peer may not have yet, since payloads in them are not released to the party that
// runs it. A block is executed with its payloads, so it goes out whole or not at all.
#pragma once

#include <map>
#include <optional>

#include "ledger/chain.h"
#include "node/chain/members.h"
#include "tiers/release.h"

namespace talent::node {

/// Whether a payload is released is the application's to say (tiers/release.h); this finds the
/// first block that holds one which is not. Confined to its chain's strand.
class HeldBlocks {
 public:
  /// Both must outlive this.
  HeldBlocks(const ledger::Chain& chain, const Members& members)
      : chain_(chain), members_(members) {}

  struct Limit {
    Height open;      // the last block that the peer may have
    Timestamp until;  // when it may have the next one; 0: none is held back, or not known yet
  };
  /// nullopt: the peer may have whatever is sealed here. Looks at kBlocksAtOnce blocks at most and
  /// goes on from there when it is asked again.
  std::optional<Limit> LimitOf(const NodeKey& peer, Timestamp now);
  void OnPeerDown(const NodeKey& peer) { found_.erase(peer); }

  /// As many as one request gives: what there is to be found out costs about as much as sending it.
  static constexpr int kBlocksAtOnce = 64;

 private:
  /// What was found for a peer, by which terms.
  struct Found {
    std::string party;
    tiers::Release::Terms terms;
    Limit limit;
  };
  /// The last block that is `age` old or older, or is not here any more.
  Height LastBefore(Timestamp now, Millis age) const;
  /// When all payloads of a block are open; nullopt: it cannot be read.
  std::optional<Timestamp> OpensAt(const tiers::Release& release, Height height) const;

  const ledger::Chain& chain_;
  const Members& members_;
  std::map<NodeKey, Found> found_;  // connected peers: bounded by the network's connections
};

}  // namespace talent::node
