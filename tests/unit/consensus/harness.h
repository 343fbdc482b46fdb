// A cluster of replicas in one place: messages wait in a queue until a test lets them go.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "consensus/messages.h"
#include "consensus/replica.h"

namespace talent::consensus::test {

inline constexpr std::uint64_t kChainByte = 7;
// Timers a replica asks for.
inline constexpr std::uint32_t kStatus = 0;
inline constexpr std::uint32_t kProgress = 1;
inline constexpr std::uint32_t kSmallWindow = 4;
ChainId TestChain();
crypto::KeyPair VoteKey(std::uint32_t index);
std::shared_ptr<const crypto::ValidatorSet> TestValidators(std::uint32_t n);
/// The nodes `members`, in this order, as an epoch's validators.
std::shared_ptr<const crypto::ValidatorSet> TestValidators(
    Epoch epoch, const std::vector<std::uint32_t>& members);
/// Header bytes of a test block: height, and something it depends on.
Bytes TestHeader(Height height, BytesView content, Epoch epoch = Epoch(0));
Hash HeaderHash(BytesView header);
ProposalPtr MakeProposal(std::string_view text);

/// One validator with the host's part played for it: the log is durable at once, proposals are
/// good, a block is the hash over its parent and batch. Each of these a test can hold back.
struct Node {
  std::unique_ptr<crypto::KeyPair> key;
  std::size_t epoch = 0;  // whose replica it runs, or would
  std::unique_ptr<Replica> replica;
  std::vector<Bytes> log;
  std::vector<Bytes> headers;       // executed, by height - 1
  std::vector<Bytes> batches;       // executed, by height - 1
  std::vector<Finalise> finalised;  // by height - 1
  std::vector<Evidence> evidence;
  std::vector<CatchUp> catch_ups;
  std::optional<Diverged> diverged;
  std::optional<VotesForgotten> forgotten;
  std::map<std::uint32_t, SetTimer> timers;  // last one set, by timer
  std::deque<Event> held;                    // answers a test holds back
  std::deque<std::optional<Bytes>> writing;  // of each Durable held back; none: compacted away

  bool answer_durable = true;
  bool answer_executed = true;
  bool answer_sealed = true;
  bool vet_ok = true;
  bool accept_lost_votes = false;
  std::vector<Vet> vetted;
  Bytes twist;  // goes into the header: an executor with a fault of its own
};

class Harness {
 public:
  struct Packet {
    std::uint32_t from, to;
    Bytes bytes;
  };
  explicit Harness(std::uint32_t n, std::uint32_t window = 8);

  /// The block at `decided` says that the epoch ends with `last` and `members` follow.
  void DecideEpoch(Height decided, Height last, const std::vector<std::uint32_t>& members);
  /// What a host does once the last block of its epoch is sealed: goes on in the next epoch, with a
  /// replica or, where it is no member, with none.
  void EnterNextEpoch(std::uint32_t i);
  /// Block sync: `to` takes the sealed blocks of `from`, entering epochs on the way.
  void FetchBlocks(std::uint32_t to, std::uint32_t from);

  Node& node(std::uint32_t i) { return nodes_[i]; }
  Replica& replica(std::uint32_t i) { return *nodes_[i].replica; }
  ReplicaStatus status(std::uint32_t i) const { return nodes_[i].replica->status(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }

  void Step(std::uint32_t i, const Event& event);
  /// Gives `message` bytes to node `to` as the network does.
  Status Deliver(std::uint32_t to, BytesView message);
  /// Delivers until nothing is under way.
  void Run();
  /// Fires the last timer of that kind the node has set.
  void Fire(std::uint32_t i, std::uint32_t timer);
  void FireAll(std::uint32_t timer);
  bool Propose(std::uint32_t i, std::string_view text);
  /// Answers held back by the node, in order.
  void ReleaseHeld(std::uint32_t i);
  /// A new process on the same disk: what is not in `log` or finalised is gone. Requires: it is a
  /// member of its epoch.
  void Restart(std::uint32_t i, bool votes_lost = false);
  MessagePtr Signed(std::uint32_t i, Content content) const;

  std::deque<Packet> network;
  /// False: the packet is lost.
  std::function<bool(const Packet&, const VerifiedMessage&)> pass;
  std::vector<MessagePtr> sent;  // everything ever sent, once per broadcast
  /// Sees every event before the replica does.
  std::function<void(std::uint32_t, const Event&)> hear;
  /// Sees every action before it is performed.
  std::function<void(std::uint32_t, const Action&)> observe;

 private:
  struct EpochPlan {
    std::shared_ptr<const crypto::ValidatorSet> validators;
    Height first{1};
    Height decided{}, last{};  // 0: goes on
  };
  void Perform(std::uint32_t i, Actions actions);
  void StartReplica(std::uint32_t i, std::vector<Bytes> records, bool votes_lost);
  const EpochPlan& EpochOf(const Node& node) const { return epochs_[node.epoch]; }
  Height EpochEnd(const Node& node, Height at) const;
  std::uint32_t NodeOf(const crypto::Validator& validator) const;

  std::uint32_t window_;
  std::vector<EpochPlan> epochs_;
  std::vector<Node> nodes_;
};

template <class T>
bool Is(const VerifiedMessage& message) {
  return std::holds_alternative<T>(message.content());
}

}  // namespace talent::consensus::test
