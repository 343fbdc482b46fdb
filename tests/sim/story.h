// A cluster to play a situation on by hand; every invariant of the simulator is checked on the way.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/byzantine.h"
#include "sim/cluster.h"

namespace talent::sim {

inline constexpr std::uint64_t kTimeout = Cluster::kTimeoutMs;
// New validators ask each other whether there are blocks before they vote.
inline constexpr std::uint64_t kSettle = 100;
inline constexpr std::uint64_t kCap = Cluster::kTimeoutCapMs;

inline Config Of(std::uint32_t validators, std::uint64_t transactions = 8) {
  Config config;
  config.validators = validators;
  config.transactions = transactions;
  config.chaos_ms = 1;
  return config;
}

class Story {
 public:
  explicit Story(const Config& config) : cluster(config) {
    cluster.StartAll();
    Run(kSettle);
  }
  ~Story() { ExpectSound(); }

  void ExpectSound() {
    const auto& failures = cluster.checker.failures();
    for (; told_ < failures.size(); ++told_) {
      ADD_FAILURE() << failures[told_] << "\n" << cluster.ToString();
    }
  }
  /// So many more transactions, one every `apart_ms`.
  void Want(std::size_t count, std::uint64_t apart_ms = 20) {
    for (std::size_t i = 0; i < count; ++i) cluster.Want(wanted_++, i * apart_ms);
  }
  void Run(std::uint64_t ms) { cluster.RunUntil(cluster.world.now() + ms); }
  bool RunUntil(std::uint64_t ms, const std::function<bool()>& until) {
    cluster.RunUntil(cluster.world.now() + ms, until);
    return until();
  }
  /// Everything wanted so far is sealed at everybody who is up, in so many ms at most.
  void ExpectSealed(std::uint64_t ms) {
    const auto done = [this] {
      for (std::size_t i = 0; i < wanted_; ++i) {
        if (!cluster.IsSealed(i)) return false;
      }
      return true;
    };
    EXPECT_TRUE(RunUntil(ms, done)) << cluster.ToString();
  }
  void ExpectRecovery() {
    cluster.MustRecover();
    ExpectSound();
  }
  Height Head() const {
    return cluster.checker.sealed().empty() ? Height() : cluster.checker.sealed().rbegin()->first;
  }
  std::uint64_t ViewOf(std::size_t i) {
    const auto status = cluster.node(i).chain().status();
    return status.replica ? status.replica->view.value : 0;
  }
  std::uint64_t HighestView() {
    std::uint64_t highest = 0;
    for (std::size_t i = cluster.config.byzantine; i < cluster.config.validators; ++i) {
      if (cluster.node(i).alive()) highest = std::max(highest, ViewOf(i));
    }
    return highest;
  }
  void Isolate(std::size_t i) {
    for (std::size_t other = 0; other < cluster.nodes().size(); ++other) {
      cluster.network.Cut(i, other);
      cluster.network.Cut(other, i);
    }
  }
  /// Drops frames carrying this kind of consensus message while `when` says so.
  template <class Kind>
  void Drop(std::function<bool(std::size_t from, std::size_t to)> when) {
    cluster.network.admits = [when = std::move(when)](std::size_t from, std::size_t to,
                                                      const node::v1::Frame& frame) {
      if (!frame.has_consensus() || !when(from, to)) return true;
      const auto message = consensus::DecodeMessage(frame.consensus());
      return !message || !std::holds_alternative<Kind>(message->content);
    };
  }

  Cluster cluster;

 private:
  std::size_t wanted_ = 0;
  std::size_t told_ = 0;
};

inline Config WithTwins(std::uint32_t validators, std::uint32_t byzantine = 1) {
  Config config = Of(validators);
  config.byzantine = byzantine;
  config.twins = true;
  return config;
}

/// A cluster whose first validator has these habits, and no twin.
class LiarStory : public Story {
 public:
  LiarStory(std::uint64_t habits, std::uint32_t validators = 4, std::uint32_t byzantine = 1)
      : Story(WithoutTwins(validators, byzantine)) {
    for (std::uint32_t i = 0; i < byzantine; ++i) MakeLiar(cluster, i, habits);
  }

 private:
  static Config WithoutTwins(std::uint32_t validators, std::uint32_t byzantine) {
    Config config = Of(validators);
    config.byzantine = byzantine;
    return config;
  }
};

}  // namespace talent::sim
