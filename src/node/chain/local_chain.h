// A chain this node hosts: the strand on which mempool, consensus, execution and sync meet.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <set>
#include <unordered_map>

#include "node/chain/block_sync.h"
#include "node/chain/chain_host.h"
#include "node/chain/chain_runner.h"
#include "node/chain/evidence_store.h"
#include "node/chain/held_blocks.h"
#include "node/chain/members.h"
#include "node/chain/mempool.h"
#include "node/chain/proposals.h"
#include "node/chain/vote_log.h"

namespace talent::node {

/// What makes a node a validator of a chain in the epochs whose set has its key; in others it
/// follows.
struct ValidatorRole {
  /// The role of a node whose log held `opened`.
  static ValidatorRole Resume(const crypto::KeyPair& vote_key, VoteLog::Opened opened);

  const crypto::KeyPair* vote_key = nullptr;
  std::unique_ptr<VoteLog> votes;
  std::vector<Bytes> records;  // what the log holds
  std::unique_ptr<EvidenceStore> evidence = std::make_unique<EvidenceStore>();
  bool votes_lost = false;
  /// The operator vouches that no vote of this key is remembered elsewhere.
  bool accept_lost_votes = false;
  /// The log was made with the key and never written to: the key has voted for nothing.
  bool unused = false;
  /// The log was never written to, and does not tell a new validator from one that lost its disk.
  /// Which, the others are asked before the first vote.
  bool fresh = false;
};

/// Performs what the replica asks for and tells it what happened (see consensus/replica.h). Held by
/// shared_ptr: by the node, and by work under way, which ends soon after Stop.
class LocalChain final : public ChainRunner, public std::enable_shared_from_this<LocalChain> {
 public:
  /// `self` is the node's key; `role` nullopt: follows, whatever the validators. Errors: those of
  /// reading the chain's epochs.
  static Result<std::shared_ptr<LocalChain>> Create(
      std::unique_ptr<ChainHost> host, const NodeKey& self,
      std::unique_ptr<ledger::Application> application, std::unique_ptr<ledger::Chain> chain,
      std::optional<ValidatorRole> role);
  ~LocalChain() override;

  /// Nodes that the operator has named with their keys: blocks are taken from them, which prove
  /// themselves, though this node's state does not know them yet. To be called before Start.
  void TrustForBlocks(std::set<NodeKey> peers) { upstream_ = std::move(peers); }
  void Start();
  /// Stops timers and voting. Once the host has run dry nothing is posted to it any more.
  /// Idempotent.
  void Stop();

  /// Is it the node of a validator, now or next, or of an admitted follower? Thread-safe.
  bool IsMember(const NodeKey& key) const { return members_.Contains(key); }
  const Members& members() const { return members_; }
  /// May the node with this key exchange frames about this chain? What only members may have it is
  /// not given for that. Thread-safe.
  bool MayPeer(const NodeKey& key) const;
  /// May it see what is on this chain? Blocks, state and where the chain stands go to nobody else.
  /// Thread-safe.
  bool MayRead(const NodeKey& key) const;
  /// A frame about this chain; any thread. False: the peer misbehaves and should be cut off.
  bool OnFrame(const NodeKey& from, v1::Frame&& frame);
  /// Counts something of a peer that was refused, for status(). Thread-safe.
  void Refused(std::string_view what, std::string_view why);
  void Refused(std::string_view what, const Error& error);
  void OnPeer(const NodeKey& peer, bool up);

  // ChainRunner.
  const ledger::Chain& chain() const override { return *chain_; }
  const ledger::Application& application() const override { return *application_; }
  ChainStatusInfo status() const override;
  std::vector<v1::Evidence> EvidenceList() const override;
  void Submit(Bytes transaction, std::function<void(Result<Admitted>)> done) override;
  TxOutcome Outcome(const TxId& id) const override;
  void AwaitOutcome(const Admitted& tx, Millis deadline,
                    std::function<void(TxOutcome)> done) override;
  std::shared_ptr<void> OnChange(std::function<void()> on_change) override;

 private:
  struct Waiter {
    std::function<void(TxOutcome)> done;
    std::unique_ptr<ChainHost::Timer> deadline;  // cancelled when the waiter goes
  };
  /// A transaction as it came in. `done` is empty where a peer relayed it.
  struct Arrival {
    Bytes transaction;
    std::function<void(Result<Admitted>)> done;
  };
  struct VerifiedArrival {
    TxPtr tx;
    std::function<void(Result<Admitted>)> done;
  };
  /// Consensus frames that are being verified.
  struct Verifying {
    std::uint32_t frames = 0;
    std::size_t bytes = 0;
  };
  struct PendingVet {
    consensus::Vet vet;
    CheckedBatchPtr batch;
  };
  /// A proposal that was found good, or made here, and what it says.
  struct ReadProposal {
    consensus::ProposalPtr proposal;
    CheckedBatchPtr batch;
  };

