#include "node/web/held_states.h"

#include <algorithm>

namespace talent::node {
namespace {

// Changes with every erasure (ledger/erasure.h).
constexpr BytesView kLastErasure = "erased/last";

}  // namespace

Result<HeldState> HeldStates::At(std::optional<Height> at) {
  auto now = std::make_shared<const StateSnapshot>(ChainAccess::Snapshot(chain_));
  const Height head = now->head.height;
  if (!at || *at == head) return now;
  if (*at > head) {
    return Fail(Code::kNotFound, "at: height {} is not sealed here yet; the head is {}", *at, head);
  }
  HeldState found = Find(*at);
  if (found && found->state->Get(kLastErasure) != now->state->Get(kLastErasure)) {
    const std::lock_guard lock(mutex_);
    held_.erase(*at);
    found.reset();
  }
  if (!found) {
    return Fail(Code::kPruned,
                "at: the state of height {} is not held any more; begin again without 'at', at {}",
                *at, head);
  }
  return found;
}

HeldState HeldStates::Find(Height at) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(at);
  return found == held_.end() ? nullptr : found->second.state;
}

void HeldStates::Hold(const HeldState& state) {
  const std::lock_guard lock(mutex_);
  held_[state->head.height] = {state, clock_.Now()};
  if (held_.size() <= kMaxHeld) return;
  held_.erase(
      std::ranges::min_element(held_, {}, [](const auto& entry) { return entry.second.used; }));
}

void HeldStates::DropOld() {
  const std::lock_guard lock(mutex_);
  const Timestamp now = clock_.Now();
  std::erase_if(held_, [&](const auto& entry) {
    const Timestamp used = entry.second.used;
    return now > used && Millis(now - used) >= kHeldFor;
  });
}

}  // namespace talent::node
