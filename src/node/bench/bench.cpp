#include "node/bench/bench.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace talent::node {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Millis kOutcomeWait{10'000};  // longer than any view change of a healthy chain
/// Lanes that met an error go on after this, so that a node that is down is not hammered.
constexpr std::chrono::milliseconds kRetryAfter{100};

/// One submission after the other through one client.
struct Lane {
  Client* client = nullptr;
  SubjectTransactions subject;
  bool registering = true;
  Steady::time_point submitted;
};

class Bench {
 public:
  Bench(const BenchOptions& options, BenchWorkload& workload,
        const std::vector<std::unique_ptr<Client>>& clients)
      : options_(options), workload_(workload), lanes_(options.in_flight) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i].client = clients[i % clients.size()].get();
    }
    latencies_ms_.reserve(1u << 20);
  }

  BenchReport Run() {
    const auto start = Steady::now();
    end_ = start + std::chrono::milliseconds(options_.duration.value);
    for (Lane& lane : lanes_) Begin(lane);
    std::unique_lock lock(mutex_);
    while (Steady::now() < end_) {
      idle_.wait_until(lock, std::min(end_, Steady::now() + kRetryAfter));
      auto resting = std::exchange(resting_, {});
      lock.unlock();
      for (Lane* lane : resting) Begin(*lane);
      lock.lock();
    }
    idle_.wait(lock, [&] { return running_ == 0; });  // every call ends by its own deadline
    report_.seconds =
        std::chrono::duration<double>(std::chrono::milliseconds(options_.duration.value)).count();
    report_.p50_ms = Percentile(0.50);
    report_.p99_ms = Percentile(0.99);
    return report_;
  }

 private:
  /// Starts a lane on a new subject.
  void Begin(Lane& lane) {
    lane.subject = workload_.Next();
    lane.registering = true;
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    Submit(lane);
  }

  void Submit(Lane& lane) {
    lane.submitted = Steady::now();
    lane.client->SubmitAndWait(
        options_.chain,
        std::move(lane.registering ? lane.subject.registration : lane.subject.assessment),
        kOutcomeWait, [this, &lane](const Result<Submitted>& result) { Done(lane, result); });
  }

  /// On a thread of gRPC.
  void Done(Lane& lane, const Result<Submitted>& result) {
    const auto now = Steady::now();
    const bool sealed = result && result->state.status() == v1::TRANSACTION_STATUS_SEALED;
    {
      const std::lock_guard lock(mutex_);
      if (!sealed) CountError(result);
      if (sealed && now <= end_) {
        ++report_.committed;
        latencies_ms_.push_back(
            std::chrono::duration<float, std::milli>(now - lane.submitted).count());
      }
      if (!sealed || now >= end_) {
        --running_;
        resting_.push_back(&lane);
        // Under the lock: the waiting thread may destroy this once it sees nothing running.
        if (running_ == 0) idle_.notify_all();
        return;
      }
    }
    if (!lane.registering) lane.subject = workload_.Next();
    lane.registering = !lane.registering;
    Submit(lane);
  }

  void CountError(const Result<Submitted>& result) {
    if (report_.errors++ > 0) return;
    report_.first_error =
        result ? fmt::format("{} {}", v1::TransactionStatus_Name(result->state.status()),
                             ledger::pb::ReceiptCode_Name(result->state.receipt()))
               : result.error().ToString();
  }

  double Percentile(double share) {
    if (latencies_ms_.empty()) return 0;
    const auto at =
        static_cast<std::ptrdiff_t>(share * static_cast<double>(latencies_ms_.size() - 1));
    std::nth_element(latencies_ms_.begin(), latencies_ms_.begin() + at, latencies_ms_.end());
    return latencies_ms_[static_cast<std::size_t>(at)];
  }

  const BenchOptions options_;
  BenchWorkload& workload_;
  std::vector<Lane> lanes_;  // each belongs to its call while that runs
  Steady::time_point end_;

  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::size_t running_ = 0;
  std::vector<Lane*> resting_;
  std::vector<float> latencies_ms_;
  BenchReport report_;
};

}  // namespace

BenchReport RunBench(const BenchOptions& options, BenchWorkload& workload,
                     const std::vector<std::unique_ptr<Client>>& clients) {
  return Bench(options, workload, clients).Run();
}

}  // namespace talent::node
