// How a member of the devnet's consortium reviews a record.
#pragma once

#include "node/devnet/party_session.h"
#include "talent/tiers/v1/consortium.pb.h"

namespace talent::node {

/// A verdict that its member has committed to and has still to reveal.
struct CommittedVerdict {
  PartySession* reviewer;
  RecordId record;
  tiers::v1::ReviewRevealed reveal;
};

/// Commits `member` to a verdict on a promoted assessment: the communication score is confirmed, or
/// disputed with another value. `reviewer` must outlive the answer. Errors: those of Submit.
Result<CommittedVerdict> CommitVerdict(PartySession& reviewer, const std::string& member,
                                       const RecordId& record, bool disputes);

/// Waits until no more commits are taken, and reveals. Errors: those of Await and Submit.
Result<TxId> RevealVerdict(const CommittedVerdict& verdict);

}  // namespace talent::node
