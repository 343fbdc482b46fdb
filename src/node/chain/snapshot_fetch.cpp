#include "node/chain/snapshot_fetch.h"

#include <algorithm>
#include <set>
#include <utility>

#include "node/peers/retry_pause.h"

namespace talent::node {
namespace {

std::size_t SizeOf(const ledger::StateChunk& chunk) {
  std::size_t size = 0;
  for (const auto& entry : chunk.message.entries()) {
    size += entry.key().size() + entry.value().size() + ledger::kEntryFraming;
  }
  return size;
}

}  // namespace

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
  const auto open = open_.extract(peer);
  if (!open.empty()) Reopen(open.mapped());
}

std::vector<SnapshotFetch::Request> SnapshotFetch::Next(Timestamp now) {
  std::vector<NodeKey> late;
  for (const auto& [peer, open] : open_) {
    if (now >= open.since + kRequestTimeout) late.push_back(peer);
  }
  for (const NodeKey& peer : late) {
    const auto open = open_.extract(peer);
    Reopen(open.mapped());
    Penalise(peer, now);
  }
  std::vector<Request> out;
  while (const auto peer = IdlePeer(now)) {
    auto part = NextPart();
    if (!part) part = Overdue(now);
    if (!part) break;
    part->since = now;
    Ask(*peer, std::move(*part), out);
  }
  return out;
}

std::optional<SnapshotFetch::Open> SnapshotFetch::NextPart() {
  Open part;
  part.request.set_height(restore_.height().value);
  if (const auto window = restore_.next_window()) {
    part.request.set_window(window->value);
    if (CountOpen(part) == 0) return part;
    part.request.clear_window();
  }
  const auto place = TakePlace();
  if (!place) return std::nullopt;
  part.place = *place;
  part.request.set_depth(static_cast<std::uint32_t>(place->depth));
  part.request.set_path(place->first.ToBytes());
  return part;
}

std::optional<SnapshotFetch::Open> SnapshotFetch::Overdue(Timestamp now) const {
  const auto next = restore_.next_state();
  for (const auto& [peer, open] : open_) {
    const bool awaited = open.request.window() != 0 || (next && open.place.Holds(*next));
    if (!awaited || IsHere(open) || now < open.since + kSecondAfter || CountOpen(open) > 1)
      continue;
    Open part = open;
    part.second = true;
    return part;
  }
  return std::nullopt;
}

std::size_t SnapshotFetch::CountOpen(const Open& part) const {
  return static_cast<std::size_t>(std::count_if(open_.begin(), open_.end(), [&](const auto& open) {
    const Open& other = open.second;
    return other.request.window() == part.request.window() &&
           other.place.first == part.place.first && other.place.depth == part.place.depth;
  }));
}

bool SnapshotFetch::IsHere(const ledger::StateSubtree& place) const {
  if (restore_.checking()) return false;
  const auto next = restore_.next_state();
  const auto end = place.Next();
  if (!next || (end && *end <= *next)) return true;
  auto above = ahead_.upper_bound(place.first);
  if (above == ahead_.begin()) return false;
  const ledger::StateSubtree& other = std::prev(above)->second.place;
  return other.depth <= place.depth && other.Holds(place.first);
}

bool SnapshotFetch::IsHere(const Open& part) const {
  if (part.request.window() == 0) return IsHere(part.place);
  return restore_.next_window() != Height(part.request.window());
}

/// The lowest place not asked for yet; what an earlier run has brought is left out.
std::optional<ledger::StateSubtree> SnapshotFetch::TakePlace() {
  const auto next = restore_.next_state();
  const auto open =
      static_cast<std::size_t>(std::count_if(open_.begin(), open_.end(), [](const auto& at) {
        return at.second.request.window() == 0 && !at.second.second;
      }));
  while (next && !pending_.empty() && ahead_.size() + open < kMaxAhead) {
    const ledger::StateSubtree place = pending_.begin()->second;
    pending_.erase(pending_.begin());
    if (IsHere(place)) continue;
    if (place.first >= *next) return place;
    const auto [left, right] = place.Halves();
    pending_.emplace(left.first, left);
    pending_.emplace(right.first, right);
  }
  return std::nullopt;
}

std::optional<NodeKey> SnapshotFetch::IdlePeer(Timestamp now) const {
  const auto rank = [](const Peer& peer) { return std::pair(peer.failures, peer.last_asked); };
  const std::pair<const NodeKey, Peer>* chosen = nullptr;
  for (const auto& at : peers_) {
    if (at.second.gone || now < at.second.retry_at || open_.contains(at.first)) continue;
    if (chosen == nullptr || rank(at.second) < rank(chosen->second)) chosen = &at;
  }
  return chosen != nullptr ? std::optional(chosen->first) : std::nullopt;
}

