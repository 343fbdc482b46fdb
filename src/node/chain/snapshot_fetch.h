// Which peer to ask for which part of a snapshot next, and what to do with the answers. No IO.
#pragma once

#include <array>
#include <map>

#include "ledger/snapshot.h"
#include "node/peers/p2p.h"

namespace talent::node {

/// Fetches the chunks of one snapshot from any peers that have its height and hands them to a
/// restore in order. Every chunk is checked when it arrives; a peer that serves a bad one, is
/// silent, slower than another or refuses is passed over, and asked ever less often. One thread.
class SnapshotFetch {
 public:
  /// State chunks asked for or waiting for an earlier one: bounds memory at so many times
  /// ledger::kMaxInflatedChunk, and with honest peers at as many MiB.
  static constexpr std::size_t kMaxAhead = 8;
  static constexpr Millis kRequestTimeout{10'000};
  /// What everything waits for is then asked of a second peer.
  static constexpr Millis kSecondAfter{2'000};
  static constexpr Millis kRetryFirst{500};
  static constexpr Millis kRetryCap{32'000};
  /// Places that one peer has had divided and that are not here yet: the ancestors of those under
  /// way, which lie as deep as the state has chunks in powers of two.
  static constexpr std::size_t kMaxDivisions = 64 * kMaxAhead;

  /// `restore` must outlive the fetch.
  explicit SnapshotFetch(ledger::SnapshotRestore& restore);

  void OnPeer(const NodeKey& peer, bool up);

  struct Request {
    NodeKey to;
    v1::SnapshotRequest message;
  };
  /// Requests to send now.
  std::vector<Request> Next(Timestamp now);

  /// An answer; one that nobody asked for is ignored. `bad`, if given, is told what is wrong with a
  /// peer's answer. Errors, after which the restore cannot go on: kIo, kDiverged (of
  /// another history than the pinned block's).
  Status OnResponse(const NodeKey& from, const v1::SnapshotResponse& response, Timestamp now,
                    const std::function<void(const Error&)>& bad);

  bool done() const { return !restore_.next_state() && !restore_.next_window(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Peer {
    std::uint32_t failures = 0;
    Timestamp retry_at;
    bool gone = false;             // has not the snapshot's height
    std::uint64_t last_asked = 0;  // id of the request
    std::size_t divisions = 0;     // of divided_
  };
  struct Division {
    NodeKey by;
    std::array<bool, 2> halves{};  // that are here, a chunk each
    std::size_t bytes = 0;         // of their entries
  };
  using Divisions = std::map<std::pair<Hash, std::size_t>, Division>;  // by place;
  struct Open {
    v1::SnapshotRequest request;
    ledger::StateSubtree place;  // where state is asked for
    Timestamp since;
    bool second = false;  // another peer was asked before
  };

  std::optional<Open> NextPart();
  /// A part that all others wait for, and that one peer has been asked for a while ago.
  std::optional<Open> Overdue(Timestamp now) const;
  std::optional<ledger::StateSubtree> TakePlace();
  std::optional<NodeKey> IdlePeer(Timestamp now) const;
  std::size_t CountOpen(const Open& part) const;
  bool IsHere(const ledger::StateSubtree& place) const;
  bool IsHere(const Open& part) const;
  void Ask(const NodeKey& peer, Open open, std::vector<Request>& out);
  void Reopen(const Open& open);
  void Penalise(const NodeKey& peer, Timestamp now);
  Status TakeChunk(const NodeKey& from, const Open& open, const Bytes& packed, Timestamp now,
                   const std::function<void(const Error&)>& bad);
  void TakeDivision(const NodeKey& from, const ledger::StateSubtree& place);
  /// Penalises who had a place divided without need, as this chunk shows.
  void CheckDivisions(const ledger::StateChunk& chunk, Timestamp now);
  Divisions::iterator Close(Divisions::iterator division);
  Status Apply();

  ledger::SnapshotRestore& restore_;
  const Hash root_;
  std::map<NodeKey, Peer> peers_;
  std::map<NodeKey, Open> open_;                  // at most one a peer, and two of a part
  std::map<Hash, ledger::StateSubtree> pending_;  // by first path
  std::map<Hash, ledger::StateChunk> ahead_;      // checked, waiting for an earlier one
  Divisions divided_;                             // at most kMaxDivisions of each peer
  std::uint64_t next_id_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace talent::node
