#include "tiers/parties.h"

#include <algorithm>

namespace talent::tiers {
namespace {

Result<pb::PartyRole> ReadRole(JsonFields& json) {
  const std::string role = TRY(json.Text("role", 16));
  if (role == "centre") return pb::PARTY_ROLE_CENTRE;
  if (role == "enterprise") return pb::PARTY_ROLE_ENTERPRISE;
  return Fail(Code::kInvalidArgument, "{} is '{}', neither 'centre' nor 'enterprise'",
              json.PathOf("role"), role);
}

Status InitParty(JsonFields& json, ledger::StateOverlay& state) {
  pb::Party party;
  party.set_id(TRY(json.Text("id", kMaxPartyIdLength)));
  if (!IsPartyId(party.id()) || kParties.Has(state, party.id())) {
    return Fail(Code::kInvalidArgument, "{} '{}' is used twice or not made of a-z, 0-9 and '-'",
                json.PathOf("id"), party.id());
  }
  party.set_role(TRY(ReadRole(json)));
  TRY(json.Text("name", kMaxPartyName));  // for people; state holds no names
  const auto keys = TRY(Texts(json, "keys", kMaxPartyKeys));
  if (keys.empty()) return Fail(Code::kInvalidArgument, "{} is empty", json.PathOf("keys"));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", json.PathOf("keys"), i);
    const auto key = crypto::PublicKey::FromHexString(keys[i]);
    if (!key) return Within(path, key.error());
    if (kKeys.Has(state, key->View())) {
      return Fail(Code::kInvalidArgument, "{} is registered twice", path);
    }
    pb::KeyOwner owner;
    owner.set_party(party.id());
    kKeys.Put(state, key->View(), owner);
    party.add_keys(key->ToBytes());
  }
  kParties.Put(state, party.id(), party);
  return json.Finish();
}

Result<pb::Party> RequireRole(const Call& call, pb::PartyRole role, std::string_view what) {
  pb::Party party = TRY(RequireParty(call));
  if (party.role() != role) {
    return Fail(Code::kUnauthorized, "party '{}' is no {}", party.id(), what);
  }
  return party;
}

}  // namespace

bool IsPartyId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxPartyIdLength && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<std::vector<std::string>> Texts(JsonFields& json, const std::string& name,
                                       std::size_t max_size) {
  const nlohmann::json& list = *TRY(json.Any(name));
  const bool fits = list.is_array() && list.size() <= max_size &&
                    std::ranges::all_of(list, [](const auto& e) { return e.is_string(); });
  if (!fits) {
    return Fail(Code::kInvalidArgument, "{} is no list of at most {} texts", json.PathOf(name),
                max_size);
  }
  return list.get<std::vector<std::string>>();
}

Status InitParties(JsonFields& app, ledger::StateOverlay& state) {
  for (JsonFields& json : TRY(app.Array("parties", kMaxParties))) TRY(InitParty(json, state));
  return {};
}

std::optional<pb::Party> FindPartyOf(const ledger::StateReader& state,
                                     const crypto::PublicKey& key) {
  const auto owner = kKeys.Get(state, key.View());
  if (!owner || owner->party().empty()) return std::nullopt;
  return kParties.Get(state, owner->party());
}

bool IsSuspended(const ledger::StateReader& state, BytesView id) {
  const auto party = kParties.Get(state, id);
  return party && party->suspended();
}

Result<pb::Party> RequireParty(const Call& call) {
  auto party = FindPartyOf(call.state, call.tx.author);
  if (!party) {
    return Fail(Code::kUnauthorized, "key {} belongs to no party registered on this chain",
                call.tx.author.Hex());
  }
  if (party->suspended()) {
    return Fail(Code::kUnauthorized,
                "'{}' is suspended on this chain by vote of its centres, who can readmit it",
                party->id());
  }
  return *std::move(party);
}

Result<pb::Party> RequireCentre(const Call& call) {
  return RequireRole(call, pb::PARTY_ROLE_CENTRE, "talent centre");
}

Result<pb::Party> RequireEnterprise(const Call& call) {
  return RequireRole(call, pb::PARTY_ROLE_ENTERPRISE, "enterprise");
}

}  // namespace talent::tiers
