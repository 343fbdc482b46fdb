// Takes what was erased out of a database's files.
//
// A deleted record stays in RocksDB's tables and in its log until they are written anew. Each block
// that erases leaves a note of what, in its own write; a sweep works off the notes whose time has
// come (kErasedServedFor), and one that was interrupted is done again.
#pragma once

#include <atomic>

#include "base/env.h"
#include "ledger/database.h"

namespace talent::ledger {

struct SweepReport {
  std::uint64_t blocks = 0;    // whose erasures are gone from the files now
  std::uint64_t payloads = 0;  // of them
  std::uint64_t values = 0;    // of the state, with all their old versions
  /// Something is left that a reader still holds: sweep again.
  bool unfinished = false;
};

/// Removes what the blocks of a chain have erased long enough before `now`, old versions of state
/// entries first, from every file: tables are compacted where it lies, the log is flushed, and the
/// old files are seen to be gone. Beside a running chain, on a thread that may wait for the disk.
/// `stop` ends it early. Errors: kIo, kCorruption.
Result<SweepReport> SweepErased(const Database& database, const ChainId& chain, Timestamp now,
                                std::atomic<bool>& stop);

}  // namespace talent::ledger
