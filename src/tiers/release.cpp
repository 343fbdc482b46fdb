#include "tiers/release.h"

#include <algorithm>

#include "tiers/consortium_rules.h"
#include "tiers/points.h"

namespace talent::tiers {

Release::Release(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
                 std::string party)
    : state_(state), party_(std::move(party)) {
  if (genesis.tier() != ledger::Tier::kConsortium) return;
  const auto known = kParties.Get(state, party_);
  if (known && known->role() == pb::PARTY_ROLE_CENTRE) return;
  everything_ = false;
  policy_ = PolicyOf(state);
  terms_ = {policy_.version(), PointsTier(policy_, PointsOf(state, policy_, party_, now))};
}

Millis Release::longest() const {
  if (everything_) return Millis(0);
  Millis out(0);
  for (std::uint32_t value_class = 0; value_class < kValueClasses; ++value_class) {
    out = std::max(out, ReleaseDelay(policy_, value_class, terms_.tier));
  }
  return out;
}

std::optional<Timestamp> Release::OpensAt(const ledger::Transaction& tx) const {
  if (everything_ || tx.kind != "RecordPromoted") return Timestamp();
  const auto message = Decode<pb::RecordPromoted>(tx.payload);
  if (!message) return std::nullopt;
  const TxId id = ledger::TransactionId(message->record().envelope());
  const auto record = kConsortiumRecords.Get(state_, id.View());
  if (!record) return std::nullopt;
  if (IsPartyTo(*record, party_)) return Timestamp();
  return Timestamp(record->promoted_ms()) +
         ReleaseDelay(policy_, record->value_class(), terms_.tier);
}

}  // namespace talent::tiers
