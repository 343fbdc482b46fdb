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
  /// nullopt: the peer may have whatever is sealed here. Looks at kBlocksAtOnce blocks and some
  /// kBytesAtOnce at most, and goes on from there when it is asked again.
  std::optional<Limit> LimitOf(const NodeKey& peer, Timestamp now);

  /// A few milliseconds, since consensus waits meanwhile.
  static constexpr int kBlocksAtOnce = 32;
  static constexpr std::size_t kBytesAtOnce = 512u << 10;

 private:
  /// What was found for a peer, by which terms.
  struct Found {
    std::string party;
    tiers::Release::Terms terms;
    Limit limit;
  };
  /// The last block that is `age` old or older, or is not here any more.
  Height LastBefore(Timestamp now, Millis age) const;
  /// When all payloads of a block are open.
  std::optional<Timestamp> OpensAt(const tiers::Release& release,
                                   const ledger::pb::BlockWithPayloads& block) const;

  const ledger::Chain& chain_;
  const Members& members_;
  // Of admitted followers, also while they are away: who comes back goes on from there.
  std::map<NodeKey, Found> found_;
};

}  // namespace talent::node
