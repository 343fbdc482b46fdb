// Leaving a view whose primary stalls, and opening the next.
#include <algorithm>
#include <utility>

#include "consensus/replica_impl.h"

namespace talent::consensus {

bool Replica::Impl::HasOpenWork() const {
  if (work_waiting_ || plan_.top > sealed_) return true;
  return std::any_of(slots_.begin(), slots_.end(),
                     [this](const auto& entry) { return entry.second.IsOpen(view_); });
}

void Replica::Impl::ArmProgressTimer(bool restart) {
  if (!Settled() || !MayVote() || !HasOpenWork()) {
    progress_timer_.reset();
    return;
  }
  if (progress_timer_ && !restart) return;
  progress_timer_ = ++timer_generation_;
  out_.emplace_back(SetTimer{kProgressTimer, *progress_timer_, timeout_});
}

void Replica::Impl::StartViewChange(View view) {
  if (!MayVote()) return;
  CHECK(view > view_, "view change from {} to {}", view_, view);
  if (!sealed_in_view_)
    timeout_ = Millis(std::min(2 * timeout_.value, options_.view_timeout_cap.value));
  sealed_in_view_ = false;
  ++view_change_count_;
  view_ = view;
  view_changing_ = true;
  new_view_ = nullptr;
  plan_ = {};
  proposed_ = Height(0);
  progress_timer_.reset();
  view_change_timer_.reset();
  ViewChange change{view_, sealed_head_, {}};
  for (auto& [height, slot] : slots_) {
    slot.EnterView(view_);
    if (slot.prepared) change.prepared.push_back(*slot.prepared);
  }
  own_view_change_ = Sign(std::move(change));
  pb::VoteRecord record = Record();
  record.set_view_change(own_view_change_->signed_bytes());
  Promise(record);
  ReleaseWhenDurable(own_view_change_);
}

void Replica::Impl::OnViewChange(const MessagePtr& message) {
  const auto& change = message->As<ViewChange>();
  Learn(change.sealed, message->signer());
  for (const PreparedCertificate& prepared : change.prepared) LookForOwnPrepare(prepared);
  if (change.view < view_ || (change.view == view_ && Settled())) {
    return Drop(DropReason::kView);  // Status tells it
  }
  auto& latest = view_changes_[message->signer()];
  if (latest != nullptr && latest->As<ViewChange>().view >= change.view) {
    if (latest->As<ViewChange>().view > change.view) return Drop(DropReason::kView);
    if (SameBody(*latest, *message)) return Drop(DropReason::kDuplicate);
    if (two_view_changes_.insert(message->signer()).second) ReportEvidence(*latest, *message);
    return Drop(DropReason::kContradiction);
  }
  latest = message;
  JoinViewChange();
  ArmViewChangeTimer();
  TryNewView();
}

void Replica::Impl::JoinViewChange() {
  std::vector<View> above;
  for (const auto& [who, message] : view_changes_) {
    const View view = message->As<ViewChange>().view;
    if (who != self_ && view > view_) above.push_back(view);
  }
  if (above.size() < weak_quorum()) return;
  // The highest view that at least one correct validator wants, or a later one.
  std::sort(above.rbegin(), above.rend());
  StartViewChange(above[weak_quorum() - 1]);
}

std::uint32_t Replica::Impl::ViewChangesFor(View view) const {
  return static_cast<std::uint32_t>(std::count_if(
      view_changes_.begin(), view_changes_.end(),
      [&](const auto& entry) { return entry.second->template As<ViewChange>().view == view; }));
}

void Replica::Impl::ArmViewChangeTimer() {
  // Without a quorum nobody can open the view, and running through views would only spread us.
  // Who wants a later view counts: it waits for us there.
  const auto leaving = std::count_if(
      view_changes_.begin(), view_changes_.end(),
      [&](const auto& e) { return e.second->template As<ViewChange>().view >= view_; });
  if (Settled() || view_change_timer_ || std::cmp_less(leaving, set_->quorum())) return;
  view_change_timer_ = ++timer_generation_;
  out_.emplace_back(SetTimer{kViewChangeTimer, *view_change_timer_, timeout_});
}

void Replica::Impl::TryNewView() {
  if (Settled() || !MayVote() || !IsPrimary() || ViewChangesFor(view_) < set_->quorum()) return;
  NewView opening{view_, {}};
  for (const auto& [who, message] : view_changes_) {
    if (message->As<ViewChange>().view == view_) opening.view_changes.push_back(message);
  }
  const MessagePtr message = Sign(std::move(opening));
  Install(message);
}

void Replica::Impl::OnNewView(const MessagePtr& message) {
  const View view = message->As<NewView>().view;
  if (view < view_) return Drop(DropReason::kView);
  if (view == view_ && Settled()) {
    if (new_view_ == nullptr || SameBody(*new_view_, *message)) {
      return Drop(DropReason::kDuplicate);
    }
    if (two_new_views_ != view) ReportEvidence(*new_view_, *message);
    two_new_views_ = view;
    return Drop(DropReason::kContradiction);
  }
  LookForOwnViewChange(message->As<NewView>());
  Install(message);
}

void Replica::Impl::Install(const MessagePtr& new_view) {
  const auto& opening = new_view->As<NewView>();
  pb::VoteRecord record = Record();
  record.set_new_view(new_view->signed_bytes());
  Promise(record);
  if (new_view->signer() == self_) ReleaseWhenDurable(new_view);
  view_ = opening.view;
  view_changing_ = false;
  sealed_in_view_ = false;
  new_view_ = new_view;
  new_view_out_ = new_view->signer() != self_;
  own_view_change_ = nullptr;
  view_change_timer_.reset();
  proposed_ = Height(0);
  plan_ = PlanNewView(opening.view_changes, options_.first_height);
  for (auto& [height, slot] : slots_) slot.EnterView(view_);
  std::erase_if(view_changes_, [this](const auto& entry) {
    return entry.second->template As<ViewChange>().view <= view_;
  });
  Learn(plan_.stable, new_view->signer());
  AdvanceAll();
  ArmProgressTimer(/*restart=*/true);
  JoinViewChange();
}

}  // namespace talent::consensus
