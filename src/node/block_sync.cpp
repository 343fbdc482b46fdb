#include "node/block_sync.h"

#include <algorithm>

namespace talent::node {

void BlockSync::OnStatus(const NodeKey& peer, Height sealed) { peers_[peer].sealed = sealed; }

void BlockSync::OnPeerDown(const NodeKey& peer) {
  peers_.erase(peer);
  if (open_ && open_->request.to == peer) open_.reset();
}

std::optional<BlockSync::Request> BlockSync::Next(Height head, Timestamp now) {
  if (open_ && now >= open_->since + kRequestTimeout) {
    Penalise(open_->request.to);
    open_.reset();
  }
  if (open_) return std::nullopt;
  const NodeKey* chosen = nullptr;
  const Peer* best = nullptr;
  for (const auto& [key, peer] : peers_) {
    if (peer.sealed <= head) continue;
    if (best == nullptr || peer.failures < best->failures ||
        (peer.failures == best->failures && peer.sealed > best->sealed)) {
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

bool BlockSync::Accept(const NodeKey& peer, std::uint64_t blocks, Height first) {
  if (!open_ || open_->request.to != peer) return false;
  const Request request = open_->request;
  if (blocks > request.count || (blocks > 0 && first != request.from)) return false;
  open_.reset();
  if (blocks == 0) Penalise(peer);  // it claimed to have them
  return true;
}

Height BlockSync::best() const {
  Height best;
  for (const auto& [key, peer] : peers_) best = std::max(best, peer.sealed);
  return best;
}

}  // namespace talent::node
