// What a run is like.
#pragma once

#include <cstdint>
#include <string>

namespace talent::sim {

struct Config {
  /// All of it drawn from the seed.
  static Config Random(std::uint64_t seed);

  std::uint64_t seed = 1;
  std::uint32_t validators = 4;
  std::uint32_t window = 4;
  std::uint64_t transactions = 8;
  std::uint64_t batch_transactions = 3;
  std::uint64_t chaos_ms = 0;  // how long there are faults; none of the below is after it
  // Network.
  std::uint64_t delay_max_ms = 5;
  std::uint64_t loss_permille = 0;
  std::uint64_t duplicate_permille = 0;
  bool partitions = false;
  bool flapping = false;  // a partition that comes and goes about as often as views change
  // Nodes.
  bool crashes = false;
  std::uint64_t crash_permille = 0;  // at every write, sync and send
  bool power_cut = false;            // of every node at once
  bool stalls = false;               // a process gets no CPU for a while
  bool clocks = false;               // skewed, jumping, frozen
  // Disks and workers.
  std::uint64_t disk_max_ms = 2;
  std::uint64_t verify_max_ms = 2;
  std::uint64_t refuse_permille = 0;  // a full verification pool
  bool full_disks = false;
  bool wipe = false;  // one node loses its votes, or everything
  bool rot = false;   // a bit of one node's files flips
  // Validators 0 … byzantine-1 lie. Each is either two replicas with one key (as in the paper on
  // Twins, OPODIS 2021), or one that says more, less and other things than it should.
  std::uint32_t byzantine = 0;
  bool twins = false;
  // Nodes beyond the validators, which the genesis names as followers and which may become some,
  // and how many changes of the set the centre proposes.
  std::uint32_t spares = 0;
  std::uint64_t changes = 0;

  std::string ToString() const;
};

}  // namespace talent::sim
