#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "sim/simulation.h"

namespace talent::sim {
namespace {

// Shards are tests of their own, so that they run side by side.
constexpr std::uint64_t kShards = 2;
#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kSeedsPerShard = 12;  // several times as slow; counts nothing rare
constexpr bool kEnough = false;
#else
constexpr std::uint64_t kSeedsPerShard = 60;
constexpr bool kEnough = true;
#endif

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t slowest_recovery_ms = 0;
  Counters counters;
  const double cpu = CpuSeconds();
  const std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();

  void Print() const {
    const double took = CpuSeconds() - cpu;
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - wall;
    const double simulated = static_cast<double>(simulated_ms) / 1000;
    std::cout << fmt::format(
        "{} seeds, {:.0f} simulated s; {:.1f} a wall second, {:.1f} a CPU second; slowest recovery "
        "{} ms\n",
        seeds, simulated, simulated / passed.count(), simulated / took, slowest_recovery_ms);
    for (const auto& [what, times] : counters.times) std::cout << what << ": " << times << "\n";
  }
};

Outcome RunSeed(std::uint64_t seed, Totals& totals) {
  Outcome outcome = Simulate(seed);
  ++totals.seeds;
  totals.counters.Add(outcome.counters);
  totals.simulated_ms += outcome.simulated_ms;
  totals.slowest_recovery_ms = std::max(totals.slowest_recovery_ms, outcome.recovery_ms);
  for (const std::string& failure : outcome.failures) {
    ADD_FAILURE() << failure << "\nAgain: ./scripts/sim " << seed << "\n" << outcome.state;
  }
  return outcome;
}

class Shard : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Shard, SafeUnderFaultsLiveAfterThemAndTheSameTwice) {
  Totals totals;
  for (std::uint64_t i = 0; i < kSeedsPerShard && !HasFailure(); ++i) {
    const std::uint64_t seed = 1 + GetParam() * kSeedsPerShard + i;
    const Outcome first = RunSeed(seed, totals);
    const Outcome second = Simulate(seed);
    EXPECT_EQ(first.trace, second.trace) << "seed " << seed << " has two traces";
    EXPECT_EQ(first.state, second.state) << "seed " << seed << " has two outcomes";
  }
  if (HasFailure()) return;
  totals.Print();
  if (!kEnough) return;
  // What is rare must still happen, or these runs test less than they seem to.
  for (const char* what :
       {"null batch filled", "batch of an earlier view sealed",
        "view change with two prepared batches", "restart with a prepared certificate",
        "catch-up during a view change", "missing proposal supplied", "vote log rewritten",
        "restart without its votes", "evidence", "crash at a write, sync or send", "power cut",
        "two offers for one height", "twins mixed", "epoch begun",
        "epoch crossed during a view change"}) {
    EXPECT_GT(totals.counters.times[what], 0u) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Shard, testing::Range<std::uint64_t>(0, kShards));

// Seeds that once failed.
TEST(Simulation, KeptSeeds) {
  Totals totals;
  RunSeed(3000856, totals);  // a liar's claim held up a new validator, which then only observed
  RunSeed(3000393,
          totals);  // a rotten last batch is cut as if torn: that validator is the faulty one
}

// TALENT_SIM_SEED=n runs that seed; TALENT_SIM_MINUTES=n runs new seeds for so long.
TEST(Simulation, OneSeed) {
  const char* const text = std::getenv("TALENT_SIM_SEED");
  const char* const minutes = std::getenv("TALENT_SIM_MINUTES");
  if (text == nullptr && minutes == nullptr) GTEST_SKIP() << "TALENT_SIM_SEED is not set";
  std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 1'000'000;
  Totals totals;
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::minutes(minutes ? std::strtol(minutes, nullptr, 10) : 0);
  do {
    const Outcome outcome = RunSeed(seed++, totals);
    if (minutes == nullptr) std::cout << outcome.state;
  } while (!HasFailure() && std::chrono::steady_clock::now() < until);
  totals.Print();
}

}  // namespace
}  // namespace talent::sim
