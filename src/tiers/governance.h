// Governance: which nodes validate a chain and which may follow it, who its parties are, which
// policy is in force and which chains' records it takes, by vote of its centres; the rules are in
// docs/domain.md, "Governance".
#pragma once

#include <map>
#include <set>

#include "talent/tiers/v1/governance.pb.h"
#include "tiers/kind.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// By transaction id.
inline constexpr Table<pb::Proposal> kProposals{"proposal/"};
/// "governance/open" and "governance/members".
inline constexpr Table<pb::OpenProposals> kOpenProposals{"governance/"};
inline constexpr std::string_view kOpenProposalsKey = "open";
inline constexpr Table<pb::MembersChanged> kMembersChanged{"governance/"};
inline constexpr std::string_view kMembersChangedKey = "members";
/// By node name.
inline constexpr Table<pb::Follower> kFollowers{"follower/"};

/// By epoch, validator, kind of message, view and height.
inline constexpr Table<pb::Misdeed> kMisdeeds{"misdeed/"};

/// A centre can have so many proposals open: one that turns bad cannot crowd out the others.
inline constexpr int kMaxOpenProposals = 4;
/// Heights a proposal can be open for.
inline constexpr std::uint64_t kMaxProposalHeights = 1'000'000;
/// Nodes that one proposal names: f of the largest set of validators. Bounds the signatures to
/// check.
inline constexpr int kMaxNodeChanges = 33;
/// As many as a genesis may name.
inline constexpr std::size_t kMaxFollowers = 10'000;

/// ValidatorProposed, FollowerProposed, MemberProposed, PolicyProposed, ProposalVoted.
std::span<const Kind> GovernanceKinds();
/// SourceProposed, on the tiers that take records of others.
std::span<const Kind> SourceGovernanceKinds();

/// Misdeeds kept of one validator in one epoch; it is convicted by the first, and a state bounded
/// by keys alone would not be.
inline constexpr std::size_t kMaxMisdeeds = 64;
/// EvidenceSubmitted.
std::span<const Kind> EvidenceKinds();

/// Writes the followers that the genesis names; after its parties and policies. Errors:
/// kInvalidArgument (names the field).
Status InitGovernance(const ledger::Genesis& genesis, ledger::StateOverlay& state);

/// A node that may follow.
struct FollowerNode {
  crypto::PublicKey node_key;
  std::string party;  // that runs it; empty: nobody's that the chain knows
  bool operator==(const FollowerNode&) const = default;
};
/// All of them by the state, by name. Validators are not among them.
std::map<std::string, FollowerNode> ReadFollowers(const ledger::StateReader& state);
/// Height of the newest decision about nodes: while it stays, so does the answer of ReadFollowers.
Height MembersChangedAt(const ledger::StateReader& state);

/// The offer of a node that asks to be let in to `chain`; without a vote key, as a follower.
pb::NodeOffer MakeOffer(const ChainId& chain, const std::string& name,
                        const crypto::KeyPair* vote_key, const crypto::KeyPair& node_key);
/// What `offer` says, its proofs checked. Errors: kInvalidArgument (names the field),
/// kBadSignature.
Result<pb::NodeStatement> VerifyOffer(const ChainId& chain, const pb::NodeOffer& offer);

/// Carries out a ValidatorProposed or FollowerProposed (`kind`), or says why that cannot be.
/// Errors: kNotFound (no such node), kDuplicate (a name or key is taken), kExhausted (followers),
/// those of VerifyOffer and of ledger::EndEpoch.
Status EnactNodes(const Call& call, std::string_view kind,
                  const google::protobuf::RepeatedPtrField<pb::NodeChange>& changes);

/// The centres that vote, by id: those registered and not suspended.
std::set<std::string> ActiveCentres(const ledger::StateReader& state);
/// The offer of a party that asks to be let in to `chain`, or to have these keys from now on.
pb::PartyOffer MakePartyOffer(const ChainId& chain, const std::string& id, pb::PartyRole role,
                              std::span<const crypto::KeyPair> keys);
/// What `offer` says, its proofs checked. Errors: kInvalidArgument (names the field),
/// kBadSignature.
Result<pb::PartyStatement> VerifyPartyOffer(const ChainId& chain, const pb::PartyOffer& offer);
/// Carries out a MemberProposed, or says why that cannot be. Errors: kNotFound (no such party),
/// kDuplicate (its id or a key is taken), kExhausted (parties), kPrecondition (nothing to change,
/// or no centre would be left), those of VerifyPartyOffer.
Status EnactMember(const Call& call, const pb::MemberChange& change);
/// Carries out a SourceProposed, or says why that cannot be. Errors: kInvalidArgument (names the
/// field), kNotFound (no such source or centre), kDuplicate (chain or name), kExhausted (sources),
/// kPrecondition (nothing to change), those of ledger::VerifyHeader.
Status EnactSource(const Call& call, const pb::SourceChange& change);

}  // namespace talent::tiers
