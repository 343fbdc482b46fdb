// Keys of the column family: "c" the cursor; "e" ‖ priority ‖ height ‖ index an entry; "i" ‖ record
// id the key of its entry.

#include "tiers/outbox.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <memory>

#include "base/canonical.h"
#include "tiers/tables.h"

namespace talent::tiers {
namespace {

constexpr std::string_view kCursorKey = "c";
constexpr char kEntryTag = 'e';
constexpr char kIndexTag = 'i';

Bytes EntryPrefix(std::size_t priority) { return {kEntryTag, static_cast<char>(priority)}; }

Bytes EntryKey(const OutboxItem& item) {
  return Concat(
      {EntryPrefix(item.priority), BigEndian(item.entry.height()), BigEndian(item.entry.index())});
}

Bytes IndexKey(BytesView record_id) { return Concat({{&kIndexTag, 1}, record_id}); }

// Settlements of one record can wait side by side; nothing looks for them by record.
bool IsIndexed(const OutboxItem& item) {
  return item.entry.status() == v1::RECORD_STATUS_UNSPECIFIED;
}

Result<OutboxItem> ReadItem(BytesView key, BytesView value) {
  auto entry = Decode<v1::OutboxEntry>(value);
  if (!entry || key.size() < 2 || static_cast<std::size_t>(key[1]) >= Outbox::kPriorities) {
    return Fail(Code::kCorruption, "outbox entry {} does not parse", ToHex(key));
  }
  return OutboxItem{static_cast<std::uint32_t>(key[1]), *std::move(entry)};
}

/// The entries of one priority in order, one at a time.
class PriorityCursor {
 public:
  PriorityCursor(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::size_t priority)
      : prefix_(EntryPrefix(priority)), iterator_(db.NewIterator(rocksdb::ReadOptions(), family)) {
    iterator_->Seek(prefix_);
  }

  /// nullopt at the end. Errors: kIo, kCorruption.
  Result<std::optional<OutboxItem>> Take() {
    if (!iterator_->Valid()) {
      if (iterator_->status().ok()) return std::nullopt;
      return Fail(Code::kIo, "outbox: {}", iterator_->status().ToString());
    }
    if (!iterator_->key().starts_with(prefix_)) return std::nullopt;
    auto item = TRY(ReadItem(iterator_->key().ToStringView(), iterator_->value().ToStringView()));
    iterator_->Next();
    return item;
  }

 private:
  Bytes prefix_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

std::uint64_t AgedPriority(const OutboxItem& item, Timestamp now, Millis step) {
  const std::uint64_t sealed = item.entry.sealed_ms();
  const std::uint64_t risen = now.value > sealed ? (now.value - sealed) / step.value : 0;
  return item.priority > risen ? item.priority - risen : 0;
}

}  // namespace

Result<Outbox> Outbox::Open(const ledger::Database& database, const ChainId& source,
                            const ChainId& target) {
  Outbox outbox(database, TRY(database.Family("outbox." + source.Hex() + "." + target.Hex())));
  TRY(outbox.Load());
  return outbox;
}

Status Outbox::Load() {
  if (const auto value = TRY(database_->Get(family_, kCursorKey))) {
    auto cursor = Decode<v1::OutboxCursor>(*value);
    if (!cursor) return Fail(Code::kCorruption, "outbox cursor: {}", cursor.error().message);
    cursor_ = *std::move(cursor);
    written_ = cursor_.scanned();
  }
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    PriorityCursor lane(database_->db(), family_, priority);
    while (TRY(lane.Take())) ++waiting_[priority];
  }
  return {};
}

Status Outbox::Append(const std::vector<OutboxItem>& items, std::uint64_t scanned) {
  CHECK(scanned >= cursor_.scanned(), "the cursor went back from {} to {}", cursor_.scanned(),
        scanned);
  // Most blocks of a private chain hold nothing to carry, and a synced write costs a disk's turn.
  if (items.empty() && scanned < written_ + kMaxUnwritten) {
    cursor_.set_scanned(scanned);
    return {};
  }
  v1::OutboxCursor cursor = cursor_;
  cursor.set_scanned(scanned);
  rocksdb::WriteBatch batch;
  for (const OutboxItem& item : items) {
    CHECK(item.priority < kPriorities);
    const Bytes key = EntryKey(item);
    batch.Put(family_, key, Encode(item.entry));
    if (IsIndexed(item)) batch.Put(family_, IndexKey(item.entry.record_id()), key);
  }
  batch.Put(family_, rocksdb::Slice(kCursorKey), Encode(cursor));
  TRY(database_->Commit(batch));
  cursor_ = cursor;
  written_ = scanned;
  for (const OutboxItem& item : items) ++waiting_[item.priority];
  return {};
}

Status Outbox::Remove(const std::vector<OutboxItem>& delivered,
                      const std::vector<OutboxItem>& dropped) {
  if (delivered.empty() && dropped.empty()) return {};
  v1::OutboxCursor cursor = cursor_;
  cursor.set_delivered(cursor.delivered() + delivered.size());
  cursor.set_dropped(cursor.dropped() + dropped.size());
  rocksdb::WriteBatch batch;
  for (const auto* items : {&delivered, &dropped}) {
    for (const OutboxItem& item : *items) {
      batch.Delete(family_, EntryKey(item));
      if (IsIndexed(item)) batch.Delete(family_, IndexKey(item.entry.record_id()));
    }
  }
  batch.Put(family_, rocksdb::Slice(kCursorKey), Encode(cursor));
  TRY(database_->Commit(batch));
  cursor_ = cursor;
  written_ = cursor.scanned();
  for (const OutboxItem& item : delivered) --waiting_[item.priority];
  for (const OutboxItem& item : dropped) --waiting_[item.priority];
  return {};
}

Status Outbox::Visit(Timestamp now, Millis ageing_step,
                     const std::function<bool(const OutboxItem&)>& visit) const {
  std::vector<PriorityCursor> lanes;
  std::vector<std::optional<OutboxItem>> fronts;
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    if (waiting_[priority] == 0) continue;  // to open it costs as much as a few entries
    lanes.emplace_back(database_->db(), family_, priority);
    fronts.push_back(TRY(lanes.back().Take()));
  }
  while (true) {
    std::optional<std::size_t> best;  // ties go to the lower priority number
    for (std::size_t i = 0; i < fronts.size(); ++i) {
      if (fronts[i] && (!best || AgedPriority(*fronts[i], now, ageing_step) <
                                     AgedPriority(*fronts[*best], now, ageing_step))) {
        best = i;
      }
    }
    if (!best || !visit(*fronts[*best])) return {};
    fronts[*best] = TRY(lanes[*best].Take());
  }
}

Result<std::array<std::optional<Timestamp>, Outbox::kPriorities>> Outbox::OldestSealed() const {
  std::array<std::optional<Timestamp>, kPriorities> oldest;
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    if (waiting_[priority] == 0) continue;
    // Entries of one priority are in the order they were sealed in.
    const auto first = TRY(PriorityCursor(database_->db(), family_, priority).Take());
    if (first) oldest[priority] = Timestamp(first->entry.sealed_ms());
  }
  return oldest;
}

Result<std::optional<OutboxItem>> Outbox::Find(BytesView record_id) const {
  const auto key = TRY(database_->Get(family_, IndexKey(record_id)));
  if (!key) return std::nullopt;
  const auto value = TRY(database_->Get(family_, *key));
  if (!value) return Fail(Code::kCorruption, "outbox index names a missing entry");
  return TRY(ReadItem(*key, *value));
}

}  // namespace talent::tiers
