// Tables and rules of the public chain, besides the shared ones.
#pragma once

#include <optional>

#include "talent/tiers/v1/public.pb.h"
#include "tiers/kind.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// By record id.
inline constexpr Table<pb::PublishedRecord> kPublished{"pub/"};

/// Steps a publication carries at most: the reviews of a record, its promotion, the person's
/// contest, the answer, an arbitration with its votes, and the correction.
inline constexpr int kMaxSteps = 85;

/// What this chain has of the record from the consortium that speaks about it; nullopt: nothing
/// yet. Errors: kUnauthorized (another consortium has brought it), kPruned (it was erased).
Result<std::optional<pb::PublishedRecord>> FindPublished(const Call& call, BytesView record_id,
                                                         BytesView consortium);

/// RecordPublished, CorrectionPublished.
std::span<const Kind> PublicationKinds();
/// ErasurePublished.
std::span<const Kind> PublicErasureKinds();

}  // namespace talent::tiers
