// Events in, actions out: the public face, and what every part of the replica uses.
#include "consensus/replica.h"

#include <utility>

#include "consensus/replica_impl.h"
#include "crypto/sha256.h"

namespace talent::consensus {

Replica::Impl::Impl(Options options, const crypto::KeyPair& key, Recovered recovered)
    : options_(std::move(options)),
      set_(options_.validators),
      key_(key),
      recovered_records_(std::move(recovered.records)),
      sealed_(recovered.sealed),
      timeout_(options_.view_timeout),
      accept_lost_votes_(recovered.accept_lost_votes),
      observer_(recovered.votes_lost && !recovered.accept_lost_votes) {
  CHECK(set_ != nullptr);
  CHECK(options_.window >= 1 && options_.window <= kMaxWindow / 2, "window {}", options_.window);
  const auto self = set_->FindVoteKey(key.public_key());
  CHECK(self.has_value(), "the vote key is no validator's");
  self_ = *self;
  executed_ = execute_sent_ = finalise_sent_ = sealed_at_last_status_ = sealed_;
  CHECK(sealed_ + 1 >= options_.first_height, "height {} is below the epoch", sealed_);
  epoch_end_ = recovered.epoch_end;
  if (sealed_ >= options_.first_height) {
    CHECK(recovered.sealed_certificate.has_value(), "height {} without certificate", sealed_);
    sealed_head_ = {sealed_, recovered.sealed_hash, std::move(recovered.sealed_header),
                    std::move(*recovered.sealed_certificate)};
    CHECK(TaggedHash(crypto::Domain::kHeader, {sealed_head_.header}) == sealed_head_.block_hash,
          "header of height {} is not the one that was sealed", sealed_);
    recent_[sealed_] = sealed_head_;
  }
}

void Replica::Impl::On(const MessageReceived& event) {
  const VerifiedMessage& message = *event.message;
  const ValidatorIndex from = message.signer();
  if (from == self_) return Drop(DropReason::kOwnKey);
  if (const auto* status = std::get_if<PeerStatus>(&message.content())) {
    return OnStatus(from, *status);
  }
  if (const auto* request = std::get_if<ProposalRequest>(&message.content())) {
    return OnRequest(from, *request);
  }
  if (diverged_) return Drop(DropReason::kHalted);
  if (IsDone()) return Drop(DropReason::kEpoch);
  if (std::holds_alternative<PrePrepare>(message.content())) {
    OnPrePrepare(event.message);
  } else if (std::holds_alternative<Prepare>(message.content())) {
    OnVote(event.message, &Slot::prepares);
  } else if (std::holds_alternative<Commit>(message.content())) {
    OnVote(event.message, &Slot::commits);
  } else if (std::holds_alternative<SealVote>(message.content())) {
    OnSeal(event.message);
  } else if (std::holds_alternative<ViewChange>(message.content())) {
    OnViewChange(event.message);
  } else if (std::holds_alternative<NewView>(message.content())) {
    OnNewView(event.message);
  } else if (const auto* reply = std::get_if<ProposalReply>(&message.content())) {
    OnReply(*reply);
  } else if (const auto* certified = std::get_if<Certified>(&message.content())) {
    if (certified->head.height <= sealed_) return Drop(DropReason::kWindow);
    const Slot* slot = FindSlot(certified->head.height);
    if (slot != nullptr && slot->certified) return Drop(DropReason::kDuplicate);
    Learn(certified->head, from);
  }
}

void Replica::Impl::On(const TimerFired& event) {
  if (event.timer == kStatusTimer) return OnStatusTimer();
  if (diverged_) return;
  if (event.timer == kProgressTimer && progress_timer_ == event.generation) {
    progress_timer_.reset();
    StartViewChange(view_ + 1);
  } else if (event.timer == kViewChangeTimer && view_change_timer_ == event.generation) {
    view_change_timer_.reset();
    StartViewChange(view_ + 1);
  }
}

void Replica::Impl::On(const WorkWaiting& event) {
  work_waiting_ = event.waiting;
  ArmProgressTimer();
}

void Replica::Impl::On(const RequestStarved&) {
  // A primary that has sealed nothing yet has had no turn; and one complaint a view is enough.
  if (Settled() && sealed_in_view_ && !diverged_) StartViewChange(view_ + 1);
}

MessagePtr Replica::Impl::Sign(Content content) const {
  return VerifiedMessage::Sign(key_, options_.chain, set_->epoch(), self_, std::move(content));
}

void Replica::Impl::SendTo(ValidatorIndex to, const MessagePtr& message) {
  out_.emplace_back(Send{to, message->Wire()});
}

void Replica::Impl::BroadcastAll(const MessagePtr& message) {
  if (set_->size() > 1) out_.emplace_back(Broadcast{message->Wire()});
}

bool Replica::Impl::SameBody(const VerifiedMessage& a, const VerifiedMessage& b) const {
  return EncodeBody(set_->epoch(), a.content()) == EncodeBody(set_->epoch(), b.content());
}

void Replica::Impl::ReportEvidence(const VerifiedMessage& first, const VerifiedMessage& second) {
  out_.emplace_back(Evidence{first.signer(), first.signed_bytes(), second.signed_bytes()});
}

ReplicaStatus Replica::Impl::status() const {
  ReplicaStatus out;
  out.epoch = set_->epoch();
  out.view = view_;
  out.view_changing = view_changing_;
  out.observer = observer_;
  out.diverged = diverged_;
  out.done = IsDone();
  out.primary = set_->Primary(view_);
  out.sealed = sealed_;
  out.executed = executed_;
  out.prepared = out.proposed = sealed_;
  for (const auto& [height, slot] : slots_) {
    if (slot.prepared) out.prepared = height;
    if (slot.accepted) out.proposed = height;
  }
  out.epoch_end = epoch_end_;
  out.dropped = dropped_;
  for (const std::uint64_t count : dropped_) out.dropped_messages += count;
  out.view_changes = view_change_count_;
  return out;
}

std::string_view DropReasonName(DropReason reason) {
  static constexpr std::array<std::string_view, kDropReasons> kNames = {
      "own_key", "view",      "window", "duplicate", "contradiction",
      "unasked", "too_large", "rate",   "halted",    "epoch"};
  return kNames.at(static_cast<std::size_t>(reason));
}

std::string ReplicaStatus::ToString() const {
  return fmt::format(
      "epoch {} view {}{} primary {} sealed {} executed {} prepared {} proposed {} dropped {} "
      "view changes {}{}{}{}{}",
      epoch, view, view_changing ? " (changing)" : "", primary, sealed, executed, prepared,
      proposed, dropped_messages, view_changes, observer ? " observer" : "",
      diverged ? " DIVERGED" : "",
      epoch_end == Height(0) ? "" : fmt::format(" epoch ends {}", epoch_end), done ? " done" : "");
}

Replica::Replica(Options options, const crypto::KeyPair& key, Recovered recovered)
    : impl_(std::make_unique<Impl>(std::move(options), key, std::move(recovered))) {}
Replica::Replica(const Replica& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Replica::~Replica() = default;

Actions Replica::Start() {
  CHECK(!impl_->started_, "Start() is called once");
  impl_->started_ = true;
  impl_->Recover(std::exchange(impl_->recovered_records_, {}));
  impl_->SetStatusTimer();
  return std::exchange(impl_->out_, {});
}

Actions Replica::Step(const Event& event) {
  CHECK(impl_->started_, "Start() comes first");
  std::visit([this](const auto& e) { impl_->On(e); }, event);
  return std::exchange(impl_->out_, {});
}

std::optional<Height> Replica::CanPropose() const { return impl_->CanPropose(); }
View Replica::view() const { return impl_->view_; }
ReplicaStatus Replica::status() const { return impl_->status(); }
Horizon Replica::horizon() const {
  return {impl_->set_->epoch(), impl_->view_, impl_->sealed_, impl_->options_.window};
}
std::vector<Bytes> Replica::TakeOverRecords() const {
  return impl_->outliving_.empty() ? impl_->CompactRecords() : impl_->outliving_;
}

}  // namespace talent::consensus
