// Virtual time, the network, and the hash over everything that happens.
#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "consensus/messages.h"
#include "sim/random.h"

namespace talent::sim {

/// What a run is like; all of it drawn from the seed.
struct Config {
  explicit Config(std::uint64_t seed);

  std::uint64_t seed;
  std::uint32_t validators = 4;
  std::uint32_t window = 8;
  std::uint64_t transactions = 20;
  std::uint64_t chaos_ms = 8000;
  // Network, during chaos.
  std::uint64_t delay_max_ms = 10;
  std::uint64_t loss_permille = 0;
  std::uint64_t duplicate_permille = 0;
  bool partitions = false;
  // Nodes, during chaos.
  bool crashes = false;
  bool crash_inside_steps = false;
  bool power_cut = false;  // every node at once
  bool wipes = false;      // one vote log is lost
  std::uint64_t refuse_permille = 0;
  std::uint64_t disk_max_ms = 3;
  std::uint64_t execute_max_ms = 3;
  // Validator 0 … byzantine-1 lie.
  std::uint32_t byzantine = 0;

  std::string ToString() const;
};

class World {
 public:
  explicit World(const Config& config);

  const Config& config() const { return config_; }
  Rng& rng() { return rng_; }
  std::uint64_t now() const { return now_; }
  const ChainId& chain() const { return chain_; }
  const std::shared_ptr<const crypto::ValidatorSet>& validators() const { return validators_; }
  const crypto::KeyPair& key(std::uint32_t i) const { return keys_[i]; }

  void After(std::uint64_t ms, std::function<void()> work);
  /// Does the next thing. False: nothing is left.
  bool RunOne();

  /// Takes the packet through loss, delay, duplication and partitions to `receive`.
  void Transmit(std::uint32_t from, std::uint32_t to, std::shared_ptr<const Bytes> bytes);
  std::function<void(std::uint32_t from, std::uint32_t to, const Bytes&)> receive;
  bool Connected(std::uint32_t from, std::uint32_t to) const { return !cut_.contains({from, to}); }
  void Cut(std::uint32_t from, std::uint32_t to) { cut_.emplace(from, to); }
  void HealLinks() { cut_.clear(); }
  /// Ends every fault of network and hosts.
  void EndChaos();
  bool chaos() const { return chaos_; }

  /// VerifyMessage, once per message for the whole cluster.
  Result<consensus::MessagePtr> Verify(const Bytes& bytes);

  void Trace(std::uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3; }
  std::uint64_t trace() const { return trace_; }

 private:
  struct Item {
    std::uint64_t time, sequence;
    std::function<void()> work;
    bool operator>(const Item& o) const {
      return std::pair(time, sequence) > std::pair(o.time, o.sequence);
    }
  };

  Config config_;
  Rng rng_;
  ChainId chain_;
  std::vector<crypto::KeyPair> keys_;
  std::shared_ptr<const crypto::ValidatorSet> validators_;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue_;
  std::uint64_t now_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325;
  std::set<std::pair<std::uint32_t, std::uint32_t>> cut_;
  bool chaos_ = true;
  std::unordered_map<Bytes, Result<consensus::MessagePtr>> verified_;  // never iterated
};

}  // namespace talent::sim
