// Validators that lie: up to f of them must not matter.
#pragma once

#include <cstdint>

namespace talent::sim {

class Cluster;

enum Habit : std::uint64_t {
  kTwoOffers = 1,
  kTwoVotes = 2,
  kHugeViews = 4,
  kGarbage = 8,
  kWrongSidecar = 16,
  kSilence = 32,
  kMovedSeals = 64,
  kWithholdOffers = 128,  // as primary: offers reach too few, or leave a gap
  kReplay = 256,          // says again what it said long ago
  kLieAboutBlocks = 512,  // in block sync: claims too much, serves what is damaged or not asked
  kEmptyOffers = 1024,    // as primary: blocks nobody needs
  kRepeatBatches = 2048,  // as primary: transactions it proposed at the height before
  kForgeries = 4096,      // view changes and new views whose proofs are none
  kAllHabits = 8191,
};

/// Makes validator `index` a liar with these habits (by default drawn).
void MakeLiar(Cluster& cluster, std::uint32_t index, std::uint64_t habits = 0);

/// Every correct node hears the first, the second or both of each pair of twins, and others after a
/// while.
void MixTwins(Cluster& cluster);

}  // namespace talent::sim
