#include "ledger/state.h"

#include <algorithm>
#include <utility>

namespace talent::ledger {
namespace {

// Writes of a transaction are found as fast without an index, those of a window of blocks are not.
constexpr std::size_t kIndexFrom = 32;

}  // namespace

std::optional<Bytes> StateOverlay::Get(BytesView key) const {
  const auto own = Find(key);
  return own != writes_.end() ? own->second : below_.Get(key);
}

void StateOverlay::Scan(BytesView prefix, BytesView from,
                        const std::function<bool(BytesView, BytesView)>& visit) const {
  auto own = writes_.lower_bound(std::max(prefix, from));
  const auto own_left = [&] { return own != writes_.end() && own->first.starts_with(prefix); };
  // Visits own writes before `bound` (all of them without one); false once `visit` has had enough.
  const auto visit_own = [&](std::optional<BytesView> bound) {
    for (; own_left() && (!bound || own->first < *bound); ++own) {
      if (own->second && !visit(own->first, *own->second)) return false;
    }
    return true;
  };
  bool more = true;
  below_.Scan(prefix, from, [&](BytesView key, BytesView value) {
    more = visit_own(key);
    if (!more) return false;
    if (own_left() && own->first == key) {  // written or deleted here
      more = !own->second || visit(own->first, *own->second);
      ++own;
    } else {
      more = visit(key, value);
    }
    return more;
  });
  if (more) visit_own(std::nullopt);
}

void StateOverlay::Put(BytesView key, Bytes value) { Set(key, std::move(value)); }

void StateOverlay::Delete(BytesView key) { Set(key, std::nullopt); }

void StateOverlay::Forget(BytesView key) {
  const auto own = Find(key);
  if (own == writes_.end()) return;
  index_.erase(own->first);
  writes_.erase(own);
}

StateOverlay::Writes StateOverlay::TakeWrites() {
  index_.clear();
  return std::exchange(writes_, {});
}

void StateOverlay::CommitTo(StateOverlay& below) {
  CHECK(&below == &below_, "an overlay commits to what it was made on");
  for (Writes writes = TakeWrites(); !writes.empty();) {
    auto added = below.writes_.insert(writes.extract(writes.begin()));
    if (added.inserted) {
      below.Index(added.position);
    } else {
      added.position->second = std::move(added.node.mapped());
    }
  }
}

StateOverlay::Writes::const_iterator StateOverlay::Find(BytesView key) const {
  if (index_.empty()) return writes_.find(key);
  const auto found = index_.find(key);
  return found != index_.end() ? found->second : writes_.end();
}

void StateOverlay::Set(BytesView key, std::optional<Bytes> value) {
  const auto [at, added] = writes_.insert_or_assign(Bytes(key), std::move(value));
  if (added) Index(at);
}

void StateOverlay::Index(Writes::const_iterator added) {
  if (!index_.empty()) {
    index_.emplace(added->first, added);
  } else if (writes_.size() == kIndexFrom) {
    for (auto at = writes_.cbegin(); at != writes_.cend(); ++at) index_.emplace(at->first, at);
  }
}

}  // namespace talent::ledger
