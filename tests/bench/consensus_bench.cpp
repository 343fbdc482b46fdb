// The replica's own cost: Step in the normal case, without verification, which the pool does.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "unit/consensus/harness.h"

namespace {
std::atomic<std::uint64_t> g_allocations{0};
}  // namespace

// Counts the allocations of this program; the default operator delete frees what malloc gave.
void* operator new(std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace talent::consensus::test {
namespace {

constexpr std::uint64_t kHeights = 200;
constexpr std::size_t kBatchBytes = 50'000;  // a hundred records
constexpr std::uint32_t kBackup = 1;         // of view 0, whose primary is 0

/// What the backup of a cluster of `n` hears while it seals kHeights blocks.
std::vector<Event> EventsOfABackup(std::uint32_t n) {
  std::vector<Event> events;
  Harness cluster(n);
  cluster.hear = [&](std::uint32_t i, const Event& event) {
    if (i == kBackup) events.push_back(event);
  };
  for (std::uint64_t h = 1; h <= kHeights; ++h) {
    const Bytes batch(kBatchBytes, static_cast<char>(h));
    CHECK(cluster.Propose(0, batch));
    cluster.Run();
  }
  CHECK(cluster.status(kBackup).sealed == Height(kHeights));
  return events;
}

/// Steps of a backup, its own signatures (three a block) included.
void BM_Step(benchmark::State& state) {
  const auto n = static_cast<std::uint32_t>(state.range(0));
  const std::vector<Event> events = EventsOfABackup(n);
  const crypto::KeyPair key = VoteKey(kBackup);
  Options options;
  options.chain = TestChain();
  options.validators = TestValidators(n);
  options.window = 8;
  std::uint64_t messages = 0;
  for (const Event& event : events) messages += std::holds_alternative<MessageReceived>(event);
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Replica replica(options, key, Replica::Recovered{});
    replica.Start();
    const std::uint64_t before = g_allocations;
    state.ResumeTiming();
    for (const Event& event : events) benchmark::DoNotOptimize(replica.Step(event));
    state.PauseTiming();
    allocations += g_allocations - before;
    CHECK(replica.status().sealed == Height(kHeights));
    state.ResumeTiming();
  }
  const auto runs = static_cast<double>(state.iterations());
  const auto steps = static_cast<double>(events.size());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(messages));
  state.counters["allocations/step"] = static_cast<double>(allocations) / runs / steps;
  state.counters["messages/block"] = static_cast<double>(messages) / static_cast<double>(kHeights);
}
BENCHMARK(BM_Step)->Arg(4)->Arg(7)->Arg(13)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace talent::consensus::test
