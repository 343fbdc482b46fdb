// Which peer to ask for which sealed blocks next. No IO: the chain asks it what to send.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/strong.h"
#include "node/peers/p2p.h"
#include "node/peers/wire.h"

namespace talent::node {

/// Confined to its chain's strand. One request is open at a time. A peer that stays silent, has not
/// what it claims or serves a bad block has failed, until it serves a good one: it is passed over
/// until the others have failed as well, and asked ever less often.
class BlockSync {
 public:
  static constexpr std::uint32_t kBlocksPerRequest = kMaxBlocksPerResponse;
  static constexpr Millis kRequestTimeout{5000};
  /// A peer that failed is left alone for this long, twice as long with every further failure.
  static constexpr Millis kRetryFirst{1000};
  static constexpr Millis kRetryCap{32'000};

  /// Anybody may be a peer of a public chain; `validators` of the chain are asked first.
  explicit BlockSync(std::set<NodeKey> validators = {}) : validators_(std::move(validators)) {}
  /// Another epoch's.
  void SetValidators(std::set<NodeKey> validators);

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
  bool Accept(const NodeKey& peer, std::uint64_t blocks, Height first, Timestamp now);
  /// A block it served was good.
  void Good(const NodeKey& peer);
  /// The answer was bad.
  void Penalise(const NodeKey& peer, Timestamp now);

  /// Highest sealed height that those most worth believing claim: validators that have not failed;
  /// without any of these, other validators; without any validator, others in the same order.
  Height best() const;

 private:
  struct Peer {
    Height sealed;
    bool validator = false;
    std::uint32_t failures = 0;
    Timestamp retry_at;  // not to be asked before
  };
  struct Open {
    Request request;
    Timestamp since;
  };
  std::set<NodeKey> validators_;
  std::map<NodeKey, Peer> peers_;  // connected peers: bounded by the network's connections
  std::optional<Open> open_;
};

}  // namespace talent::node
