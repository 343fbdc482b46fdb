// The replica's state and its parts; each part is a file. docs/consensus.md has the rules.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "consensus/codec.h"
#include "consensus/messages.h"
#include "consensus/new_view.h"
#include "consensus/replica.h"
#include "consensus/slot.h"

namespace talent::consensus {

enum Timer : std::uint32_t { kStatusTimer = 0, kProgressTimer = 1, kViewChangeTimer = 2 };

struct Replica::Impl {
  Impl(Options options, const crypto::KeyPair& key, Recovered recovered);

  // replica.cpp: events in.
  void On(const MessageReceived& event);
  void On(const ProposalReady& event);
  void On(const Vetted& event);
  void On(const Durable& event);
  void On(const Executed& event);
  void On(const Sealed& event);
  void On(const TimerFired& event);
  void On(const WorkWaiting& event);
  void On(const RequestStarved& event);

  // replica.cpp: what every part uses.
  bool Settled() const { return !view_changing_; }
  bool MayVote() const { return !observer_ && !diverged_ && !IsDone(); }
  /// The epoch's last height is sealed.
  bool IsDone() const { return epoch_end_ != Height(0) && sealed_ >= epoch_end_; }
  bool IsAfterEpoch(Height h) const { return epoch_end_ != Height(0) && h > epoch_end_; }
  void LearnEpochEnd(Height last);
  bool IsPrimary() const { return set_->Primary(view_) == self_; }
  bool InWindow(Height h) const {
    return h > sealed_ && h <= sealed_ + options_.window && !IsAfterEpoch(h);
  }
  MessagePtr Sign(Content content) const;
  void SendTo(ValidatorIndex to, const MessagePtr& message);
  void BroadcastAll(const MessagePtr& message);
  /// One statement, however often it was signed.
  bool SameBody(const VerifiedMessage& a, const VerifiedMessage& b) const;
  void ReportEvidence(const VerifiedMessage& first, const VerifiedMessage& second);
  void Drop(DropReason reason) { ++dropped_[static_cast<std::size_t>(reason)]; }
  std::uint32_t weak_quorum() const { return set_->max_faulty() + 1; }
  ReplicaStatus status() const;

  // normal_case.cpp: pre-prepare, prepare, commit, execute.
  void OnPrePrepare(const MessagePtr& message);
  void OnVote(const MessagePtr& message, Votes Slot::*votes);
  void LookForContradiction(Slot& slot, const VerifiedMessage& message);
  std::optional<Height> CanPropose() const;
  /// Takes the slot as far as it goes now.
  void Advance(Height height);
  void AdvanceAll();
  void TryAccept(Height height, Slot& slot);
  void Accept(Height height, Slot& slot, const Hash& digest, bool fresh);
  void TryPrepared(Height height, Slot& slot);
  void TryCommitted(Slot& slot);
  void TryExecute();
  /// True once the host has found the proposal good; asks it where it has not been asked.
  bool IsVetted(Height height, Slot& slot, const Hash& digest, bool fresh);
  void KeepWanted(Height height, Slot& slot);
  Slot* FindSlot(Height height);
  /// The slot, where the height may be buffered: (sealed, sealed + 2W]. Peers seal a little earlier
  /// than we do and go on; their messages wait here.
  Slot* Buffer(Height height);
  DropReason WhyNotBuffered(Height height) const {
    return IsAfterEpoch(height) ? DropReason::kEpoch : DropReason::kWindow;
  }

  // seal.cpp
  void OnSeal(const MessagePtr& message);
  void CompareSeals(Height height, Slot& slot);
  void TryFinalise();
  void Learn(const CertifiedHead& head, ValidatorIndex from);
  void Diverge(Height height, const Hash& ours, const Hash& theirs);
  void Seal(Height height, Slot& slot);

  // view_change.cpp
  void OnViewChange(const MessagePtr& message);
  void OnNewView(const MessagePtr& message);
  void StartViewChange(View view);
  void TryNewView();
  void Install(const MessagePtr& new_view);
  void JoinViewChange();
  void ArmViewChangeTimer();
  std::uint32_t ViewChangesFor(View view) const;
  bool HasOpenWork() const;
  void ArmProgressTimer(bool restart = false);

