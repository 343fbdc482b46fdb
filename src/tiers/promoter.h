// Carries what may leave one chain to the next: private → consortium, consortium → public.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ledger/chain.h"

namespace talent::tiers {

/// Scans sealed blocks of the source chain under the policy in its state, keeps what is selected in
/// a persistent outbox ordered by priority, and makes the evidence-carrying transactions for the
/// target chain. Exactly once: the target's state says what has arrived; an entry leaves the outbox
/// only then.
///
/// Order: priority, then age on the source; an entry rises by one priority for every kAgeingStep it
/// has waited, so that bulk is late but never starved. A correction waits for what it corrects.
///
/// Confined to one thread; source and target may be written meanwhile.
class Promoter {
 public:
  struct Options {
    const ledger::Chain* source;  // both chains and the key outlive the promoter
    const ledger::Chain* target;
    const crypto::KeyPair* author;  // a centre's key registered on the target
    std::uint32_t rank = 0;         // place of this node among the source's promoters…
    std::uint32_t promoters =
        1;  // …which take turns by height; the others back up after backup_delay
    Millis backup_delay{3000};
    std::uint32_t max_in_flight = 256;  // records submitted and not yet sealed
    Millis retry_after{10000};  // what has not arrived by then is offered again, then ever later
  };

  /// Opens the outbox in `database` and resumes where it stood. Errors: kIo, kCorruption.
  static Result<std::unique_ptr<Promoter>> Open(ledger::Database& database, Options options);
  ~Promoter();

  /// To be called when either chain seals and at intervals. Returns transactions to submit to the
  /// target now, most urgent first; what is submitted and does not arrive is offered again.
  Result<std::vector<ledger::Transaction>> Step(Timestamp now);

  static constexpr Millis kAgeingStep{60000};

  struct Stats {
    Height scanned;             // of the source; of a consortium: settlements
    std::uint64_t waiting = 0;  // in the outbox
    std::array<std::uint64_t, 10> waiting_by_priority{};
    std::array<Millis, 10> oldest_age_by_priority{};  // 0 where nothing waits
    std::uint64_t delivered = 0;                      // since the outbox was made
    std::uint64_t dropped = 0;  // could never be delivered: payload erased, too large, or not ours
    std::string last_dropped;   // which, and why
    std::uint64_t skipped = 0;  // blocks that are not here, since the start
  };
  Stats stats() const;

 private:
  struct Impl;
  explicit Promoter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::tiers
