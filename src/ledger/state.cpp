#include "ledger/state.h"

#include <algorithm>

namespace talent::ledger {

std::optional<Bytes> StateOverlay::Get(BytesView key) const {
  const auto own = writes_.find(key);
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

void StateOverlay::Put(BytesView key, Bytes value) {
  writes_.insert_or_assign(Bytes(key), std::move(value));
}

void StateOverlay::Delete(BytesView key) { writes_.insert_or_assign(Bytes(key), std::nullopt); }

void StateOverlay::Forget(BytesView key) {
  const auto own = writes_.find(key);
  if (own != writes_.end()) writes_.erase(own);
}

void StateOverlay::CommitTo(StateOverlay& below) const {
  CHECK(&below == &below_, "an overlay commits to what it was made on");
  for (const auto& [key, value] : writes_) below.writes_.insert_or_assign(key, value);
}

}  // namespace talent::ledger
