// One height of the window: what was offered, accepted, prepared, committed, executed and sealed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "consensus/messages.h"

namespace talent::consensus {

/// A proposal at hand and what the host said of it.
struct HeldProposal {
  ProposalPtr proposal;
  bool good = false;                       // may be executed, or proposed again
  std::optional<View> good_as_fresh = {};  // may be accepted as a fresh proposal of that view
  std::optional<View> refused_as_fresh = {};
  std::optional<View> asked = {};  // the host has not answered this question yet
  bool asked_as_fresh = false;
  bool stored = false;  // its record is in the vote log
};

/// Votes of one kind, by view and signer: one each.
using Votes = std::map<std::pair<View, ValidatorIndex>, MessagePtr>;

struct Slot {
  /// Seals with other hashes that one signer may park here before we have executed: a third party
  /// can pass on a seal of another height, so the first one is not always the right one.
  static constexpr std::size_t kSealsPerSigner = 4;

  std::map<View, MessagePtr> offers;  // pre-prepares of this view and the next
  std::map<Hash, HeldProposal> held;
  std::optional<Position> accepted;             // what we promised to prepare, latest view
  Votes prepares, commits;                      // of this view and the next
  std::optional<PreparedCertificate> prepared;  // latest view
  std::optional<Hash> committed;
  bool execute_sent = false;
  std::optional<Hash> executed;   // block hash
  std::optional<Hash> sealed_as;  // block hash we promised to seal
  std::map<ValidatorIndex, std::vector<std::pair<Hash, crypto::Signature>>> seals;
  std::optional<CertifiedHead> certified;  // proven by others
  std::set<ValidatorIndex> reported;       // evidence was given
  bool seals_compared = false;             // f+1 others sealed something else, and it was said
  std::optional<std::uint64_t> requested;  // status tick of the last proposal request

  // Own messages that are out, for sending again.
  MessagePtr own_offer, own_prepare, own_commit, own_seal;

  /// How many voted for `digest` in `view`.
  static std::uint32_t Count(const Votes& votes, View view, const Hash& digest);
  /// Signatures of `votes` for `digest` in `view`.
  static SignatureMap Signatures(const Votes& votes, View view, const Hash& digest);
  /// Seals of `block_hash`.
  SignatureMap SealsOf(const Hash& block_hash) const;
  /// What the signer of `vote` has said for its view and another digest, if anything.
  const VerifiedMessage* OtherVote(const VerifiedMessage& vote) const;
  /// Drops offers and votes of views below `view`.
  void EnterView(View view);
  /// Anything that a correct validator's vote or a primary's offer left here.
  bool IsOpen(View view) const;
};

/// What a vote is about.
const Position& PositionOf(const VerifiedMessage& vote);

}  // namespace talent::consensus
