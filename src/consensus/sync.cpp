// Gossip of where everybody stands, and what follows: sending again, fetching, catching up.
#include <algorithm>

#include "consensus/replica_impl.h"

namespace talent::consensus {
namespace {

// Certified blocks told to a laggard in answer to one status; it asks again, or fetches blocks.
constexpr int kHeadsPerStatus = 4;

}  // namespace

void Replica::Impl::SetStatusTimer() {
  out_.emplace_back(SetTimer{kStatusTimer, ++timer_generation_, options_.status_interval});
}

void Replica::Impl::OnStatusTimer() {
  ++status_ticks_;
  sent_bytes_.clear();
  answered_.clear();
  const auto [believable, hint] = BelievableSealed();
  const Height target = std::max(believable, best_certified_);
  const bool behind = target > sealed_;
  const bool stalled = sealed_ == sealed_at_last_status_ &&
                       (behind || !Settled() || HasOpenWork()) && !diverged_ && !IsDone();
  sealed_at_last_status_ = sealed_;
  PeerStatus status{view_, view_changing_, sealed_, stalled, {}};
  for (const auto& [height, slot] : slots_) {
    const bool accepted = slot.accepted && slot.accepted->view == view_;
    if (accepted || slot.offers.contains(view_)) status.accepted.push_back(height);
  }
  BroadcastAll(Sign(std::move(status)));
  SetStatusTimer();
  // Beyond the window there is no other way; within it votes may still come.
  if (behind && !diverged_ && (stalled || target - sealed_ > options_.window)) {
    out_.emplace_back(CatchUp{target, best_certified_ == target ? best_certified_from_ : hint});
  }
  if (!stalled) return;
  for (std::uint32_t i = 0; i < set_->size(); ++i) {
    if (ValidatorIndex(i) != self_) ResendTo(ValidatorIndex(i));
  }
  AdvanceAll();  // asks for missing proposals again
}

void Replica::Impl::OnStatus(ValidatorIndex from, const PeerStatus& status) {
  peers_[from] = status;
  UpdateObserver();
  // Once a tick: an answer is larger than its question.
  if (!answered_.insert(from).second) return Drop(DropReason::kRate);
  // Whoever waits for a view that is open missed its NEW-VIEW.
  const bool waits = status.view < view_ || (status.view == view_ && status.view_changing);
  if (Settled() && waits && new_view_ != nullptr && new_view_out_) SendTo(from, new_view_);
  if (!status.stalled) return;
  if (status.sealed < sealed_) HelpLaggard(from, status.sealed);
  ResendTo(from);
}

void Replica::Impl::ResendTo(ValidatorIndex peer) {
  const auto known = peers_.find(peer);
  const PeerStatus status = known == peers_.end() ? PeerStatus{} : known->second;
  const auto own = view_changes_.find(self_);
  if (!Settled() && !observer_ && own != view_changes_.end() && own->second == own_view_change_) {
    SendTo(peer, own_view_change_);
  }
  for (const auto& [height, slot] : slots_) {
    if (height <= status.sealed) continue;
    const bool has_offer =
        status.view == view_ &&
        std::binary_search(status.accepted.begin(), status.accepted.end(), height);
    if (slot.own_offer != nullptr && !has_offer) {
      std::size_t& sent = sent_bytes_[peer];
      if (sent < options_.max_proposal_bytes) SendTo(peer, slot.own_offer);
      sent += SizeOf(*slot.own_offer->As<PrePrepare>().proposal);
    }
    for (const auto& vote : {slot.own_prepare, slot.own_commit, slot.own_seal}) {
      if (vote != nullptr) SendTo(peer, vote);
    }
  }
}

void Replica::Impl::HelpLaggard(ValidatorIndex peer, Height their_sealed) {
  int told = 0;
  for (auto it = recent_.upper_bound(their_sealed); it != recent_.end(); ++it) {
    const bool last = std::next(it) == recent_.end();
    if (told++ < kHeadsPerStatus || last) SendTo(peer, Sign(Certified{it->second}));
  }
}

std::pair<Height, ValidatorIndex> Replica::Impl::BelievableSealed() const {
  std::map<ValidatorIndex, Height> reported;
  for (const auto& [who, status] : peers_) reported[who] = status.sealed;
  for (const auto& [who, height] : far_votes_) {
    // It votes within its window, so it has sealed the height W below.
    if (height.value > options_.window) {
      reported[who] = std::max(reported[who], height - options_.window);
    }
  }
  if (reported.size() < weak_quorum()) return {};
  std::vector<std::pair<Height, ValidatorIndex>> sorted;
  for (const auto& [who, height] : reported) sorted.emplace_back(height, who);
  std::sort(sorted.rbegin(), sorted.rend());
  return sorted[weak_quorum() - 1];
}

void Replica::Impl::NoteFarVote(ValidatorIndex from, Height height) {
  if (IsAfterEpoch(height)) return;
  Height& highest = far_votes_[from];
  highest = std::max(highest, height);
}

void Replica::Impl::RequestMissing(Height height, Slot& slot, const Hash& digest) {
  if (set_->size() == 1 || slot.requested == status_ticks_) return;
  slot.requested = status_ticks_;
  // Another peer every tick: at least f+1 correct ones hold what was prepared.
  const std::uint64_t others = set_->size() - 1;
  const std::uint64_t step = 1 + (status_ticks_ + height.value) % others;
  const auto peer = static_cast<std::uint32_t>((self_.value + step) % set_->size());
  SendTo(ValidatorIndex(peer), Sign(ProposalRequest{height, digest}));
}

void Replica::Impl::OnRequest(ValidatorIndex from, const ProposalRequest& request) {
  const Slot* slot = FindSlot(request.height);
  if (slot == nullptr) return Drop(DropReason::kWindow);
  const auto held = slot->held.find(request.digest);
  if (held == slot->held.end()) return Drop(DropReason::kUnasked);
  std::size_t& sent = sent_bytes_[from];
  if (sent >= options_.max_proposal_bytes) return Drop(DropReason::kRate);
  sent += SizeOf(*held->second.proposal);
  SendTo(from, Sign(ProposalReply{request.height, request.digest, held->second.proposal}));
}

void Replica::Impl::OnReply(const ProposalReply& reply) {
  Slot* slot = FindSlot(reply.height);
  const auto planned = plan_.digests.find(reply.height);
  const bool wanted =
      slot != nullptr && (slot->committed == reply.digest ||
                          (planned != plan_.digests.end() && planned->second == reply.digest));
  if (!wanted || slot->held.contains(reply.digest)) return Drop(DropReason::kUnasked);
  if (SizeOf(*reply.proposal) > options_.max_proposal_bytes) return Drop(DropReason::kTooLarge);
  slot->held[reply.digest].proposal = reply.proposal;
  Advance(reply.height);
}

}  // namespace talent::consensus
