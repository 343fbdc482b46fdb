#include "node/chain/snapshot_join.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "node/chain/snapshot_fetch.h"

namespace talent::node {
namespace {

constexpr Millis kOfferWait{10'000};
/// After the first offer, for a newer one.
constexpr Millis kOfferMore{1'000};
constexpr Millis kAskEvery{2'000};
constexpr Millis kLogEvery{5'000};
/// Without a chunk for so long the peers have pruned the height, or are gone: another snapshot is
/// looked for.
constexpr Millis kStall{60'000};
constexpr std::chrono::milliseconds kTick{20};

class Joining {
 public:
  explicit Joining(const SnapshotJoin& join) : join_(join) {}

  Status Run() {
    const Height own = TRY(OwnHeight());
    TRY(Connect());
    while (true) {
      const auto head = TRY(FindOffer(own));
      if (!head) return {};
      auto restore = TRY(ledger::SnapshotRestore::Begin(*join_.database, *join_.genesis,
                                                        *join_.application, *head, join_.pinned));
      join_.log->info("chain {}: begins from a snapshot of height {}, this node is at {}",
                      join_.genesis->name(), restore.height(), own);
      if (TRY(Fetch(restore))) {
        TRY(restore.Finish());
        join_.log->info("chain {}: {} state entries restored, at height {}", join_.genesis->name(),
                        restore.entries(), restore.height());
        return {};
      }
      join_.log->warn("chain {}: no peer serves the snapshot of height {} any more",
                      join_.genesis->name(), restore.height());
    }
  }

 private:
  /// Of a chain whose restore is unfinished: nothing.
  Result<Height> OwnHeight() {
    const auto unfinished =
        TRY(ledger::SnapshotRestore::Unfinished(*join_.database, join_.genesis->chain_id()));
    unfinished_ = unfinished.has_value();
    if (unfinished_) return Height(0);
    return TRY(ledger::Chain::Open(*join_.database, *join_.genesis, *join_.application))
        ->head()
        .height;
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
    io_.run_for(kTick);
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
    if (response.has_head() && fetch_ == nullptr) {
      const auto trusted = ledger::VerifySnapshotHead(*join_.genesis, response.head());
      if (!trusted) return Bad(from, trusted.error());
      const Height height(trusted->header.height());
      if (join_.pinned && height < join_.pinned->height) return;  // older than we know it to be
      offers_.insert_or_assign(from, std::pair(height, response.head()));
    } else if (fetch_ != nullptr) {
      const Status taken = fetch_->OnResponse(from, response, join_.clock->Now(),
                                              [&](const Error& error) { Bad(from, error); });
      if (!taken) failed_ = taken;
    }
  }

  void Bad(const NodeKey& from, const Error& error) {
    join_.log->warn("chain {}: snapshot of peer {}: {}", join_.genesis->name(),
                    from.Hex().substr(0, 16), error.ToString());
  }

  /// The newest snapshot offered; nullopt where there is no need of one, or none.
  Result<std::optional<ledger::pb::SnapshotHead>> FindOffer(Height own) {
    offers_.clear();
    Timestamp began = join_.clock->Now();
    Timestamp asked;
    std::optional<Timestamp> first;
    while (true) {
      TRY(Pump());
      const Timestamp now = join_.clock->Now();
      if (now >= asked + kAskEvery) {
        asked = now;
        for (const NodeKey& peer : up_) Send(peer, v1::SnapshotRequest());
      }
      if (!first && !offers_.empty()) first = now;
      if (first && now >= *first + kOfferMore && !offers_.empty()) break;
      if (now < began + kOfferWait) continue;
      if (!unfinished_) return std::nullopt;
      began = now;
      join_.log->warn("chain {}: no peer offers a snapshot to finish the restore with",
                      join_.genesis->name());
    }
    const auto best = std::max_element(
        offers_.begin(), offers_.end(),
        [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
    const auto& [height, head] = best->second;
    if (!unfinished_ && (height <= own || height - own < join_.behind)) return std::nullopt;
    if (unfinished_) return Resumable(height, head);
    return head;
  }

  /// What was begun goes on while it is not much older than what is offered now: peers prune.
  Result<std::optional<ledger::pb::SnapshotHead>> Resumable(Height offered,
                                                            const ledger::pb::SnapshotHead& head) {
    auto begun =
        TRY(ledger::SnapshotRestore::Unfinished(*join_.database, join_.genesis->chain_id()));
    if (!begun || stalled_) return head;
    const auto trusted = ledger::VerifySnapshotHead(*join_.genesis, *begun);
    if (!trusted || Height(trusted->header.height()) > offered) return head;
    return begun;
  }

  /// False: nobody serves it any more.
  Result<bool> Fetch(ledger::SnapshotRestore& restore) {
    SnapshotFetch fetch(restore);
    fetch_ = &fetch;
    const std::shared_ptr<void> detach(nullptr, [this](void*) { fetch_ = nullptr; });
    unfinished_ = true;
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
        stalled_ = true;
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
  std::map<NodeKey, std::pair<Height, ledger::pb::SnapshotHead>> offers_;  // verified
  SnapshotFetch* fetch_ = nullptr;
  Status failed_;
  bool unfinished_ = false;
  bool stalled_ = false;
  std::unique_ptr<PeerNetwork> peers_;  // goes first: its callbacks use the rest
};

}  // namespace

Status JoinBySnapshot(const SnapshotJoin& join) { return Joining(join).Run(); }

}  // namespace talent::node
