// Virtual time, chance, and the hash over everything that happens.
#pragma once

#include <functional>
#include <queue>
#include <vector>

#include "sim/random.h"

namespace talent::sim {

class World {
 public:
  explicit World(std::uint64_t seed) : rng_(seed) {}

  Rng& rng() { return rng_; }
  std::uint64_t now() const { return now_; }  // ms

  void After(std::uint64_t ms, std::function<void()> work) {
    queue_.push(Item{now_ + ms, sequence_++, std::move(work)});
  }
  /// Does the next thing. False: nothing is left.
  bool RunOne() {
    if (queue_.empty()) return false;
    const Item item = queue_.top();
    queue_.pop();
    now_ = item.time;
    item.work();
    return true;
  }

  void Trace(std::uint64_t value) { trace_ = (trace_ ^ value ^ now_ << 32) * 0x100000001b3; }
  std::uint64_t trace() const { return trace_; }  // FNV-1a

 private:
  struct Item {
    std::uint64_t time, sequence;
    std::function<void()> work;
    bool operator>(const Item& o) const {
      return std::pair(time, sequence) > std::pair(o.time, o.sequence);
    }
  };

  Rng rng_;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue_;
  std::uint64_t now_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325;
};

}  // namespace talent::sim