void SnapshotFetch::Ask(const NodeKey& peer, Open open, std::vector<Request>& out) {
  open.request.set_id(++next_id_);
  peers_.at(peer).last_asked = next_id_;
  out.push_back({peer, open.request});
  open_.emplace(peer, std::move(open));
}

void SnapshotFetch::Reopen(const Open& open) {
  if (open.request.window() != 0 || IsHere(open.place) || CountOpen(open) > 0) return;
  pending_.emplace(open.place.first, open.place);
}

void SnapshotFetch::Penalise(const NodeKey& peer, Timestamp now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  found->second.retry_at = now + RetryPause(found->second.failures, kRetryFirst, kRetryCap);
  ++found->second.failures;
}

Status SnapshotFetch::OnResponse(const NodeKey& from, const v1::SnapshotResponse& response,
                                 Timestamp now, const std::function<void(const Error&)>& bad) {
  const auto found = open_.find(from);
  if (found == open_.end() || found->second.request.id() != response.id()) return {};
  const Open open = std::move(found->second);
  open_.erase(found);
  if (IsHere(open)) {  // from somebody faster
    if (!open.second && now >= open.since + kSecondAfter) Penalise(from, now);
    return {};
  }
  if (response.has_chunk()) return TakeChunk(from, open, response.chunk(), now, bad);
  const bool state = open.request.window() == 0;
  if (response.refusal() == v1::SNAPSHOT_REFUSAL_DIVIDE && state &&
      open.place.depth < ledger::kStateTreeDepth && peers_.at(from).divisions < kMaxDivisions) {
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
  } else {
    auto chunk = ledger::ReadStateChunk(packed, root_);
    // It may be that of a place above, where this one holds a key or none.
    const bool asked =
        chunk && chunk->place.depth <= open.place.depth && chunk->place.Holds(open.place.first);
    if (chunk && !asked) {
      chunk = Fail(Code::kInvalidArgument, "a chunk of another place than was asked for");
    }
    if (chunk && chunk->message.entries_size() > 1 && SizeOf(*chunk) > ledger::kChunkBytes) {
      chunk = Fail(Code::kTooLarge, "a chunk of {} bytes, which should be divided", SizeOf(*chunk));
    }
    if (!chunk) {
      refuse(chunk.error());
      return {};
    }
    CheckDivisions(*chunk, now);
    ahead_.emplace(chunk->place.first, std::move(*chunk));
  }
  bytes_ += packed.size();
  peers_[from].failures = 0;
  return Apply();
}

void SnapshotFetch::TakeDivision(const NodeKey& from, const ledger::StateSubtree& place) {
  if (!divided_.try_emplace({place.first, place.depth}, Division{from, {}, 0}).second) return;
  ++peers_.at(from).divisions;
  const auto [left, right] = place.Halves();
  pending_.insert_or_assign(left.first, left);
  pending_.insert_or_assign(right.first, right);
}

SnapshotFetch::Divisions::iterator SnapshotFetch::Close(Divisions::iterator division) {
  const auto by = peers_.find(division->second.by);
  if (by != peers_.end() && by->second.divisions > 0) --by->second.divisions;
  return divided_.erase(division);
}

void SnapshotFetch::CheckDivisions(const ledger::StateChunk& chunk, Timestamp now) {
  const ledger::StateSubtree& place = chunk.place;
  std::set<NodeKey> needless;
  auto at = divided_.lower_bound({place.first, place.depth});
  while (at != divided_.end() && place.Holds(at->first.first)) {
    needless.insert(at->second.by);
    at = Close(at);
  }
  if (place.depth > 0) {
    const ledger::StateSubtree parent = place.Parent();
    const auto found = divided_.find({parent.first, parent.depth});
    const std::size_t half = place.first == parent.first ? 0 : 1;
    if (found != divided_.end() && !std::exchange(found->second.halves[half], true)) {
      found->second.bytes += SizeOf(chunk);
      if (found->second.halves[1 - half]) {
        if (found->second.bytes <= ledger::kChunkBytes) needless.insert(found->second.by);
        Close(found);
      }
    }
  }
  for (const NodeKey& peer : needless) Penalise(peer, now);
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
  const auto next = restore_.next_state();
  for (auto at = divided_.begin(); at != divided_.end();) {
    const auto end = ledger::StateSubtree{at->first.second, at->first.first}.Next();
    at = next && (!end || *end > *next) ? std::next(at) : Close(at);
  }
  return {};
}

}  // namespace talent::node
