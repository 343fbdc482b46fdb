#include "node/chain/mempool.h"

namespace talent::node {

Status Mempool::Add(TxPtr tx, std::uint32_t lane, bool local, Timestamp now) {
  if (Readmit(tx->id, local)) return {};
  if (entries_.size() >= limits_.max_transactions || bytes_ + tx->size() > limits_.max_bytes) {
    return Fail(
        Code::kExhausted,
        "mempool is full ({} transactions, {} bytes); submit again once blocks have drained it",
        entries_.size(), bytes_);
  }
  const Place place{lane, ++arrivals_};
  bytes_ += tx->size();
  waiting_.emplace(place, tx);
  places_.emplace(place, tx->id);
  by_expiry_.emplace(tx->valid_until, tx->id);
  const TxId id = tx->id;
  entries_.emplace(id, Entry{std::move(tx), place, local, now});
  return {};
}

bool Mempool::Readmit(const TxId& id, bool local) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  found->second.local |= local;
  return true;
}

std::vector<TxPtr> Mempool::Take(std::size_t max_transactions, std::size_t max_bytes) {
  std::vector<TxPtr> taken;
  std::size_t bytes = 0;
  while (taken.size() < max_transactions && !waiting_.empty()) {
    const auto next = waiting_.begin();
    bytes += next->second->size();
    if (bytes > max_bytes) break;
    taken.push_back(std::move(next->second));
    waiting_.erase(next);
  }
  return taken;
}

void Mempool::MarkInFlight(const TxId& id) {
  if (const auto found = entries_.find(id); found != entries_.end()) {
    waiting_.erase(found->second.place);
  }
}

void Mempool::ReturnInFlight() {
  for (const auto& [id, entry] : entries_) waiting_.try_emplace(entry.place, entry.tx);
}

void Mempool::Remove(const TxId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const Entry& entry = found->second;
  bytes_ -= entry.tx->size();
  waiting_.erase(entry.place);
  places_.erase(entry.place);
  by_expiry_.erase({entry.tx->valid_until, id});
  entries_.erase(found);
}

std::vector<TxId> Mempool::RemoveExpired(Height sealed) {
  std::vector<TxId> expired;
  for (auto it = by_expiry_.begin(); it != by_expiry_.end() && it->first <= sealed; ++it) {
    expired.push_back(it->second);
  }
  for (const TxId& id : expired) Remove(id);
  return expired;
}

std::vector<TxPtr> Mempool::LocalAdmittedBefore(Timestamp before, std::size_t max) const {
  std::vector<TxPtr> found;
  for (const auto& [place, id] : places_) {
    const Entry& entry = entries_.at(id);
    if (found.size() >= max) break;
    if (entry.local && entry.admitted < before) found.push_back(entry.tx);
  }
  return found;
}

std::optional<Mempool::Admission> Mempool::AdmissionOf(const TxId& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return Admission{found->second.place.first, found->second.admitted};
}

std::optional<Timestamp> Mempool::OldestAdmission(std::uint32_t lane) const {
  const auto first = places_.lower_bound({lane, 0});
  if (first == places_.end() || first->first.first != lane) return std::nullopt;
  return entries_.at(first->second).admitted;
}

}  // namespace talent::node
