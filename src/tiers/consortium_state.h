// Tables of the consortium chain, besides those of tables.h.
#pragma once

#include "talent/tiers/v1/consortium.pb.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// "policy/consortium".
inline constexpr Table<pb::ConsortiumPolicy> kConsortiumPolicy{"policy/"};
inline constexpr std::string_view kConsortiumPolicyKey = "consortium";
/// By version.
inline constexpr Table<pb::ConsortiumPolicy> kConsortiumPolicies{"policy_version/"};
/// By record id.
inline constexpr Table<pb::ConsortiumRecord> kConsortiumRecords{"rec/"};
/// By record and party id.
inline constexpr Table<pb::Review> kReviews{"review/"};
/// By record id.
inline constexpr Table<pb::Arbitration> kArbitrations{"arbitration/"};
/// By time and record id.
inline constexpr Table<pb::DueWork> kDueWork{"due/"};
/// By sequence number from 1: what the public chain's promoter follows.
inline constexpr Table<pb::Settled> kSettled{"settled/"};
/// The empty key.
inline constexpr Table<pb::SettledCount> kSettledCount{"settled_count"};
/// By party id.
inline constexpr Table<pb::Standing> kStandings{"standing/"};
/// By party id, '/' and sequence number.
inline constexpr Table<pb::PointsEntry> kPoints{"points/"};

/// What is here under the id of a record of `source_chain`. nullopt: nothing, or another chain has
/// kept the id out, which says nothing about this one's record.
std::optional<pb::ConsortiumRecord> FindPromoted(const ledger::StateReader& state,
                                                 BytesView source_chain, BytesView record_id);

/// The policy in force.
pb::ConsortiumPolicy PolicyOf(const ledger::StateReader& state);
/// The policy `record` was promoted under, which its review keeps to the end.
pb::ConsortiumPolicy PolicyOf(const ledger::StateReader& state, const pb::ConsortiumRecord& record);

}  // namespace talent::tiers
