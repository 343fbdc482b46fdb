#include "sim/simulation.h"

#include "sim/byzantine.h"

namespace talent::sim {
namespace {

// After the last fault: timers at their cap, one view change for every validator that may have to
// be passed over, and as much again. Far above what a run needs, far below a stall.
constexpr std::uint64_t kCapMs = 3200;
constexpr std::uint64_t kRecoveryMs = 20 * kCapMs;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : config_(seed), world_(config_), checker_(config_.byzantine) {
    for (std::uint32_t i = 0; i < config_.validators; ++i) {
      nodes_.push_back(std::make_unique<Node>(cluster(), i));
    }
    for (std::uint32_t i = 0; i < config_.byzantine; ++i) MakeByzantine(cluster(), i);
    world_.receive = [this](std::uint32_t from, std::uint32_t to, const Bytes& bytes) {
      nodes_[to]->Receive(from, bytes);
    };
  }

  Outcome Run() {
    for (auto& node : nodes_) node->Start();
    for (std::uint64_t tx = 1; tx <= config_.transactions; ++tx) {
      Submit(tx, world_.rng().Below(config_.chaos_ms));
    }
    ScheduleFaults();
    RunUntil(config_.chaos_ms, false);
    Heal();
    RunUntil(config_.chaos_ms + kRecoveryMs, true);
    Outcome out;
    if (checker_.failures().empty() && !Done()) {
      checker_.Fail(fmt::format("no progress in {} ms without faults", kRecoveryMs));
    }
    out.failures = checker_.failures();
    out.state = config_.ToString() + "\n";
    for (const auto& node : nodes_) out.state += node->ToString() + "\n";
    out.trace = world_.trace();
    out.simulated_ms = world_.now();
    out.counters = counters_;
    return out;
  }

 private:
  Node::Cluster cluster() { return {&world_, &checker_, &counters_, &nodes_}; }
  Rng& rng() { return world_.rng(); }
  std::uint32_t AnyHonest() {
    return static_cast<std::uint32_t>(rng().Between(config_.byzantine, config_.validators - 1));
  }

  void Submit(std::uint64_t tx, std::uint64_t when) {
    ++submitted_;
    for (std::uint32_t i = 0; i < config_.validators; ++i) {
      world_.After(when + rng().Below(20), [this, i, tx] { nodes_[i]->AddTransaction(tx); });
    }
  }

  void Restart(std::uint32_t i, std::uint64_t when) {
    world_.After(when, [this, i] {
      if (!nodes_[i]->alive()) nodes_[i]->Start();
    });
  }

  void ScheduleFaults() {
    const std::uint64_t end = config_.chaos_ms;
    for (std::uint64_t k = config_.crashes ? rng().Between(1, 6) : 0; k > 0; --k) {
      const std::uint32_t i = AnyHonest();
      const std::uint64_t when = rng().Below(end);
      world_.After(when, [this, i] { nodes_[i]->Crash(); });
      Restart(i, when + rng().Between(1, 2000));
    }
    if (config_.power_cut) {
      const std::uint64_t when = rng().Below(end);
      world_.After(when, [this] {
        counters_.Count("power cut");
        for (auto& node : nodes_) node->Crash();
      });
      for (std::uint32_t i = 0; i < config_.validators; ++i)
        Restart(i, when + rng().Between(1, 500));
    }
    if (config_.wipes) {
      const std::uint32_t i = AnyHonest();
      const std::uint64_t when = rng().Below(end);
      world_.After(when, [this, i] {
        nodes_[i]->Crash();
        nodes_[i]->WipeVotes();
      });
      Restart(i, when + rng().Between(1, 1000));
    }
    for (std::uint64_t k = config_.partitions ? rng().Between(1, 5) : 0; k > 0; --k) {
      const std::uint64_t when = rng().Below(end);
      const std::uint64_t side = rng().Next();
      const bool one_way = rng().Percent(30);
      world_.After(when, [this, side, one_way] { Partition(side, one_way); });
      world_.After(when + rng().Between(100, 2500), [this] { world_.HealLinks(); });
    }
  }

  void Partition(std::uint64_t side, bool one_way) {
    counters_.Count("partition");
    for (std::uint32_t a = 0; a < config_.validators; ++a) {
      for (std::uint32_t b = 0; b < config_.validators; ++b) {
        const bool a_in = (side >> a & 1) != 0;
        const bool b_in = (side >> b & 1) != 0;
        if (a_in != b_in && (!one_way || a_in)) world_.Cut(a, b);
      }
    }
  }

  void Heal() {
    world_.EndChaos();
    for (std::uint32_t i = 0; i < config_.validators; ++i) Restart(i, rng().Below(50));
    // Work that arrives after the faults must be served too.
    for (int k = 1; k <= 3; ++k) Submit(config_.transactions + k, rng().Below(500));
  }

  bool Done() const {
    for (std::uint32_t i = config_.byzantine; i < config_.validators; ++i) {
      if (!nodes_[i]->SealedAll(submitted_)) return false;
    }
    return true;
  }

  void RunUntil(std::uint64_t end, bool until_done) {
    std::uint64_t steps = 0;
    while (world_.now() < end && checker_.failures().empty() && world_.RunOne()) {
      if (until_done && ++steps % 64 == 0 && Done()) return;
    }
  }

  Config config_;
  World world_;
  Checker checker_;
  Counters counters_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::uint64_t submitted_ = 0;
};

}  // namespace

Outcome Simulate(std::uint64_t seed) { return Simulation(seed).Run(); }

}  // namespace talent::sim
