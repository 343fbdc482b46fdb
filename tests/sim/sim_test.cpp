#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "sim/simulation.h"

namespace talent::sim {
namespace {

// Shards are tests of their own, so that they run side by side.
constexpr std::uint64_t kShards = 8;
constexpr std::uint64_t kSeedsPerShard = 126;

void RunSeed(std::uint64_t seed, Counters& counters, std::uint64_t& simulated_ms) {
  const Outcome outcome = Simulate(seed);
  counters.Add(outcome.counters);
  simulated_ms += outcome.simulated_ms;
  for (const std::string& failure : outcome.failures) {
    ADD_FAILURE() << failure << "\nAgain: TALENT_SIM_SEED=" << seed
                  << " talent_sim_tests --gtest_filter=Simulation.OneSeed\n"
                  << outcome.state;
  }
}

class Shard : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Shard, SafeUnderFaultsAndLiveAfterThem) {
  Counters counters;
  std::uint64_t simulated_ms = 0;
  for (std::uint64_t i = 0; i < kSeedsPerShard && !HasFailure(); ++i) {
    RunSeed(1 + GetParam() * kSeedsPerShard + i, counters, simulated_ms);
  }
  if (HasFailure()) return;
  std::cout << "simulated " << simulated_ms / 1000 << " s\n";
  for (const auto& [what, times] : counters.times) std::cout << what << ": " << times << "\n";
  // What is rare must still happen, or these runs test less than they seem to.
  for (const char* what :
       {"null batch executed", "batch of an earlier view executed", "view change with two prepared",
        "restart with a prepared certificate", "catch-up during a view change",
        "missing proposal supplied", "vote log compacted", "vote log lost", "evidence",
        "crash inside a step", "power cut", "message refused", "two offers for one height"}) {
    EXPECT_GT(counters.times[what], 0u) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Shard, testing::Range<std::uint64_t>(0, kShards));

TEST(Simulation, SameSeedSameTrace) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Outcome first = Simulate(seed);
    const Outcome second = Simulate(seed);
    EXPECT_EQ(first.trace, second.trace) << seed;
    EXPECT_EQ(first.state, second.state) << seed;
  }
}

// TALENT_SIM_SEED=n runs that seed; TALENT_SIM_MINUTES=n runs new seeds for so long.
TEST(Simulation, OneSeed) {
  const char* const text = std::getenv("TALENT_SIM_SEED");
  const char* const minutes = std::getenv("TALENT_SIM_MINUTES");
  if (text == nullptr && minutes == nullptr) GTEST_SKIP() << "TALENT_SIM_SEED is not set";
  std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 1'000'000;
  Counters counters;
  std::uint64_t simulated_ms = 0;
  std::uint64_t seeds = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto until =
      start + std::chrono::minutes(minutes != nullptr ? std::strtol(minutes, nullptr, 10) : 0);
  do {
    RunSeed(seed++, counters, simulated_ms);
    ++seeds;
  } while (!HasFailure() && std::chrono::steady_clock::now() < until);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << fmt::format("{} seeds, {} simulated s in {:.1f} s\n", seeds, simulated_ms / 1000,
                           took.count());
  for (const auto& [what, times] : counters.times) std::cout << what << ": " << times << "\n";
}

}  // namespace
}  // namespace talent::sim
