#include "node/chain/block_sync.h"

#include <algorithm>
#include <tuple>

namespace talent::node {

void BlockSync::OnStatus(const NodeKey& peer, Height sealed) {
  Peer& known = peers_[peer];
  known.sealed = sealed;
  known.validator = validators_.contains(peer);
}

void BlockSync::SetValidators(std::set<NodeKey> validators) {
  validators_ = std::move(validators);
  for (auto& [key, peer] : peers_) peer.validator = validators_.contains(key);
}

void BlockSync::OnPeerDown(const NodeKey& peer) {
  peers_.erase(peer);
  if (open_ && open_->request.to == peer) open_.reset();
}

std::optional<BlockSync::Request> BlockSync::Next(Height head, Timestamp now) {
  if (open_ && now >= open_->since + kRequestTimeout) {
    Penalise(open_->request.to, now);
    open_.reset();
  }
  if (open_) return std::nullopt;
  const auto rank = [](const Peer& peer) {  // lowest first, and of equals the furthest
    return std::tuple(peer.failures, !peer.validator, ~peer.sealed.value);
  };
  const NodeKey* chosen = nullptr;
  const Peer* best = nullptr;
  for (const auto& [key, peer] : peers_) {
    if (peer.sealed <= head || now < peer.retry_at) continue;
    if (best == nullptr || rank(peer) < rank(*best)) {
      chosen = &key;
      best = &peer;
    }
  }
  if (chosen == nullptr) return std::nullopt;
  const std::uint64_t wanted = best->sealed - head;
  const Request request{
      *chosen, head + 1,
      static_cast<std::uint32_t>(std::min<std::uint64_t>(kBlocksPerRequest, wanted))};
  open_ = Open{request, now};
  return request;
}

bool BlockSync::Accept(const NodeKey& peer, std::uint64_t blocks, Height first, Timestamp now) {
  if (!open_ || open_->request.to != peer) return false;
  const Request request = open_->request;
  if (blocks > request.count || (blocks > 0 && first != request.from)) return false;
  open_.reset();
  if (blocks == 0) Penalise(peer, now);  // it claimed to have them
  return true;
}

void BlockSync::Good(const NodeKey& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;  // gone while its blocks were applied
  found->second.failures = 0;
  found->second.retry_at = Timestamp();
}

void BlockSync::Penalise(const NodeKey& peer, Timestamp now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  Millis pause = kRetryFirst;
  for (std::uint32_t i = 0; i < found->second.failures && pause < kRetryCap; ++i) {
    pause = Millis(2 * pause.value);
  }
  ++found->second.failures;
  found->second.retry_at = now + pause;
}

Height BlockSync::best() const {
  const auto trust = [](const Peer& peer) { return std::pair(peer.validator, peer.failures == 0); };
  const Peer* best = nullptr;
  for (const auto& [key, peer] : peers_) {
    if (best == nullptr ||
        std::pair(trust(peer), peer.sealed) > std::pair(trust(*best), best->sealed)) {
      best = &peer;
    }
  }
  return best == nullptr ? Height() : best->sealed;
}

}  // namespace talent::node
