// The normal case: a batch is offered, prepared, committed and executed.
#include <algorithm>

#include "consensus/replica_impl.h"

namespace talent::consensus {

Slot* Replica::Impl::FindSlot(Height height) {
  const auto it = slots_.find(height);
  return it == slots_.end() ? nullptr : &it->second;
}

Slot* Replica::Impl::Buffer(Height height) {
  if (height <= sealed_ || height - sealed_ > 2 * std::uint64_t{options_.window}) return nullptr;
  if (IsAfterEpoch(height)) return nullptr;
  return &slots_[height];
}

std::optional<Height> Replica::Impl::CanPropose() const {
  if (!started_ || !Settled() || !MayVote() || !IsPrimary()) return std::nullopt;
  const Height next = std::max({sealed_, plan_.top, proposed_}) + 1;
  return InWindow(next) ? std::optional(next) : std::nullopt;
}

void Replica::Impl::On(const ProposalReady& event) {
  const auto height = CanPropose();
  if (!height || event.proposal == nullptr) return Drop(DropReason::kUnasked);
  if (SizeOf(*event.proposal) > options_.max_proposal_bytes) return Drop(DropReason::kTooLarge);
  const Hash digest = OrderDigest(event.proposal->batch);
  Slot& slot = slots_[*height];
  HeldProposal& held = slot.held[digest];
  held.proposal = event.proposal;
  held.good = true;
  proposed_ = *height;
  Accept(*height, slot, digest, /*fresh=*/true);
  ArmProgressTimer();
}

void Replica::Impl::OnPrePrepare(const MessagePtr& message) {
  const auto& offer = message->As<PrePrepare>();
  const Position& at = offer.at;
  Slot* slot = Buffer(at.height);
  if (slot == nullptr) {
    NoteFarVote(message->signer(), at.height);
    return Drop(WhyNotBuffered(at.height));
  }
  if (at.view < view_ || at.view > view_ + 1) return Drop(DropReason::kView);
  if (SizeOf(*offer.proposal) > options_.max_proposal_bytes) return Drop(DropReason::kTooLarge);
  LookForContradiction(*slot, *message);
  const auto [it, added] = slot->offers.emplace(at.view, message);
  if (!added) {
    if (PositionOf(*it->second).digest != at.digest) return Drop(DropReason::kContradiction);
    Drop(DropReason::kDuplicate);
    // Sent again. If the host refused it, the sidecar or the clocks may be better now.
    const auto held = slot->held.find(at.digest);
    if (held != slot->held.end() && held->second.refused_as_fresh == view_) {
      held->second.refused_as_fresh.reset();
      if (!held->second.stored) held->second.proposal = offer.proposal;
    }
  }
  Advance(at.height);
  ArmProgressTimer();
}

void Replica::Impl::OnVote(const MessagePtr& message, Votes Slot::*votes) {
  const Position& at = PositionOf(*message);
  Slot* slot = Buffer(at.height);
  if (slot == nullptr) {
    NoteFarVote(message->signer(), at.height);
    return Drop(WhyNotBuffered(at.height));
  }
  if (at.view < view_ || at.view > view_ + 1) return Drop(DropReason::kView);
  LookForContradiction(*slot, *message);
  const auto [it, added] = (slot->*votes).emplace(std::pair(at.view, message->signer()), message);
  if (!added) {
    const bool same = PositionOf(*it->second).digest == at.digest;
    return Drop(same ? DropReason::kDuplicate : DropReason::kContradiction);
  }
  Advance(at.height);
}

// A correct validator offers, prepares and commits one digest for one view and height.
void Replica::Impl::LookForContradiction(Slot& slot, const VerifiedMessage& message) {
  if (slot.reported.contains(message.signer())) return;
  const VerifiedMessage* other = slot.OtherVote(message);
  if (other == nullptr) return;
  slot.reported.insert(message.signer());
  ReportEvidence(*other, message);
}

void Replica::Impl::Advance(Height height) {
  Slot* slot = FindSlot(height);
  if (slot == nullptr || diverged_) return;
  TryAccept(height, *slot);
  TryPrepared(height, *slot);
  TryCommitted(*slot);
  TryExecute();
}

void Replica::Impl::AdvanceAll() {
  for (Height h = sealed_ + 1; InWindow(h); ++h) {
    // A slot that nothing has arrived for may still be named by the new view.
    if (Settled() && plan_.digests.contains(h)) slots_.try_emplace(h);
    Advance(h);
  }
}

void Replica::Impl::TryAccept(Height height, Slot& slot) {
  if (!Settled() || !InWindow(height)) return;
  if (slot.accepted && slot.accepted->view == view_) return;
  const bool fresh = height > plan_.top;
  Hash digest;
  if (fresh) {
    const auto offer = slot.offers.find(view_);
    if (offer == slot.offers.end()) return;
    digest = PositionOf(*offer->second).digest;
    slot.held.try_emplace(digest,
                          HeldProposal{.proposal = offer->second->As<PrePrepare>().proposal});
  } else {
    const auto planned = plan_.digests.find(height);
    if (planned == plan_.digests.end()) return;  // below what the view changes prove sealed
    digest = planned->second;
  }
  if (!slot.held.contains(digest) && digest != NullDigest()) {
    return RequestMissing(height, slot, digest);
  }
  if (!IsVetted(height, slot, digest, fresh) || !MayVote()) return;
  if (slot.committed && *slot.committed != digest) return;  // more than f validators lie
  Accept(height, slot, digest, fresh);
}

void Replica::Impl::Accept(Height height, Slot& slot, const Hash& digest, bool fresh) {
  const Position at{view_, height, digest};
  HeldProposal& held = slot.held.at(digest);
  if (!held.stored) {
    pb::VoteRecord record = Record();
    record.mutable_proposal()->set_height(height.value);
    *record.mutable_proposal()->mutable_proposal() = ToProto(*held.proposal);
    Promise(record);
    held.stored = true;
  }
  slot.accepted = at;
  pb::VoteRecord record = Record();
  *record.mutable_accepted() = ToProto(at);
  Promise(record);
  if (fresh && IsPrimary()) ReleaseWhenDurable(Sign(PrePrepare{at, held.proposal}));
  ReleaseWhenDurable(Sign(Prepare{at}));
  KeepWanted(height, slot);
}

bool Replica::Impl::IsVetted(Height height, Slot& slot, const Hash& digest, bool fresh) {
  if (digest == NullDigest() && !fresh) {
    static const ProposalPtr kNull = std::make_shared<Proposal>();
    slot.held.insert_or_assign(digest, HeldProposal{.proposal = kNull, .good = true});
    return true;
  }
  HeldProposal& held = slot.held.at(digest);
  if (fresh ? held.good_as_fresh == view_ : held.good) return true;
  if (held.asked == view_) return false;
  if (fresh && held.refused_as_fresh == view_) return false;
  held.asked = view_;
  held.asked_as_fresh = fresh;
  out_.emplace_back(Vet{view_, height, digest, held.proposal, fresh, set_->Primary(view_)});
  return false;
}

void Replica::Impl::On(const Vetted& event) {
  Slot* slot = FindSlot(event.height);
  const auto it = slot == nullptr ? decltype(slot->held.end()){} : slot->held.find(event.digest);
  if (slot == nullptr || it == slot->held.end() || it->second.asked != event.view) return;
  HeldProposal& held = it->second;
  held.asked.reset();
  if (event.ok) {
    held.good = true;
    if (held.asked_as_fresh) held.good_as_fresh = event.view;
  } else if (held.asked_as_fresh) {
    held.refused_as_fresh = event.view;
  } else if (!held.stored) {
    slot->held.erase(it);  // a wrong sidecar: somebody else has the right one
  }
  Advance(event.height);
}

void Replica::Impl::TryPrepared(Height height, Slot& slot) {
  if (!Settled() || !MayVote() || !slot.accepted || slot.accepted->view != view_) return;
  if (slot.prepared && slot.prepared->at.view == view_) return;
  const Position& at = *slot.accepted;
  if (Slot::Count(slot.prepares, view_, at.digest) < set_->quorum()) return;
  slot.prepared = PreparedCertificate{at, Slot::Signatures(slot.prepares, view_, at.digest)};
  pb::VoteRecord record = Record();
  *record.mutable_prepared() = ToProto(*slot.prepared);
  Promise(record);
  ReleaseWhenDurable(Sign(Commit{at}));
  KeepWanted(height, slot);
}

void Replica::Impl::TryCommitted(Slot& slot) {
  if (slot.committed) return;
  for (const auto& [key, vote] : slot.commits) {
    const Hash& digest = PositionOf(*vote).digest;
    if (Slot::Count(slot.commits, key.first, digest) >= set_->quorum()) {
      slot.committed = digest;
      return;
    }
  }
}

void Replica::Impl::TryExecute() {
  // Commits are buffered for twice the window; the host holds one window of unsealed blocks.
  for (Height h = execute_sent_ + 1; InWindow(h); ++h) {
    Slot* slot = FindSlot(h);
    if (slot == nullptr || !slot->committed || diverged_) return;
    const Hash& digest = *slot->committed;
    if (!slot->held.contains(digest) && digest != NullDigest()) {
      return RequestMissing(h, *slot, digest);
    }
    if (!IsVetted(h, *slot, digest, /*fresh=*/false)) return;
    execute_sent_ = h;
    out_.emplace_back(Execute{h, slot->held.at(digest).proposal});
  }
}

void Replica::Impl::KeepWanted(Height height, Slot& slot) {
  const auto planned = plan_.digests.find(height);
  std::erase_if(slot.held, [&](const auto& entry) {
    const Hash& digest = entry.first;
    const bool wanted = (slot.accepted && slot.accepted->digest == digest) ||
                        (slot.prepared && slot.prepared->at.digest == digest) ||
                        slot.committed == digest ||
                        (planned != plan_.digests.end() && planned->second == digest);
    return !wanted;
  });
}

}  // namespace talent::consensus
