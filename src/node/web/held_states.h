// States of a chain that are held as long as somebody turns pages in them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/env.h"
#include "node/rpc/chain_access.h"

namespace talent::node {

using HeldState = std::shared_ptr<const StateSnapshot>;

/// Thread-safe. Bounded in number and in time: a held state keeps what has been overwritten since
/// on the disk, and what was erased in its files.
class HeldStates {
 public:
  static constexpr std::size_t kMaxHeld = 256;  // blocks while a reader turns a page
  static constexpr Millis kHeldFor{120'000};    // after its last page; long enough for a person

  /// Chain and clock must outlive it.
  HeldStates(const ledger::Chain& chain, const Clock& clock) : chain_(chain), clock_(clock) {}

  /// The state at `at`; nullopt: at the sealed head. Errors: kNotFound (not sealed yet), kPruned
  /// (not held, or not any more: also where something was erased after it).
  Result<HeldState> At(std::optional<Height> at);
  /// A page of it was given that has a next one.
  void Hold(const HeldState& state);
  /// Lets go of what was not used for kHeldFor.
  void DropOld();

 private:
  struct Held {
    HeldState state;
    Timestamp used;
  };
  HeldState Find(Height at);

  const ledger::Chain& chain_;
  const Clock& clock_;
  std::mutex mutex_;  // guards held_
  std::map<Height, Held> held_;
};

}  // namespace talent::node
