#include "node/chain/snapshot_fetch.h"

#include <algorithm>

namespace talent::node {

SnapshotFetch::SnapshotFetch(ledger::SnapshotRestore& restore)
    : restore_(restore),
      root_(Hash::FromBytes(restore.header().header.state_root()).value_or(Hash())) {
  pending_.emplace(Hash(), ledger::StateSubtree());
}

void SnapshotFetch::OnPeer(const NodeKey& peer, bool up) {
  if (up) {
    peers_.try_emplace(peer);
    return;
  }
  peers_.erase(peer);
  const auto open = open_.find(peer);
  if (open == open_.end()) return;
  Reopen(open->second);
  open_.erase(open);
}

std::vector<SnapshotFetch::Request> SnapshotFetch::Next(Timestamp now) {
  std::vector<NodeKey> late;
  for (const auto& [peer, open] : open_) {
    if (now >= open.since + kRequestTimeout) late.push_back(peer);
  }
  for (const NodeKey& peer : late) {
    Reopen(open_.at(peer));
    open_.erase(peer);
    Penalise(peer, now);
  }
  std::vector<Request> out;
  while (const auto peer = IdlePeer(now)) {
    Open open;
    open.since = now;
    open.request.set_height(restore_.height().value);
    const auto window = restore_.next_window();
    if (window && !window_open_) {
      window_open_ = true;
      open.request.set_window(window->value);
    } else if (const auto place = TakePlace()) {
      open.place = *place;
      open.request.set_depth(static_cast<std::uint32_t>(place->depth));
      open.request.set_path(place->first.ToBytes());
    } else {
      break;
    }
    Ask(*peer, std::move(open), out);
  }
  return out;
}

/// The lowest place not asked for yet; what an earlier run has brought is left out.
std::optional<ledger::StateSubtree> SnapshotFetch::TakePlace() {
  const auto next = restore_.next_state();
  const std::size_t open = open_.size() - (window_open_ && !open_.empty() ? 1 : 0);
  while (next && !pending_.empty() && ahead_.size() + open < kMaxAhead) {
    const ledger::StateSubtree place = pending_.begin()->second;
    pending_.erase(pending_.begin());
    const auto end = place.Next();
    if (end && *end <= *next) continue;
    if (place.first >= *next) return place;
    const auto [left, right] = place.Halves();
    pending_.emplace(left.first, left);
    pending_.emplace(right.first, right);
  }
  return std::nullopt;
}

std::optional<NodeKey> SnapshotFetch::IdlePeer(Timestamp now) const {
  const NodeKey* chosen = nullptr;
  std::uint32_t failures = 0;
  for (const auto& [key, peer] : peers_) {
    if (peer.gone || now < peer.retry_at || open_.contains(key)) continue;
    if (chosen != nullptr && peer.failures >= failures) continue;
    chosen = &key;
    failures = peer.failures;
  }
  return chosen != nullptr ? std::optional(*chosen) : std::nullopt;
}

void SnapshotFetch::Ask(const NodeKey& peer, Open open, std::vector<Request>& out) {
  open.request.set_id(++next_id_);
  out.push_back({peer, open.request});
  open_.emplace(peer, std::move(open));
}

void SnapshotFetch::Reopen(const Open& open) {
  if (open.request.window() != 0) {
    window_open_ = false;
  } else {
    pending_.emplace(open.place.first, open.place);
  }
}

void SnapshotFetch::Penalise(const NodeKey& peer, Timestamp now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  Millis pause = kRetryFirst;
  for (std::uint32_t i = 0; i < found->second.failures && pause < kRetryCap; ++i) {
    pause = Millis(2 * pause.value);
  }
  ++found->second.failures;
  found->second.retry_at = now + pause;
}

Status SnapshotFetch::OnResponse(const NodeKey& from, const v1::SnapshotResponse& response,
                                 Timestamp now, const std::function<void(const Error&)>& bad) {
  const auto found = open_.find(from);
  if (found == open_.end() || found->second.request.id() != response.id()) return {};
  const Open open = std::move(found->second);
  open_.erase(found);
  if (response.has_chunk()) return TakeChunk(from, open, response.chunk(), now, bad);
  const bool state = open.request.window() == 0;
  if (response.refusal() == v1::SNAPSHOT_REFUSAL_DIVIDE && state &&
      open.place.depth < ledger::kStateTreeDepth && divisions_ < kMaxDivisions) {
    TakeDivision(from, open.place);
    return {};
  }
  Reopen(open);
  if (response.refusal() == v1::SNAPSHOT_REFUSAL_GONE) {
    peers_[from].gone = true;
  } else {
    Penalise(from, now);
  }
  return {};
}

Status SnapshotFetch::TakeChunk(const NodeKey& from, const Open& open, const Bytes& packed,
                                Timestamp now, const std::function<void(const Error&)>& bad) {
  const auto refuse = [&](const Error& error) {
    Reopen(open);
    Penalise(from, now);
    if (bad) bad(error);
  };
  if (open.request.window() != 0) {
    Status taken = restore_.AddWindow(packed);
    // The header above is certified: another history than the pinned one is no fault of this peer.
    const bool ours = !taken && (taken.error().code == Code::kIo ||  //
                                 taken.error().code == Code::kDiverged);
    if (ours) return taken;
    if (!taken) {
      refuse(taken.error());
      return {};
    }
    window_open_ = false;
  } else {
    auto chunk = ledger::ReadStateChunk(packed, root_);
    // It may be that of a place above, where this one holds a key or none.
    const bool asked =
        chunk && chunk->place.depth <= open.place.depth && chunk->place.Holds(open.place.first);
    if (chunk && !asked) {
      chunk = Fail(Code::kInvalidArgument, "a chunk of another place than was asked for");
    }
    if (!chunk) {
      refuse(chunk.error());
      return {};
    }
    CheckDivision(*chunk, now);
    ahead_.emplace(chunk->place.first, std::move(*chunk));
  }
  bytes_ += packed.size();
  peers_[from].failures = 0;
  return Apply();
}

void SnapshotFetch::TakeDivision(const NodeKey& from, const ledger::StateSubtree& place) {
  ++divisions_;
  divided_[{place.first, place.depth}] = {from, 0, 0};
  const auto [left, right] = place.Halves();
  pending_.emplace(left.first, left);
  pending_.emplace(right.first, right);
}

void SnapshotFetch::CheckDivision(const ledger::StateChunk& chunk, Timestamp now) {
  if (chunk.place.depth == 0) return;
  const ledger::StateSubtree parent = chunk.place.Parent();
  const auto found = divided_.find({parent.first, parent.depth});
  if (found == divided_.end()) return;
  Division& division = found->second;
  for (const auto& entry : chunk.message.entries()) {
    division.bytes += entry.key().size() + entry.value().size() + ledger::kEntryFraming;
  }
  if (++division.halves < 2) return;
  if (division.bytes <= ledger::kChunkBytes) Penalise(division.by, now);
  divided_.erase(found);
}

Status SnapshotFetch::Apply() {
  while (!ahead_.empty()) {
    const auto next = restore_.next_state();
    const ledger::StateChunk& lowest = ahead_.begin()->second;
    const auto end = lowest.place.Next();
    const bool here = !next || (end && *end <= *next);
    if (!here && !lowest.place.Holds(*next)) break;
    if (!here) TRY(restore_.AddState(lowest));
    ahead_.erase(ahead_.begin());
  }
  return {};
}

}  // namespace talent::node
