#include "node/peers/retry_pause.h"

#include <gtest/gtest.h>

namespace talent::node {
namespace {

TEST(RetryPause, DoublesUpToItsCap) {
  const auto pause = [](std::uint32_t failures) {
    return RetryPause(failures, Millis(100), Millis(1000)).value;
  };
  EXPECT_EQ(pause(0), 100u);
  EXPECT_EQ(pause(1), 200u);
  EXPECT_EQ(pause(3), 800u);
  EXPECT_EQ(pause(4), 1000u) << "not twice 800";
  EXPECT_EQ(pause(4'000'000'000), 1000u);
}

TEST(RetryPause, FirstAboveTheCap_IsTheCap) {
  EXPECT_EQ(RetryPause(0, Millis(500), Millis(200)), Millis(200));
}

}  // namespace
}  // namespace talent::node
