// The rule files of the consortium chain, and what they share.
#pragma once

#include "tiers/consortium_state.h"
#include "tiers/parties.h"

namespace talent::tiers {

std::span<const Kind> PromotionKinds();  // consortium_promotion.cpp: RecordPromoted
std::span<const Kind> ReviewKinds();     // consortium_review.cpp: ReviewCommitted, ReviewRevealed
std::span<const Kind> DisputeKinds();    // consortium_dispute.cpp: DisputeAnswered

/// Commits to one record at most: bounds what a settlement writes and a correction path holds.
inline constexpr std::uint32_t kMaxReviews = 64;

/// Reads "policy" of the genesis, or takes the defaults. Errors: kInvalidArgument (names the
/// field).
Status InitConsortiumPolicy(JsonFields& app, ledger::StateOverlay& state);

/// A promoted record. Errors: kNotFound, kInvalidArgument (no record id).
Result<pb::ConsortiumRecord> RequireRecord(const Call& call, BytesView record_id);

/// Has `party` a stake in the record: as its author, investor or holder? What it says of the record
/// decides nothing and earns nothing.
bool IsPartyTo(const pb::ConsortiumRecord& record, const std::string& party);

/// Adds a step to the record's correction path, which begins with its promotion.
void AddStep(pb::ConsortiumRecord& record, const TxId& step);

// Settlement (settlement.cpp). All of them write `record`.

/// Opens the review of a promoted record: its windows and the work due at their end.
void OpenReview(const ledger::BlockContext& block, ledger::StateOverlay& state, BytesView record_id,
                pb::ConsortiumRecord& record);
/// The centre has named a correction: it has the answer window again to bring it here.
void AwaitCorrection(const ledger::BlockContext& block, ledger::StateOverlay& state,
                     BytesView record_id, pb::ConsortiumRecord& record);
/// The centre has refused: two thirds of the reviewers decide whether the record stands.
void SettleRefusal(const ledger::BlockContext& block, ledger::StateOverlay& state,
                   BytesView record_id, pb::ConsortiumRecord& record);
/// A correction of `record` was promoted. An open review settles when its windows close, everything
/// else now.
void SettleCorrection(const ledger::BlockContext& block, ledger::StateOverlay& state,
                      BytesView record_id, pb::ConsortiumRecord& record);

/// BeginBlock and HasDueWork of the consortium chain.
void DoDueWork(const ledger::BlockContext& block, ledger::StateOverlay& state);
bool IsWorkDue(Timestamp time, const ledger::StateReader& state);

/// Settlements a block does at its start at most; the rest waits for the next.
inline constexpr std::size_t kMaxDuePerBlock = 64;

}  // namespace talent::tiers
