// One simulated node: a disk, a clock, a process that may die at any moment, and in it the daemon's
// own LocalChain with ledger, mempool, block sync and the private tier's application.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "node/chain/local_chain.h"
#include "sim/disk.h"
#include "sim/network.h"
#include "unit/ledger/ledger_fixture.h"

namespace talent::sim {

using node::NodeKey;

class Cluster;

class Node final : public Endpoint {
 public:
  Node(Cluster& cluster, std::uint32_t identity, std::size_t endpoint);
  ~Node() override;

  /// From what the disk holds.
  void Start();
  /// kill -9: what was written is in the page cache, and stays.
  void Crash();
  /// What was written and not synced is lost, or torn.
  void LosePower();
  void WipeVotes();
  void WipeDisk();
  /// With a new disk, on which `restore` makes the chain; it returns the height.
  void Rejoin(const std::function<Height(ledger::Database&)>& restore);
  const ledger::Database& database() const { return *database_; }
  void Rot();
  void SetDiskFull(bool full);
  /// Its process gets no CPU until then.
  void StallUntil(std::uint64_t ms) { stalled_until_ = ms; }
  /// Dies at its `number`th write, sync or send from now on; 0: does not.
  void CrashAtBoundary(std::uint64_t number) { crash_at_ = number == 0 ? 0 : boundaries_ + number; }
  std::uint64_t boundaries() const { return boundaries_; }

  // Clock, in ms.
  std::int64_t skew = 0;
  std::uint64_t rate_permille = 1000;  // of its timers
  void FreezeClock(bool frozen);

  std::uint32_t identity() const override { return identity_; }
  bool alive() const override { return chain_ != nullptr && !dying_; }
  std::uint64_t stalled_until() const override { return stalled_until_; }
  void Receive(std::uint32_t from, const FramePtr& frame) override;
  void OnPeer(std::uint32_t peer, bool up) override;

  node::LocalChain& chain() { return *chain_; }
  const node::LocalChain& chain() const { return *chain_; }
  Height sealed() const { return sealed_; }
  /// It wanted another view, which was not open, before what it is doing now.
  bool was_changing() const { return was_changing_; }
  /// The epoch that it votes in, or did when it went down.
  std::optional<Epoch> votes_in() const { return votes_in_; }
  /// Its place in this set, if any.
  std::optional<ValidatorIndex> PlaceIn(const crypto::ValidatorSet& set) const;
  std::string ToString() const;

  /// Sends in place of an honest node; set for byzantine ones.
  std::function<void(std::uint32_t to, const FramePtr&)> lie;
  /// It runs another application than the others: every block leaves one more entry in its state.
  bool deviates = false;
  /// As it is; also what a liar makes of it.
  bool Pass(std::uint32_t to, const FramePtr& frame);

 private:
  class Host;
  friend class Host;

  // What the host asks for; nothing happens any more once the process is dying.
  std::uint64_t Later(std::uint64_t ms, std::function<void()> work);
  void Forget(std::uint64_t id) { pending_.erase(id); }
  void Run(std::uint64_t id);
  void Store(std::function<void()> job);
  void StoreNext();
  bool Transmit(const std::vector<NodeKey>& to, const node::v1::Frame& frame);
  Timestamp Now() const;
  void VotesLost(const Error& error);

  bool Boundary();  // false: it died here
  void FinishCrash();
  void TellSealed();  // every block not told of yet
  void StopProcess();
  Result<std::shared_ptr<node::LocalChain>> Open();
  void ReplaceDisk();
  void Observe(const node::v1::Frame& frame);
  void OnDurable(BytesView bytes, bool replaced);
  void CheckHealth();

  Cluster& cluster_;
  const std::uint32_t identity_;
  const std::size_t endpoint_;
  Disk disk_;
  bool disk_full_ = false;
  bool rotten_ = false;
  bool rotten_votes_ = false;  // the vote log is what rotted
  std::uint64_t boundaries_ = 0, crash_at_ = 0;
  std::uint64_t stalled_until_ = 0;
  std::optional<Timestamp> frozen_;
  Height sealed_;             // what it told its clients, of what its disk holds
  std::size_t evidence_ = 0;  // it has told of
  bool was_changing_ = false;
  std::optional<Epoch> votes_in_;

  // The process.
  ledger::CountingRandom random_;
  std::unique_ptr<ledger::Database> database_;
  std::shared_ptr<node::LocalChain> chain_;
  std::shared_ptr<void> listening_;
  bool dying_ = false;
  bool running_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::function<void()>> pending_;
  std::deque<std::function<void()>> jobs_;  // of the storage thread
};

}  // namespace talent::sim
