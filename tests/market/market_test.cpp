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

// One seed is a month of two or three members: what they miss or find on a day decides it.
Played OfThreeSeeds(Options options) {
  std::vector<Played> runs;
  for (options.seed = 1; options.seed <= 3; ++options.seed) runs.push_back(Play(options));
  return MeanOf(runs);
}

TEST(Market, HonestyIsTheBestStrategy) {
  const Played played = OfThreeSeeds({});
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

// By its own word a centre takes nothing from those who have confirmed what is right.
TEST(Market, ACentreThatCorrectsForItsFriends_StripsNobody) {
  const Played played = OfThreeSeeds({.days = 12, .collusion = true, .policy = {}});
  EXPECT_THAT(Complaints(played), IsEmpty()) << Table(played);
  EXPECT_EQ(played.totals.right_unmasked, 0) << Table(played);
  EXPECT_EQ(played.totals.wrong_verified, 0) << Table(played);
  EXPECT_EQ(played.totals.unexplained, 0);
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
  for (const bool collusion : {false, true}) {
    std::vector<Played> all;
    for (std::uint64_t seed = 1; seed <= std::stoull(seeds); ++seed) {
      all.push_back(Play({.seed = seed,
                          .days = days ? std::stoi(days) : 60,
                          .collusion = collusion,
                          .policy = {}}));
    }
    const Played mean = MeanOf(all);
    EXPECT_THAT(Complaints(mean), IsEmpty());
    fmt::print("{}{}", collusion ? "\na centre that corrects for its friends\n" : "", Table(mean));
  }
}

}  // namespace
}  // namespace talent::market
