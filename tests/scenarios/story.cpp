#include "scenarios/story.h"

#include <sstream>

#include "base/file.h"

namespace talent::scenarios {
namespace {

constexpr std::size_t kMaxStoryBytes = 1u << 20;
constexpr std::string_view kRule = "----";

}  // namespace

Result<Story> ReadStory(const std::filesystem::path& path) {
  std::istringstream in(TRY(ReadFile(path, kMaxStoryBytes)));
  Story story;
  std::string line, prose;
  std::size_t number = 0;
  bool in_output = false;
  while (std::getline(in, line)) {
    ++number;
    if (line == kRule) {
      if (story.commands.empty() || !prose.empty() || in_output) {
        return Fail(Code::kInvalidArgument, "{}:{}: {} belongs right under a command",
                    path.string(), number, kRule);
      }
      in_output = true;
    } else if (in_output && !line.empty()) {
      story.commands.back().expected += line + "\n";
    } else if (line.empty() || line.starts_with('#')) {
      in_output = false;
      prose += line + "\n";
    } else {
      story.commands.push_back({number, std::exchange(prose, {}), line, {}});
    }
  }
  story.epilogue = prose;
  return story;
}

std::string Format(const Story& story) {
  std::string out;
  for (const Command& command : story.commands) {
    // Output ends at a blank line.
    if (out.ends_with('\n') && !command.prose.starts_with('\n') && !out.empty() &&
        &command != story.commands.data() && !(&command)[-1].expected.empty()) {
      out += "\n";
    }
    out += command.prose + command.text + "\n";
    if (!command.expected.empty()) out += std::string(kRule) + "\n" + command.expected;
  }
  return out + story.epilogue;
}

}  // namespace talent::scenarios
