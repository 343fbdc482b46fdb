// A command of talentd run inside the test.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "node/cli/commands.h"

namespace talent::node {

/// What a command printed, and how it exited.
struct CapturedCommand {
  int code = 0;
  std::string out;
  std::string err;
};

/// Runs talentd with `arguments`, as a shell would.
inline CapturedCommand RunCaptured(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "talentd");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  CapturedCommand captured;
  captured.code = cli::Main(static_cast<int>(argv.size()), argv.data());
  std::fflush(stdout);
  captured.out = testing::internal::GetCapturedStdout();
  captured.err = testing::internal::GetCapturedStderr();
  return captured;
}

}  // namespace talent::node
