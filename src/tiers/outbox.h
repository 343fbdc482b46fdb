// The promoter's persistent queue: what waits to be carried to the next chain.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "base/strong.h"
#include "ledger/database.h"
#include "talent/tiers/v1/outbox.pb.h"

namespace talent::tiers {

/// One waiting record.
struct OutboxItem {
  std::uint32_t priority = 0;
  v1::OutboxEntry entry;
};

/// One column family per pair of chains. Every change is one atomic write: entries never get ahead
/// of the cursor, nor the cursor of the entries. Where nothing was found the cursor on disk may
/// stay behind: after a crash some blocks are scanned again. Confined to one thread.
class Outbox {
 public:
  static constexpr std::size_t kPriorities = 10;
  /// Heights at most that the cursor on disk stays behind: some seconds of a busy chain.
  static constexpr std::uint64_t kMaxUnwritten = 64;

  /// Errors: kIo, kCorruption.
  static Result<Outbox> Open(const ledger::Database& database, const ChainId& source,
                             const ChainId& target);

  /// Adds `items` and moves the cursor, which must not go back; checked.
  Status Append(const std::vector<OutboxItem>& items, std::uint64_t scanned);
  /// Takes `delivered` and `dropped` items out.
  Status Remove(const std::vector<OutboxItem>& delivered, const std::vector<OutboxItem>& dropped);

  /// Calls `visit` in order of aged priority until it returns false. `visit` must not write.
  Status Visit(Timestamp now, Millis ageing_step,
               const std::function<bool(const OutboxItem&)>& visit) const;
  /// A waiting record of a private chain. nullopt: does not wait. Errors: kIo, kCorruption.
  Result<std::optional<OutboxItem>> Find(BytesView record_id) const;

  /// When the source sealed the entry that has waited longest, by priority. Errors: kIo,
  /// kCorruption.
  Result<std::array<std::optional<Timestamp>, kPriorities>> OldestSealed() const;

  const v1::OutboxCursor& cursor() const { return cursor_; }
  const std::array<std::uint64_t, kPriorities>& waiting() const { return waiting_; }

 private:
  Outbox(const ledger::Database& database, rocksdb::ColumnFamilyHandle* family)
      : database_(&database), family_(family) {}
  Status Load();

  const ledger::Database* database_;
  rocksdb::ColumnFamilyHandle* family_;
  v1::OutboxCursor cursor_;
  std::uint64_t written_ = 0;  // cursor_.scanned() on disk
  std::array<std::uint64_t, kPriorities> waiting_{};
};

}  // namespace talent::tiers