  // sync.cpp: gossip, retransmission, fetching, catch-up.
  void OnStatusTimer();
  void OnStatus(ValidatorIndex from, const PeerStatus& status);
  void OnRequest(ValidatorIndex from, const ProposalRequest& request);
  void OnReply(const ProposalReply& reply);
  void SetStatusTimer();
  void ResendTo(ValidatorIndex peer);
  void RequestMissing(Height height, Slot& slot, const Hash& digest);
  void HelpLaggard(ValidatorIndex peer, Height their_sealed);
  /// What a correct validator is known to have sealed, as far as reports go.
  std::pair<Height, ValidatorIndex> BelievableSealed() const;
  void NoteFarVote(ValidatorIndex from, Height height);

  // vote_memory.cpp: promises, their records, restart.
  void Promise(const pb::VoteRecord& record);
  void ReleaseWhenDurable(MessagePtr message);
  void Release(const MessagePtr& message);
  pb::VoteRecord Record() const;
  void Recover(const std::vector<Bytes>& records);
  bool Resume(const std::vector<Bytes>& records);
  void TakeOver();
  bool Replay(const pb::VoteRecord& record);
  void ResendAfterRestart();
  std::vector<Bytes> CompactRecords() const;
  void MaybeCompact();
  void UpdateObserver();

  // forgotten_votes.cpp: what others show of our votes and our log does not have.
  void LookForOwnSeal(Height height, const crypto::Certificate& certificate);
  void LookForOwnPrepare(const PreparedCertificate& prepared);
  void LookForOwnViewChange(const NewView& opening);
  void Forget(Height height);

  Options options_;
  std::shared_ptr<const crypto::ValidatorSet> set_;
  const crypto::KeyPair& key_;
  ValidatorIndex self_;
  std::vector<Bytes> recovered_records_;
  Actions out_;
  bool started_ = false;

  // Where we are.
  View view_;
  bool view_changing_ = false;
  bool diverged_ = false;
  Height sealed_;
  CertifiedHead sealed_head_;  // height 0 where nothing of the epoch is sealed
  Height epoch_end_;           // 0: not known to be decided
  Height executed_, execute_sent_, finalise_sent_;
  std::map<Height, Slot> slots_;            // (sealed, sealed + 2W]
  std::map<Height, CertifiedHead> recent_;  // last W certified blocks, for laggards
  Height proposed_;                         // highest own proposal of this view

  // View change.
  MessagePtr new_view_;         // that opened view_; none in view 0 and while changing
  bool new_view_out_ = false;   // it may be passed on: an own one only once it is durable
  NewViewPlan plan_;            // of new_view_
  MessagePtr own_view_change_;  // durable one for view_
  std::set<ValidatorIndex> two_view_changes_;          // evidence was given
  std::optional<View> two_new_views_;                  // evidence was given
  std::map<ValidatorIndex, MessagePtr> view_changes_;  // latest of each
  Millis timeout_;
  std::uint64_t timer_generation_ = 0;
  std::optional<std::uint64_t> progress_timer_, view_change_timer_;  // generation, while armed
  bool work_waiting_ = false;
  bool sealed_in_view_ = false;

  // Sync.
  std::map<ValidatorIndex, PeerStatus> peers_;
  std::map<ValidatorIndex, Height> far_votes_;  // highest height voted for above our window
  Height best_certified_;                       // proven to be sealed
  ValidatorIndex best_certified_from_;
  Height sealed_at_last_status_;
  std::uint64_t status_ticks_ = 0;
  std::set<ValidatorIndex> answered_;                 // peers, since the last status
  std::map<ValidatorIndex, std::size_t> sent_bytes_;  // of proposals, since the last status

  // Vote memory.
  bool accept_lost_votes_ = false;
  bool observer_ = false;
  Height observe_until_;          // 0: not known yet
  std::vector<Bytes> outliving_;  // the log, where it has promises of a later epoch: the chain's
                                  // store is the older of the two
  std::uint64_t next_token_ = 1;
  std::deque<std::pair<std::uint64_t, MessagePtr>> releases_;  // by token
  std::uint64_t records_since_compaction_ = 0;
  std::uint64_t sealed_since_compaction_ = 0;

  std::array<std::uint64_t, kDropReasons> dropped_{};
  std::uint64_t view_change_count_ = 0;
};

}  // namespace talent::consensus
