// What a passed proposal does to the parties of a chain, and the offers of parties.

#include <algorithm>
#include <set>

#include "tiers/governance.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

Result<pb::Party> NamedParty(const ledger::StateReader& state, const std::string& id) {
  auto party = kParties.Get(state, id);
  if (!party) return Fail(Code::kNotFound, "'{}' is no party of this chain", id);
  return *std::move(party);
}

/// The party's keys become those of its statement.
Status SetKeys(const Call& call, const pb::PartyStatement& statement, pb::Party party) {
  for (const Bytes& key : party.keys()) kKeys.Delete(call.state, key);
  party.clear_keys();
  for (const Bytes& key : statement.keys()) {
    if (kKeys.Has(call.state, key)) {
      return Fail(Code::kDuplicate, "key {} of '{}' is in use on this chain", ToHex(key),
                  statement.id());
    }
    pb::KeyOwner owner;
    owner.set_party(party.id());
    kKeys.Put(call.state, key, owner);
    party.add_keys(key);
  }
  kParties.Put(call.state, party.id(), party);
  return {};
}

Status Admit(const Call& call, const pb::PartyOffer& offer) {
  const pb::PartyStatement statement = TRY(VerifyPartyOffer(call.block.chain, offer));
  if (kParties.Has(call.state, statement.id())) {
    return Fail(Code::kDuplicate, "'{}' is a party of this chain already", statement.id());
  }
  std::size_t parties = 0;
  kParties.Scan(call.state, {}, {}, [&](BytesView, const pb::Party&) {
    ++parties;
    return true;
  });
  if (parties >= kMaxParties) {
    return Fail(Code::kExhausted, "the chain has {} parties, the most it may have", parties);
  }
  pb::Party party;
  party.set_id(statement.id());
  party.set_role(statement.role());
  return SetKeys(call, statement, std::move(party));
}

Status Rotate(const Call& call, const pb::PartyOffer& offer) {
  const pb::PartyStatement statement = TRY(VerifyPartyOffer(call.block.chain, offer));
  pb::Party party = TRY(NamedParty(call.state, statement.id()));
  if (party.role() != statement.role()) {
    return Fail(Code::kInvalidArgument, "'{}' has another role: a rotation changes its keys only",
                statement.id());
  }
  return SetKeys(call, statement, std::move(party));
}

Status Suspend(const Call& call, const std::string& id) {
  pb::Party party = TRY(NamedParty(call.state, id));
  if (party.suspended()) return Fail(Code::kPrecondition, "'{}' is suspended already", id);
  if (party.role() == pb::PARTY_ROLE_CENTRE && ActiveCentres(call.state).size() == 1) {
    return Fail(Code::kPrecondition, "'{}' is the last centre: nobody could readmit it", id);
  }
  party.set_suspended(true);
  kParties.Put(call.state, id, party);
  return {};
}

Status Readmit(const Call& call, const std::string& id) {
  pb::Party party = TRY(NamedParty(call.state, id));
  if (!party.suspended()) return Fail(Code::kPrecondition, "'{}' is not suspended", id);
  party.set_suspended(false);
  kParties.Put(call.state, id, party);
  return {};
}

Status CheckStatement(const pb::PartyStatement& statement) {
  if (!IsPartyId(statement.id())) {
    return Fail(Code::kInvalidArgument, "offer: id '{}' is not 1 to {} of a-z, 0-9 and '-'",
                statement.id(), kMaxPartyIdLength);
  }
  if (statement.role() != pb::PARTY_ROLE_CENTRE && statement.role() != pb::PARTY_ROLE_ENTERPRISE) {
    return Fail(Code::kInvalidArgument, "offer: role is neither centre nor enterprise");
  }
  const std::set<std::string_view> distinct(statement.keys().begin(), statement.keys().end());
  if (distinct.empty() || distinct.size() > kMaxPartyKeys ||
      distinct.size() != static_cast<std::size_t>(statement.keys_size())) {
    return Fail(Code::kInvalidArgument, "offer: {} keys; 1 to {} are expected, each once",
                statement.keys_size(), kMaxPartyKeys);
  }
  return {};
}

}  // namespace

std::set<std::string> ActiveCentres(const ledger::StateReader& state) {
  std::set<std::string> centres;
  kParties.Scan(state, {}, {}, [&](BytesView, const pb::Party& party) {
    if (party.role() == pb::PARTY_ROLE_CENTRE && !party.suspended()) centres.insert(party.id());
    return true;
  });
  return centres;
}

pb::PartyOffer MakePartyOffer(const ChainId& chain, const std::string& id, pb::PartyRole role,
                              std::span<const crypto::KeyPair> keys) {
  pb::PartyStatement statement;
  statement.set_id(id);
  statement.set_role(role);
  for (const crypto::KeyPair& key : keys) statement.add_keys(key.public_key().ToBytes());
  pb::PartyOffer offer;
  offer.set_statement(Encode(statement));
  for (const crypto::KeyPair& key : keys) {
    offer.add_signatures(
        key.Sign(crypto::Domain::kOfferSignature, chain, offer.statement()).ToBytes());
  }
  return offer;
}

// A statement names its role, and so never reads as the statement of a node, which the same tag
// signs.
Result<pb::PartyStatement> VerifyPartyOffer(const ChainId& chain, const pb::PartyOffer& offer) {
  auto statement = Decode<pb::PartyStatement>(offer.statement());
  if (!statement) return Within("offer", statement.error());
  TRY(CheckStatement(*statement));
  if (offer.signatures_size() != statement->keys_size()) {
    return Fail(Code::kBadSignature, "offer: {} signatures of {} keys", offer.signatures_size(),
                statement->keys_size());
  }
  for (int i = 0; i < statement->keys_size(); ++i) {
    const auto key = crypto::PublicKey::FromBytes(statement->keys(i));
    if (!key) return Within(fmt::format("offer: keys[{}]", i), key.error());
    const auto signature = crypto::Signature::FromBytes(offer.signatures(i));
    if (!signature || !crypto::Verify(*key, crypto::Domain::kOfferSignature, chain,
                                      offer.statement(), *signature)) {
      return Fail(Code::kBadSignature, "offer: keys[{}] of '{}' did not sign it for this chain", i,
                  statement->id());
    }
  }
  return statement;
}

Status EnactMember(const Call& call, const pb::MemberChange& change) {
  switch (change.change_case()) {
    case pb::MemberChange::kAdmit:
      return Admit(call, change.admit());
    case pb::MemberChange::kSuspend:
      return Suspend(call, change.suspend());
    case pb::MemberChange::kReadmit:
      return Readmit(call, change.readmit());
    case pb::MemberChange::kRotate:
      return Rotate(call, change.rotate());
    case pb::MemberChange::CHANGE_NOT_SET:
      break;
  }
  return Fail(Code::kInvalidArgument, "change is missing");
}

}  // namespace talent::tiers
