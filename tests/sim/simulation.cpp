#include "sim/simulation.h"

#include "sim/cluster.h"

namespace talent::sim {
namespace {

class Simulation {
 public:
  explicit Simulation(const Config& config) : config_(config), cluster_(config) {}

  Outcome Run() {
    cluster_.StartAll();
    for (std::size_t tx = 0; tx < config_.transactions; ++tx) {
      cluster_.Want(tx, rng().Below(config_.chaos_ms));
    }
    ScheduleNodeFaults();
    ScheduleNetworkFaults();
    ScheduleDiskFaults();
    ScheduleClockFaults();
    ScheduleChanges();
    cluster_.RunUntil(config_.chaos_ms);
    // Work that arrives after the faults must be served too.
    for (std::size_t k = 0; k < 3; ++k) cluster_.Want(config_.transactions + k, rng().Below(500));
    const std::uint64_t healed = cluster_.world.now();
    if (cluster_.checker.failures().empty()) cluster_.MustRecover();
    Outcome out;
    out.failures = cluster_.checker.failures();
    out.state = cluster_.ToString();
    out.trace = cluster_.world.trace();
    out.simulated_ms = cluster_.world.now();
    out.recovery_ms = cluster_.world.now() - healed;
    out.counters = cluster_.counters;
    return out;
  }

 private:
  Rng& rng() { return cluster_.world.rng(); }
  std::uint64_t When() { return rng().Below(config_.chaos_ms); }
  Node& AnyHonest() {
    return cluster_.Of(
        static_cast<std::uint32_t>(rng().Between(config_.byzantine, cluster_.identities() - 1)));
  }
  /// Unless the faults have ended by then.
  void At(std::uint64_t when, std::function<void()> fault) {
    cluster_.world.After(when, [this, fault = std::move(fault)] {
      if (!cluster_.calm()) fault();
    });
  }
  void Restart(Node& node, std::uint64_t when) {
    At(when, [&node] { node.Start(); });
  }

  void ScheduleNodeFaults() {
    for (std::uint64_t k = config_.crashes ? rng().Between(1, 5) : 0; k > 0; --k) {
      Node& node = AnyHonest();
      const std::uint64_t when = When();
      const bool power = rng().Percent(50);
      At(when, [&node, power] { power ? node.LosePower() : node.Crash(); });
      Restart(node, when + rng().Between(1, 1500));
    }
    if (config_.power_cut) {
      const std::uint64_t when = When();
      At(when, [this] {
        cluster_.counters.Count("power cut");
        for (const auto& node : cluster_.nodes()) node->LosePower();
      });
      for (const auto& node : cluster_.nodes()) Restart(*node, when + rng().Between(1, 500));
    }
    for (std::uint64_t k = config_.stalls ? rng().Between(1, 4) : 0; k > 0; --k) {
      Node& node = AnyHonest();
      const std::uint64_t until = When();
      At(until / 2, [this, &node, until] {
        cluster_.counters.Count("stalled");
        node.StallUntil(until);
      });
    }
  }

  // The primary of one node's view may stand still about when the epoch ends.
  void ScheduleChanges() {
    for (std::uint64_t k = 0; k < config_.changes; ++k) {
      const std::uint64_t when = When();
      At(when, [this] { cluster_.ChangeAnything(); });
      Node& asked = AnyHonest();
      const std::uint64_t still = rng().Between(1, 1000);
      if (rng().Percent(50)) continue;
      At(when + rng().Between(50, 1000), [this, &asked, still] {
        if (!asked.alive() || !asked.chain().status().replica) return;
        const auto replica = *asked.chain().status().replica;
        const crypto::ValidatorSet& set = cluster_.checker.SetOf(replica.epoch);
        Node& primary = cluster_.Of(cluster_.IdentityOf(set.at(replica.primary).node_key));
        primary.StallUntil(cluster_.world.now() + still);
      });
    }
  }

  void ScheduleNetworkFaults() {
    std::uint64_t partitions = config_.partitions ? rng().Between(1, 4) : 0;
    for (; partitions > 0; --partitions) {
      const std::uint64_t when = When();
      Partition(when, when + rng().Between(100, 2500), rng().Next());
    }
    if (!config_.flapping) return;
    const std::uint64_t side = rng().Next();
    const std::uint64_t period = rng().Between(200, 900);
    for (std::uint64_t at = 0; at < config_.chaos_ms; at += period) {
      Partition(at, at + period / 2, side);
    }
  }

  void Partition(std::uint64_t from, std::uint64_t until, std::uint64_t side) {
    const bool one_way = rng().Percent(30);
    const bool reset = rng().Percent(40);
    At(from, [this, side, one_way, reset] {
      cluster_.counters.Count(one_way ? "one-way partition" : "partition");
      for (std::size_t a = 0; a < cluster_.nodes().size(); ++a) {
        for (std::size_t b = 0; b < cluster_.nodes().size(); ++b) {
          const bool a_in = (side >> a & 1) != 0;
          const bool b_in = (side >> b & 1) != 0;
          if (a_in == b_in || (one_way && !a_in)) continue;
          cluster_.network.Cut(a, b);
          if (reset) cluster_.network.Disconnect(a, b);
        }
      }
    });
    At(until, [this] { cluster_.network.Heal(); });
  }

  // One node at most: with fewer than a quorum of disks left there is nothing to recover.
  void ScheduleDiskFaults() {
    if (config_.full_disks) {
      Node& node = AnyHonest();
      const std::uint64_t when = When();
      At(when, [&node] { node.SetDiskFull(true); });
      At(when + rng().Between(50, 1000), [&node] {
        node.SetDiskFull(false);
        node.Start();
      });
    }
    if (config_.rot || config_.wipe) {
      Node& node = AnyHonest();
      const std::uint64_t when = When();
      const std::uint64_t kind = rng().Below(3);
      At(when, [this, &node, kind] {
        // A validator new to a chain without blocks may vote at once: see docs/consensus.md.
        if (!EveryoneSealed() || !cluster_.AllVote()) return;
        if (config_.rot) {
          node.Rot();
        } else if (kind == 0) {
          node.WipeDisk();
        } else {
          node.WipeVotes();
        }
      });
      Restart(node, when + rng().Between(1, 1000));
    }
  }

  bool EveryoneSealed() const {
    return std::all_of(cluster_.nodes().begin(), cluster_.nodes().end(),
                       [](const auto& node) { return node->sealed() > Height(0); });
  }

  void ScheduleClockFaults() {
    if (!config_.clocks) return;
    for (const auto& owned : cluster_.nodes()) {
      Node& node = *owned;
      node.skew = static_cast<std::int64_t>(rng().Below(2000));
      node.rate_permille = rng().Between(700, 1400);
      if (rng().Percent(50)) continue;
      const std::uint64_t kind = rng().Below(3);
      At(When(), [this, &node, kind] {
        cluster_.counters.Count("clock jumped or stopped");
        constexpr std::int64_t kHour = 3'600'000;
        if (kind == 2) {
          node.FreezeClock(true);
        } else {
          node.skew += kind == 0 ? kHour : -kHour / 100;
        }
      });
    }
  }

  const Config config_;
  Cluster cluster_;
};

}  // namespace

Outcome Simulate(const Config& config) { return Simulation(config).Run(); }

}  // namespace talent::sim
