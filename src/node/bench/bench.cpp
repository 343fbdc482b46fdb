#include "node/bench/bench.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <mutex>

namespace talent::node {
namespace {

using Steady = std::chrono::steady_clock;

/// Lanes that met an error go on after this, so that a node that is down is not hammered.
constexpr std::chrono::milliseconds kRetryAfter{100};
/// Calls at a time of an open loop: where more are due, the network is too slow for the rate, and
/// every record that cannot even be submitted is an error.
constexpr std::size_t kMaxOpenLanes = 4096;

double CpuSeconds() {
  timespec used{};
  CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

/// One call after the other through one client.
struct BenchLane {
  Client* client = nullptr;
  std::vector<SubjectTransactions> subjects;
  bool registering = true;
  Steady::time_point due;
};

class Bench {
 public:
  Bench(const BenchOptions& options, BenchWorkload& workload,
        const std::vector<std::unique_ptr<Client>>& clients)
      : options_(options), workload_(workload), clients_(clients) {
    latencies_ms_.reserve(1u << 20);
  }

  BenchReport Run() {
    const double cpu_before = CpuSeconds();
    const auto start = Steady::now();
    end_ = start + std::chrono::milliseconds(options_.duration.value);
    if (options_.rate > 0) {
      RunOpen(start);
    } else {
      RunClosed();
    }
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return running_ == 0; });  // every call ends by its own deadline
    report_.client_cpu_s = CpuSeconds() - cpu_before;
    report_.seconds =
        std::chrono::duration<double>(std::chrono::milliseconds(options_.duration.value)).count();
    report_.p50_ms = Percentile(latencies_ms_, 0.50);
    report_.p99_ms = Percentile(latencies_ms_, 0.99);
    return report_;
  }

 private:
  void RunClosed() {
    const std::size_t lanes = std::max<std::size_t>(1, options_.in_flight / options_.together);
    for (std::size_t i = 0; i < lanes; ++i) Begin(*NewLane(), Steady::now());
    std::unique_lock lock(mutex_);
    while (Steady::now() < end_) {
      idle_.wait_until(lock, std::min(end_, Steady::now() + kRetryAfter));
      auto resting = std::exchange(resting_, {});
      lock.unlock();
      for (BenchLane* lane : resting) Begin(*lane, Steady::now());
      lock.lock();
    }
  }

  /// Each subject is two records, its assessment following its registration.
  void RunOpen(Steady::time_point start) {
    const std::chrono::duration<double> interval(2.0 * static_cast<double>(options_.together) /
                                                 static_cast<double>(options_.rate));
    for (std::uint64_t i = 0;; ++i) {
      const auto due =
          start + std::chrono::duration_cast<Steady::duration>(interval * static_cast<double>(i));
      if (due >= end_) return;
      std::unique_lock lock(mutex_);
      // Nobody notifies before the end: this waits until the time has come.
      idle_.wait_until(lock, due, [&] { return Steady::now() >= due; });
      BenchLane* lane = nullptr;
      if (!resting_.empty()) {
        lane = resting_.back();
        resting_.pop_back();
      } else if (lanes_.size() < kMaxOpenLanes) {
        lane = NewLane();
      } else {
        CountErrors(options_.together, "more calls under way than the benchmark makes");
        continue;
      }
      lock.unlock();
      Begin(*lane, due);
    }
  }

  BenchLane* NewLane() {
    lanes_.emplace_back().client = clients_[lanes_.size() % clients_.size()].get();
    return &lanes_.back();
  }

  /// Starts a lane on new subjects.
  void Begin(BenchLane& lane, Steady::time_point due) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    Register(lane);
    Submit(lane, due);
  }

  void Register(BenchLane& lane) {
    lane.registering = true;
    lane.subjects.clear();
    while (lane.subjects.size() < options_.together) lane.subjects.push_back(workload_.Next());
  }

  void Submit(BenchLane& lane, Steady::time_point due) {
    lane.due = due;
    std::vector<Bytes> transactions;
    for (SubjectTransactions& subject : lane.subjects) {
      transactions.push_back(
          std::move(lane.registering ? subject.registration : subject.assessment));
    }
    lane.client->SubmitAllAndWait(
        options_.chain, std::move(transactions), kOutcomeWait,
        [this, &lane](const Result<Client::SubmittedAll>& result) { Done(lane, result); });
  }

  /// On a thread of gRPC.
  void Done(BenchLane& lane, const Result<Client::SubmittedAll>& result) {
    const auto now = Steady::now();
    {
      const std::lock_guard lock(mutex_);
      const bool good = result && Count(*result, now, lane.due);
      if (!result) CountErrors(options_.together, result.error().ToString());
      const bool next = lane.registering || options_.rate == 0;
      if (!good || !next || now >= end_) {
        --running_;
        resting_.push_back(&lane);
        // Under the lock: the waiting thread may destroy this once it sees nothing running.
        if (running_ == 0) idle_.notify_all();
        return;
      }
    }
    if (lane.registering) {
      lane.registering = false;
    } else {
      Register(lane);
    }
    Submit(lane, now);
  }

  /// Whether all are sealed.
  bool Count(const Client::SubmittedAll& all, Steady::time_point now, Steady::time_point due) {
    bool good = true;
    for (const Result<Submitted>& one : all) {
      if (one && one->state.status() == v1::TRANSACTION_STATUS_SEALED) {
        if (now > end_) continue;
        ++report_.committed;
        latencies_ms_.push_back(std::chrono::duration<double, std::milli>(now - due).count());
        continue;
      }
      good = false;
      CountErrors(1, one ? fmt::format("{} {}", v1::TransactionStatus_Name(one->state.status()),
                                       ledger::pb::ReceiptCode_Name(one->state.receipt()))
                         : one.error().ToString());
    }
    return good;
  }

  void CountErrors(std::size_t count, const std::string& error) {
    if (report_.errors == 0) report_.first_error = error;
    report_.errors += count;
  }

  const BenchOptions options_;
  BenchWorkload& workload_;
  const std::vector<std::unique_ptr<Client>>& clients_;
  Steady::time_point end_;
  std::deque<BenchLane> lanes_;  // grown by Run's thread; each belongs to its call while that runs

  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::size_t running_ = 0;
  std::vector<BenchLane*> resting_;
  std::vector<double> latencies_ms_;
  BenchReport report_;
};

}  // namespace

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

BenchReport RunBench(const BenchOptions& options, BenchWorkload& workload,
                     const std::vector<std::unique_ptr<Client>>& clients) {
  return Bench(options, workload, clients).Run();
}

}  // namespace talent::node
