// Proposals and votes.

#include "tiers/governance.h"

#include <algorithm>

#include "tiers/parties.h"
#include "tiers/policies.h"

namespace talent::tiers {
namespace {

bool IsOverTwoThirds(std::size_t votes, std::size_t of) { return 3 * votes > 2 * of; }

pb::OpenProposals ReadOpen(const ledger::StateReader& state) {
  return kOpenProposals.Get(state, kOpenProposalsKey).value_or(pb::OpenProposals());
}

/// Takes out of the list what `is_over` says.
template <class IsOver>
void Close(ledger::StateOverlay& state, const IsOver& is_over) {
  pb::OpenProposals open = ReadOpen(state);
  auto& list = *open.mutable_proposals();
  list.erase(std::remove_if(list.begin(), list.end(), is_over), list.end());
  kOpenProposals.Put(state, kOpenProposalsKey, open);
}

Status Enact(const Call& call, const pb::Proposal& proposal) {
  if (proposal.has_member()) return EnactMember(call, proposal.member());
  if (proposal.has_policy()) return EnactPolicy(call, proposal.policy());
  if (proposal.has_source()) return EnactSource(call, proposal.source());
  return EnactNodes(call, proposal.kind(), proposal.changes());
}

/// Votes of those who are entitled to one now.
template <class Votes>
std::size_t Count(const Votes& votes, const std::set<std::string>& centres) {
  return static_cast<std::size_t>(
      std::ranges::count_if(votes, [&](const auto& centre) { return centres.contains(centre); }));
}

// Called after every vote. A proposal that has passed and cannot be carried out refuses the vote
// that would decide it: it stays open for a better moment.
Status Decide(const Call& call, BytesView id, pb::Proposal& proposal) {
  const std::set<std::string> centres = ActiveCentres(call.state);
  if (IsOverTwoThirds(Count(proposal.in_favour(), centres), centres.size())) {
    TRY(Enact(call, proposal));
    proposal.set_status(pb::PROPOSAL_STATUS_PASSED);
  } else if (!IsOverTwoThirds(centres.size() - Count(proposal.against(), centres),
                              centres.size())) {
    proposal.set_status(pb::PROPOSAL_STATUS_REJECTED);
  } else {
    return {};
  }
  proposal.set_decided_height(call.block.height.value);
  Close(call.state, [&](const pb::OpenProposal& open) { return open.proposal() == id; });
  return {};
}

Status RequireRoom(const Call& call, const pb::Party& centre) {
  Close(call.state, [&](const pb::OpenProposal& open) {
    return Height(open.open_until()) < call.block.height;
  });
  const pb::OpenProposals open = ReadOpen(call.state);
  const auto own = std::ranges::count(open.proposals(), centre.id(), &pb::OpenProposal::centre);
  if (own >= kMaxOpenProposals) {
    return Fail(Code::kExhausted,
                "'{}' has {} open proposals, the most a centre may have: wait until one is decided "
                "or expires",
                centre.id(), own);
  }
  return {};
}

/// `proposal` says what is proposed, and until when votes count.
Status Propose(pb::Proposal proposal, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  const std::uint64_t height = call.block.height.value;
  if (proposal.open_until() < height) {
    return Fail(Code::kExpired, "open_until is height {}, this is {}", proposal.open_until(),
                height);
  }
  if (proposal.open_until() - height > kMaxProposalHeights) {
    return Fail(Code::kInvalidArgument, "open_until is over {} heights ahead", kMaxProposalHeights);
  }
  TRY(RequireRoom(call, centre));
  proposal.set_kind(call.tx.kind);
  ledger::StateOverlay rehearsal = call.state.Nested();
  TRY(Enact({call.tx, call.block, rehearsal, call.admission}, proposal));

  auto open = ReadOpen(call.state);
  auto& entry = *open.add_proposals();
  entry.set_proposal(call.tx.id.ToBytes());
  entry.set_centre(centre.id());
  entry.set_open_until(proposal.open_until());
  kOpenProposals.Put(call.state, kOpenProposalsKey, open);

  proposal.set_status(pb::PROPOSAL_STATUS_OPEN);
  proposal.add_in_favour(centre.id());
  TRY(Decide(call, call.tx.id.View(), proposal));
  kProposals.Put(call.state, call.tx.id.View(), proposal);
  return {};
}

/// ValidatorProposed and FollowerProposed.
template <class M>
Status ProposeNodes(const M& message, const Call& call) {
  pb::Proposal proposal;
  *proposal.mutable_changes() = message.changes();
  proposal.set_open_until(message.open_until());
  return Propose(std::move(proposal), call);
}

Status ProposeMember(const pb::MemberProposed& message, const Call& call) {
  const bool named = !message.name().empty() && message.name().size() <= kMaxPartyName;
  if (message.change().has_admit() ? !named : !message.name().empty()) {
    return Fail(Code::kInvalidArgument,
                "name has {} bytes: 1 to {} for a party that is admitted, else none",
                message.name().size(), kMaxPartyName);
  }
  pb::Proposal proposal;
  *proposal.mutable_member() = message.change();
  proposal.set_open_until(message.open_until());
  return Propose(std::move(proposal), call);
}

// In force after the last vote there can be: so that it is known before it is.
Status ProposePolicy(const pb::PolicyProposed& message, const Call& call) {
  const std::uint64_t in_force = message.change().in_force();
  if (in_force <= message.open_until() || in_force - message.open_until() > kMaxProposalHeights) {
    return Fail(Code::kInvalidArgument,
                "change.in_force is height {}, not 1 to {} after open_until {}", in_force,
                kMaxProposalHeights, message.open_until());
  }
  pb::Proposal proposal;
  *proposal.mutable_policy() = message.change();
  proposal.set_open_until(message.open_until());
  return Propose(std::move(proposal), call);
}

Status ProposeSource(const pb::SourceProposed& message, const Call& call) {
  pb::Proposal proposal;
  *proposal.mutable_source() = message.change();
  proposal.set_open_until(message.open_until());
  return Propose(std::move(proposal), call);
}

Result<pb::Proposal> RequireOpen(const pb::ProposalVoted& message, const Call& call) {
  const auto id = TxId::FromBytes(message.proposal());
  if (!id) return Within("proposal", id.error());
  auto proposal = kProposals.Get(call.state, id->View());
  if (!proposal) return Fail(Code::kNotFound, "there is no proposal {} on this chain", id->Hex());
  if (proposal->status() != pb::PROPOSAL_STATUS_OPEN) {
    return Fail(Code::kPrecondition, "proposal {} was {} at height {}", id->Hex(),
                proposal->status() == pb::PROPOSAL_STATUS_PASSED ? "passed" : "rejected",
                proposal->decided_height());
  }
  if (call.block.height > Height(proposal->open_until())) {
    return Fail(Code::kExpired, "proposal {} was open until height {}, this is {}", id->Hex(),
                proposal->open_until(), call.block.height);
  }
  return *std::move(proposal);
}

Status Vote(const pb::ProposalVoted& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  pb::Proposal proposal = TRY(RequireOpen(message, call));
  for (const auto* const votes : {&proposal.in_favour(), &proposal.against()}) {
    if (std::ranges::find(*votes, centre.id()) != votes->end()) {
      return Fail(Code::kDuplicate, "'{}' has voted on proposal {}", centre.id(),
                  ToHex(message.proposal()));
    }
  }
  if (message.approve()) {
    proposal.add_in_favour(centre.id());
  } else {
    proposal.add_against(centre.id());
  }
  TRY(Decide(call, message.proposal(), proposal));
  kProposals.Put(call.state, message.proposal(), proposal);
  return {};
}

constexpr auto kUrgent = Lane<ledger::Application::kUrgentLane>;
constexpr Kind kKinds[] = {
    {"ValidatorProposed", Run<pb::ValidatorProposed, ProposeNodes<pb::ValidatorProposed>>, kUrgent,
     true},
    {"FollowerProposed", Run<pb::FollowerProposed, ProposeNodes<pb::FollowerProposed>>, kUrgent,
     true},
    {"MemberProposed", Run<pb::MemberProposed, ProposeMember>, kUrgent, true},
    {"PolicyProposed", Run<pb::PolicyProposed, ProposePolicy>, kUrgent, true},
    {"ProposalVoted", Run<pb::ProposalVoted, Vote>, kUrgent, true},
};
constexpr Kind kSourceGovernanceKinds[] = {
    {"SourceProposed", Run<pb::SourceProposed, ProposeSource>, kUrgent, true},
};

}  // namespace

std::span<const Kind> GovernanceKinds() { return kKinds; }
std::span<const Kind> SourceGovernanceKinds() { return kSourceGovernanceKinds; }

}  // namespace talent::tiers
