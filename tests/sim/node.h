// One validator's host: disk, executor, mempool and timers, all of them simulated; the replica is
// the real one.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "consensus/replica.h"
#include "sim/checker.h"
#include "sim/world.h"

namespace talent::sim {

class Node {
 public:
  struct Block {
    Bytes batch;
    Bytes header;
    Hash hash;
    crypto::Certificate certificate;
  };
  struct Cluster {
    World* world;
    Checker* checker;
    Counters* counters;
    std::vector<std::unique_ptr<Node>>* nodes;
  };

  Node(Cluster cluster, std::uint32_t index);

  void Start();
  /// Loses everything that is not on disk; a write under way may or may not have got there.
  void Crash();
  void WipeVotes();
  bool alive() const { return replica_ != nullptr; }
  bool diverged() const { return diverged_; }

  void Receive(std::uint32_t from, const Bytes& bytes);
  void AddTransaction(std::uint64_t tx);

  const std::vector<Block>& sealed() const { return blocks_; }
  const std::set<std::uint64_t>& waiting() const { return waiting_; }
  bool SealedAll(std::uint64_t transactions) const;
  std::string ToString() const;
  /// Replaces or multiplies what this node sends: set for byzantine ones.
  std::function<void(std::optional<std::uint32_t> to, const Bytes&)> lie;
  void Transmit(std::optional<std::uint32_t> to, const Bytes& bytes);

 private:
  struct LogWrite {
    bool rewrite = false;
    std::vector<Bytes> records;
    std::uint64_t token = 0;
  };

  void Step(consensus::Event event);
  void Later(std::uint64_t ms, std::function<void()> work);  // unless it crashes before
  void Perform(const consensus::Actions& actions);
  void Perform(const consensus::Action& action);
  void OnVet(const consensus::Vet& vet);
  void OnExecute(const consensus::Execute& execute);
  void OnFinalise(const consensus::Finalise& finalise);
  void OnCatchUp(const consensus::CatchUp& behind);
  void ApplyFetched(std::vector<Block> blocks);
  void AppendBlock(Block block);
  void WriteLog();
  void FinishWrite(const LogWrite& write);
  void Propose();
  void UpdateWork();
  Rng& rng() { return cluster_.world->rng(); }
  std::uint64_t DiskDelay();

  Cluster cluster_;
  std::uint32_t index_;
  std::uint64_t incarnation_ = 0;

  // On disk.
  std::vector<Bytes> log_;
  std::vector<Block> blocks_;
  bool votes_lost_ = false;

  // In memory.
  std::unique_ptr<consensus::Replica> replica_;
  std::deque<consensus::Event> events_;
  bool stepping_ = false;
  bool crash_now_ = false;
  std::deque<LogWrite> log_queue_;
  bool writing_ = false;
  std::map<Height, Block> executed_;  // not sealed; no certificate yet
  std::uint64_t executor_free_ = 0;
  std::set<Height> finalising_;
  bool fetching_ = false;
  bool work_waiting_ = false;
  bool diverged_ = false;
  View proposing_view_;
  std::set<std::uint64_t> in_flight_;
  std::set<std::uint64_t> waiting_;
};

/// Transactions named in a batch.
std::vector<std::uint64_t> TransactionsOf(BytesView batch);
/// "view/proposer/nonce:" before them.
Bytes MakeBatch(View view, std::uint32_t proposer, std::uint64_t nonce,
                const std::vector<std::uint64_t>& transactions);

}  // namespace talent::sim
