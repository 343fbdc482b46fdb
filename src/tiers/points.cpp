#include "tiers/points.h"

#include <algorithm>

namespace talent::tiers {
namespace {

// Brings a balance to `now`. Counts from the last booking by the half-life in force, so that a vote
// that changes it neither wipes nor freezes what members have.
void Decay(pb::Standing& standing, const pb::ConsortiumPolicy& policy, Timestamp now) {
  const std::uint64_t half_life = policy.half_life_ms();
  std::int64_t points = standing.points();
  std::int64_t waiting = standing.waiting();
  if (half_life != 0) {
    const std::uint64_t until = now.value / half_life;
    for (std::uint64_t at = standing.booked_ms() / half_life;
         at < until && (points != 0 || waiting != 0); ++at) {
      points /= 2;  // towards zero in C++
      waiting /= 2;
    }
  }
  standing.set_booked_ms(now.value);
  standing.set_points(points);
  standing.set_waiting(waiting);
}

pb::Standing StandingOf(const ledger::StateReader& state, const pb::ConsortiumPolicy& policy,
                        BytesView member, Timestamp now) {
  pb::Standing standing = kStandings.Get(state, member).value_or(pb::Standing());
  Decay(standing, policy, now);
  return standing;
}

}  // namespace

bool BookPoints(ledger::StateOverlay& state, const pb::ConsortiumPolicy& policy, Timestamp now,
                const PointsChange& change) {
  pb::Standing standing = StandingOf(state, policy, change.member, now);
  if (change.delta + change.waiting > 0) {  // paying out what waits gives nothing new
    const std::uint64_t today = now.value / kDayMs;
    if (standing.day() != today) standing.set_rewards_today(0);
    standing.set_day(today);
    if (standing.rewards_today() >= policy.daily_cap()) return false;
    standing.set_rewards_today(standing.rewards_today() + 1);
  }
  standing.set_points(standing.points() + change.delta);
  standing.set_waiting(standing.waiting() + change.waiting);
  standing.set_entries(standing.entries() + 1);
  kStandings.Put(state, change.member, standing);
  pb::PointsEntry entry;
  entry.set_delta(change.delta);
  entry.set_reason(change.reason);
  entry.set_record_id(change.record_id);
  entry.set_review(change.review);
  entry.set_time_ms(now.value);
  entry.set_balance(standing.points());
  entry.set_waiting(change.waiting);
  entry.set_policy_version(change.policy_version);
  kPoints.Put(state, Concat({change.member, "/", BigEndian(standing.entries())}), entry);
  return true;
}

std::int64_t PointsOf(const ledger::StateReader& state, const pb::ConsortiumPolicy& policy,
                      BytesView member, Timestamp now) {
  return StandingOf(state, policy, member, now).points();
}

std::int64_t WaitingOf(const ledger::StateReader& state, const pb::ConsortiumPolicy& policy,
                       BytesView member, Timestamp now) {
  return StandingOf(state, policy, member, now).waiting();
}

std::size_t PointsTier(const pb::ConsortiumPolicy& policy, std::int64_t points) {
  const auto& bounds = policy.tier_points();
  const auto above = std::ranges::find_if(bounds, [&](std::uint64_t bound) {
    return points < 0 || static_cast<std::uint64_t>(points) < bound;
  });
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(above - bounds.begin() - 1, 0));
}

Millis ReleaseDelay(const pb::ConsortiumPolicy& policy, std::uint32_t value_class,
                    std::size_t tier) {
  const std::size_t cell = value_class * kPointsTiers + tier;
  CHECK(tier < kPointsTiers && cell < static_cast<std::size_t>(policy.release_delays_ms_size()));
  return Millis(policy.release_delays_ms(static_cast<int>(cell)));
}

}  // namespace talent::tiers
