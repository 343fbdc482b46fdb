// Dropping what a node need not keep: old versions of the state, and blocks.
#pragma once

#include <functional>

#include "ledger/database.h"
#include "ledger/genesis.h"

namespace talent::ledger {

struct PruneOptions {
  /// What belongs to heights below this one goes. The state as of this height stays provable, and a
  /// snapshot can be made of it and of every later one.
  Height below;

  /// Which blocks go, with their payloads, beside the old state. Headers and their certificates,
  /// the index of transactions and what tells repetitions stay in any case.
  enum class Blocks {
    kNone,
    kWithoutRecords,  // those that hold no record whose payload is here: it may exist nowhere else
    kAll,
  };
  Blocks blocks = Blocks::kNone;
};

struct PruneReport {
  std::uint64_t tree_records = 0;  // pages and values of old states
  std::uint64_t blocks = 0;        // dropped
  std::uint64_t payloads = 0;      // dropped with them
  std::uint64_t blocks_kept = 0;   // for the sake of a record
};

/// Prunes a chain that nobody has open. Interrupted, it goes on when it is called again; what it
/// has announced to drop is answered with kPruned from the start. `progress(done, of)` counts
/// heights. Errors: kPrecondition (`below` is above the head, or nothing is sealed), kUnavailable
/// (a restore is unfinished), kCorruption, kIo.
Result<PruneReport> PruneChain(Database& database, const Genesis& genesis,
                               const PruneOptions& options,
                               const std::function<void(Height, Height)>& progress);

}  // namespace talent::ledger
