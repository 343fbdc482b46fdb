#include "node/chain/block_sync.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "node/peers/retry_pause.h"

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
  for (auto at = ranges_.begin(); at != ranges_.end();) {
    Range& range = at->second;
    const bool asked = range.response == nullptr;
    if (asked && range.second && range.second->first == peer) range.second.reset();
    const bool lost = asked && range.peer == peer && !HandOver(range);
    at = lost ? ranges_.erase(at) : std::next(at);
  }
}

bool BlockSync::HandOver(Range& range) {
  if (!range.second) return false;
  std::tie(range.peer, range.since) = *range.second;
  range.second.reset();
  return true;
}

void BlockSync::DropStale(Height head, Timestamp now) {
  for (auto at = ranges_.begin(); at != ranges_.end();) {
    Range& range = at->second;
    const bool passed = at->first + range.count <= head + 1 && !range.taken;
    const bool late = range.response == nullptr && now >= range.since + kRequestTimeout;
    if (late) Penalise(range.peer, now);
    at = passed || (late && !HandOver(range)) ? ranges_.erase(at) : std::next(at);
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

BlockSync::Ranges::iterator BlockSync::FindAsked(const NodeKey& peer) {
  return std::find_if(ranges_.begin(), ranges_.end(), [&](const auto& at) {
    const Range& range = at.second;
    return range.response == nullptr &&
           (range.peer == peer || (range.second && range.second->first == peer));
  });
}

std::optional<NodeKey> BlockSync::Choose(Height from, std::uint64_t missing, Height least,
                                         Timestamp now) {
  // Lowest first. What a peer has beyond what is wanted makes it no better; of equals each has its
  // turn.
  const auto rank = [&](const Peer& peer) {
    const std::uint64_t useful = std::min(missing, peer.sealed - from + 1);
    return std::tuple(peer.failures, !peer.validator, ~useful, peer.last_asked);
  };
  std::pair<const NodeKey, Peer>* best = nullptr;
  for (auto& at : peers_) {
    if (at.second.sealed < least || now < at.second.retry_at) continue;
    if (FindAsked(at.first) != ranges_.end()) continue;
    if (best == nullptr || rank(at.second) < rank(best->second)) best = &at;
  }
  if (best == nullptr) return std::nullopt;
  best->second.last_asked = ++requests_;
  return best->first;
}

std::optional<BlockSync::Request> BlockSync::Next(Height head, Timestamp now) {
  DropStale(head, now);
  const auto range = NextRange(head, now);
  return range ? range : AskSecond(head, now);
}

std::optional<BlockSync::Request> BlockSync::NextRange(Height head, Timestamp now) {
  const auto [from, gap] = Gap(head);
  // What comes next has a place of its own, or ranges further up could keep it out for ever.
  if (ranges_.size() >= (from == head + 1 ? kMaxRanges + 1 : kMaxRanges)) return std::nullopt;
  const std::uint64_t missing = std::min<std::uint64_t>(gap, kBlocksPerRequest);
  const auto peer = Choose(from, missing, from, now);
  if (!peer) return std::nullopt;
  const auto count =
      static_cast<std::uint32_t>(std::min(missing, peers_.at(*peer).sealed - from + 1));
  Range& range = ranges_[from];
  range.count = count;
  range.peer = *peer;
  range.since = now;
  return Request{*peer, from, count};
}

std::optional<BlockSync::Request> BlockSync::AskSecond(Height head, Timestamp now) {
  const auto next = ranges_.begin();
  if (next == ranges_.end() || next->first > head + 1) return std::nullopt;
  Range& range = next->second;
  if (range.response != nullptr || range.second || now < range.since + kSecondAfter) {
    return std::nullopt;
  }
  const auto peer = Choose(next->first, range.count, next->first + (range.count - 1), now);
  if (!peer) return std::nullopt;
  range.second.emplace(*peer, now);
  return Request{*peer, next->first, range.count};
}

bool BlockSync::Accept(const NodeKey& peer, Response response, Height first, Timestamp now) {
  const auto found = FindAsked(peer);
  if (found == ranges_.end()) return false;
  Range& range = found->second;
  const auto blocks = static_cast<std::uint64_t>(response->blocks_size());
  if (blocks > range.count || (blocks > 0 && first != found->first)) return false;
  const bool is_second = range.peer != peer;
  const bool stingy = blocks < range.count && response->ByteSizeLong() < kBytesPerResponse;
  if (stingy) Penalise(peer, now);  // it claimed to have them
  if (blocks == 0) {
    if (is_second) {
      range.second.reset();
    } else if (!HandOver(range)) {
      ranges_.erase(found);
    }
    return true;
  }
  if (is_second) Penalise(range.peer, now);  // slower by more than kSecondAfter
  range.second.reset();
  range.peer = peer;
  range.stingy = stingy;
  range.count = static_cast<std::uint32_t>(blocks);
  range.response = std::move(response);
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
  const bool stingy = std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& at) {
    return at.second.taken && at.second.stingy && at.second.peer == peer;
  });
  if (stingy) return;
  found->second.failures = 0;
  found->second.retry_at = Timestamp();
}

void BlockSync::Penalise(const NodeKey& peer, Timestamp now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  found->second.retry_at = now + RetryPause(found->second.failures, kRetryFirst, kRetryCap);
  ++found->second.failures;
}

void BlockSync::Lacks(const NodeKey& peer, Timestamp now) {
  const auto found = peers_.find(peer);
  if (found != peers_.end()) found->second.retry_at = now + kLackPause;
}

std::size_t BlockSync::Claiming(Height height) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      peers_, [&](const auto& peer) { return peer.second.sealed >= height; }));
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
