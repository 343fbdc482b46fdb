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

  /// The `number`-th of a walk over all crash points, counted from 0: a node, and now and then all
  /// of them at once, is killed before, in the middle of or after a write, sync or send of its own;
  /// the first such call after its start, then the second, and so on. Undone like Cycle.
  Result<std::string> CrashPointCycle(std::uint64_t number);
  /// So many points are of one call's number.
  static std::uint64_t CrashPointsACall();

  /// What the nodes must not have done under the faults.
  const std::vector<std::string>& complaints() const { return complaints_; }

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

  Status Undo();
  /// Starts these to die at `point`, waits for it, and leaves none of them running. False: some did
  /// not get there.
  bool CrashAt(const Names& names, const std::string& point);
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  Names Shuffled();
  /// The highest block that a centre knows of on private-a; 0 where none answers.
  std::uint64_t Highest() const;
  void Last(std::uint64_t least_ms, std::uint64_t more_ms);

  Cluster& cluster_;
  std::mt19937_64 random_;
  std::map<std::string, std::uint64_t> counts_;
  std::vector<std::string> complaints_;
};

}  // namespace talent::soak
