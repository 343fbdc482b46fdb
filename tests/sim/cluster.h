// Replicas of one chain, their network and disks, what clients want of them, and what must hold.
#pragma once

#include <memory>
#include <vector>

#include "sim/checker.h"
#include "sim/network.h"
#include "sim/node.h"
#include "tiers/governance.h"

namespace talent::sim {

class Cluster {
 public:
  explicit Cluster(Config config);
  ~Cluster();

  const Config config;
  World world;
  Counters counters;
  Checker checker;
  Network network;
  const ledger::Genesis genesis;
  /// Of validator i; twins share one.
  const crypto::KeyPair& vote_key(std::uint32_t i) const { return vote_keys_[i]; }
  const NodeKey& node_key(std::uint32_t i) const { return node_keys_[i]; }
  std::uint32_t IdentityOf(const NodeKey& key) const;
  /// One a validator of the genesis, in order; the second twins after them; then the spares.
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  Node& node(std::size_t i) { return *nodes_[i]; }
  std::uint32_t identities() const { return config.validators + config.spares; }
  /// The first of its nodes.
  Node& Of(std::uint32_t identity) {
    return *nodes_[identity < config.validators ? identity
                                                : nodes_.size() - (identities() - identity)];
  }
  /// A disk with an empty chain on it.
  const Disk& empty_disk() const { return *empty_disk_; }
  bool calm() const { return calm_; }

  void StartAll();
  /// A client that has this transaction sealed: asks one node after the other until it is.
  void Want(std::size_t transaction, std::uint64_t after_ms);
  /// The centre proposes, and by that decides, this change of the set: `out` leaves, `in` comes;
  /// one of them may be none.
  void Change(std::optional<std::uint32_t> out, std::optional<std::uint32_t> in);
  tiers::pb::NodeChange NodeChange(std::optional<std::uint32_t> out,
                                   std::optional<std::uint32_t> in) const;
  /// The same of any changes, good or not.
  void Propose(const std::vector<tiers::pb::NodeChange>& changes);
  /// Every correct validator votes, or did until it went down. Else one that observes more, or a
  /// voter less, could be one too many.
  bool AllVote() const;
  /// Any change that leaves liars few enough; none while one is under way, nor before AllVote().
  void ChangeAnything();
  /// The transaction's canonical bytes.
  const Bytes& Transaction(std::size_t i) const { return transactions_[i]; }
  bool IsSealed(std::size_t transaction) const {
    return sealed_transactions_.contains(transaction);
  }
  /// Ends every fault and restarts who is down.
  void Heal();

  /// Until `end` (virtual ms), or something went wrong, or `until` holds.
  void RunUntil(std::uint64_t end, const std::function<bool()>& until = nullptr);
  /// Runs on without faults until everything wanted is sealed everywhere; a failure if that takes
  /// over kRecoveryTimeouts.
  void MustRecover();
  bool AllSealed() const;

  /// After the last fault: timers at their cap, one view change for every validator that may have
  /// to be passed over, and as much again. Far above what a run needs, far below a stall.
  static constexpr std::uint64_t kTimeoutMs = 400;
  static constexpr std::uint64_t kTimeoutCapMs = 3200;
  static constexpr std::uint64_t kRecoveryTimeouts = 20;  // at the cap

  /// Told by a node.
  void OnSealed(Node& node, Height height);
  void OnEvidence(const Node& node);
  std::string ToString() const;

 private:
  void Ask(std::size_t transaction);
  std::uint32_t IdentityOf(const crypto::Validator& validator) const {
    return IdentityOf(validator.node_key);
  }
  void OnTransaction(std::size_t transaction, ledger::pb::ReceiptCode receipt);
  void OnBoundary(const Node& node, const ledger::pb::BlockHeader& header);

  std::vector<crypto::KeyPair> vote_keys_;
  std::vector<NodeKey> node_keys_;
  std::unique_ptr<Disk> empty_disk_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Bytes> transactions_;
  std::map<TxId, std::size_t> transaction_of_;
  std::set<std::size_t> wanted_, sealed_transactions_;
  ledger::CountingRandom random_;
  bool changing_ = false;  // a change is proposed, or decided and not in force
  bool calm_ = false;
};

}  // namespace talent::sim
