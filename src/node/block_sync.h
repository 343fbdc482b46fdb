// Which peer to ask for which sealed blocks next. No IO: the chain asks it what to send.
#pragma once

#include <map>
#include <optional>

#include "base/strong.h"
#include "node/p2p.h"

namespace talent::node {

/// Confined to its chain's strand. One request is open at a time; a peer that stays silent or
/// serves a bad block is passed over until the others have failed as well.
class BlockSync {
 public:
  static constexpr std::uint32_t kBlocksPerRequest = 64;
  static constexpr Millis kRequestTimeout{5000};

  struct Request {
    NodeKey to;
    Height from;
    std::uint32_t count = 0;
  };

  void OnStatus(const NodeKey& peer, Height sealed);
  void OnPeerDown(const NodeKey& peer);

  /// The request to send now, if blocks above `head` are to be had and none is open.
  std::optional<Request> Next(Height head, Timestamp now);

  /// True where this answers the open request, which is then closed. Other answers are nobody's
  /// business.
  bool Accept(const NodeKey& peer, std::uint64_t blocks, Height first);
  /// The answer was bad.
  void Penalise(const NodeKey& peer) { ++peers_[peer].failures; }

  /// Highest sealed height any connected peer claims.
  Height best() const;

 private:
  struct Peer {
    Height sealed;
    std::uint32_t failures = 0;
  };
  struct Open {
    Request request;
    Timestamp since;
  };
  std::map<NodeKey, Peer> peers_;  // connected peers: bounded by the network's connections
  std::optional<Open> open_;
};

}  // namespace talent::node
