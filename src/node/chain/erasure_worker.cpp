#include "node/chain/erasure_worker.h"

#include <spdlog/spdlog.h>

#include "ledger/erasure_sweep.h"
#include "ledger/snapshot.h"

namespace talent::node {

ErasureWorker::ErasureWorker(const ledger::Database& database,
                             std::vector<const ChainRunner*> chains, const Clock& clock)
    : database_(database), chains_(std::move(chains)), clock_(clock), thread_([this] { Run(); }) {}

ErasureWorker::~ErasureWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ErasureWorker::Run() {
  while (!stopping_) {
    for (const ChainRunner* chain : chains_) {
      NoteSnapshot(*chain);
      Sweep(chain->chain().genesis());
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kEvery, [this] { return stopping_.load(); });
  }
}

// The next start fetches one, whatever the configuration says.
void ErasureWorker::NoteSnapshot(const ChainRunner& chain) {
  if (chain.status().erased_ahead == Height(0)) return;
  const Status noted = ledger::WantSnapshot(database_, chain.chain().id());
  if (!noted) spdlog::error("chain {}: {}", chain.chain().genesis().name(), noted.error().message);
}

void ErasureWorker::Sweep(const ledger::Genesis& chain) {
  const auto swept = ledger::SweepErased(database_, chain.chain_id(), clock_.Now(), stopping_);
  if (!swept) {
    spdlog::error("chain {}: what was erased is still in the files: {}", chain.name(),
                  swept.error().ToString());
  } else if (swept->unfinished && !stopping_) {
    spdlog::warn("chain {}: what was erased is still in the files, where a reader holds it",
                 chain.name());
  } else if (swept->blocks > 0) {
    spdlog::info(
        "chain {}: {} payloads and {} state entries that {} blocks erased are gone from "
        "the files",
        chain.name(), swept->payloads, swept->values, swept->blocks);
  }
}

}  // namespace talent::node
