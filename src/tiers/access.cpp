// Who may read a payload.

#include <algorithm>

#include "ledger/erasure.h"
#include "tiers/application.h"
#include "tiers/consortium_rules.h"
#include "tiers/contest.h"
#include "tiers/points.h"
#include "tiers/private_rules.h"
#include "tiers/release.h"

namespace talent::tiers {
namespace {

/// Of what a private chain keeps about a person: whose it is, who wrote it and what it is.
struct About {
  Bytes subject;
  std::string centre;  // that answers for the record; empty: none besides the custodian
  std::string kind;    // empty: of any kind
};

Reader LookUp(const ledger::StateReader& state, const crypto::PublicKey& key) {
  Reader out{key, {}, false};
  if (const auto party = FindPartyOf(state, key)) {
    out.party = party->id();
    out.is_centre = party->role() == pb::PARTY_ROLE_CENTRE;
  }
  return out;
}

// The person, the centres that answer for it or that its consent lets in, and the enterprises it
// concerns.
bool MayReadAbout(const ledger::StateReader& state, const About& about, Timestamp now,
                  const Reader& reader) {
  const auto subject = kSubjects.Get(state, about.subject);
  if (subject && subject->key() == reader.key.View()) return true;
  if (reader.party.empty()) return false;
  if (!reader.is_centre) return kConcerns.Has(state, Concat({about.subject, reader.party}));
  if (about.centre == reader.party || (subject && subject->custodian() == reader.party)) {
    return true;
  }
  const auto consent = kConsents.Get(state, about.subject);
  return consent && Covers(*consent, about.kind, now) &&
         std::ranges::binary_search(consent->centres(), reader.party);
}

bool MayReadPrivate(const ledger::StateReader& state, Timestamp now, const ledger::Transaction& tx,
                    const crypto::PublicKey& reader) {
  if (tx.author == reader) return true;
  const Reader asks = LookUp(state, reader);
  const auto record = kPrivateRecords.Get(state, tx.id.View());
  if (record) {
    return MayReadAbout(state, {record->subject_id(), record->centre(), record->content_kind()},
                        now, asks);
  }
  // Governance, which the centres decide; or a record that took no effect, which is its author's.
  const Kind* const kind = FindKind(PrivateKinds(), tx.kind);
  return kind != nullptr && kind->governance && asks.is_centre;
}

About OfRecord(const ledger::StateReader& state, BytesView id) {
  const auto record = kPrivateRecords.Get(state, id);
  if (!record) return {};
  return {record->subject_id(), record->centre(), record->content_kind()};
}

About OfSubject(const ledger::StateReader&, BytesView key) {
  return {Bytes(key.substr(0, Hash::kSize)), {}, {}};
}

About OfStatement(const ledger::StateReader& state, BytesView key) {
  const auto used = kStatements.Get(state, key);
  return used ? OfRecord(state, used->record()) : About{};
}

About OfDue(const ledger::StateReader& state, BytesView key) {
  if (key.size() < sizeof(std::uint64_t)) return {};  // whoever asks names any key
  return OfRecord(state, key.substr(sizeof(std::uint64_t)));
}

// By the hash of its key: of whom the entry was cannot be told, and so nobody is.
About OfErasedEntry(const ledger::StateReader&, BytesView) { return {}; }

About OfHolding(const ledger::StateReader& state, BytesView key) {
  return OfRecord(state, key.substr(0, Hash::kSize));
}

/// The tables of a private chain that are about people.
constexpr struct {
  std::string_view table;
  About (*about)(const ledger::StateReader& state, BytesView rest_of_key);
} kPersonal[] = {
    {kPrivateRecords.name, OfRecord},
    {kDecisions.name, OfRecord},
    {kInvestments.name, OfRecord},
    {kTokens.name, OfRecord},
    {kTransfers.name, OfRecord},
    {kFlags.name, OfRecord},
    {kHoldings.name, OfHolding},
    {kStatements.name, OfStatement},
    {kSubjects.name, OfSubject},
    {kConsents.name, OfSubject},
    {kConcerns.name, OfSubject},
    {kCareers.name, OfSubject},
    {kContests.name, OfRecord},
    {kContestsDue.name, OfDue},
    {kWills.name, OfSubject},
    {kPersonStandings.name, OfSubject},
    {kAbout.name, OfSubject},
    {ledger::kErasedPayloads, OfRecord},
    {ledger::kErasedEntries, OfErasedEntry},
};

/// nullopt: the entry is about no person.
std::optional<About> AboutWhom(const ledger::StateReader& state, BytesView key) {
  for (const auto& personal : kPersonal) {
    if (key.starts_with(personal.table)) {
      return personal.about(state, key.substr(personal.table.size()));
    }
  }
  if (key.starts_with(kKeys.name)) {
    const auto owner = kKeys.Get(state, key.substr(kKeys.name.size()));
    if (owner && !owner->subject().empty()) return OfSubject(state, owner->subject());
  }
  return std::nullopt;
}

}  // namespace

EntryAccess::EntryAccess(const ledger::Genesis& genesis, const ledger::StateReader& state,
                         Timestamp now, const std::optional<crypto::PublicKey>& reader)
    : state_(state), now_(now) {
  if (genesis.tier() == ledger::Tier::kPublic) {
    anything_ = true;
  } else if (reader && MayLogIn(state, *reader)) {
    anything_ = genesis.tier() == ledger::Tier::kConsortium;
    asks_ = LookUp(state, *reader);
  }
}

bool EntryAccess::MayRead(BytesView key) const {
  if (anything_) return true;
  if (!asks_) return false;
  const auto about = AboutWhom(state_, key);
  return !about || MayReadAbout(state_, *about, now_, *asks_);
}

bool MayReadPayload(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
                    const ledger::Transaction& tx, const std::optional<crypto::PublicKey>& reader) {
  if (genesis.tier() == ledger::Tier::kPublic) return true;
  if (!reader) return false;
  if (genesis.tier() == ledger::Tier::kPrivate) return MayReadPrivate(state, now, tx, *reader);
  const auto party = FindPartyOf(state, *reader);
  if (!party) return false;
  const auto opens = Release(genesis, state, now, party->id()).OpensAt(tx);
  return opens && now >= *opens;
}

}  // namespace talent::tiers
