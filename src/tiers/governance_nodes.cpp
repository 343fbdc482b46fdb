// What a passed proposal does to validators and followers, and the offers of nodes.

#include <algorithm>
#include <set>

#include "ledger/epochs.h"
#include "tiers/governance.h"
#include "tiers/market_policy.h"
#include "tiers/parties.h"
#include "tiers/private_state.h"

namespace talent::tiers {
namespace {

using Changes = google::protobuf::RepeatedPtrField<pb::NodeChange>;
using Validators = std::vector<crypto::Validator>;
using Followers = std::map<std::string, FollowerNode>;

/// A change with what its offer says, checked.
struct NodesChange {
  std::string node;                     // empty: the offering node is added
  std::optional<crypto::Validator> in;  // none: removed; a follower has no vote key
  std::string party;                    // that runs the follower that comes in; may be empty
};

Result<std::optional<crypto::Validator>> ReadOffer(const ChainId& chain,
                                                   const pb::NodeChange& change,
                                                   bool with_vote_key) {
  if (!change.has_offer()) return std::nullopt;
  const pb::NodeStatement statement = TRY(VerifyOffer(chain, change.offer()));
  if (statement.vote_key().empty() == with_vote_key) {
    return Fail(Code::kInvalidArgument, "the offer of '{}' {}", statement.name(),
                with_vote_key ? "has no vote key: it is a follower's"
                              : "has a vote key: it is a validator's");
  }
  crypto::Validator out{statement.name(), {}, {}};
  if (with_vote_key) out.vote_key = TRY(crypto::PublicKey::FromBytes(statement.vote_key()));
  out.node_key = TRY(crypto::PublicKey::FromBytes(statement.node_key()));
  return out;
}

Result<std::vector<NodesChange>> ReadChanges(const ChainId& chain, const Changes& changes,
                                             bool with_vote_key) {
  if (changes.empty() || changes.size() > kMaxNodeChanges) {
    return Fail(Code::kInvalidArgument, "{} changes; a proposal has 1 to {}", changes.size(),
                kMaxNodeChanges);
  }
  std::vector<NodesChange> out;
  std::set<std::string> named;
  for (const pb::NodeChange& change : changes) {
    const std::string where = fmt::format("changes[{}]", out.size());
    auto in = ReadOffer(chain, change, with_vote_key);
    if (!in) return Within(where, in.error());
    if (change.node().empty() && !*in) {
      return Fail(Code::kInvalidArgument, "{} names no node and holds no offer", where);
    }
    const bool twice = (!change.node().empty() && !named.insert(change.node()).second) ||
                       (*in && (*in)->name != change.node() && !named.insert((*in)->name).second);
    if (twice) return Fail(Code::kInvalidArgument, "{}: a node is named twice", where);
    if (!change.party().empty() && (with_vote_key || !*in)) {
      return Fail(Code::kInvalidArgument, "{}.party: only a follower that comes in has one", where);
    }
    out.push_back({change.node(), *std::move(in), change.party()});
  }
  return out;
}

/// Nobody else on the chain may have the name or the key of a node that comes in.
Status RequireFree(const crypto::Validator& in, const Followers& followers) {
  for (const auto& [name, follower] : followers) {
    if ((name == in.name) != (follower.node_key == in.node_key)) {
      return Fail(Code::kDuplicate, "'{}': follower '{}' has the same {}", in.name, name,
                  name == in.name ? "name and another node key" : "node key and another name");
    }
  }
  return {};
}

Status ApplyTo(Validators& set, const NodesChange& change) {
  if (change.node.empty()) {
    set.push_back(*change.in);
    return {};
  }
  const auto it = std::ranges::find(set, change.node, &crypto::Validator::name);
  if (it == set.end()) {
    return Fail(Code::kNotFound, "'{}' is no validator of this chain", change.node);
  }
  if (change.in) {
    *it = *change.in;
  } else {
    set.erase(it);
  }
  return {};
}

void AddFollower(ledger::StateOverlay& state, const std::string& name, const FollowerNode& node) {
  pb::Follower follower;
  follower.set_node_key(node.node_key.ToBytes());
  follower.set_party(node.party);
  kFollowers.Put(state, name, follower);
}

/// May `party` run a follower of this chain? Whoever is to have less of a chain than its validators
/// must be given it by time: on a private chain nothing opens with time.
Status RequireRunner(const ledger::StateReader& state, const std::string& party) {
  if (party.empty()) return {};
  const auto runner = kParties.Get(state, party);
  if (!runner) return Fail(Code::kNotFound, "'{}' is no party of this chain", party);
  const bool is_private = kMarketPolicy.Has(state, kMarketPolicyKey);
  if (is_private && runner->role() != pb::PARTY_ROLE_CENTRE) {
    return Fail(Code::kInvalidArgument,
                "'{}' is no centre: a node of a private chain holds every record, and an "
                "enterprise reads only those that concern it",
                party);
  }
  return {};
}

/// Those who leave the set stay followers; those who enter it are followers no more.
Status MoveFollowers(const Call& call, const Validators& before, const Validators& after,
                     Followers& followers) {
  for (const crypto::Validator& in : after) {
    const auto it = followers.find(in.name);
    if (it == followers.end()) continue;
    followers.erase(it);
    kFollowers.Delete(call.state, in.name);
  }
  for (const crypto::Validator& out : before) {
    const bool stays = std::ranges::any_of(after, [&](const crypto::Validator& v) {
      return v.name == out.name || v.node_key == out.node_key;
    });
    if (stays) continue;
    if (followers.size() >= kMaxFollowers) {
      return Fail(Code::kExhausted, "the chain has {} followers: remove one first",
                  followers.size());
    }
    const FollowerNode node{out.node_key, {}};
    followers.emplace(out.name, node);
    AddFollower(call.state, out.name, node);
  }
  return {};
}

Status ChangeValidators(const Call& call, const Changes& changes) {
  const ledger::EpochState epoch = TRY(ledger::ReadEpoch(call.state));
  const Validators& before = epoch.validators.validators();
  Followers followers = ReadFollowers(call.state);
  Validators after = before;
  for (const NodesChange& change : TRY(ReadChanges(call.block.chain, changes, true))) {
    if (change.in) TRY(RequireFree(*change.in, followers));
    TRY(ApplyTo(after, change));
  }
  TRY(MoveFollowers(call, before, after, followers));
  return ledger::EndEpoch(call.state, call.block, call.block.height + call.block.window,
                          std::move(after));
}

Status RequireNoValidator(const crypto::Validator& in, const Validators& validators) {
  for (const crypto::Validator& v : validators) {
    if (v.name == in.name || v.node_key == in.node_key) {
      return Fail(Code::kDuplicate, "'{}': validator '{}' has this name or node key", in.name,
                  v.name);
    }
  }
  return {};
}

Status ChangeFollower(const Call& call, const NodesChange& change, const ledger::EpochState& epoch,
                      Followers& followers) {
  std::string party = change.party;
  if (!change.node.empty()) {
    const auto before = followers.extract(change.node);
    if (before.empty()) {
      return Fail(Code::kNotFound, "'{}' is no follower of this chain", change.node);
    }
    if (change.in && change.in->name == change.node && party.empty()) party = before.mapped().party;
    kFollowers.Delete(call.state, change.node);
  }
  if (!change.in) return {};
  TRY(RequireRunner(call.state, party));
  TRY(RequireNoValidator(*change.in, epoch.validators.validators()));
  if (epoch.end) TRY(RequireNoValidator(*change.in, epoch.end->next.validators()));
  TRY(RequireFree(*change.in, followers));
  if (followers.contains(change.in->name)) {
    return Fail(Code::kDuplicate, "'{}' is a follower already", change.in->name);
  }
  if (followers.size() >= kMaxFollowers) {
    return Fail(Code::kExhausted, "the chain has {} followers: remove one first", followers.size());
  }
  const FollowerNode node{change.in->node_key, std::move(party)};
  followers.emplace(change.in->name, node);
  AddFollower(call.state, change.in->name, node);
  return {};
}

Status ChangeFollowers(const Call& call, const Changes& changes) {
  const ledger::EpochState epoch = TRY(ledger::ReadEpoch(call.state));
  Followers followers = ReadFollowers(call.state);
  for (const NodesChange& change : TRY(ReadChanges(call.block.chain, changes, false))) {
    TRY(ChangeFollower(call, change, epoch, followers));
  }
  return {};
}

Status RequireSignature(const ChainId& chain, const pb::NodeOffer& offer, const Bytes& key_bytes,
                        const Bytes& signature_bytes, std::string_view which) {
  const auto key = crypto::PublicKey::FromBytes(key_bytes);
  if (!key) return Within(which, key.error());
  const auto signature = crypto::Signature::FromBytes(signature_bytes);
  if (!signature || !crypto::Verify(*key, crypto::Domain::kOfferSignature, chain, offer.statement(),
                                    *signature)) {
    return Fail(Code::kBadSignature,
                "the offer is not signed by its {} for this chain: make it with 'talentd validator "
                "offer' where the key is",
                which);
  }
  return {};
}

}  // namespace

Status InitGovernance(const ledger::Genesis& genesis, ledger::StateOverlay& state) {
  for (std::size_t i = 0; i < genesis.followers().size(); ++i) {
    const ledger::Genesis::Follower& named = genesis.followers()[i];
    if (const Status runs = RequireRunner(state, named.party); !runs) {
      return Fail(Code::kInvalidArgument, "followers[{}].party: {}", i, runs.error().message);
    }
    AddFollower(state, named.name, {named.node_key, named.party});
  }
  return {};
}

std::map<std::string, FollowerNode> ReadFollowers(const ledger::StateReader& state) {
  Followers out;
  kFollowers.Scan(state, {}, {}, [&](BytesView name, const pb::Follower& follower) {
    const auto key = crypto::PublicKey::FromBytes(follower.node_key());
    CHECK(key.has_value(), "follower '{}' in the state has no key", name);
    out.emplace(name, FollowerNode{*key, follower.party()});
    return true;
  });
  return out;
}

Height MembersChangedAt(const ledger::StateReader& state) {
  const auto changed = kMembersChanged.Get(state, kMembersChangedKey);
  return Height(changed ? changed->height() : 0);
}

pb::NodeOffer MakeOffer(const ChainId& chain, const std::string& name,
                        const crypto::KeyPair* vote_key, const crypto::KeyPair& node_key) {
  pb::NodeStatement statement;
  statement.set_name(name);
  if (vote_key != nullptr) statement.set_vote_key(vote_key->public_key().ToBytes());
  statement.set_node_key(node_key.public_key().ToBytes());
  pb::NodeOffer offer;
  offer.set_statement(Encode(statement));
  const auto sign = [&](const crypto::KeyPair& key) {
    return key.Sign(crypto::Domain::kOfferSignature, chain, offer.statement()).ToBytes();
  };
  if (vote_key != nullptr) offer.set_vote_signature(sign(*vote_key));
  offer.set_node_signature(sign(node_key));
  return offer;
}

Result<pb::NodeStatement> VerifyOffer(const ChainId& chain, const pb::NodeOffer& offer) {
  auto statement = Decode<pb::NodeStatement>(offer.statement());
  if (!statement) return Within("offer", statement.error());
  if (!IsPartyId(statement->name())) {
    return Fail(Code::kInvalidArgument, "offer: name '{}' is not 1 to {} of a-z, 0-9 and '-'",
                statement->name(), kMaxPartyIdLength);
  }
  TRY(RequireSignature(chain, offer, statement->node_key(), offer.node_signature(), "node key"));
  if (!statement->vote_key().empty()) {
    TRY(RequireSignature(chain, offer, statement->vote_key(), offer.vote_signature(), "vote key"));
  } else if (!offer.vote_signature().empty()) {
    return Fail(Code::kInvalidArgument, "offer: signed by a vote key that it does not name");
  }
  return statement;
}

Status EnactNodes(const Call& call, std::string_view kind,
                  const google::protobuf::RepeatedPtrField<pb::NodeChange>& changes) {
  TRY(kind == "FollowerProposed" ? ChangeFollowers(call, changes)
                                 : ChangeValidators(call, changes));
  pb::MembersChanged changed;
  changed.set_height(call.block.height.value);
  kMembersChanged.Put(call.state, kMembersChangedKey, changed);
  return {};
}

}  // namespace talent::tiers
