#include <algorithm>
#include <functional>

#include "tiers/consortium_rules.h"
#include "tiers/market_policy.h"
#include "tiers/points.h"
#include "tiers/policies.h"

namespace talent::tiers {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kMaxWindowMs = 365 * 24 * kHourMs;
constexpr std::uint32_t kMaxPointsStep = 1'000'000;
constexpr std::uint32_t kMaxClassWeight = 1000;

pb::ConsortiumPolicy Defaults() {
  pb::ConsortiumPolicy policy;
  policy.set_version(1);
  policy.set_commit_window_ms(4 * kHourMs);
  policy.set_reveal_window_ms(2 * kHourMs);
  policy.set_answer_window_ms(72 * kHourMs);
  policy.set_min_reviews(2);
  policy.set_points_confirmation_stands(1);
  policy.set_points_dispute_upheld(5);
  policy.set_points_confirmed_wrong(5);
  policy.set_points_dispute_false(3);
  policy.set_points_not_revealed(5);
  policy.set_points_centre_silent(10);
  policy.set_confirmations_paid(10);
  for (const std::uint32_t weight : {1, 2, 4, 8}) policy.add_class_weights(weight);
  policy.set_daily_cap(200);
  policy.set_half_life_ms(180 * 24 * kHourMs);
  policy.set_max_debt(100);
  for (const std::uint64_t points : {0, 50, 500, 5000}) policy.add_tier_points(points);
  for (const std::uint64_t hours : {0, 0, 0, 0, 24, 6, 0, 0, 72, 24, 6, 0, 168, 72, 24, 0}) {
    policy.add_release_delays_ms(hours * kHourMs);
  }
  policy.set_appeal_window_ms(24 * kHourMs);
  policy.set_arbitration_window_ms(72 * kHourMs);
  policy.set_arbiters_quorum_bps(5000);
  return policy;
}

// The readers take what the message can hold; ValidateConsortiumPolicy says what it may.

Result<std::uint32_t> Small(JsonFields& json, const std::string& name) {
  return static_cast<std::uint32_t>(TRY(json.Number(name, 0, UINT32_MAX)));
}

/// Whole numbers up to `max`.
Result<std::vector<std::uint64_t>> Numbers(JsonFields& json, const std::string& name,
                                           std::uint64_t max) {
  const nlohmann::json& list = *TRY(json.Any(name));
  const bool fits =
      list.is_array() && std::ranges::all_of(list, [max](const auto& number) {
        return number.is_number_unsigned() && number.template get<std::uint64_t>() <= max;
      });
  if (!fits) {
    return Fail(Code::kInvalidArgument, "{} is no list of whole numbers from 0 to {}",
                json.PathOf(name), max);
  }
  return list.get<std::vector<std::uint64_t>>();
}

Status ReadPoints(JsonFields json, pb::ConsortiumPolicy& policy) {
  policy.set_points_confirmation_stands(TRY(Small(json, "confirmation_stands")));
  policy.set_points_dispute_upheld(TRY(Small(json, "dispute_upheld")));
  policy.set_points_confirmed_wrong(TRY(Small(json, "confirmed_wrong")));
  policy.set_points_dispute_false(TRY(Small(json, "dispute_false")));
  policy.set_points_not_revealed(TRY(Small(json, "not_revealed")));
  policy.set_points_centre_silent(TRY(Small(json, "centre_silent")));
  policy.set_confirmations_paid(TRY(Small(json, "confirmations_paid")));
  policy.clear_class_weights();
  for (const std::uint64_t weight : TRY(Numbers(json, "class_weights", UINT32_MAX))) {
    policy.add_class_weights(static_cast<std::uint32_t>(weight));
  }
  policy.set_daily_cap(TRY(Small(json, "daily_cap")));
  policy.set_half_life_ms(TRY(json.Number("half_life_ms", 0, UINT64_MAX)));
  policy.set_max_debt(TRY(Small(json, "max_debt")));
  return json.Finish();
}

Status ReadRelease(JsonFields json, pb::ConsortiumPolicy& policy) {
  policy.clear_tier_points();
  for (const std::uint64_t points : TRY(Numbers(json, "tiers", UINT64_MAX))) {
    policy.add_tier_points(points);
  }
  policy.clear_release_delays_ms();
  for (const std::uint64_t delay : TRY(Numbers(json, "delays_ms", UINT64_MAX))) {
    policy.add_release_delays_ms(delay);
  }
  return json.Finish();
}

/// Exactly `count` numbers up to `max`.
template <class List>
Status CheckList(const std::string& path, std::string_view name, const List& list, int count,
                 std::uint64_t max) {
  if (list.size() == count && std::ranges::all_of(list, [max](auto n) { return n <= max; })) {
    return {};
  }
  return Fail(Code::kInvalidArgument, "{}{} is no list of {} whole numbers from 0 to {}", path,
              name, count, max);
}

Status CheckPoints(const pb::ConsortiumPolicy& policy, const std::string& path) {
  const std::string points = path + "points.";
  TRY(CheckNumbers(points,
                   {{"confirmation_stands", policy.points_confirmation_stands(), 0, kMaxPointsStep},
                    {"dispute_upheld", policy.points_dispute_upheld(), 0, kMaxPointsStep},
                    {"confirmed_wrong", policy.points_confirmed_wrong(), 0, kMaxPointsStep},
                    {"dispute_false", policy.points_dispute_false(), 0, kMaxPointsStep},
                    {"not_revealed", policy.points_not_revealed(), 0, kMaxPointsStep},
                    {"centre_silent", policy.points_centre_silent(), 0, kMaxPointsStep},
                    {"confirmations_paid", policy.confirmations_paid(), 0, kMaxPointsStep},
                    {"daily_cap", policy.daily_cap(), 0, kMaxPointsStep},
                    {"half_life_ms", policy.half_life_ms(), 0, 100 * kMaxWindowMs},
                    {"max_debt", policy.max_debt(), 0, kMaxPointsStep}}));
  if (policy.half_life_ms() != 0 && policy.half_life_ms() < kHourMs) {
    return Fail(Code::kInvalidArgument, "{}half_life_ms is less than an hour; 0 means never",
                points);
  }
  return CheckList(points, "class_weights", policy.class_weights(), kValueClasses, kMaxClassWeight);
}

}  // namespace

