// A short soak; the long one is scripts/soak.
#include "soak/soak.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "support/temp_dir.h"

namespace talent::soak {
namespace {

TEST(Soak, LosesAndForksNothingOverAFewFaults) {
  signal(SIGPIPE, SIG_IGN);  // connections end at any time
  const TempDir dir;
  Options options;
  options.dir = dir.path() / "net";
  options.talentd = TALENTD;
  options.shim = FAULT_SHIM;
  options.seed = 3;
  options.cycles = 3;
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
