// When promoted payloads open to a party, 延迟开放: for its reads and for the nodes it runs.
#pragma once

#include <array>

#include "ledger/genesis.h"
#include "ledger/state.h"
#include "ledger/transaction.h"
#include "tiers/points.h"

namespace talent::tiers {

/// What one party may have of a consortium by the state at `now`; looks the party up once, for as
/// many transactions as are asked about. On chains of other tiers nothing opens with time.
class Release {
 public:
  /// `party`: an id; one that the chain does not know has no points and a part in no record.
  /// `state` must outlive this.
  Release(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
          std::string party);

  /// Nothing is held back: it is a centre, which validates the chain and holds the bytes.
  bool everything() const { return everything_; }
  /// What OpensAt says of a transaction rests on these: the delay of each value class.
  using Terms = std::array<Millis, kValueClasses>;
  const Terms& terms() const { return terms_; }
  /// The longest delay by these terms: what was promoted longer ago is open.
  Millis longest() const;
  /// From when on the payload of `tx` is open; 0: at once. nullopt: never, for it took no
  /// effect.
  std::optional<Timestamp> OpensAt(const ledger::Transaction& tx) const;

 private:
  const ledger::StateReader& state_;
  const std::string party_;
  bool everything_ = true;
  Terms terms_{};
};

}  // namespace talent::tiers
