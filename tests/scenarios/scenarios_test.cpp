// Plays every story of this folder. TALENT_SCENARIOS_UPDATE=1 writes what they show into them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "scenarios/stage.h"
#include "scenarios/story.h"

namespace talent::scenarios {
namespace {

std::vector<std::filesystem::path> Stories() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(TALENT_SCENARIOS)) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "CMakeLists.txt")
      out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

class Scenario : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Scenario, GoesAsWritten) {
  Story story = ReadStory(GetParam()).value();
  const bool update = std::getenv("TALENT_SCENARIOS_UPDATE") != nullptr;
  Stage stage;
  for (Command& command : story.commands) {
    const auto shown = stage.Perform(command.text);
    ASSERT_TRUE(shown.has_value()) << GetParam().string() << ":" << command.line << ": "
                                   << command.text << ": " << shown.error().message;
    if (!update) {
      EXPECT_EQ(*shown, command.expected)
          << GetParam().string() << ":" << command.line << ": " << command.text;
    }
    command.expected = *shown;
  }
  if (update) {
    ASSERT_TRUE(WriteFile(GetParam(), Format(story), 0644, IfExists::kReplace).has_value());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Scenario, testing::ValuesIn(Stories()), [](const auto& story) {
  std::string name = story.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// A runner that shows nothing, or compares nothing, would pass every story.
TEST(ScenarioRunner, ShowsWhatHappensAndChecksWhatMustHold) {
  Stage stage;
  ASSERT_TRUE(stage.Perform("cluster 4"));
  EXPECT_EQ(stage.Perform("propose 0 A").value(),
            "0 > all PRE-PREPARE v0 h1 A\n0 > all PREPARE v0 h1 A\n");
  EXPECT_TRUE(stage.Perform("must all sealed 0"));
  EXPECT_EQ(stage.Perform("must all sealed 1").error().code, Code::kPrecondition);
  EXPECT_EQ(stage.Perform("dance").error().code, Code::kInvalidArgument);
  EXPECT_EQ(stage.Perform("must all luck 7").error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace talent::scenarios
