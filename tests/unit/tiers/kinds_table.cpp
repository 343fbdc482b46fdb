#include "kinds_table.h"

#include <algorithm>

#include "consensus/messages.h"
#include "tiers/consortium_state.h"
#include "tiers/governance.h"
#include "tiers/market_policy.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

constexpr std::string_view kAccepted = "✓";
constexpr std::string_view kUnauthorized = "–";  // by far the most frequent refusal

constexpr std::uint64_t kVotesOpenFor = 20;  // heights

template <class M>
M OpenProposal(const TestTier& tier) {
  M message;
  message.set_open_until(tier.chain().head().height.value + kVotesOpenFor);
  return message;
}

pb::PolicyProposed NextPolicy(const TestTier& tier) {
  auto message = OpenProposal<pb::PolicyProposed>(tier);
  message.mutable_change()->set_in_force(message.open_until() + 1);
  message.mutable_change()->set_policy("market");
  pb::MarketPolicy market = DefaultMarketPolicy();
  market.set_version(2);
  message.mutable_change()->set_content(Encode(market));
  if (auto policy = tier.Read(kConsortiumPolicy, kConsortiumPolicyKey)) {
    policy->set_version(policy->version() + 1);
    message.mutable_change()->set_policy("consortium");
    message.mutable_change()->set_content(Encode(*policy));
  }
  return message;
}

/// Two batches that the only validator has prepared in one place.
pb::EvidenceSubmitted TwoBatches(const TestTier& tier) {
  const auto prepared = [&](std::string_view batch) {
    return consensus::VerifiedMessage::Sign(
               VoteKeyOf(tier.genesis().tier(), Epoch(0)), tier.genesis().chain_id(), Epoch(0),
               ValidatorIndex(0),
               consensus::Prepare{{View(2), Height(7), consensus::OrderDigest(batch)}})
        ->signed_bytes();
  };
  pb::EvidenceSubmitted message;
  message.set_first(prepared("a"));
  message.set_second(prepared("b"));
  return message;
}

}  // namespace

ledger::Transaction KindsTable::Make(std::string_view kind, const Bytes& payload,
                                     std::string_view key) {
  const Kind* const known = FindKind(kinds_, kind);
  CHECK(known != nullptr, "{} is no kind of the tier", kind);
  auto disclosure = ledger::pb::DISCLOSURE_UNSPECIFIED;
  if (tier_.genesis().tier() == ledger::Tier::kPrivate && !known->governance) {
    disclosure = kind == "Erased" ? ledger::pb::DISCLOSURE_COMMITMENT : ledger::pb::DISCLOSURE_FULL;
  }
  return ledger::MakeTransaction(tier_.genesis().chain_id(), kind, payload, disclosure,
                                 tier_.chain().head().height + 50, KeyOf(key), random_);
}

void KindsTable::Suspend(const std::string& party, const ledger::BlockContext& block,
                         ledger::StateOverlay& state) {
  const auto centres = ActiveCentres(state);
  pb::MemberProposed proposal;
  proposal.mutable_change()->set_suspend(party);
  proposal.set_open_until(block.height.value);
  const auto proposer = std::ranges::find_if(centres, [&](const auto& id) { return id != party; });
  const auto tx = Make("MemberProposed", Encode(proposal), *proposer);
  const Status proposed = tier_.application().Execute(tx, block, state);
  CHECK(proposed.has_value(), "{}", proposed.error().ToString());
  pb::ProposalVoted vote;
  vote.set_proposal(tx.id.ToBytes());
  vote.set_approve(true);
  for (const auto& centre : centres) {
    if (IsSuspended(state, party)) return;
    if (centre == *proposer) continue;
    const auto voted =
        tier_.application().Execute(Make("ProposalVoted", Encode(vote), centre), block, state);
    CHECK(voted.has_value(), "{}", voted.error().ToString());
  }
  CHECK(IsSuspended(state, party), "all centres have voted to suspend '{}'", party);
}