Result<pb::ConsortiumPolicy> ReadConsortiumPolicy(JsonFields& json) {
  using Policy = pb::ConsortiumPolicy;
  Policy policy = Defaults();
  if (json.Has("version")) policy.set_version(TRY(json.Number("version", 0, UINT32_MAX)));
  const auto read_window = [&](const char* name, void (Policy::*set)(std::uint64_t)) -> Status {
    if (json.Has(name)) (policy.*set)(TRY(json.Number(name, 0, UINT64_MAX)));
    return {};
  };
  TRY(read_window("commit_window_ms", &Policy::set_commit_window_ms));
  TRY(read_window("reveal_window_ms", &Policy::set_reveal_window_ms));
  TRY(read_window("answer_window_ms", &Policy::set_answer_window_ms));
  TRY(read_window("appeal_window_ms", &Policy::set_appeal_window_ms));
  TRY(read_window("arbitration_window_ms", &Policy::set_arbitration_window_ms));
  if (json.Has("min_reviews")) policy.set_min_reviews(TRY(Small(json, "min_reviews")));
  if (json.Has("arbiters_quorum_bps")) {
    policy.set_arbiters_quorum_bps(TRY(Small(json, "arbiters_quorum_bps")));
  }
  if (json.Has("points")) TRY(ReadPoints(TRY(json.Object("points")), policy));
  if (json.Has("release")) TRY(ReadRelease(TRY(json.Object("release")), policy));
  TRY(json.Finish());
  TRY(ValidateConsortiumPolicy(policy, json.PathOf("")));
  return policy;
}

Status InitConsortiumPolicy(JsonFields& app, ledger::StateOverlay& state) {
  pb::ConsortiumPolicy policy = Defaults();
  if (app.Has("policy")) {
    auto json = TRY(app.Object("policy"));
    policy = TRY(ReadConsortiumPolicy(json));
  }
  PutConsortiumPolicy(state, policy);
  return {};
}

Status ValidateConsortiumPolicy(const pb::ConsortiumPolicy& policy, const std::string& path) {
  TRY(CheckNumbers(path,
                   {{"version", policy.version(), 1, UINT32_MAX},
                    {"commit_window_ms", policy.commit_window_ms(), 1, kMaxWindowMs},
                    {"reveal_window_ms", policy.reveal_window_ms(), 1, kMaxWindowMs},
                    {"answer_window_ms", policy.answer_window_ms(), 1, kMaxWindowMs},
                    {"appeal_window_ms", policy.appeal_window_ms(), 1, kMaxWindowMs},
                    {"arbitration_window_ms", policy.arbitration_window_ms(), 1, kMaxWindowMs},
                    {"min_reviews", policy.min_reviews(), 1, kMaxReviews},
                    {"arbiters_quorum_bps", policy.arbiters_quorum_bps(), 0, kBasisPoints - 1}}));
  TRY(CheckPoints(policy, path));
  TRY(CheckList(path, "release.tiers", policy.tier_points(), kPointsTiers, UINT32_MAX));
  const auto& tiers = policy.tier_points();
  const bool ascends =
      std::adjacent_find(tiers.begin(), tiers.end(), std::greater_equal<>()) == tiers.end();
  if (tiers.Get(0) != 0 || !ascends) {
    return Fail(Code::kInvalidArgument, "{}release.tiers does not ascend from 0", path);
  }
  return CheckList(path, "release.delays_ms", policy.release_delays_ms(),
                   kValueClasses * kPointsTiers, kMaxWindowMs);
}

void PutConsortiumPolicy(ledger::StateOverlay& state, const pb::ConsortiumPolicy& policy) {
  kConsortiumPolicy.Put(state, kConsortiumPolicyKey, policy);
  kConsortiumPolicies.Put(state, BigEndian(policy.version()), policy);
}

pb::ConsortiumPolicy PolicyOf(const ledger::StateReader& state) {
  auto policy = kConsortiumPolicy.Get(state, kConsortiumPolicyKey);
  CHECK(policy.has_value(), "the genesis writes a policy");
  return *std::move(policy);
}

pb::ConsortiumPolicy PolicyOf(const ledger::StateReader& state,
                              const pb::ConsortiumRecord& record) {
  auto policy = kConsortiumPolicies.Get(state, BigEndian(record.policy_version()));
  CHECK(policy.has_value(), "a record is reviewed under a policy that was in force");
  return *std::move(policy);
}

}  // namespace talent::tiers
