// The rule files of the consortium chain, and what they share.
#pragma once

#include "tiers/consortium_state.h"
#include "tiers/parties.h"

namespace talent::tiers {

std::span<const Kind> PromotionKinds();  // consortium_promotion.cpp: RecordPromoted
std::span<const Kind> ReviewKinds();     // consortium_review.cpp: ReviewCommitted, ReviewRevealed
std::span<const Kind> DisputeKinds();    // consortium_dispute.cpp: DisputeAnswered
// consortium_arbitration.cpp: ArbitrationOpened, ArbitrationVoted
std::span<const Kind> ArbitrationKinds();

/// Commits to one record at most: bounds what a settlement writes and a correction path holds.
inline constexpr std::uint32_t kMaxReviews = 48;
/// Centres that decide an arbitration at most: their votes travel with the correction as well.
inline constexpr std::size_t kMaxArbiters = 32;

/// Reads "policy" of the genesis, or takes the defaults. Errors: kInvalidArgument (names the
/// field).
Status InitConsortiumPolicy(JsonFields& app, ledger::StateOverlay& state);
/// What `json` does not name keeps its default. Errors: kInvalidArgument (names the field).
Result<pb::ConsortiumPolicy> ReadConsortiumPolicy(JsonFields& json);
/// `path` stands before the field's name in errors. Errors: kInvalidArgument.
Status ValidateConsortiumPolicy(const pb::ConsortiumPolicy& policy, const std::string& path);
/// Puts `policy` in force for what is promoted from now on.
void PutConsortiumPolicy(ledger::StateOverlay& state, const pb::ConsortiumPolicy& policy);

/// A promoted record. Errors: kNotFound, kInvalidArgument (no record id).
Result<pb::ConsortiumRecord> RequireRecord(const Call& call, BytesView record_id);

/// Has `party` a stake in the record: as its author, investor or holder? What it says of the record
/// decides nothing and earns nothing.
bool IsPartyTo(const pb::ConsortiumRecord& record, const std::string& party);

/// The centres that would decide an arbitration of the record, ascending: those in good standing
/// that have no part in it, the first kMaxArbiters of them by id. None where that leaves no quorum
/// of those that could if none had reviewed it.
std::vector<std::string> ArbitersOf(const ledger::StateReader& state, BytesView record_id,
                                    const pb::ConsortiumRecord& record);

/// Adds a step to the record's correction path, which begins with its promotion.
void AddStep(pb::ConsortiumRecord& record, const TxId& step);

// Settlement (settlement.cpp). All of them write `record`.

/// Whether its review, its dispute or its arbitration is still to end.
bool IsOpen(const pb::ConsortiumRecord& record);

/// Opens the review of a promoted record: its windows and the work due at their end.
void OpenReview(const ledger::BlockContext& block, ledger::StateOverlay& state, BytesView record_id,
                pb::ConsortiumRecord& record);
/// The centre has named a correction: it has the answer window again to bring it here.
void AwaitCorrection(const ledger::BlockContext& block, ledger::StateOverlay& state,
                     BytesView record_id, pb::ConsortiumRecord& record);
/// The centre has refused. Where there are arbiters, arbitration may be opened; unless it is, the
/// record stands where two thirds of the reviewers say so.
void SettleRefusal(const ledger::BlockContext& block, ledger::StateOverlay& state,
                   BytesView record_id, pb::ConsortiumRecord& record);
/// Fixes the arbiters and opens the arbitration, for the party in `opening` or, where that names
/// none, for the person who contests the record. False: there are no arbiters.
bool BeginArbitration(const ledger::BlockContext& block, ledger::StateOverlay& state,
                      BytesView record_id, pb::ConsortiumRecord& record, pb::Arbitration opening);
/// Arbitration was opened: its votes count from now on.
void AwaitVotes(const ledger::BlockContext& block, ledger::StateOverlay& state, BytesView record_id,
                pb::ConsortiumRecord& record);
/// The arbiters have decided: `stands`, or the dispute is upheld and the centre has the answer
/// window to bring a correction.
void SettleArbitration(const ledger::BlockContext& block, ledger::StateOverlay& state,
                       BytesView record_id, pb::ConsortiumRecord& record, bool stands);
/// A correction of `record` was promoted. An open review settles when its windows close, everything
/// else now; points follow when the correction has stood its own review.
void SettleCorrection(const ledger::BlockContext& block, ledger::StateOverlay& state,
                      BytesView record_id, pb::ConsortiumRecord& record);

/// The record was erased: whatever was open about it ends, and nobody gains or loses.
void SettleErasure(const ledger::BlockContext& block, ledger::StateOverlay& state,
                   BytesView record_id, pb::ConsortiumRecord& record);

/// An Erased `by` of `source_chain` has come: erases the records its decision names here, and keeps
/// those out that have not come yet (consortium_erasure.cpp).
void EraseRecords(const Call& call, BytesView source_chain, BytesView by,
                  const pb::PromotionDecision& decision);

/// BeginBlock and HasDueWork of the consortium chain.
void DoDueWork(const ledger::BlockContext& block, ledger::StateOverlay& state);
bool IsWorkDue(Timestamp time, const ledger::StateReader& state);

/// Settlements a block does at its start at most; the rest waits for the next.
inline constexpr std::size_t kMaxDuePerBlock = 64;

}  // namespace talent::tiers
