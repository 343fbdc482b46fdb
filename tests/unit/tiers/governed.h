// A chain whose centres vote.
#pragma once

#include "ledger/epochs.h"
#include "tier_fixture.h"
#include "tiers/governance.h"

namespace talent::tiers {

inline constexpr std::uint64_t kOpenFor = 40;

inline nlohmann::json GovernedGenesis(const std::string& tier, int validators, int centres) {
  nlohmann::json genesis = ledger::GenesisJson(validators);
  genesis["tier"] = tier;
  genesis["followers"] = {
      {{"name", "reader"}, {"node_key", KeyOf("node reader").public_key().Hex()}}};
  genesis["app"]["parties"] = nlohmann::json::array({PartyJson("acme", "enterprise")});
  for (int i = 0; i < centres; ++i) {
    genesis["app"]["parties"].push_back(PartyJson(fmt::format("centre-{}", i), "centre"));
  }
  if (tier != "private") genesis["app"]["sources"] = nlohmann::json::array();
  return genesis;
}

class Governed {
 public:
  explicit Governed(const nlohmann::json& genesis)
      : database_(
            ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kReadWrite).value()),
        tier_(*database_, ledger::Genesis::Parse(genesis.dump()).value()) {}
  explicit Governed(int validators = 4, int centres = 4)
      : Governed(GovernedGenesis("private", validators, centres)) {}

  const ChainId& chain() const { return tier_.genesis().chain_id(); }
  Height height() const { return tier_.chain().head().height; }
  void Pass(int heights) {
    for (int i = 0; i < heights; ++i) tier_.Commit({});
  }

  /// The offer of a node whose keys are called after `keys`.
  pb::NodeOffer Offer(const std::string& name, const std::string& keys, bool votes = true) const {
    const auto vote_key = KeyOf("vote " + keys);
    return MakeOffer(chain(), name, votes ? &vote_key : nullptr, KeyOf("node " + keys));
  }
  template <class M = pb::ValidatorProposed>
  M Proposal() const {
    M message;
    message.set_open_until(height().value + kOpenFor);
    return message;
  }
  pb::ValidatorProposed Add(const std::string& name) const {
    auto message = Proposal();
    *message.add_changes()->mutable_offer() = Offer(name, name);
    return message;
  }
  pb::ValidatorProposed Change(const std::string& node, const pb::NodeOffer& offer) const {
    auto message = Proposal();
    message.add_changes()->set_node(node);
    *message.mutable_changes(0)->mutable_offer() = offer;
    return message;
  }
  pb::ValidatorProposed Remove(const std::vector<std::string>& names) const {
    auto message = Proposal();
    for (const auto& name : names) message.add_changes()->set_node(name);
    return message;
  }
  pb::FollowerProposed Follow(const pb::NodeOffer& offer) const {
    auto message = Proposal<pb::FollowerProposed>();
    *message.add_changes()->mutable_offer() = offer;
    return message;
  }

  template <class M>
  Result<TxId> Write(const std::string& author, const M& message) {
    return tier_.Submit(tier_.Make(author, message.GetDescriptor()->name(), message,
                                   ledger::pb::DISCLOSURE_UNSPECIFIED));
  }
  Result<TxId> Vote(const std::string& author, const TxId& proposal, bool approve = true) {
    pb::ProposalVoted message;
    message.set_proposal(proposal.ToBytes());
    message.set_approve(approve);
    return Write(author, message);
  }
  /// Proposed by centre-0, decided by centre-1 and centre-2.
  template <class M>
  Result<TxId> Decide(const M& message) {
    auto id = Write("centre-0", message);
    if (!id) return id;
    EXPECT_TRUE(Vote("centre-1", *id));
    return Vote("centre-2", *id);
  }

  auto state() const { return tier_.chain().SealedState(); }
  ledger::EpochState epoch() const {
    return ledger::ReadEpoch(*tier_.chain().SealedState()).value();
  }
  /// Names of the validators that follow on the present ones; empty while no change is decided.
  std::vector<std::string> NextNames() const {
    std::vector<std::string> names;
    if (const auto end = epoch().end) {
      for (const auto& v : end->next.validators()) names.push_back(v.name);
    }
    return names;
  }
  std::vector<std::string> FollowerNames() const {
    std::vector<std::string> names;
    for (const auto& [name, key] : ReadFollowers(*tier_.chain().SealedState())) {
      names.push_back(name);
    }
    return names;
  }
  pb::Proposal Stored(const TxId& id) const { return *tier_.Read(kProposals, id.View()); }
  int OpenProposals() const {
    const auto open = tier_.Read(kOpenProposals, kOpenProposalsKey);
    return open ? open->proposals_size() : 0;
  }
  TestTier& tier() { return tier_; }

 private:
  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
  TestTier tier_;
};

}  // namespace talent::tiers
