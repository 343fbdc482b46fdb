#include "soak/soak.h"

#include <algorithm>
#include <map>
#include <thread>

#include "soak/audit.h"
#include "soak/load.h"
#include "soak/nemesis.h"

namespace talent::soak {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kProgressWithin{180};
constexpr milliseconds kRoundPoll{25};
// Far above what is measured, far below what a leak makes of some hundred cycles.
constexpr std::size_t kMaxMemory = std::size_t{768} << 20;
constexpr std::size_t kMaxVoteLog = std::size_t{64} << 20;

class Soak {
 public:
  explicit Soak(const Options& options) : options_(options) {}

  Result<Report> Run() {
    cluster_ = TRY(Cluster::Create(options_.dir, options_.talentd, options_.shim, options_.seed));
    TRY(cluster_->StartAll());
    people_ = TRY(Load::Prepare(*cluster_, options_.people));
    Load load(*cluster_, people_, options_.clients, options_.seed);
    Nemesis nemesis(*cluster_, options_.seed);
    const auto begun = Clock::now();
    const std::uint64_t first_point = (options_.first_call - 1) * Nemesis::CrashPointsACall();
    for (std::uint64_t i = 1; i <= options_.cycles + options_.crash_points; ++i) {
      if (options_.at_most.count() > 0 && Clock::now() - begun > options_.at_most) break;
      const auto fault = i <= options_.cycles
                             ? nemesis.Cycle()
                             : nemesis.CrashPointCycle(first_point + i - options_.cycles - 1);
      if (!fault) return Within(fmt::format("cycle {}", i), fault.error());
      const auto progress = AwaitProgress(load);
      if (!progress) return Within(fmt::format("cycle {} ({})", i, *fault), progress.error());
      recoveries_.push_back(*progress);
      MeasureAll();
      report_.cycles = i;
      options_.say(fmt::format("{:4} {:6.1f} s  {}; sealed again after {} ms, {} acknowledged", i,
                               std::chrono::duration<double>(Clock::now() - begun).count(), *fault,
                               progress->count(), load.totals().acknowledged));
    }
    load.Stop();
    took_ = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun);
    return Conclude(load, nemesis);
  }

 private:
  // A transaction is acknowledged that was submitted since.
  Result<milliseconds> AwaitProgress(const Load& load) {
    const auto begun = Clock::now();
    const Instant healed = load.Now();
    while (load.acknowledged_from() < healed) {
      if (Clock::now() - begun > kProgressWithin) {
        return Fail(Code::kUnavailable, "nothing was acknowledged for {} s after all was healed",
                    kProgressWithin.count());
      }
      std::this_thread::sleep_for(kRoundPoll);
    }
    return std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  }

  void MeasureAll() {
    for (const auto& node : cluster_->devnet().endpoints().nodes) {
      const Footprint now = cluster_->Measure(node.name);
      most_.memory_bytes = std::max(most_.memory_bytes, now.memory_bytes);
      most_.vote_log_bytes = std::max(most_.vote_log_bytes, now.vote_log_bytes);
    }
  }

  Result<Report> Conclude(const Load& load, const Nemesis& nemesis) {
    const Audit audit = TRY(AuditCluster(*cluster_, load.history()));
    report_.complaints = audit.complaints;
    for (const std::string& complaint : nemesis.complaints()) {
      report_.complaints.push_back(complaint);
    }
    if (most_.memory_bytes > kMaxMemory) {
      report_.complaints.push_back(fmt::format("a node took {} MiB", most_.memory_bytes >> 20));
    }
    if (most_.vote_log_bytes > kMaxVoteLog) {
      report_.complaints.push_back(fmt::format("a vote log of {} bytes", most_.vote_log_bytes));
    }
    for (const auto& node : cluster_->devnet().endpoints().nodes) {
      if (const Status stopped = cluster_->Stop(node.name); !stopped) {
        report_.complaints.push_back(stopped.error().ToString());
      }
    }
    const Load::Totals totals = load.totals();
    report_.acknowledged = totals.acknowledged;
    std::sort(recoveries_.begin(), recoveries_.end());
    report_.text = fmt::format(
        "{} cycles in {} s, seed {}\n"
        "transactions: {} acknowledged, {} without an answer at first, {} refused, {} readings\n"
        "blocks compared on all nodes: {}; transactions asked of all nodes: {}\n"
        "records offered: {}, promoted: {}\n"
        "sealed again after healing: median {} ms, longest {} ms\n"
        "largest process {} MiB, largest vote log {} KiB\n",
        report_.cycles, took_.count(), options_.seed, totals.acknowledged, totals.unknown,
        totals.refused, totals.reads, audit.blocks, audit.transactions, audit.offered,
        audit.promoted, recoveries_.empty() ? 0 : recoveries_[recoveries_.size() / 2].count(),
        recoveries_.empty() ? 0 : recoveries_.back().count(), most_.memory_bytes >> 20,
        most_.vote_log_bytes >> 10);
    for (const auto& [fault, count] : nemesis.counts()) {
      report_.text += fmt::format("{:6} x {}\n", count, fault);
    }
    return std::move(report_);
  }

  const Options& options_;
  std::unique_ptr<Cluster> cluster_;
  People people_;
  std::vector<milliseconds> recoveries_;
  Footprint most_;
  std::chrono::seconds took_{0};
  Report report_;
};

}  // namespace

Result<Report> RunSoak(const Options& options) { return Soak(options).Run(); }

}  // namespace talent::soak
