// Votes of ours that others show and our log does not have. Each was durable before it left, so the
// log is not the one it was written to: blocks and log were put back together, which neither shows,
// or somebody else runs with our key.
#include "consensus/replica_impl.h"

namespace talent::consensus {

void Replica::Impl::LookForOwnSeal(Height height, const crypto::Certificate& certificate) {
  if (!certificate.seals.contains(self_)) return;
  const Slot* slot = FindSlot(height);
  // Another hash than promised is a divergence, which the caller sees to.
  if (slot == nullptr || !slot->sealed_as) Forget(height);
}

void Replica::Impl::LookForOwnPrepare(const PreparedCertificate& prepared) {
  const Position& at = prepared.at;
  if (at.height <= sealed_ || !prepared.prepares.contains(self_)) return;
  const Slot* slot = FindSlot(at.height);
  // Of earlier views only the latest acceptance is remembered.
  const bool known = slot != nullptr && slot->accepted &&
                     (slot->accepted->view > at.view || *slot->accepted == at);
  if (!known) Forget(at.height);
}

void Replica::Impl::LookForOwnViewChange(const NewView& opening) {
  if (opening.view <= view_) return;
  for (const MessagePtr& change : opening.view_changes) {
    if (change->signer() == self_) return Forget(Height(0));
  }
}

void Replica::Impl::Forget(Height height) {
  if (observer_ || accept_lost_votes_ || diverged_) return;
  observer_ = true;
  observe_until_ = Height(0);
  progress_timer_.reset();
  view_change_timer_.reset();
  releases_.clear();  // nothing more is sent, not even again
  for (auto& [h, slot] : slots_) {
    slot.own_offer = slot.own_prepare = slot.own_commit = slot.own_seal = nullptr;
  }
  pb::VoteRecord record = Record();
  record.mutable_observing();
  Promise(record);
  out_.emplace_back(VotesForgotten{height});
}

}  // namespace talent::consensus
