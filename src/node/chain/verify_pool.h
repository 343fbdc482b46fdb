// Threads for signature checks, so that no chain's strand spends its time on them.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>

namespace talent::node {

/// Runs jobs in no particular order. Bounded: a full pool says so instead of queueing. Thread-safe.
class VerifyPool {
 public:
  /// `max_waiting` jobs may wait or run at once.
  VerifyPool(std::size_t threads, std::size_t max_waiting);
  /// Runs what was posted, then ends.
  ~VerifyPool();
  VerifyPool(const VerifyPool&) = delete;
  VerifyPool& operator=(const VerifyPool&) = delete;

  /// False where the pool is full: `job`, which must not throw, is then not run. `job` is moved
  /// from only where it is taken.
  template <class Job>
  bool TryPost(Job&& job) {
    if (!Reserve(max_waiting_)) return false;
    PostReserved(std::forward<Job>(job));
    return true;
  }
  /// The same for what anyone may send: leaves half of the room to the others.
  template <class Job>
  bool TryPostBulk(Job&& job) {
    if (!Reserve(max_waiting_ / 2)) return false;
    PostReserved(std::forward<Job>(job));
    return true;
  }

  std::size_t waiting() const { return waiting_; }
  std::uint64_t done() const { return done_; }
  std::uint64_t refused() const { return refused_; }

 private:
  bool Reserve(std::size_t room);
  void PostReserved(std::function<void()> job);

  const std::size_t max_waiting_;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<std::uint64_t> done_ = 0, refused_ = 0;
  boost::asio::thread_pool pool_;  // last: its threads use the above
};

}  // namespace talent::node
