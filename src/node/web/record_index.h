// The published records of a public chain in the order they were published.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/chain.h"

namespace talent::node {

/// The state has records by id, which are hashes. This has where each stands in time, and nothing
/// else of them. In memory, made when it is first asked for; thread-safe.
class RecordIndex {
 public:
  /// 40 bytes each: 320 MB. A chain with more needs this on disk.
  static constexpr std::size_t kMaxRecords = 8'000'000;
  /// So far behind, the whole table is read again: faster than block by block.
  static constexpr std::uint64_t kRescanBlocks = 1000;

  struct Place {
    Height height;
    RecordId id;
    auto operator<=>(const Place&) const = default;
    /// "<height>-<id>".
    std::string Text() const;
    static Result<Place> Parse(std::string_view text);  // kInvalidArgument
  };

  /// The chain must outlive it.
  explicit RecordIndex(const ledger::Chain& chain) : chain_(chain) {}

  /// The newest of those up to `at` and, where `from` is given, not newer than that; newest first,
  /// `most` at most. `state` is that of height `at` or later. Errors: kExhausted, kIo, kCorruption.
  Result<std::vector<Place>> Newest(const ledger::StateReader& state, Height at,
                                    const std::optional<Place>& from, std::size_t most);

 private:
  Status CatchUp(const ledger::StateReader& state, Height to);
  Result<bool> AddBlock(const ledger::StateReader& state, Height height);
  Status Rescan(const ledger::StateReader& state, Height to);

  const ledger::Chain& chain_;
  std::mutex mutex_;  // guards the rest
  bool scanned_ = false;
  Height through_;             // what blocks up to here published is in
  std::vector<Place> places_;  // ascending
};

}  // namespace talent::node
