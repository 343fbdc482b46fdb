// Community points: balances, the ledger behind them, decay, tiers and what a tier may read when.
#pragma once

#include "base/strong.h"
#include "tiers/consortium_state.h"

namespace talent::tiers {

/// Classes that a record's value puts it in.
inline constexpr std::uint32_t kValueClasses = 4;
/// Tiers that points put members in.
inline constexpr std::size_t kPointsTiers = 4;

/// One change of a member's points.
struct PointsChange {
  std::string member;
  std::int64_t delta = 0;
  pb::PointsReason reason = pb::POINTS_REASON_UNSPECIFIED;
  Bytes record_id;
  Bytes review;              // commit transaction; empty for a centre
  std::int64_t waiting = 0;  // change of what waits to be paid out
  std::uint64_t policy_version = 0;
};

/// Books `change` at `now`. False: a reward over the daily cap, which is not booked.
bool BookPoints(ledger::StateOverlay& state, const pb::ConsortiumPolicy& policy, Timestamp now,
                const PointsChange& change);

/// The member's balance at `now`. At every multiple of the half-life since the Unix epoch that has
/// passed since the last booking it was halved, towards zero.
std::int64_t PointsOf(const ledger::StateReader& state, const pb::ConsortiumPolicy& policy,
                      BytesView member, Timestamp now);
/// What the member's confirmations have earned and waits to be paid out; halved in the same way.
std::int64_t WaitingOf(const ledger::StateReader& state, const pb::ConsortiumPolicy& policy,
                       BytesView member, Timestamp now);

/// 0 to 3.
std::size_t PointsTier(const pb::ConsortiumPolicy& policy, std::int64_t points);

/// How long after its promotion a payload of `value_class` opens to `tier`.
Millis ReleaseDelay(const pb::ConsortiumPolicy& policy, std::uint32_t value_class,
                    std::size_t tier);

}  // namespace talent::tiers
