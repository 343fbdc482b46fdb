#include "node/chain/snapshot_join.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "base/canonical.h"
#include "node/chain/snapshot_fetch.h"
#include "node/chain/snapshot_server.h"

namespace talent::node {
namespace {

constexpr Millis kOfferWait{10'000};
/// After the first offer, for a newer one.
constexpr Millis kOfferMore{1'000};
/// The chain does not open without one.
constexpr Millis kUnfinishedWait{60'000};
/// Snapshots tried before the node starts without: so many liars may be among its peers.
constexpr int kMaxAttempts = 16;
constexpr Millis kAskEvery{2'000};
constexpr Millis kLogEvery{5'000};
/// Without a chunk for so long the peers have pruned the height, or are gone: another snapshot is
/// looked for.
constexpr Millis kStall{60'000};
constexpr std::chrono::milliseconds kJoinTick{20};

/// What a peer offers, verified from the genesis.
struct Offer {
  Height height;
  ledger::pb::SnapshotHead head;
};

/// This snapshot will not do; another may.
bool IsUnsuitable(const Error& error) {
  return error.code == Code::kPrecondition || error.code == Code::kDiverged;
}

class Joining {
 public:
  explicit Joining(const SnapshotJoin& join) : join_(join) {}

  Status Run() {
    const Height own = TRY(OwnHeight());
    TRY(Connect());
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      const auto offer = TRY(FindOffer(own));
      if (!offer) return {};
      const auto restored = Restore(*offer, own);
      const std::string name = fmt::format("the snapshot of height {}", offer->height);
      if (!restored && !IsUnsuitable(restored.error())) return Within(name, restored.error());
      if (restored && *restored) return {};
      if (!restored) Warn(name, restored.error());
      TRY(ReadUnfinished());
      // One that was begun, and that nobody serves any more, gives way to a newer one.
      if (restored && unfinished_) {
        stalled_ = true;
      } else {
        PassOver(*offer);
      }
    }
    if (!unfinished_) return {};
    return Fail(Code::kUnavailable, "no peer's snapshot could be restored");
  }

 private:
  /// Of a chain whose restore is unfinished: nothing.
  Result<Height> OwnHeight() {
    TRY(ReadUnfinished());
    if (unfinished_) return Height(0);
    return TRY(ledger::Chain::Open(*join_.database, *join_.genesis, *join_.application))
        ->head()
        .height;
  }

  Status ReadUnfinished() {
    const auto head =
        TRY(ledger::SnapshotRestore::Unfinished(*join_.database, join_.genesis->chain_id()));
    unfinished_.reset();
    if (!head) return {};
    const auto trusted = TRY(ledger::VerifySnapshotHead(*join_.genesis, *head));
    unfinished_ = Offer{Height(trusted.header.height()), *head};
    return {};
  }

  /// Whether it is restored; false: nobody serves it.
  Result<bool> Restore(const Offer& offer, Height own) {
    auto restore = TRY(ledger::SnapshotRestore::Begin(
        *join_.database, *join_.genesis, *join_.application, offer.head, join_.pinned));
    join_.log->info("chain {}: begins from a snapshot of height {}, this node is at {}",
                    join_.genesis->name(), offer.height, own);
    if (own == Height(0) && !join_.pinned) {
      join_.log->warn(
          "chain {}: no snapshot_pin is set and nothing is here to compare with: validators that "
          "have left could have made this snapshot up; compare 'talentd status' with that of an "
          "operator you trust",
          join_.genesis->name());
    }
    if (!TRY(Fetch(restore))) return false;
    TRY(restore.Finish());
    join_.log->info("chain {}: {} state entries restored, at height {}", join_.genesis->name(),
                    restore.entries(), restore.height());
    return true;
  }

  /// Neither that snapshot nor what else these peers offer is looked at again.
  void PassOver(const Offer& offer) {
    const std::string& header = offer.head.header().header();
    refused_.insert(header);
    for (const auto& [peer, theirs] : offers_) {
      if (theirs.head.header().header() == header) passed_over_.insert(peer);
    }
  }

  Status Connect() {
    PeerNetwork::Options options;
    options.listen = "127.0.0.1:0";  // nobody dials a node that is not up
    options.dial = join_.peers;
    options.authorize = [this](const NodeKey& key) {
      const auto pinned = [&](const PeerNetwork::Peer& peer) { return peer.key == key; };
      return join_.genesis->tier() == ledger::Tier::kPublic ||
             join_.genesis->validators().FindNodeKey(key) ||
             std::any_of(join_.peers.begin(), join_.peers.end(), pinned);
    };
    options.on_peer = [this](const NodeKey& peer, bool up) {
      if (up) {
        up_.insert(peer);
      } else {
        up_.erase(peer);
        offers_.erase(peer);
        asked_.erase(peer);
      }
      if (fetch_ != nullptr) fetch_->OnPeer(peer, up);
    };
    options.on_frame = [this](const NodeKey& from, v1::Frame&& frame) {
      if (frame.has_snapshot_response() && frame.chain_id() == join_.genesis->chain_id().View()) {
        OnResponse(from, frame.snapshot_response());
      }
      return true;
    };
    options.log = join_.log;
    peers_ = TRY(PeerNetwork::Start(io_, *join_.node_key, std::move(options)));
    return {};
  }

  Status Pump() {
    io_.restart();
    io_.run_for(kJoinTick);
    if (join_.stopped && join_.stopped()) {
      return Fail(Code::kUnavailable, "stopped while a snapshot was being fetched");
    }
    return std::exchange(failed_, Status());
  }

  void Send(const NodeKey& to, const v1::SnapshotRequest& request) {
    v1::Frame frame;
    frame.set_chain_id(join_.genesis->chain_id().ToBytes());
    *frame.mutable_snapshot_request() = request;
    peers_->Send(to, frame);
  }

  void OnResponse(const NodeKey& from, const v1::SnapshotResponse& response) {
    if (fetch_ != nullptr) {
      const Status taken =
          fetch_->OnResponse(from, response, join_.clock->Now(),
                             [&](const Error& error) { Warn(NameOf(from), error); });
      if (!taken) failed_ = taken;
    } else if (asked_.erase(from) > 0 && !response.head().empty()) {
      if (Status taken = TakeOffer(from, response.head()); !taken) {
        passed_over_.insert(from);
        Warn(NameOf(from), taken.error());
      }
    }
  }

  Status TakeOffer(const NodeKey& from, const Bytes& bytes) {
    if (bytes.size() > SnapshotServer::kMaxHeadBytes) {
      return Fail(Code::kTooLarge, "a head of {} bytes; at most {} are read", bytes.size(),
                  SnapshotServer::kMaxHeadBytes);
    }
    auto head = TRY(Decode<ledger::pb::SnapshotHead>(bytes));
    const auto trusted = TRY(ledger::VerifySnapshotHead(*join_.genesis, head));
    const Height height(trusted.header.height());
    if (join_.pinned && height < join_.pinned->height) return {};  // older than we know it to be
    if (refused_.contains(head.header().header())) return {};
    offers_.insert_or_assign(from, Offer{height, std::move(head)});
    return {};
  }

  static std::string NameOf(const NodeKey& peer) { return "peer " + peer.Hex().substr(0, 16); }
  void Warn(const std::string& of, const Error& error) {
    join_.log->warn("chain {}: {}: {}", join_.genesis->name(), of, error.ToString());
  }

  void AskForOffers() {
    for (const NodeKey& peer : up_) {
      if (passed_over_.contains(peer)) continue;
      asked_.insert(peer);
      Send(peer, v1::SnapshotRequest());
    }
  }

  /// What to begin from, or to go on with; nullopt where there is no need of it, or nothing.
  Result<std::optional<Offer>> FindOffer(Height own) {
    offers_.clear();
    const Timestamp began = join_.clock->Now();
    Timestamp asked;
    std::optional<Timestamp> first;
    while (true) {
      TRY(Pump());
      const Timestamp now = join_.clock->Now();
      if (now >= asked + kAskEvery) {
        asked = now;
        AskForOffers();
      }
      if (!first && !offers_.empty()) first = now;
      if (first && now >= *first + kOfferMore && !offers_.empty()) break;
      if (now < began + (unfinished_ ? kUnfinishedWait : kOfferWait)) continue;
      if (!unfinished_) return std::nullopt;
      return Fail(
          Code::kUnavailable,
          "no peer offers a snapshot to finish the restore with; start again when one does");
    }
    const Offer& best = std::max_element(offers_.begin(), offers_.end(), [](auto& a, auto& b) {
                          return a.second.height < b.second.height;
                        })->second;
    if (unfinished_) return Resumable(best);
    if (best.height <= own || best.height - own < join_.behind) return std::nullopt;
    return best;
  }

  /// What was begun goes on, unless peers have shown not to have it any more and offer a newer one.
  Offer Resumable(const Offer& best) const {
    const bool refused = refused_.contains(unfinished_->head.header().header());
    if (best.height > unfinished_->height && (stalled_ || refused)) return best;
    return *unfinished_;
  }

  /// False: nobody serves it any more.
  Result<bool> Fetch(ledger::SnapshotRestore& restore) {
    SnapshotFetch fetch(restore);
    fetch_ = &fetch;
    const std::shared_ptr<void> detach(nullptr, [this](void*) { fetch_ = nullptr; });
    for (const NodeKey& peer : up_) fetch.OnPeer(peer, true);
    Timestamp moved = join_.clock->Now();
    Timestamp logged = moved;
    std::uint64_t bytes = 0;
    while (!fetch.done()) {
      for (const auto& request : fetch.Next(join_.clock->Now())) Send(request.to, request.message);
      TRY(Pump());
      const Timestamp now = join_.clock->Now();
      if (fetch.bytes() != bytes) {
        bytes = fetch.bytes();
        moved = now;
      }
      if (now >= moved + kStall) {
        join_.log->warn("chain {}: no peer serves the snapshot of height {} any more",
                        join_.genesis->name(), restore.height());
        return false;
      }
      if (now >= logged + kLogEvery) {
        logged = now;
        join_.log->info("chain {}: snapshot {:.0f} %, {} state entries, {} MiB from {} peers",
                        join_.genesis->name(), 100 * restore.state_done(), restore.entries(),
                        bytes >> 20, up_.size());
      }
    }
    return true;
  }

  const SnapshotJoin& join_;
  boost::asio::io_context io_{1};
  std::set<NodeKey> up_;
  std::set<NodeKey> asked_;  // for an offer, and have not answered
  std::map<NodeKey, Offer> offers_;
  std::set<NodeKey> passed_over_;
  std::set<Bytes> refused_;  // headers of snapshots; at most kMaxAttempts
  SnapshotFetch* fetch_ = nullptr;
  Status failed_;
  std::optional<Offer> unfinished_;  // on disk
  bool stalled_ = false;
  std::unique_ptr<PeerNetwork> peers_;  // goes first: its callbacks use the rest
};

}  // namespace

Status JoinBySnapshot(const SnapshotJoin& join) { return Joining(join).Run(); }

}  // namespace talent::node
