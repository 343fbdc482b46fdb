// A person's own contests of records about it; the rules are in private_contest.cpp.
#pragma once

#include "talent/tiers/v1/consortium.pb.h"
#include "talent/tiers/v1/contest.pb.h"
#include "tiers/kind.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// By contested record.
inline constexpr Table<pb::Contest> kContests{"contest/"};
/// By time and contested record.
inline constexpr Table<pb::ContestDue> kContestsDue{"contest_due/"};

/// RecordContested, ContestRefused.
std::span<const Kind> ContestKinds();

/// Of a contest, or of a dispute on the consortium. Errors: kInvalidArgument (names the field).
Status ValidateRefusal(const pb::Refusal& refusal);

/// This transaction answers the contest of the record, where there is one that was not corrected.
void AnswerContest(const Call& call, BytesView record_id, pb::ContestStatus status);

/// The contested record is erased: nothing is left to answer.
void EraseContest(const Call& call, BytesView record_id);

/// BeginBlock and HasDueWork of a private chain: what was not answered in time is noted as that.
void NoteLateAnswers(const ledger::BlockContext& block, ledger::StateOverlay& state);
bool IsAnswerDue(Timestamp time, const ledger::StateReader& state);

}  // namespace talent::tiers
