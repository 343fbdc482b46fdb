// What befalls the nodes of a soak, drawn from a seed.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "soak/cluster.h"

namespace talent::soak {

class Nemesis {
 public:
  Nemesis(Cluster& cluster, std::uint64_t seed) : cluster_(cluster), random_(seed) {}

  /// One fault, or two at once; lets it last, then undoes it: every process runs, every link is
  /// whole, and every node answers. Returns what it was. Errors: kUnavailable (a node does not come
  /// back), kIo.
  Result<std::string> Cycle();

  /// Cycles by kind of fault.
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

 private:
  using Names = std::vector<std::string>;
  struct Fault {
    const char* name;
    std::string (Nemesis::*strike)();  // says whom or what
  };
  static const std::vector<Fault>& Faults();

  std::string KillOne();
  std::string KillTwo();
  std::string KillAll();
  std::string StopOne();
  std::string StopTwo();
  std::string CutLink();
  std::string Isolate();
  std::string Split();
  std::string BlackHole();
  std::string Delay();
  std::string CloseMidFrame();
  std::string CrashPoint();
  std::string FailDisk();

  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  Names Shuffled();
  void Last(std::uint64_t least_ms, std::uint64_t more_ms);

  Cluster& cluster_;
  std::mt19937_64 random_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace talent::soak
