// Transactions admitted and waiting for a block: bounded, deduplicated, in lanes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "ledger/transaction.h"

namespace talent::node {

using ledger::TxPtr;

/// Confined to its chain's strand. Lane 0 is served first, so that bulk cannot delay what is
/// urgent; within a lane first come, first served.
class Mempool {
 public:
  struct Limits {
    std::size_t max_transactions = 50'000;
    std::size_t max_bytes = 64u << 20;
  };

  explicit Mempool(Limits limits) : limits_(limits) {}

  /// Errors: kExhausted (full; names the bound). An id already here is readmitted.
  Status Add(TxPtr tx, std::uint32_t lane, bool local, Timestamp now);
  /// True where `id` is here, which changes nothing but that a `local` one is to be relayed.
  bool Readmit(const TxId& id, bool local);

  /// Moves the next transactions out of waiting into flight, within both bounds.
  std::vector<TxPtr> Take(std::size_t max_transactions, std::size_t max_bytes);
  /// Somebody's proposal carries it: not to be taken again. Unknown ids are ignored.
  void MarkInFlight(const TxId& id);
  /// Everything in flight waits again, in its old place (the view changed; proposals may be lost).
  void ReturnInFlight();

  void Remove(const TxId& id);
  /// Drops and returns what can no longer be sealed once `sealed` is the head.
  std::vector<TxId> RemoveExpired(Height sealed);

  /// Up to `max` transactions first submitted at this node that were admitted before `before`,
  /// oldest first.
  std::vector<TxPtr> LocalAdmittedBefore(Timestamp before, std::size_t max) const;
  struct Admission {
    std::uint32_t lane = 0;
    Timestamp at;
  };
  /// Lane and time of admission of `id`, if it is here.
  std::optional<Admission> AdmissionOf(const TxId& id) const;
  /// When the oldest transaction of `lane` was admitted.
  std::optional<Timestamp> OldestAdmission(std::uint32_t lane) const;

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  using Place = std::pair<std::uint32_t, std::uint64_t>;  // lane, order of arrival
  struct Entry {
    TxPtr tx;
    Place place;
    bool local = false;
    Timestamp admitted;
  };

  Limits limits_;
  std::uint64_t arrivals_ = 0;
  std::size_t bytes_ = 0;
  std::unordered_map<TxId, Entry> entries_;
  std::map<Place, TxPtr> waiting_;
  std::map<Place, TxId> places_;
  std::set<std::pair<Height, TxId>> by_expiry_;
};

}  // namespace talent::node
