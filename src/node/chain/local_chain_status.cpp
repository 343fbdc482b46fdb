// Where the chain stands here, what peers say of themselves, and what is held back from whom.
#include <algorithm>

#include "node/chain/local_chain.h"

namespace talent::node {

void LocalChain::BroadcastStatus() {
  const Height head = chain_->head().height;
  std::vector<NodeKey> readers;
  for (const NodeKey& peer : peers_) {
    if (!MayRead(peer)) continue;
    const auto limit = held_blocks_.LimitOf(peer, host_->Now());
    if (limit && limit->open < head) {
      host_->Send(peer, StatusFrame(limit));
    } else {
      readers.push_back(peer);
    }
  }
  host_->SendToAll(readers, StatusFrame(std::nullopt));
}

v1::Frame LocalChain::StatusFrame(const std::optional<HeldBlocks::Limit>& limit) const {
  v1::Frame frame;
  frame.set_chain_id(chain_->id().ToBytes());
  v1::ChainStatus& status = *frame.mutable_status();
  status.set_sealed(chain_->head().height.value);
  if (limit && limit->open < chain_->head().height) {
    status.mutable_held()->set_open(limit->open.value);
    status.mutable_held()->set_until_ms(limit->until.value);
  }
  return frame;
}

void LocalChain::OnStatus(const NodeKey& from, const v1::ChainStatus& status) {
  const bool held = chain_->genesis().tier() == ledger::Tier::kConsortium && status.has_held() &&
                    status.held().open() < status.sealed();
  if (held) {
    held_by_[from] = status;
  } else {
    held_by_.erase(from);
  }
  sync_.OnStatus(from, Height(held ? status.held().open() : status.sealed()));
  HearStatus(from, Height(status.sealed()));
  RequestBlocks();
}

// A validator may lie, and one that lags holds nothing back: more than half of those connected have
// to say so. Of them the one that gives most is shown.
const v1::ChainStatus* LocalChain::HeldBack() const {
  const v1::ChainStatus* out = nullptr;
  std::size_t connected = 0, agreed = 0;
  const auto hear = [&](const NodeKey& peer) {
    if (!peers_.contains(peer)) return;
    ++connected;
    const auto held = held_by_.find(peer);
    if (held == held_by_.end() || Height(held->second.sealed()) <= chain_->head().height) return;
    ++agreed;
    if (out == nullptr || held->second.held().open() > out->held().open()) out = &held->second;
  };
  for (const NodeKey& validator : validators_) hear(validator);
  if (connected == 0) std::ranges::for_each(peers_, hear);  // it knows no validator
  return 2 * agreed > connected ? out : nullptr;
}

ChainStatusInfo LocalChain::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void LocalChain::PublishStatus() {
  ChainStatusInfo now;
  now.head = chain_->head();
  now.epoch = epoch_->number();
  now.validators = epoch_->validators.size();
  if (const auto latest = chain_->epoch(); latest->end) now.epoch_end = latest->end->last;
  now.validator = IsValidator();
  now.vote_key = role_.has_value();
  now.best_peer_height = sync_.best();
  now.reporting_peers = sync_.reporting();
  now.synced = now.best_peer_height <= now.head.height + chain_->genesis().consensus().window;
  now.mempool_transactions = mempool_.size();
  now.mempool_bytes = mempool_.bytes();
  if (replica_) {
    consensus::ReplicaStatus& replica = now.replica.emplace(replica_->status());
    replica.view_changes += view_changes_before_;
    for (std::size_t i = 0; i < replica.dropped.size(); ++i) {
      replica.dropped[i] += dropped_before_[i];
      replica.dropped_messages += dropped_before_[i];
    }
  }
  if (const v1::ChainStatus* const held = HeldBack()) {
    now.held_blocks = held->sealed() - std::max(held->held().open(), now.head.height.value);
    now.held_until = Timestamp(held->held().until_ms());
  }
  if (role_) now.evidence = role_->evidence->size();
  const std::lock_guard lock(mutex_);
  if (replica_) horizon_ = replica_->horizon();
  now.halted = status_.halted;
  now.seals_differ = status_.seals_differ;
  now.erased_ahead = erased_ahead_;
  now.votes_forgotten = status_.votes_forgotten;
  now.refused = std::move(status_.refused);
  status_ = std::move(now);
}

}  // namespace talent::node
