#include "node/chain/block_sync.h"

#include <algorithm>
#include <tuple>
#include <utility>

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
  std::erase_if(ranges_, [&](const auto& range) {
    return range.second.peer == peer && range.second.response == nullptr;
  });
}

void BlockSync::DropStale(Height head, Timestamp now) {
  for (auto at = ranges_.begin(); at != ranges_.end();) {
    const Range& range = at->second;
    const bool passed = at->first + range.count <= head + 1 && !range.taken;
    const bool late = range.response == nullptr && now >= range.since + kRequestTimeout;
    if (late) Penalise(range.peer, now);
    at = passed || late ? ranges_.erase(at) : std::next(at);
  }
}

std::pair<Height, std::uint64_t> BlockSync::Gap(Height head) const {
  Height from = head + 1;
  for (const auto& [first, range] : ranges_) {
    if (first > from) return {from, first - from};
    from = std::max(from, first + range.count);
  }
  return {from, kBlocksPerRequest};
}

bool BlockSync::IsAsked(const NodeKey& peer) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& range) {
    return range.second.peer == peer && range.second.response == nullptr;
  });
}

std::optional<BlockSync::Request> BlockSync::Next(Height head, Timestamp now) {
  DropStale(head, now);
  const auto [from, missing] = Gap(head);
  // What comes next has a place of its own, or ranges further up could keep it out for ever.
  if (ranges_.size() >= (from == head + 1 ? kMaxRanges + 1 : kMaxRanges)) return std::nullopt;
  const auto rank = [](const Peer& peer) {  // lowest first, and of equals the furthest
    return std::tuple(peer.failures, !peer.validator, ~peer.sealed.value);
  };
  const NodeKey* chosen = nullptr;
  const Peer* best = nullptr;
  for (const auto& [key, peer] : peers_) {
    if (peer.sealed < from || now < peer.retry_at || IsAsked(key)) continue;
    if (best == nullptr || rank(peer) < rank(*best)) {
      chosen = &key;
      best = &peer;
    }
  }
  if (chosen == nullptr) return std::nullopt;
  const std::uint64_t wanted = std::min(missing, best->sealed - from + 1);
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(kBlocksPerRequest, wanted));
  ranges_[from] = Range{count, *chosen, now, nullptr, false};
  return Request{*chosen, from, count};
}

bool BlockSync::Accept(const NodeKey& peer, Response response, Height first, Timestamp now) {
  const auto found = std::find_if(ranges_.begin(), ranges_.end(), [&](const auto& range) {
    return range.second.peer == peer && range.second.response == nullptr;
  });
  if (found == ranges_.end()) return false;
  const auto blocks = static_cast<std::uint64_t>(response->blocks_size());
  if (blocks > found->second.count || (blocks > 0 && first != found->first)) return false;
  if (blocks == 0) {
    ranges_.erase(found);
    Penalise(peer, now);  // it claimed to have them
    return true;
  }
  found->second.count = static_cast<std::uint32_t>(blocks);
  found->second.response = std::move(response);
  return true;
}

std::optional<BlockSync::Arrived> BlockSync::Take(Height head) {
  for (auto& [first, range] : ranges_) {
    if (first > head + 1) break;
    if (range.response == nullptr || range.taken || first + range.count <= head + 1) continue;
    range.taken = true;
    return Arrived{range.peer, range.response};
  }
  return std::nullopt;
}

void BlockSync::Applied() {
  std::erase_if(ranges_, [](const auto& range) { return range.second.taken; });
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
