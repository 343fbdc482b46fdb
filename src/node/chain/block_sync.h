// Which peer to ask for which sealed blocks next. No IO: the chain asks it what to send.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/strong.h"
#include "node/peers/p2p.h"
#include "node/peers/wire.h"

namespace talent::node {

/// Confined to its chain's strand. A few ranges of blocks are asked for at a time, one of a peer,
/// and wait here for their turn. A peer that stays silent, has not what it claims, serves less than
/// it was asked for and could send, or a bad block, has failed, until it serves a good answer: it
/// is passed over until the others have failed as well, and asked ever less often. What comes next
/// is asked of a second peer where the first takes its time.
class BlockSync {
 public:
  /// Asked for or waiting: bounds memory at so many responses, and one more for the range that is
  /// next. Two would keep a chain busy that executes slower than a peer answers; more help where
  /// peers are far away.
  static constexpr std::size_t kMaxRanges = 4;
  static constexpr std::uint32_t kBlocksPerRequest = kMaxBlocksPerResponse;
  /// An answer ends with the block that reaches this. Votes overtake an answer only between frames,
  /// so one is no longer than a vote can wait.
  static constexpr std::size_t kBytesPerResponse = 1u << 20;
  static constexpr Millis kRequestTimeout{5000};
  /// Over ten times what an answer takes between continents.
  static constexpr Millis kSecondAfter{1500};
  /// A peer that failed is left alone for this long, twice as long with every further failure.
  static constexpr Millis kRetryFirst{1000};
  static constexpr Millis kRetryCap{32'000};
  /// What a peer has erased it does not get back, but it may be replaced by one that has it.
  static constexpr Millis kLackPause{30'000};

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

  /// A request to send now; nullopt where enough are open, or no peer has what is wanted. `head` is
  /// the chain's. To be called until it has no more.
  std::optional<Request> Next(Height head, Timestamp now);

  using Response = std::shared_ptr<v1::SyncResponse>;
  /// True where this answers a request of ours; the blocks then wait here. `first` is the height of
  /// the first of them. Other answers are nobody's business.
  bool Accept(const NodeKey& peer, Response response, Height first, Timestamp now);

  struct Arrived {
    NodeKey from;
    Response response;
  };
  /// The blocks that follow `head`, where they are here. To be followed by Applied().
  std::optional<Arrived> Take(Height head);
  /// What was taken is done with: blocks of it that the chain still lacks are asked for again.
  void Applied();

  /// A block it served was good; to be called before Applied().
  void Good(const NodeKey& peer);
  /// The answer was bad.
  void Penalise(const NodeKey& peer, Timestamp now);

  /// The answer lacked a payload, as that of an honest peer may: others are asked first.
  void Lacks(const NodeKey& peer, Timestamp now);
  /// Connected peers that say they have `height`.
  std::size_t Claiming(Height height) const;

  /// Connected peers that said how far they are.
  std::size_t reporting() const { return peers_.size(); }

  /// Highest sealed height that those most worth believing claim: validators that have not failed;
  /// without any of these, other validators; without any validator, others in the same order.
  Height best() const;

 private:
  struct Peer {
    Height sealed;
    bool validator = false;
    std::uint32_t failures = 0;
    Timestamp retry_at;            // not to be asked before
    std::uint64_t last_asked = 0;  // number of the request
  };
  struct Range {
    std::uint32_t count = 0;
    NodeKey peer;
    Timestamp since;
    /// Asked as well, and since when.
    std::optional<std::pair<NodeKey, Timestamp>> second;
    Response response;    // null: asked for
    bool taken = false;   // being applied
    bool stingy = false;  // there could have been more in it
  };
  using Ranges = std::map<Height, Range>;
  std::optional<Request> NextRange(Height head, Timestamp now);
  std::optional<Request> AskSecond(Height head, Timestamp now);
  /// Whom to ask for `missing` blocks from `from` on; it must have `least`.
  std::optional<NodeKey> Choose(Height from, std::uint64_t missing, Height least, Timestamp now);
  /// The first of its peers is none any more; false: and there is no second.
  static bool HandOver(Range& range);
  Ranges::iterator FindAsked(const NodeKey& peer);

  void DropStale(Height head, Timestamp now);
  /// Lowest height above `head` in no range, and how many from there on are in none.
  std::pair<Height, std::uint64_t> Gap(Height head) const;
  std::set<NodeKey> validators_;
  std::map<NodeKey, Peer> peers_;  // connected peers: bounded by the network's connections
  Ranges ranges_;                  // by first height; they do not overlap
  std::uint64_t requests_ = 0;
};

}  // namespace talent::node
