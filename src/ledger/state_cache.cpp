#include "ledger/state_cache.h"

namespace talent::ledger {
namespace {

constexpr std::size_t kEntryOverhead = 128;  // node, two strings and their allocations

}  // namespace

std::optional<Bytes> StateCache::Get(BytesView key) const {
  if (const auto found = young_.find(key); found != young_.end()) return found->second;
  std::optional<Bytes> value;
  if (const auto found = old_.find(key); found != old_.end()) {
    value = std::move(found->second);
    old_.erase(found);
  } else {
    value = stored_.Get(key);
  }
  Remember(Bytes(key), value);
  return value;
}

void StateCache::Scan(BytesView prefix, BytesView from,
                      const std::function<bool(BytesView, BytesView)>& visit) const {
  stored_.Scan(prefix, from, visit);
}

void StateCache::Update(const StateOverlay::Writes& writes) {
  for (const auto& [key, value] : writes) {
    old_.erase(key);
    Remember(key, value);
  }
}

void StateCache::Remember(Bytes key, std::optional<Bytes> value) const {
  young_bytes_ += key.size() + (value ? value->size() : 0) + kEntryOverhead;
  young_.insert_or_assign(std::move(key), std::move(value));
  if (young_bytes_ <= kMaxBytes / 2) return;
  old_ = std::exchange(young_, {});
  young_bytes_ = 0;
}

}  // namespace talent::ledger
