// Starting, finding and stopping node processes that outlive the command that started them.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong.h"

namespace talent::node {

/// Starts `argv` in a session of its own, its output appended to `log`. Errors: kIo.
Result<pid_t> SpawnDetached(const std::vector<std::string>& argv, const std::filesystem::path& log);

/// Runs `argv` with this process' input and output and waits for it; its exit code. Errors: kIo
/// (cannot start, or ended by a signal).
Result<int> RunAndWait(const std::vector<std::string>& argv);

/// True where `pid` runs and was started with `argument` among its arguments: a pid read from a
/// file may belong to somebody else by now.
bool IsRunning(pid_t pid, std::string_view argument);

/// SIGTERM, and SIGKILL where it has not ended after `grace`. Errors: kIo (still there).
Status StopProcess(pid_t pid, std::string_view argument, Millis grace);

/// `n` different TCP ports that were free on loopback a moment ago. Errors: kIo.
Result<std::vector<std::uint16_t>> FreePorts(std::size_t n);

}  // namespace talent::node
