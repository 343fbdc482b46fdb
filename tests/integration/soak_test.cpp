// A short soak; the long one is scripts/soak.
#include "soak/soak.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "support/temp_dir.h"

namespace talent::soak {
namespace {

// Three faults at random; then nodes, one of them the primary, or all at once, die at their 15th
// write, sync or send of each kind, the vote log torn on all of them among it.
TEST(Soak, LosesAndForksNothingOverAFewFaultsAndCrashPoints) {
  signal(SIGPIPE, SIG_IGN);  // connections end at any time
  const TempDir dir;
  Options options;
  options.dir = dir.path() / "net";
  options.talentd = TALENTD;
  options.shim = FAULT_SHIM;
  options.seed = 3;
  options.cycles = 2;
  options.crash_points = 6;
  options.first_call = 15;
  options.clients = 3;
  options.people = 5;
  std::string said;
  options.say = [&](const std::string& line) { said += line + "\n"; };
  const auto report = RunSoak(options);
  ASSERT_TRUE(report) << report.error().ToString() << "\n" << said;
  EXPECT_THAT(report->complaints, ::testing::IsEmpty()) << said;
  EXPECT_GT(report->acknowledged, 0u);
}

}  // namespace
}  // namespace talent::soak
