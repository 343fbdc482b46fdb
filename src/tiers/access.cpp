// Who may read a payload.

#include <algorithm>

#include "tiers/application.h"
#include "tiers/consortium_rules.h"
#include "tiers/points.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

// The centre that answers for the record or for the person, or one the person has let in.
bool MayCentreRead(const ledger::StateReader& state, const pb::PrivateRecord& record,
                   const std::string& centre, Timestamp now) {
  if (record.centre() == centre) return true;
  const auto subject = kSubjects.Get(state, record.subject_id());
  if (subject && subject->custodian() == centre) return true;
  const auto consent = kConsents.Get(state, record.subject_id());
  return consent && Covers(*consent, record.content_kind(), now) &&
         std::ranges::binary_search(consent->centres(), centre);
}

bool MayReadPrivate(const ledger::StateReader& state, Timestamp now, const ledger::Transaction& tx,
                    const crypto::PublicKey& reader) {
  if (tx.author == reader) return true;
  const auto party = FindPartyOf(state, reader);
  const auto record = kPrivateRecords.Get(state, tx.id.View());
  // What is no record is governance, which the centres decide.
  if (!record) return party && party->role() == pb::PARTY_ROLE_CENTRE;
  const auto subject = kSubjects.Get(state, record->subject_id());
  if (subject && subject->key() == reader.View()) return true;
  if (!party) return false;
  return party->role() == pb::PARTY_ROLE_CENTRE
             ? MayCentreRead(state, *record, party->id(), now)
             : kConcerns.Has(state, Concat({record->subject_id(), party->id()}));
}

// A promoted payload opens by value class and points tier. Centres read at once: they validate the
// chain and hold the bytes; so do those the record concerns.
bool MayReadPromoted(const ledger::StateReader& state, Timestamp now, const ledger::Transaction& tx,
                     const pb::Party& reader) {
  if (reader.role() == pb::PARTY_ROLE_CENTRE) return true;
  const auto message = Decode<pb::RecordPromoted>(tx.payload);
  if (!message) return false;
  const TxId record_id = ledger::TransactionId(message->record().envelope());
  const auto record = kConsortiumRecords.Get(state, record_id.View());
  if (!record) return false;
  if (IsPartyTo(*record, reader.id())) return true;
  const auto policy = PolicyOf(state);
  const std::size_t tier = PointsTier(policy, PointsOf(state, policy, reader.id(), now));
  const Millis delay = ReleaseDelay(policy, record->value_class(), tier);
  return now >= Timestamp(record->promoted_ms()) + delay;
}

}  // namespace

bool MayReadPayload(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
                    const ledger::Transaction& tx, const std::optional<crypto::PublicKey>& reader) {
  if (genesis.tier() == ledger::Tier::kPublic) return true;
  if (!reader) return false;
  if (genesis.tier() == ledger::Tier::kPrivate) return MayReadPrivate(state, now, tx, *reader);
  const auto party = FindPartyOf(state, *reader);
  if (!party) return false;
  return tx.kind != "RecordPromoted" || MayReadPromoted(state, now, tx, *party);
}

}  // namespace talent::tiers
