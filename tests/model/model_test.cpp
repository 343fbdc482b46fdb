#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "model/explorer.h"

namespace talent::model {
namespace {

void Check(Bound bound) {
  const std::clock_t begin = std::clock();
  const std::string name = bound.name;
  const Report report = Explorer(std::move(bound)).Run();
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::cout << fmt::format(
                   "{}: {} states, {} steps, depth {}, {} states of one validator, {} messages, {} "
                   "forgeries "
                   "refused, {:.1f} s of CPU{}\n",
                   name, report.states, report.steps, report.depth, report.local_states,
                   report.messages, report.forgeries_refused, seconds,
                   report.complete ? "" : " (not all)")
            << std::flush;
  std::string trace;
  for (const std::string& line : report.trace) trace += line + "\n";
  EXPECT_EQ(report.violation, "") << trace;
  EXPECT_TRUE(report.complete);
}

// The liar leads view 0 (0), view 1 (1) or none (3).

TEST(Model, OneViewTwoHeights) {
  for (const std::uint32_t liar : {0u, 3u}) {
    Check({.name = fmt::format("one view, two heights, liar {}", liar),
           .limits = {.window = 2, .heights = 2, .views = 1},
           .liar = liar});
  }
}

TEST(Model, OneViewAndACrash) {
  for (const std::uint32_t liar : {0u, 3u}) {
    Check({.name = fmt::format("one view and a crash, liar {}", liar),
           .limits = {.window = 1, .heights = 1, .views = 1},
           .liar = liar,
           .crashes = 1});
  }
}

class TwoViews : public testing::TestWithParam<std::uint32_t> {};

TEST_P(TwoViews, Liar) {
  Check({.name = fmt::format("two views, liar {}", GetParam()),
         .limits = {.window = 1, .heights = 1, .views = 2},
         .liar = GetParam()});
}

INSTANTIATE_TEST_SUITE_P(Model, TwoViews, testing::Values(0, 1, 3));

// The first validator leaves, a fifth comes: block 1 ends the epoch at height 2.
Bound TwoEpochs(std::uint32_t liar) {
  return {.name = fmt::format("two epochs, liar {}", liar),
          .limits = {.window = 1, .heights = 3, .views = 1, .epoch_end = 2},
          .liar = liar};
}
TEST(Model, TwoEpochs) { Check(TwoEpochs(3)); }

// The window reaches over the end, which is known from the start.
TEST(Model, WindowOverTheEndOfAnEpoch) {
  for (const std::uint32_t liar : {0u, 3u}) {
    Check({.name = fmt::format("window over the end of an epoch, liar {}", liar),
           .limits = {.window = 2, .heights = 2, .views = 1, .epoch_end = 1},
           .liar = liar});
  }
}

// scripts/model runs these as well: minutes each.
class ModelLong : public testing::Test {
  void SetUp() override {
    if (std::getenv("TALENT_MODEL_LONG") == nullptr) GTEST_SKIP() << "TALENT_MODEL_LONG is not set";
  }
};

TEST_F(ModelLong, TwoEpochsLiarLeads) { Check(TwoEpochs(0)); }

TEST_F(ModelLong, TwoViewsAndACrash) {
  Check({.name = "two views and a crash, liar 3",
         .limits = {.window = 1, .heights = 1, .views = 2},
         .liar = 3,
         .crashes = 1,
         .sealing = false});
}

TEST_F(ModelLong, ThreeViews) {
  Check({.name = "three views, liar 3",
         .limits = {.window = 1, .heights = 1, .views = 3},
         .liar = 3,
         .sealing = false});
}

}  // namespace
}  // namespace talent::model