std::string KindsTable::Answer(const KindsColumn& column, const ledger::Transaction& tx,
                               const std::string& line) {
  const auto& head = tier_.chain().head();
  const ledger::BlockContext block{tier_.genesis().chain_id(), head.height + 1,
                                   head.time + Millis(1), tier_.genesis().consensus().window};
  ledger::StateOverlay state(tier_.chain().tip_state());
  const auto& application = tier_.application();
  application.BeginBlock(block, state);
  if (!column.suspended.empty()) Suspend(column.suspended, block, state);
  const Status checked = application.Check(tx, block, state);
  const Status executed = application.Execute(tx, block, state);
  EXPECT_EQ(checked.has_value(), executed.has_value()) << tx.kind << " by " << column.name;
  if (executed && column.suspended.empty() && on_accepted_) on_accepted_(line, tier_, tx, block);
  if (executed) return std::string(kAccepted);
  const Code code = executed.error().code;
  return std::string(code == Code::kUnauthorized ? kUnauthorized : CodeName(code));
}

void KindsTable::AddLine(std::string_view kind, std::string_view which,
                         const std::function<Bytes(const std::string& key)>& payload) {
  Line line{std::string(kind), std::string(which), {}};
  for (const KindsColumn& column : columns_) {
    line.cells.push_back(Answer(column, Make(kind, payload(column.key), column.key), line.Name()));
  }
  lines_.push_back(std::move(line));
}

void KindsTable::Join(const KindsTable& other) {
  CHECK(other.lines_.size() == lines_.size(), "{} lines beside {}", other.lines_.size(),
        lines_.size());
  columns_.insert(columns_.end(), other.columns_.begin(), other.columns_.end());
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const Line& from = other.lines_[i];
    CHECK(from.kind == lines_[i].kind, "{} beside {}", from.kind, lines_[i].kind);
    lines_[i].cells.insert(lines_[i].cells.end(), from.cells.begin(), from.cells.end());
  }
}

std::string KindsTable::Text() const {
  std::string text = "| kind |";
  std::string rule = "|---|";
  for (const KindsColumn& column : columns_) {
    text += fmt::format(" {} |", column.name);
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (const Line& line : lines_) {
    text += fmt::format("| `{}`{}{} |", line.kind, line.which.empty() ? "" : " ", line.which);
    for (const auto& cell : line.cells) text += fmt::format(" {} |", cell);
    text += "\n";
  }
  return text;
}

std::vector<std::string> KindsTable::Missing() const {
  std::vector<std::string> missing;
  for (const auto group : kinds_) {
    for (const Kind& kind : group) {
      if (std::ranges::find(lines_, kind.name, &Line::kind) == lines_.end()) {
        missing.emplace_back(kind.name);
      }
    }
  }
  return missing;
}

std::vector<std::string> KindsTable::RefusedToAll() const {
  std::vector<std::string> refused;
  for (const Line& line : lines_) {
    if (std::ranges::find(line.cells, kAccepted) == line.cells.end()) refused.push_back(line.kind);
  }
  return refused;
}

void TryGovernance(KindsTable& table, TestTier& tier, const std::string& proposer) {
  const ChainId& chain = tier.genesis().chain_id();
  const auto vote_key = KeyOf("vote of a new node");
  auto validator = OpenProposal<pb::ValidatorProposed>(tier);
  *validator.add_changes()->mutable_offer() =
      MakeOffer(chain, "new-node", &vote_key, KeyOf("node key of a new node"));
  table.Try(validator);
  auto follower = OpenProposal<pb::FollowerProposed>(tier);
  *follower.add_changes()->mutable_offer() =
      MakeOffer(chain, "new-node", nullptr, KeyOf("node key of a new node"));
  table.Try(follower);
  auto member = OpenProposal<pb::MemberProposed>(tier);
  const crypto::KeyPair keys[] = {KeyOf("umbrella")};
  *member.mutable_change()->mutable_admit() =
      MakePartyOffer(chain, "umbrella", pb::PARTY_ROLE_ENTERPRISE, keys);
  member.set_name("Umbrella Ltd");
  table.Try(member);
  table.Try(NextPolicy(tier));
  pb::ProposalVoted vote;
  vote.set_proposal(table.Seal(proposer, member).ToBytes());
  vote.set_approve(true);
  table.Try(vote);
  table.Try(TwoBatches(tier));
}

}  // namespace talent::tiers