  LocalChain(std::unique_ptr<ChainHost> host, const NodeKey& self,
             std::unique_ptr<ledger::Application> application, std::unique_ptr<ledger::Chain> chain,
             std::optional<ValidatorRole> role);

  template <class Work>
  void OnStrand(Work work);  // from any thread; nothing after Stop
  void Halt(const std::string& why);
  void TellListeners();

  // local_chain_admission.cpp.
  bool OnTransactionsFrame(v1::Transactions&& frame);
  void Arrive(Arrival arrival);  // any thread
  void PostArrivalJob();
  void VerifyArrivals();                  // a job, off the strand
  void EndArrivalJob(std::size_t bytes);  // of the transactions it took
  Result<TxPtr> Verify(BytesView transaction);
  Status Admissible(const ledger::Transaction& tx) const;
  void Admit(const std::vector<VerifiedArrival>& verified);
  TxPtr Pending(const TxId& id) const;  // any thread; nullptr: not admitted, or sealed
  Result<bool> AdmitOne(const TxPtr& tx, bool local);  // whether it is new
  void Relay(const std::vector<TxPtr>& txs);

  // local_chain.cpp: peers, sync, outcomes.
  bool RefuseSnapshot();
  void OnSyncRequest(const NodeKey& from, const v1::SyncRequest& request);
  void OnSyncResponse(const NodeKey& from, v1::SyncResponse&& response);
  void ApplyArrived();
  void ApplyNext(const NodeKey& from, std::shared_ptr<v1::SyncResponse> response, int index);
  bool ApplyBlock(const NodeKey& from, const ledger::pb::BlockWithPayloads& block);
  void RequestBlocks();
  // local_chain_erased.cpp.
  void MeetErased(const NodeKey& from, Height height);
  static bool LacksPayload(const ledger::pb::BlockWithPayloads& block);
  bool TakeAnswer(const NodeKey& from);  // false: it owes none
  void Tick();
  void AfterSealed(const ledger::ExecutedBlock& block);
  bool Starves(const std::map<std::uint32_t, Timestamp>& newest_sealed_by_lane) const;
  TxOutcome OutcomeIn(const ledger::ExecutedBlock& block, std::size_t index) const;
  TxOutcome OutcomeNow(const Admitted& tx) const;
  void Resolve(const TxId& id, const TxOutcome& outcome);
  void GiveUp(const TxId& id, std::uint64_t number);
  void ResolveAll();  // with what is known of them now

  // local_chain_status.cpp: where the chain stands, here and at peers.
  void OnStatus(const NodeKey& from, const v1::ChainStatus& status);
  /// What `limit` keeps from the receiver is said with it.
  v1::Frame StatusFrame(const std::optional<HeldBlocks::Limit>& limit) const;
  /// Of what peers hold back from this node; nullptr: of nothing.
  const v1::ChainStatus* HeldBack() const;
  void BroadcastStatus();
  void PublishStatus();

  // local_chain_epochs.cpp: which epoch it is, and what this node is in it.
  bool EpochIsOver() const { return chain_->epoch()->number() != epoch_->number(); }
  void EnterEpoch();
  void LeaveReplica();
  void TryStartReplica();
  void TryBeginLog();
  void BeginLog();
  void BeginUnusedLog();
  bool HasSealed() const;
  void StartReplica();
  void HearStatus(const NodeKey& from, Height sealed);
  Status FindFormerRole();
  bool IsValidator() const;

  // local_chain_consensus.cpp: the replica's host.
  void OnConsensusFrame(const NodeKey& from, Bytes message);
  bool MayVerify(const NodeKey& from, std::size_t bytes);
  /// `validators`: those it was verified with.
  void Verified(const NodeKey& from, std::size_t bytes, const crypto::ValidatorSet* validators,
                Result<consensus::MessagePtr> message);
  void PerformVotesForgotten(const consensus::VotesForgotten& forgotten);
  void PerformEvidence(const consensus::Evidence& evidence);
  void SaveEvidence();
  void Step(consensus::Event event);
  /// As Step, unless the replica of `epoch` is gone.
  void StepIn(Epoch epoch, consensus::Event event);
  void Drain();
  void Perform(consensus::Actions actions);
  void PerformVet(consensus::Vet vet);
  void FinishVet(const PendingVet& pending);
  void FinishPendingVets();
  void AnswerVet(const consensus::Vet& vet, bool ok);
  void PerformExecute(const consensus::Execute& execute);
  void PerformFinalise(const consensus::Finalise& finalise);
  void PerformSetTimer(const consensus::SetTimer& timer);
  void FlushVotes();
  consensus::ProposalPtr NextProposal();
  bool DueWork() const;
  void UpdateWorkWaiting();

