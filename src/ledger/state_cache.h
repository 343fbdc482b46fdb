// What was read from or written to the sealed state last, in front of the store.
#pragma once

#include <unordered_map>

#include "ledger/state.h"

namespace talent::ledger {

/// Remembers keys without a value too: most of what a rule asks is whether something is new.
/// Confined to its chain's strand. Bounded: what was used least recently goes, half at a time.
class StateCache final : public StateReader {
 public:
  static constexpr std::size_t kMaxBytes = 32u << 20;  // of keys and values, with their overhead

  /// `stored` must outlive the cache.
  explicit StateCache(const StateReader& stored) : stored_(stored) {}

  std::optional<Bytes> Get(BytesView key) const override;
  /// Not cached.
  void Scan(BytesView prefix, BytesView from,
            const std::function<bool(BytesView, BytesView)>& visit) const override;
  Status status() const override { return stored_.status(); }

  /// Tells it what was just written to the store.
  void Update(const StateOverlay::Writes& writes);

 private:
  struct ViewHash {
    using is_transparent = void;
    std::size_t operator()(BytesView key) const { return std::hash<BytesView>()(key); }
  };
  using Entries = std::unordered_map<Bytes, std::optional<Bytes>, ViewHash, std::equal_to<>>;

  void Remember(Bytes key, std::optional<Bytes> value) const;

  const StateReader& stored_;
  // Never iterated. A key found among the old ones moves to the young; once those have grown to
  // half of the bound, they are the old ones.
  mutable Entries young_;
  mutable Entries old_;
  mutable std::size_t young_bytes_ = 0;
};

}  // namespace talent::ledger
