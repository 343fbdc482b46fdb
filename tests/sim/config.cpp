#include "sim/config.h"

#include <fmt/format.h>

#include "crypto/quorum.h"
#include "sim/random.h"

namespace talent::sim {

Config Config::Random(std::uint64_t seed) {
  Rng rng(seed ^ 0x7a1e27);
  Config out;
  out.seed = seed;
  const std::uint64_t size = rng.Below(100);
  out.validators = size < 10   ? 1
                   : size < 16 ? 2
                   : size < 22 ? 3
                   : size < 92 ? 4
                   : size < 98 ? 7
                               : 10;
  out.window = static_cast<std::uint32_t>(rng.Between(2, 6));
  out.transactions = rng.Between(6, out.validators >= 7 ? 8 : 16);
  out.chaos_ms = rng.Between(1000, 3500);
  out.delay_max_ms = rng.Percent(50) ? rng.Between(2, 20) : rng.Between(20, 400);
  out.loss_permille = rng.Percent(50) ? rng.Between(10, 250) : 0;
  out.duplicate_permille = rng.Percent(30) ? rng.Between(10, 200) : 0;
  out.partitions = rng.Percent(40);
  out.flapping = rng.Percent(10);
  out.crashes = rng.Percent(40);
  out.crash_permille = rng.Percent(30) ? rng.Between(1, 8) : 0;
  out.power_cut = rng.Percent(20);
  out.stalls = rng.Percent(20);
  out.clocks = rng.Percent(25);
  out.disk_max_ms = rng.Percent(70) ? rng.Between(1, 5) : rng.Between(5, 200);
  out.verify_max_ms = rng.Percent(70) ? rng.Between(1, 3) : rng.Between(3, 50);
  out.refuse_permille = rng.Percent(20) ? rng.Between(10, 200) : 0;
  out.full_disks = rng.Percent(10);
  const std::uint32_t f = crypto::MaxFaulty(out.validators);
  if (f > 0) {
    const std::uint64_t kind = rng.Below(100);
    if (kind < 40) out.byzantine = rng.Percent(70) ? 1 : f;
    out.twins = kind < 12;
    out.wipe = kind >= 80 && kind < 92;
    out.rot = kind >= 90;
  }
  // A new validator that comes late observes at first, and so does one that lost its votes: both at
  // once are more than f that do not vote, and the chain waits (docs/consensus.md, "Lost votes").
  if (out.validators <= 4 && !out.wipe && !out.rot && rng.Percent(50)) {
    out.spares = static_cast<std::uint32_t>(rng.Between(1, 2));
    out.changes = rng.Between(2, 4);
  }
  return out;
}

std::string Config::ToString() const {
  return fmt::format(
      "seed {} n {} W {} tx {} chaos {} ms, delay {} loss {} dup {} partitions {} flapping {} "
      "crashes {}/{} power cut {} stalls {} clocks {} disk {} verify {} refuse {} full {} wipe {} "
      "rot {} byzantine {} twins {} spares {} changes {}",
      seed, validators, window, transactions, chaos_ms, delay_max_ms, loss_permille,
      duplicate_permille, partitions, flapping, crashes, crash_permille, power_cut, stalls, clocks,
      disk_max_ms, verify_max_ms, refuse_permille, full_disks, wipe, rot, byzantine, twins, spares,
      changes);
}

}  // namespace talent::sim
