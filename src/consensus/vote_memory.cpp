// Promises are on disk before they are given, and are given again, the same, after a restart.
#include <algorithm>

#include "base/canonical.h"
#include "consensus/replica_impl.h"

namespace talent::consensus {

Bytes BeganRecord(Epoch epoch) {
  pb::VoteRecord record;
  record.set_epoch(epoch.value);
  record.mutable_began();
  return Encode(record);
}

pb::VoteRecord Replica::Impl::Record() const {
  pb::VoteRecord record;
  record.set_epoch(set_->epoch().value);
  return record;
}

void Replica::Impl::Promise(const pb::VoteRecord& record) {
  out_.emplace_back(Persist{next_token_++, Encode(record)});
  ++records_since_compaction_;
}

void Replica::Impl::ReleaseWhenDurable(MessagePtr message) {
  releases_.emplace_back(next_token_ - 1, std::move(message));
}

void Replica::Impl::On(const Durable& event) {
  while (!releases_.empty() && releases_.front().first <= event.token) {
    const MessagePtr message = std::move(releases_.front().second);
    releases_.pop_front();
    if (!diverged_) Release(message);
  }
  MaybeCompact();
}

void Replica::Impl::Release(const MessagePtr& message) {
  if (std::holds_alternative<ViewChange>(message->content())) {
    if (message != own_view_change_) return;  // we went on to a later view
    view_changes_[self_] = message;
    BroadcastAll(message);
    ArmViewChangeTimer();
    return TryNewView();
  }
  if (std::holds_alternative<NewView>(message->content())) {
    if (message != new_view_) return;
    new_view_out_ = true;
    return BroadcastAll(message);
  }
  if (const auto* seal = std::get_if<SealVote>(&message->content())) {
    BroadcastAll(message);
    Slot* slot = FindSlot(seal->height);
    if (slot == nullptr) return;
    slot->own_seal = message;
    slot->seals[self_] = {{seal->block_hash, message->signature()}};
    return TryFinalise();
  }
  const Position& at = PositionOf(*message);
  Slot* slot = FindSlot(at.height);
  if (slot == nullptr || at.view != view_ || !Settled()) return;
  const std::pair key(at.view, self_);
  if (std::holds_alternative<PrePrepare>(message->content())) {
    slot->own_offer = message;
  } else if (std::holds_alternative<Prepare>(message->content())) {
    slot->own_prepare = slot->prepares[key] = message;
  } else {
    slot->own_commit = slot->commits[key] = message;
  }
  BroadcastAll(message);
  Advance(at.height);
}

void Replica::Impl::Recover(const std::vector<Bytes>& records) {
  if (observer_) {
    Promise([this] {
      pb::VoteRecord record = Record();
      record.mutable_observing();
      return record;
    }());
    return;
  }
  if (records.empty()) {
    // On disk before the chain can move, or a later start could not tell this log from a lost one.
    pb::VoteRecord record = Record();
    record.mutable_began();
    Promise(record);
    return;
  }
  if (Resume(records)) {
    // What the operator has decided once is decided: the log no longer says to observe.
    if (accept_lost_votes_ && outliving_.empty()) out_.emplace_back(CompactLog{CompactRecords()});
    return ResendAfterRestart();
  }
  // What we cannot read we may have promised.
  slots_.clear();
  view_ = View(0);
  view_changing_ = false;
  new_view_ = own_view_change_ = nullptr;
  view_changes_.clear();
  plan_ = {};
  observe_until_ = Height(0);
  observer_ = !accept_lost_votes_;
  Recover({});
}

bool Replica::Impl::Resume(const std::vector<Bytes>& records) {
  bool own = false;
  bool outlived = false;
  for (const Bytes& bytes : records) {
    const auto record = Decode<pb::VoteRecord>(bytes);
    if (!record) return false;
    const Epoch epoch(record->epoch());
    outlived = outlived || epoch > set_->epoch();
    own = own || epoch == set_->epoch();
    // Of an epoch that has ended only this still binds us: heights go on where it ended.
    const bool binds = record->has_observing() && epoch < set_->epoch();
    if ((epoch == set_->epoch() || binds) && !Replay(*record)) return false;
  }
  if (outlived) {
    // What it promised here is forgotten: no vote in this epoch, and the log is left alone.
    outliving_ = records;
    observer_ = true;
    observe_until_ = Height(kMaxHeight);
  } else if (!own) {
    TakeOver();
  }
  return true;
}

// The log is an earlier epoch's. It has been kept since, so whatever we promised in this one would
// be in it, after the record that this epoch was begun. Where the chain has gone on without that
// record, something is missing after all.
void Replica::Impl::TakeOver() {
  if (!observer_ && !accept_lost_votes_ && sealed_ >= options_.first_height) {
    observer_ = true;
    observe_until_ = Height(0);
  }
  out_.emplace_back(CompactLog{CompactRecords()});
}

bool Replica::Impl::Replay(const pb::VoteRecord& record) {
  switch (record.kind_case()) {
    case pb::VoteRecord::kProposal: {
      const Height height(record.proposal().height());
      if (height <= sealed_) return true;
      const ProposalPtr proposal = FromProto(record.proposal().proposal());
      slots_[height].held[OrderDigest(proposal->batch)] =
          HeldProposal{.proposal = proposal, .good = true, .stored = true};
      return true;
    }
    case pb::VoteRecord::kAccepted: {
      const auto at = FromProto(record.accepted());
      if (at && at->height > sealed_) slots_[at->height].accepted = *at;
      return at.has_value();
    }
    case pb::VoteRecord::kPrepared: {
      const auto prepared = FromProto(record.prepared());
      if (prepared && prepared->at.height > sealed_) {
        slots_[prepared->at.height].prepared = *prepared;
      }
      return prepared.has_value();
    }
    case pb::VoteRecord::kViewChange: {
      const auto message = VerifyMessage(options_.chain, *set_, record.view_change());
      if (!message || !std::holds_alternative<ViewChange>((*message)->content())) return false;
      own_view_change_ = *message;
      view_ = (*message)->As<ViewChange>().view;
      view_changing_ = true;
      new_view_ = nullptr;
      plan_ = {};
      return true;
    }
    case pb::VoteRecord::kNewView: {
      const auto message = VerifyMessage(options_.chain, *set_, record.new_view());
      if (!message || !std::holds_alternative<NewView>((*message)->content())) return false;
      new_view_ = *message;
      new_view_out_ = true;
      view_ = new_view_->As<NewView>().view;
      view_changing_ = false;
      own_view_change_ = nullptr;
      plan_ = PlanNewView(new_view_->As<NewView>().view_changes, options_.first_height);
      return true;
    }
    case pb::VoteRecord::kSeal: {
      const auto hash = ToHash(record.seal().block_hash(), "block hash");
      const Height height(record.seal().height());
      if (hash && height > sealed_) slots_[height].sealed_as = *hash;
      return hash.has_value();
    }
    case pb::VoteRecord::kObserving:
      if (accept_lost_votes_) return true;
      observe_until_ = Height(record.observing().until());
      observer_ = observe_until_ == Height(0) || observe_until_ > sealed_;
      return true;
    case pb::VoteRecord::kBegan:
      return true;
    case pb::VoteRecord::KIND_NOT_SET:
      break;
  }
  return false;
}

void Replica::Impl::ResendAfterRestart() {
  for (auto& [height, slot] : slots_) {
    if (slot.accepted && slot.accepted->view == view_ && IsPrimary()) {
      proposed_ = std::max(proposed_, height);
    }
  }
  if (observer_) return;
  if (own_view_change_ != nullptr) Release(own_view_change_);
  if (new_view_ != nullptr && new_view_->signer() == self_) BroadcastAll(new_view_);
  std::vector<MessagePtr> messages;
  for (auto& [height, slot] : slots_) {
    if (slot.accepted && slot.accepted->view == view_ && Settled()) {
      const Position& at = *slot.accepted;
      const auto held = slot.held.find(at.digest);
      if (IsPrimary() && height > plan_.top && held != slot.held.end()) {
        messages.push_back(Sign(PrePrepare{at, held->second.proposal}));
      }
      messages.push_back(Sign(Prepare{at}));
    }
    if (slot.prepared && slot.prepared->at.view == view_ && Settled()) {
      messages.push_back(Sign(Commit{slot.prepared->at}));
    }
    if (slot.sealed_as) messages.push_back(Sign(SealVote{height, *slot.sealed_as}));
  }
  for (const MessagePtr& message : messages) Release(message);
  AdvanceAll();
  ArmProgressTimer();
}

std::vector<Bytes> Replica::Impl::CompactRecords() const {
  std::vector<Bytes> records;
  const auto add = [&](const auto& fill) {
    pb::VoteRecord record = Record();
    fill(record);
    records.push_back(Encode(record));
  };
  if (observer_) {
    add([&](auto& r) { r.mutable_observing()->set_until(observe_until_.value); });
  } else {
    add([&](auto& r) { r.mutable_began(); });
  }
  if (own_view_change_ != nullptr) {
    add([&](auto& r) { r.set_view_change(own_view_change_->signed_bytes()); });
  } else if (new_view_ != nullptr) {
    add([&](auto& r) { r.set_new_view(new_view_->signed_bytes()); });
  }
  for (const auto& entry : slots_) {
    const Slot& slot = entry.second;  // not a binding: clang 14 captures none
    const std::uint64_t h = entry.first.value;
    for (const auto& [digest, held] : slot.held) {
      if (!held.stored) continue;
      add([&, &proposal = *held.proposal](auto& r) {
        r.mutable_proposal()->set_height(h);
        *r.mutable_proposal()->mutable_proposal() = ToProto(proposal);
      });
    }
    if (slot.accepted) add([&](auto& r) { *r.mutable_accepted() = ToProto(*slot.accepted); });
    if (slot.prepared) add([&](auto& r) { *r.mutable_prepared() = ToProto(*slot.prepared); });
    if (slot.sealed_as) {
      add([&](auto& r) {
        r.mutable_seal()->set_height(h);
        r.mutable_seal()->set_block_hash(slot.sealed_as->ToBytes());
      });
    }
  }
  return records;
}

void Replica::Impl::MaybeCompact() {
  if (!outliving_.empty()) return;
  // Once a window of blocks is garbage; and where nothing is sealed, once view changes pile up.
  const bool due = sealed_since_compaction_ >= options_.window ||
                   records_since_compaction_ >= 8 * std::uint64_t{options_.window} + 64;
  if (!due) return;
  out_.emplace_back(CompactLog{CompactRecords()});
  sealed_since_compaction_ = records_since_compaction_ = 0;
}

void Replica::Impl::UpdateObserver() {
  // Where it is the only one, nobody else can tell what it has signed: the operator decides.
  if (!observer_ || set_->size() == 1) return;
  if (observe_until_ == Height(0)) {
    // Among so many peers is a correct one that voted for the last block we may have sealed, so we
    // voted for nothing over two windows above what it has sealed.
    const std::uint32_t n = set_->size();
    const std::uint32_t needed = std::min(n - 1, n - set_->quorum() + set_->max_faulty() + 1);
    if (peers_.size() < needed) return;
    Height highest = sealed_;
    for (const auto& [who, status] : peers_) highest = std::max(highest, status.sealed);
    observe_until_ = highest + 2 * std::uint64_t{options_.window};
    pb::VoteRecord record = Record();
    record.mutable_observing()->set_until(observe_until_.value);
    Promise(record);
  }
  if (sealed_ >= observe_until_) observer_ = false;
}

}  // namespace talent::consensus
