// Takes what was erased out of the database's files while the node runs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "ledger/genesis.h"

namespace talent::ledger {
class Database;
}

namespace talent::node {

/// Sweeps the chains one after another, at once and then every kEvery, on a thread of its own: a
/// compaction may take as long as the disk does.
class ErasureWorker {
 public:
  static constexpr std::chrono::seconds kEvery{10};

  /// `database` must outlive it.
  ErasureWorker(const ledger::Database& database, std::vector<ledger::Genesis> chains);
  /// Ends a sweep under way; it is done again at the next start.
  ~ErasureWorker();
  ErasureWorker(const ErasureWorker&) = delete;
  ErasureWorker& operator=(const ErasureWorker&) = delete;

 private:
  void Run();
  void Sweep(const ledger::Genesis& chain);

  const ledger::Database& database_;
  const std::vector<ledger::Genesis> chains_;
  std::mutex mutex_;  // for wake_, with stopping_
  std::condition_variable wake_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: it uses all the above
};

}  // namespace talent::node
