// A network of real processes under load while its nodes and links fail at random; then the proof
// that nothing was lost, forked or done twice.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace talent::soak {

struct Options {
  std::filesystem::path dir;  // kept when something is wrong
  std::filesystem::path talentd, shim;
  std::uint64_t seed = 1;
  std::uint64_t cycles = 200;       // of random faults
  std::uint64_t crash_points = 0;   // after these; see Nemesis::CrashPointCycle
  std::uint64_t first_call = 1;     // where the crash points begin, counted from a node's start
  std::chrono::seconds at_most{0};  // no further cycle after this; 0: all of them
  std::uint32_t clients = 6;
  std::size_t people = 20;
  std::function<void(const std::string&)> say;
};

struct Report {
  std::vector<std::string> complaints;  // empty: all is well
  std::uint64_t cycles = 0;
  std::uint64_t acknowledged = 0;
  std::string text;  // the figures, a line each
};

/// Errors: a node did not come back, or a chain made no progress within kProgressWithin after a
/// cycle's faults were undone.
Result<Report> RunSoak(const Options& options);

}  // namespace talent::soak
