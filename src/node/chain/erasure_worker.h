// What erasure asks of a node besides its chains: it takes what was erased out of the database's
// files, and notes which chains need a snapshot.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "node/chain/chain_runner.h"

namespace talent::node {

/// Sweeps the chains one after another, at once and then every kEvery, on a thread of its own: a
/// compaction may take as long as the disk does.
class ErasureWorker {
 public:
  static constexpr std::chrono::seconds kEvery{10};

  /// `database`, the chains and `clock` must outlive it.
  ErasureWorker(const ledger::Database& database, std::vector<const ChainRunner*> chains,
                const Clock& clock);
  /// Ends a sweep under way; it is done again at the next start.
  ~ErasureWorker();
  ErasureWorker(const ErasureWorker&) = delete;
  ErasureWorker& operator=(const ErasureWorker&) = delete;

 private:
  void Run();
  void Sweep(const ledger::Genesis& chain);
  void NoteSnapshot(const ChainRunner& chain);

  const ledger::Database& database_;
  const std::vector<const ChainRunner*> chains_;
  const Clock& clock_;
  std::mutex mutex_;  // for wake_, with stopping_
  std::condition_variable wake_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: it uses all the above
};

}  // namespace talent::node
