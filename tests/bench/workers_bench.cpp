// The node's worker threads: verification of transactions, and group commit of votes.
#include <benchmark/benchmark.h>

#include <condition_variable>
#include <thread>

#include "ledger/transaction.h"
#include "node/chain/storage_thread.h"
#include "node/chain/verify_pool.h"
#include "node/chain/vote_log.h"
#include "support/temp_dir.h"

namespace talent::node {
namespace {

constexpr std::size_t kJobs = 256;
constexpr std::size_t kVoteBytes = 120;  // a prepared certificate's digest and votes are more

/// Jobs of so many transactions each, on as many threads as there are cores: what handing over
/// costs beside the 50 µs of a verification.
void BM_VerifyPool(benchmark::State& state) {
  const auto together = static_cast<std::size_t>(state.range(0));
  crypto::SystemRandom random;
  const auto author = crypto::KeyPair::Generate(random);
  const ledger::Transaction tx = ledger::MakeTransaction(
      ChainId(), "Note", Bytes(300, 'p'), ledger::pb::DISCLOSURE_FULL, Height(10), author, random);
  VerifyPool pool(std::max(1U, std::thread::hardware_concurrency()), 10'000);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kJobs; i += together) {
      CHECK(pool.TryPost([&tx, together] {
        for (std::size_t j = 0; j < together; ++j) CHECK(VerifySignature(tx, ChainId()));
      }));
    }
    while (pool.waiting() > 0) std::this_thread::yield();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kJobs));
}
BENCHMARK(BM_VerifyPool)->Arg(1)->Arg(32)->UseRealTime()->MeasureProcessCPUTime();

/// Votes that come at `range` a millisecond, written as a chain does it: one job at a time, and
/// what comes meanwhile is the next one's.
void BM_GroupCommit(benchmark::State& state) {
  const auto interval = std::chrono::nanoseconds(1'000'000 / state.range(0));
  const TempDir dir;
  auto opened = VoteLog::Open(dir.path() / "votes.log", ChainId(), crypto::PublicKey());
  CHECK(opened.has_value());
  StorageThread storage;
  std::mutex mutex;
  std::condition_variable written;
  std::vector<Bytes> waiting;
  bool writing = false;
  std::uint64_t syncs = 0;
  std::uint64_t records = 0;
  std::function<void()> write = [&] {
    std::vector<Bytes> batch;
    {
      const std::lock_guard lock(mutex);
      batch.swap(waiting);
      writing = !batch.empty();
      if (!writing) return written.notify_all();
    }
    CHECK(opened->log->Append(batch).has_value());
    ++syncs;
    records += batch.size();
    storage.Post(write);
  };
  auto due = std::chrono::steady_clock::now();
  for (auto _ : state) {
    due += interval;
    while (std::chrono::steady_clock::now() < due) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    waiting.emplace_back(kVoteBytes, 'v');
    if (!writing) {
      writing = true;
      storage.Post(write);
    }
  }
  std::unique_lock lock(mutex);
  written.wait(lock, [&] { return !writing; });
  state.SetItemsProcessed(static_cast<std::int64_t>(records));
  state.counters["records/sync"] =
      static_cast<double>(records) / static_cast<double>(std::max<std::uint64_t>(1, syncs));
}
BENCHMARK(BM_GroupCommit)->Arg(1)->Arg(10)->Arg(100)->UseRealTime();

}  // namespace
}  // namespace talent::node
