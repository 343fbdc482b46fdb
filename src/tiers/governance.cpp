// Proposals and votes.

#include "tiers/governance.h"

#include <algorithm>

#include "tiers/parties.h"

namespace talent::tiers {
namespace {

using Changes = google::protobuf::RepeatedPtrField<pb::NodeChange>;

std::size_t CountCentres(const ledger::StateReader& state) {
  std::size_t centres = 0;
  kParties.Scan(state, {}, {}, [&](BytesView, const pb::Party& party) {
    if (party.role() == pb::PARTY_ROLE_CENTRE) ++centres;
    return true;
  });
  return centres;
}

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

// Called after every vote. A proposal that has passed and cannot be carried out refuses the vote
// that would decide it: it stays open for a better moment.
Status Decide(const Call& call, BytesView id, pb::Proposal& proposal) {
  const std::size_t centres = CountCentres(call.state);
  const auto against = static_cast<std::size_t>(proposal.against_size());
  if (IsOverTwoThirds(static_cast<std::size_t>(proposal.in_favour_size()), centres)) {
    TRY(Enact(call, proposal.kind(), proposal.changes()));
    proposal.set_status(pb::PROPOSAL_STATUS_PASSED);
  } else if (!IsOverTwoThirds(centres - std::min(against, centres), centres)) {
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

Status Propose(const Changes& changes, std::uint64_t open_until, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  const std::uint64_t height = call.block.height.value;
  if (open_until < height) {
    return Fail(Code::kExpired, "open_until is height {}, this is {}", open_until, height);
  }
  if (open_until - height > kMaxProposalHeights) {
    return Fail(Code::kInvalidArgument, "open_until is over {} heights ahead", kMaxProposalHeights);
  }
  TRY(RequireRoom(call, centre));
  ledger::StateOverlay rehearsal = call.state.Nested();
  TRY(Enact({call.tx, call.block, rehearsal, call.admission}, call.tx.kind, changes));

  auto open = ReadOpen(call.state);
  auto& entry = *open.add_proposals();
  entry.set_proposal(call.tx.id.ToBytes());
  entry.set_centre(centre.id());
  entry.set_open_until(open_until);
  kOpenProposals.Put(call.state, kOpenProposalsKey, open);

  pb::Proposal proposal;
  proposal.set_kind(call.tx.kind);
  *proposal.mutable_changes() = changes;
  proposal.set_open_until(open_until);
  proposal.set_status(pb::PROPOSAL_STATUS_OPEN);
  proposal.add_in_favour(centre.id());
  TRY(Decide(call, call.tx.id.View(), proposal));
  kProposals.Put(call.state, call.tx.id.View(), proposal);
  return {};
}

Status ProposeValidators(const pb::ValidatorProposed& message, const Call& call) {
  return Propose(message.changes(), message.open_until(), call);
}

Status ProposeFollowers(const pb::FollowerProposed& message, const Call& call) {
  return Propose(message.changes(), message.open_until(), call);
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
    {"ValidatorProposed", Run<pb::ValidatorProposed, ProposeValidators>, kUrgent, true},
    {"FollowerProposed", Run<pb::FollowerProposed, ProposeFollowers>, kUrgent, true},
    {"ProposalVoted", Run<pb::ProposalVoted, Vote>, kUrgent, true},
};

}  // namespace

std::span<const Kind> GovernanceKinds() { return kKinds; }

}  // namespace talent::tiers
