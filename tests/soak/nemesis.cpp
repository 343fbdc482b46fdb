#include "soak/nemesis.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace talent::soak {
namespace {

using std::chrono::milliseconds;

// How long a process that answers is given to reach its crash point.
constexpr milliseconds kCrashWithin{8000};
// What was sent before a cut has arrived after it, on a busy machine too.
constexpr milliseconds kOnTheWay{1500};
constexpr milliseconds kTogetherWithin{500};
constexpr milliseconds kRepairPoll{20};

/// For the shim: an action and a call, and the files it is counted on.
struct CrashPointKind {
  const char* call;
  const char* files;
};
// What comes after a write is what comes before the next call; a sync and a send may matter to
// others.
// Mixed, so that a short walk meets all of them.
constexpr CrashPointKind kCrashPoints[] = {
    {"kill:sync", ":/votes/"}, {"tear:write", ":/votes/"}, {"kill:send", ""},
    {"tear:write", ":/db/"},   {"after:sync", ":/votes/"}, {"after:send", ""},
    {"kill:sync", ":/db/"},    {"kill:write", ":/votes/"}, {"tear:send", ""},
    {"after:sync", ":/db/"},   {"kill:write", ":/db/"},
};
// Prime to the number of kinds, so that all of them come to it.
constexpr std::uint64_t kTogetherEvery = 6;

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
  TRY(Undo());
  return done;
}

std::uint64_t Nemesis::CrashPointsACall() { return std::size(kCrashPoints); }

Result<std::string> Nemesis::CrashPointCycle(std::uint64_t number) {
  const CrashPointKind& kind = kCrashPoints[number % std::size(kCrashPoints)];
  const std::uint64_t call = 1 + number / std::size(kCrashPoints);
  const Names& all = Cluster::Centres();
  const bool together = number % kTogetherEvery == kTogetherEvery - 1;
  const Names victims = together ? all : Names{all[(number + call) % all.size()]};
  const std::string point = fmt::format("{}:{}{}", kind.call, call, kind.files);
  const bool reached = CrashAt(victims, point);
  ++counts_[fmt::format("{}{}, {}", kind.call, kind.files, reached ? "reached" : "not reached")];
  TRY(Undo());
  return fmt::format("{} at {}{}", together ? "all" : victims[0], point,
                     reached ? "" : " (not reached)");
}

Status Nemesis::Undo() {
  cluster_.links().Heal();
  for (const std::string& name : Cluster::Centres()) {
    cluster_.Resume(name);
    TRY(cluster_.Start(name));
  }
  for (const std::string& name : Cluster::Centres()) TRY(cluster_.AwaitReady(name));
  return {};
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

// Neither half has a quorum: what is sealed nevertheless has gone past the proxies, or is a fork.
std::string Nemesis::Split() {
  const Names names = Shuffled();
  for (const std::size_t a : {0, 1}) {
    for (const std::size_t b : {2, 3}) cluster_.links().Cut(names[a], names[b]);
  }
  std::this_thread::sleep_for(kOnTheWay);
  const std::uint64_t before = Highest();
  Last(1000, 3000);
  const std::uint64_t after = Highest();
  const std::string text = names[0] + ", " + names[1] + " | " + names[2] + ", " + names[3];
  if (before != 0 && after > before) {
    complaints_.push_back(
        fmt::format("block {} was sealed between {} where {} was the last", after, text, before));
  }
  return text;
}

std::uint64_t Nemesis::Highest() const {
  const auto chain = cluster_.devnet().endpoints().FindChain("private-a");
  std::uint64_t highest = 0;
  for (const std::string& name : Cluster::Centres()) {
    const auto client = cluster_.Connect(name);
    const auto status = client ? (*client)->GetStatus() : tl::unexpected(client.error());
    if (!status || !chain) return 0;
    for (const auto& state : status->chains()) {
      if (state.chain_id() == chain->id.View()) highest = std::max(highest, state.height());
    }
  }
  return highest;
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

std::string Nemesis::CrashPoint() {
  const Names names = Shuffled();
  const CrashPointKind& kind = kCrashPoints[Draw(std::size(kCrashPoints))];
  const bool sends = *kind.files == '\0';
  const std::string point =
      fmt::format("{}:{}{}", kind.call, 1 + Draw(sends ? 400 : 60), kind.files);
  const bool reached = CrashAt({names[0]}, point);
  return names[0] + " at " + point + (reached ? "" : " (not reached)");
}

bool Nemesis::CrashAt(const Names& names, const std::string& point) {
  for (const std::string& name : names) cluster_.Kill(name);
  for (const std::string& name : names) (void)cluster_.Start(name, point);
  for (const std::string& name : names) (void)cluster_.AwaitReady(name);  // or it has ended
  const auto running = [&](const std::string& name) { return cluster_.Running(name); };
  const auto deadline = std::chrono::steady_clock::now() + kCrashWithin;
  // Where several are to die, those that are left may not get there without the others.
  auto last = deadline;
  while (std::any_of(names.begin(), names.end(), running)) {
    const auto now = std::chrono::steady_clock::now();
    if (last == deadline && !std::all_of(names.begin(), names.end(), running)) {
      last = std::min(deadline, now + kTogetherWithin);
    }
    if (now > last) break;
    std::this_thread::sleep_for(kRepairPoll);
  }
  const bool reached = !std::all_of(names.begin(), names.end(), running);
  for (const std::string& name : names) cluster_.Kill(name);
  return reached;
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
