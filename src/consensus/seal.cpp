// Executed blocks are sealed; a quorum of equal seals is a certificate. Views play no part here.
#include <algorithm>

#include "consensus/replica_impl.h"
#include "crypto/sha256.h"

namespace talent::consensus {

void Replica::Impl::On(const Executed& event) {
  Slot* slot = FindSlot(event.height);
  if (slot == nullptr || diverged_ || event.height > execute_sent_ || slot->executed) return;
  slot->executed = event.block_hash;
  LearnEpochEnd(event.epoch_end);
  executed_ = std::max(executed_, event.height);
  if (slot->certified && slot->certified->block_hash != event.block_hash) {
    return Diverge(event.height, event.block_hash, slot->certified->block_hash);
  }
  Seal(event.height, *slot);
  CompareSeals(event.height, *slot);
  TryFinalise();
}

void Replica::Impl::Seal(Height height, Slot& slot) {
  if (slot.sealed_as) {
    // Promised before a restart: executing it again must lead to the same block.
    if (*slot.sealed_as != *slot.executed) Diverge(height, *slot.executed, *slot.sealed_as);
    return;
  }
  if (!MayVote()) return;
  slot.sealed_as = slot.executed;
  pb::VoteRecord record = Record();
  record.mutable_seal()->set_height(height.value);
  record.mutable_seal()->set_block_hash(slot.sealed_as->ToBytes());
  Promise(record);
  ReleaseWhenDurable(Sign(SealVote{height, *slot.sealed_as}));
}

void Replica::Impl::OnSeal(const MessagePtr& message) {
  const auto& seal = message->As<SealVote>();
  Slot* slot = Buffer(seal.height);
  if (slot == nullptr) return Drop(WhyNotBuffered(seal.height));
  auto& list = slot->seals[message->signer()];
  const bool known = std::any_of(list.begin(), list.end(),
                                 [&](const auto& s) { return s.first == seal.block_hash; });
  if (known) return Drop(DropReason::kDuplicate);
  if (list.size() >= Slot::kSealsPerSigner && slot->executed != seal.block_hash) {
    return Drop(DropReason::kContradiction);
  }
  list.emplace_back(seal.block_hash, message->signature());
  CompareSeals(seal.height, *slot);
  TryFinalise();
}

void Replica::Impl::CompareSeals(Height height, Slot& slot) {
  if (!slot.executed || slot.seals_compared) return;
  // Seals of other blocks we know may have been passed on under this height.
  const auto of_another_height = [&](const Hash& hash) {
    const auto is = [&](const auto& entry) { return entry.second.block_hash == hash; };
    const auto ran = [&](const auto& entry) { return entry.second.executed == hash; };
    return std::any_of(recent_.begin(), recent_.end(), is) ||
           std::any_of(slots_.begin(), slots_.end(), ran);
  };
  std::vector<ValidatorIndex> others;
  for (const auto& [who, list] : slot.seals) {
    const bool ours = std::any_of(list.begin(), list.end(),
                                  [&](const auto& s) { return s.first == slot.executed; });
    const bool other = std::any_of(list.begin(), list.end(),
                                   [&](const auto& s) { return !of_another_height(s.first); });
    if (who != self_ && !ours && other) others.push_back(who);
  }
  if (others.size() < weak_quorum()) return;
  slot.seals_compared = true;
  out_.emplace_back(SealsDiffer{height, *slot.executed, std::move(others)});
}

void Replica::Impl::TryFinalise() {
  for (Height h = finalise_sent_ + 1;; ++h) {
    Slot* slot = FindSlot(h);
    if (slot == nullptr || !slot->executed || diverged_) return;
    crypto::Certificate certificate{set_->epoch(), slot->SealsOf(*slot->executed)};
    if (certificate.seals.size() < set_->quorum()) {
      if (!slot->certified) return;
      certificate = slot->certified->certificate;
    }
    finalise_sent_ = h;
    out_.emplace_back(Finalise{h, *slot->executed, std::move(certificate)});
  }
}

void Replica::Impl::Learn(const CertifiedHead& head, ValidatorIndex from) {
  if (head.height <= sealed_ || diverged_) return;
  LookForOwnSeal(head.height, head.certificate);
  if (head.height > best_certified_) {
    best_certified_ = head.height;
    best_certified_from_ = from;
  }
  Slot* slot = Buffer(head.height);
  if (slot == nullptr || slot->certified) return;
  slot->certified = head;
  if (slot->executed && *slot->executed != head.block_hash) {
    return Diverge(head.height, *slot->executed, head.block_hash);
  }
  TryFinalise();
}

void Replica::Impl::Diverge(Height height, const Hash& ours, const Hash& theirs) {
  if (diverged_) return;
  diverged_ = true;
  progress_timer_.reset();
  view_change_timer_.reset();
  out_.emplace_back(Diverged{height, ours, theirs});
}

// Nobody correct has voted above it: whoever has not executed the block that decides it has not
// sealed it either, and its window ends there or lower.
void Replica::Impl::LearnEpochEnd(Height last) {
  if (last == Height(0) || epoch_end_ != Height(0)) return;
  epoch_end_ = last;
  const auto above = slots_.upper_bound(last);
  for (auto it = above; it != slots_.end(); ++it) Drop(DropReason::kEpoch);
  slots_.erase(above, slots_.end());
}

void Replica::Impl::On(const Sealed& event) {
  if (event.height <= sealed_ || diverged_ || IsDone()) return;
  LearnEpochEnd(event.epoch_end);
  CHECK(TaggedHash(crypto::Domain::kHeader, {event.header}) == event.block_hash,
        "header of sealed height {} does not hash to the sealed hash", event.height);
  if (const Slot* slot = FindSlot(event.height)) {
    for (const auto& ours : {slot->executed, slot->sealed_as}) {
      if (ours && *ours != event.block_hash) return Diverge(event.height, *ours, event.block_hash);
    }
  }
  LookForOwnSeal(event.height, event.certificate);
  sealed_since_compaction_ += event.height - sealed_;
  sealed_ = event.height;
  sealed_head_ = {event.height, event.block_hash, event.header, event.certificate};
  recent_[sealed_] = sealed_head_;
  while (recent_.size() > options_.window) recent_.erase(recent_.begin());
  slots_.erase(slots_.begin(), slots_.upper_bound(sealed_));
  executed_ = std::max(executed_, sealed_);
  execute_sent_ = std::max(execute_sent_, sealed_);
  finalise_sent_ = std::max(finalise_sent_, sealed_);
  if (Settled()) {
    timeout_ = options_.view_timeout;
    sealed_in_view_ = true;
  }
  UpdateObserver();
  AdvanceAll();
  TryExecute();
  TryFinalise();
  ArmProgressTimer(/*restart=*/true);
  if (IsDone()) view_change_timer_.reset();
  MaybeCompact();
}

}  // namespace talent::consensus
