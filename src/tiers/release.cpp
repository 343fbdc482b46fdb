#include "tiers/release.h"

#include <algorithm>

#include "tiers/consortium_rules.h"

namespace talent::tiers {

Release::Release(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
                 std::string party)
    : state_(state), party_(std::move(party)) {
  if (genesis.tier() != ledger::Tier::kConsortium) return;
  const auto known = kParties.Get(state, party_);
  if (known && known->role() == pb::PARTY_ROLE_CENTRE) return;
  everything_ = false;
  const pb::ConsortiumPolicy policy = PolicyOf(state);
  const std::size_t tier = PointsTier(policy, PointsOf(state, policy, party_, now));
  for (std::uint32_t value_class = 0; value_class < kValueClasses; ++value_class) {
    terms_[value_class] = ReleaseDelay(policy, value_class, tier);
  }
}

Millis Release::longest() const { return *std::max_element(terms_.begin(), terms_.end()); }

std::optional<Timestamp> Release::OpensAt(const ledger::Transaction& tx) const {
  if (everything_ || tx.kind != "RecordPromoted") return Timestamp();
  const auto message = Decode<pb::RecordPromoted>(tx.payload);
  if (!message) return std::nullopt;
  const TxId id = ledger::TransactionId(message->record().envelope());
  const auto record = kConsortiumRecords.Get(state_, id.View());
  // An entry that is not of this promotion was there before it, without a time of its own: of an
  // erasure that came first, or of another promotion.
  if (!record || record->promotion_tx() != tx.id.View()) return std::nullopt;
  if (IsPartyTo(*record, party_)) return Timestamp();
  return Timestamp(record->promoted_ms()) + terms_.at(record->value_class());
}

}  // namespace talent::tiers
