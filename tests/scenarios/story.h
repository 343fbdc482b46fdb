// A story file: prose, commands, and under each command what it is expected to show.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace talent::scenarios {

struct Command {
  std::size_t line = 0;  // in the file, from 1
  std::string prose;     // lines before it, comments and blank ones, as they are
  std::string text;      // what to do
  std::string expected;  // lines below "----"
};

struct Story {
  std::vector<Command> commands;
  std::string epilogue;  // prose behind the last command
};

/// Errors: kNotFound, kInvalidArgument (names file and line).
Result<Story> ReadStory(const std::filesystem::path& path);
/// The file's text with every command's `expected` in place.
std::string Format(const Story& story);

}  // namespace talent::scenarios
