#include "node/chain/storage_thread.h"

namespace talent::node {

StorageThread::StorageThread() : thread_([this] { Run(); }) {}

StorageThread::~StorageThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  posted_.notify_one();
  thread_.join();
}

void StorageThread::Post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  posted_.notify_one();
}

std::size_t StorageThread::pending() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size() + (running_ ? 1 : 0);
}

void StorageThread::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    posted_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    running_ = true;
    lock.unlock();
    job();
    job = nullptr;  // what it holds goes before the next one runs
    lock.lock();
    running_ = false;
  }
}

}  // namespace talent::node
