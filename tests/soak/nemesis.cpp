#include "soak/nemesis.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace talent::soak {
namespace {

using std::chrono::milliseconds;

// How long a process with a crash point is given to reach it.
constexpr milliseconds kCrashWithin{8000};
constexpr milliseconds kPoll{50};

}  // namespace

const std::vector<Nemesis::Fault>& Nemesis::Faults() {
  static const std::vector<Fault> kFaults = {
      {"kill -9 of one", &Nemesis::KillOne},
      {"kill -9 of two", &Nemesis::KillTwo},
      {"kill -9 of all", &Nemesis::KillAll},
      {"SIGSTOP of one", &Nemesis::StopOne},
      {"SIGSTOP of two", &Nemesis::StopTwo},
      {"link cut", &Nemesis::CutLink},
      {"node isolated", &Nemesis::Isolate},
      {"split two and two", &Nemesis::Split},
      {"one-way black hole", &Nemesis::BlackHole},
      {"delay", &Nemesis::Delay},
      {"closed mid-frame", &Nemesis::CloseMidFrame},
      {"crash point", &Nemesis::CrashPoint},
      {"disk error", &Nemesis::FailDisk},
  };
  return kFaults;
}

Result<std::string> Nemesis::Cycle() {
  std::string done;
  const std::uint64_t faults = Draw(5) == 0 ? 2 : 1;
  for (std::uint64_t i = 0; i < faults; ++i) {
    const Fault& fault = Faults()[Draw(Faults().size())];
    ++counts_[fault.name];
    if (!done.empty()) done += " and ";
    done += std::string(fault.name) + ": " + (this->*fault.strike)();
  }
  cluster_.links().Heal();
  for (const std::string& name : Cluster::Centres()) {
    cluster_.Resume(name);
    TRY(cluster_.Start(name));
  }
  for (const std::string& name : Cluster::Centres()) TRY(cluster_.AwaitReady(name));
  return done;
}

Nemesis::Names Nemesis::Shuffled() {
  Names names = Cluster::Centres();
  for (std::size_t i = names.size(); i > 1; --i) std::swap(names[i - 1], names[Draw(i)]);
  return names;
}

void Nemesis::Last(std::uint64_t least_ms, std::uint64_t more_ms) {
  std::this_thread::sleep_for(milliseconds(least_ms + Draw(more_ms)));
}

std::string Nemesis::KillOne() {
  const Names names = Shuffled();
  cluster_.Kill(names[0]);
  Last(0, 4000);
  return names[0];
}

std::string Nemesis::KillTwo() {
  const Names names = Shuffled();
  cluster_.Kill(names[0]);
  Last(0, 500);
  cluster_.Kill(names[1]);
  Last(0, 3000);
  return names[0] + ", " + names[1];
}

std::string Nemesis::KillAll() {
  for (const std::string& name : Shuffled()) cluster_.Kill(name);
  return "";
}

std::string Nemesis::StopOne() {
  const Names names = Shuffled();
  cluster_.Pause(names[0]);
  Last(500, 6000);
  return names[0];
}

std::string Nemesis::StopTwo() {
  const Names names = Shuffled();
  cluster_.Pause(names[0]);
  cluster_.Pause(names[1]);
  Last(500, 4000);
  return names[0] + ", " + names[1];
}

std::string Nemesis::CutLink() {
  const Names names = Shuffled();
  cluster_.links().Cut(names[0], names[1]);
  Last(500, 4000);
  return names[0] + " - " + names[1];
}

std::string Nemesis::Isolate() {
  const Names names = Shuffled();
  for (std::size_t i = 1; i < names.size(); ++i) cluster_.links().Cut(names[0], names[i]);
  Last(1000, 5000);
  return names[0];
}

std::string Nemesis::Split() {
  const Names names = Shuffled();
  for (const std::size_t a : {0, 1}) {
    for (const std::size_t b : {2, 3}) cluster_.links().Cut(names[a], names[b]);
  }
  Last(1000, 5000);
  return names[0] + ", " + names[1] + " | " + names[2] + ", " + names[3];
}

std::string Nemesis::BlackHole() {
  const Names names = Shuffled();
  const std::uint64_t hears_not = 1 + Draw(3);
  std::string text = names[0] + " ->";
  for (std::uint64_t i = 1; i <= hears_not; ++i) {
    cluster_.links().BlackHole(names[0], names[i]);
    text += " " + names[i];
  }
  Last(1000, 5000);
  return text;
}

std::string Nemesis::Delay() {
  const Names names = Shuffled();
  const milliseconds delay(20 + Draw(180));
  for (std::size_t a = 0; a < names.size(); ++a) {
    for (std::size_t b = a + 1; b < names.size(); ++b) {
      if (Draw(2) == 0) cluster_.links().Delay(names[a], names[b], delay);
    }
  }
  Last(1000, 4000);
  return std::to_string(delay.count()) + " ms";
}

std::string Nemesis::CloseMidFrame() {
  const Names names = Shuffled();
  for (std::size_t i = 1; i < names.size(); ++i) {
    cluster_.links().CloseAfter(names[0], names[i], Draw(20'000));
    cluster_.links().CloseAfter(names[i], names[0], Draw(20'000));
  }
  Last(500, 2000);
  return names[0];
}

// Killed, and started again to die at some write, sync or send of its own.
std::string Nemesis::CrashPoint() {
  const Names names = Shuffled();
  static const std::vector<std::string> kPoints = {"kill:sync",   "after:sync", "kill:write",
                                                   "after:write", "tear:write", "kill:send",
                                                   "after:send",  "tear:send"};
  static const std::vector<std::string> kFiles = {"", ":/votes/", ":/db/"};
  const std::string& point = kPoints[Draw(kPoints.size())];
  const bool sends = point.find("send") != std::string::npos;
  const std::string fault = point + ":" + std::to_string(1 + Draw(sends ? 400 : 60)) +
                            (sends ? "" : kFiles[Draw(kFiles.size())]);
  cluster_.Kill(names[0]);
  (void)cluster_.Start(names[0], fault);
  const auto deadline = std::chrono::steady_clock::now() + kCrashWithin;
  while (cluster_.Running(names[0]) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPoll);
  }
  const bool reached = !cluster_.Running(names[0]);
  cluster_.Kill(names[0]);
  return names[0] + " at " + fault + (reached ? "" : " (not reached)");
}

std::string Nemesis::FailDisk() {
  const Names names = Shuffled();
  static const std::vector<std::string> kErrors = {"eio:sync", "enospc:write", "eio:write"};
  static const std::vector<std::string> kFiles = {":/votes/", ":/db/"};
  const std::string fault = kErrors[Draw(kErrors.size())] + ":" + std::to_string(1 + Draw(60)) +
                            kFiles[Draw(kFiles.size())];
  cluster_.Kill(names[0]);
  (void)cluster_.Start(names[0], fault);
  Last(1000, 4000);
  const auto ended = cluster_.Ended(names[0]);
  cluster_.Kill(names[0]);
  return names[0] + " " + fault + (ended ? fmt::format(" (ended with {})", *ended) : "");
}

}  // namespace talent::soak
