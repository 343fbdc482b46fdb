// The one thread that waits for the disk: vote logs are appended to and synced here.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace talent::node {

/// Runs jobs one after another, in the order posted. Thread-safe.
///
/// Group commit is the caller's: a chain has one job here at a time, and what it must write
/// meanwhile becomes its next job, with one fdatasync for all of it. So the queue holds at most a
/// few jobs a chain.
class StorageThread {
 public:
  StorageThread();
  /// Runs everything that was posted, then ends: what a node promised to write is written.
  ~StorageThread();
  StorageThread(const StorageThread&) = delete;
  StorageThread& operator=(const StorageThread&) = delete;

  /// `job` must not throw.
  void Post(std::function<void()> job);
  /// Jobs posted and not finished.
  std::size_t pending() const;

 private:
  void Run();

  mutable std::mutex mutex_;  // guards all down to stopping_
  std::condition_variable posted_;
  std::deque<std::function<void()>> jobs_;
  bool running_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all the above
};

}  // namespace talent::node
