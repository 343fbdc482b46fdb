// Is honesty the best strategy under the default policy?

#include "market/market.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

namespace talent::market {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Market : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, Market, ::testing::Values(1, 2, 3));

TEST_P(Market, HonestyIsTheBestStrategy) {
  const Played played = Play({.seed = GetParam(), .policy = {}});
  EXPECT_THAT(Complaints(played), IsEmpty()) << Table(played);
  const auto errors_only =
      std::ranges::find(played.outcomes, std::string("errors-only"), &Outcome::name);
  EXPECT_GT(played.outcomes.front().per_effort, kMargin * errors_only->per_effort)
      << "who has found a record right does well to say so\n"
      << Table(played);
  EXPECT_EQ(played.totals.wrong_verified, 0) << Table(played);
  EXPECT_EQ(played.totals.right_unmasked, 0) << Table(played);
  EXPECT_EQ(played.totals.unexplained, 0) << "accounts that do not add up";
}

// A policy that only rewards: whoever files most wins.
TEST(MarketPolicy, OneWithoutPenaltiesIsFoundOut) {
  const auto policy = nlohmann::json::parse(R"({"points": {
    "confirmation_stands": 1, "dispute_upheld": 5, "confirmed_wrong": 0, "dispute_false": 0,
    "not_revealed": 0, "centre_silent": 10, "confirmations_paid": 10,
    "class_weights": [1, 2, 4, 8], "daily_cap": 200, "half_life_ms": 0, "max_debt": 100}})");
  const Played played = Play({.seed = 1, .days = 12, .policy = policy});
  EXPECT_THAT(Complaints(played), Contains(HasSubstr("false-dispute"))) << Table(played);
}

/// scripts/market: every seed it is given, printed.
TEST(MarketReport, OfManySeeds) {
  const char* const seeds = std::getenv("TALENT_MARKET_SEEDS");
  if (seeds == nullptr) GTEST_SKIP() << "scripts/market runs it";
  const char* const days = std::getenv("TALENT_MARKET_DAYS");
  std::vector<Played> all;
  for (std::uint64_t seed = 1; seed <= std::stoull(seeds); ++seed) {
    all.push_back(Play({.seed = seed, .days = days ? std::stoi(days) : 60, .policy = {}}));
    for (const auto& complaint : Complaints(all.back())) {
      ADD_FAILURE() << "seed " << seed << ", " << complaint;
    }
  }
  fmt::print("{}", Table(MeanOf(all)));
}

}  // namespace
}  // namespace talent::market