  const std::unique_ptr<ChainHost> host_;
  const std::unique_ptr<ledger::Application> application_;
  const std::unique_ptr<ledger::Chain> chain_;
  const NodeKey self_;
  Members members_;
  std::set<NodeKey> upstream_;  // not changed after Start

  // Confined to the strand.
  std::shared_ptr<const ledger::EpochState> epoch_;  // what the replica is made for
  std::vector<NodeKey> validators_;                  // node keys of the other validators
  std::optional<ValidatorRole> role_;                // given or not for good
  bool was_member_ = false;                          // an earlier epoch's set had our vote key
  bool halted_ = false;
  std::uint64_t view_changes_before_ = 0;  // of the replicas of earlier epochs
  std::array<std::uint64_t, consensus::kDropReasons> dropped_before_{};
  std::map<NodeKey, Height> heard_;              // of validators of this epoch, without replica
  std::unique_ptr<consensus::Replica> replica_;  // none on a follower or a halted chain
  Mempool mempool_{Mempool::Limits{}};
  BlockSync sync_;
  bool applying_ = false;  // blocks of a sync response, one after the other
  const std::unique_ptr<ChainHost::Timer> tick_;
  std::map<std::uint32_t, std::unique_ptr<ChainHost::Timer>> timers_;
  std::deque<consensus::Event> events_;  // answers given while a step is being performed
  bool stepping_ = false;
  std::vector<Bytes> unwritten_votes_;
  std::optional<std::vector<Bytes>> compaction_;
  std::uint64_t last_token_ = 0;
  bool writing_votes_ = false;
  std::atomic<bool> evidence_waits_{false};  // to be saved: a job is posted and has not begun
  std::string evidence_error_;               // of the last save, in that job
  std::map<Height, ledger::ExecutedBlock> executed_;  // not sealed yet: at most a window
  // Of heights above the sealed one: the last that was vetted, so that it is read once.
  std::map<Height, ReadProposal> read_;
  std::vector<PendingVet> pending_vets_;  // empty batches waiting for their predecessor's execution
  View proposing_view_;
  bool work_waiting_ = false;
  Height catch_up_target_;
  Height erased_height_;       // a block that peers have served without a payload it needs
  std::set<NodeKey> lacking_;  // which peers
  Height erased_ahead_;        // where all have that say they have it; else 0
  std::set<NodeKey> peers_;
  HeldBlocks held_blocks_;                      // from peers
  std::map<NodeKey, v1::ChainStatus> held_by_;  // what these peers hold back from this node
  std::optional<Timestamp> started_;            // peers are heard before
  Timestamp last_sealed_;
  std::unordered_map<TxId, std::map<std::uint64_t, Waiter>> waiters_;
  std::size_t waiter_count_ = 0;
  std::uint64_t last_waiter_ = 0;
  bool stopped_ = false;  // set under mutex_ as well, for OnStrand

  VerifiedCache verified_;

  std::mutex arrivals_mutex_;  // guards what waits to be verified:
  std::deque<Arrival> arrivals_;
  std::size_t arrival_bytes_ = 0;
  std::size_t arrival_jobs_ = 0;  // posted and not ended

  mutable std::mutex mutex_;  // guards what readers on other threads see:
  ChainStatusInfo status_;
  std::optional<consensus::Horizon> horizon_;
  std::map<NodeKey, Verifying> verifying_;   // by the peer they came from
  std::unordered_map<TxId, TxPtr> pending_;  // admitted and not sealed
  std::set<NodeKey> asking_;                 // peers whose sync request waits for the strand
  std::map<NodeKey, std::uint32_t> asked_;   // sync requests that a peer has not answered
  std::map<std::uint64_t, std::function<void()>> listeners_;
  std::uint64_t next_listener_ = 0;
};

template <class Work>
void LocalChain::OnStrand(Work work) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;  // nobody would run it, and it would hold this chain
  host_->Post([self = shared_from_this(), work = std::move(work)]() mutable {
    if (!self->stopped_) work();
  });
}

}  // namespace talent::node
