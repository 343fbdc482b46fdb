#include "tiers/consortium_rules.h"

namespace talent::tiers {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kMaxWindowMs = 365 * 24 * kHourMs;
constexpr std::uint32_t kMaxPointsStep = 1'000'000;
constexpr int kClasses = 4;
constexpr int kTiers = 4;

pb::ConsortiumPolicy Defaults() {
  pb::ConsortiumPolicy policy;
  policy.set_version(1);
  policy.set_commit_window_ms(4 * kHourMs);
  policy.set_reveal_window_ms(2 * kHourMs);
  policy.set_answer_window_ms(72 * kHourMs);
  policy.set_min_reviews(2);
  policy.set_points_confirmation_stands(1);
  policy.set_points_dispute_upheld(5);
  policy.set_points_confirmed_wrong(2);
  policy.set_points_dispute_false(3);
  policy.set_points_not_revealed(1);
  policy.set_points_centre_silent(10);
  for (const std::uint32_t weight : {1, 2, 4, 8}) policy.add_class_weights(weight);
  policy.set_daily_cap(200);
  policy.set_half_life_ms(180 * 24 * kHourMs);
  policy.set_max_debt(20);
  for (const std::uint64_t points : {0, 50, 500, 5000}) policy.add_tier_points(points);
  for (const std::uint64_t hours : {0, 0, 0, 0, 24, 6, 0, 0, 72, 24, 6, 0, 168, 72, 24, 0}) {
    policy.add_release_delays_ms(hours * kHourMs);
  }
  return policy;
}

Result<std::uint32_t> Small(JsonFields& json, const std::string& name, std::uint32_t min,
                            std::uint32_t max) {
  return static_cast<std::uint32_t>(TRY(json.Number(name, min, max)));
}

/// Exactly `count` whole numbers up to `max`.
Result<std::vector<std::uint64_t>> Numbers(JsonFields& json, const std::string& name,
                                           std::size_t count, std::uint64_t max) {
  const nlohmann::json& list = *TRY(json.Any(name));
  bool fits = list.is_array() && list.size() == count;
  for (std::size_t i = 0; fits && i < count; ++i) {
    fits = list[i].is_number_unsigned() && list[i].get<std::uint64_t>() <= max;
  }
  if (!fits) {
    return Fail(Code::kInvalidArgument, "{} is no list of {} whole numbers from 0 to {}",
                json.PathOf(name), count, max);
  }
  return list.get<std::vector<std::uint64_t>>();
}

Status ReadPoints(JsonFields json, pb::ConsortiumPolicy& policy) {
  const auto read = [&](const char* name) { return Small(json, name, 0, kMaxPointsStep); };
  policy.set_points_confirmation_stands(TRY(read("confirmation_stands")));
  policy.set_points_dispute_upheld(TRY(read("dispute_upheld")));
  policy.set_points_confirmed_wrong(TRY(read("confirmed_wrong")));
  policy.set_points_dispute_false(TRY(read("dispute_false")));
  policy.set_points_not_revealed(TRY(read("not_revealed")));
  policy.set_points_centre_silent(TRY(read("centre_silent")));
  policy.clear_class_weights();
  for (const std::uint64_t weight : TRY(Numbers(json, "class_weights", kClasses, 1000))) {
    policy.add_class_weights(static_cast<std::uint32_t>(weight));
  }
  policy.set_daily_cap(TRY(Small(json, "daily_cap", 0, kMaxPointsStep)));
  policy.set_half_life_ms(TRY(json.Number("half_life_ms", 0, 100 * kMaxWindowMs)));
  if (policy.half_life_ms() != 0 && policy.half_life_ms() < kHourMs) {
    return Fail(Code::kInvalidArgument, "{} is less than an hour; 0 means never",
                json.PathOf("half_life_ms"));
  }
  policy.set_max_debt(TRY(Small(json, "max_debt", 0, kMaxPointsStep)));
  return json.Finish();
}

Status ReadRelease(JsonFields json, pb::ConsortiumPolicy& policy) {
  policy.clear_tier_points();
  for (const std::uint64_t points : TRY(Numbers(json, "tiers", kTiers, UINT32_MAX))) {
    const int known = policy.tier_points_size();
    if (known == 0 ? points != 0 : points <= policy.tier_points(known - 1)) {
      return Fail(Code::kInvalidArgument, "{} does not ascend from 0", json.PathOf("tiers"));
    }
    policy.add_tier_points(points);
  }
  policy.clear_release_delays_ms();
  for (const std::uint64_t delay :
       TRY(Numbers(json, "delays_ms", kClasses * kTiers, kMaxWindowMs))) {
    policy.add_release_delays_ms(delay);
  }
  return json.Finish();
}

Result<pb::ConsortiumPolicy> ReadPolicy(JsonFields json) {
  pb::ConsortiumPolicy policy = Defaults();
  const auto window = [&](const char* name) { return json.Number(name, 1, kMaxWindowMs); };
  if (json.Has("commit_window_ms")) policy.set_commit_window_ms(TRY(window("commit_window_ms")));
  if (json.Has("reveal_window_ms")) policy.set_reveal_window_ms(TRY(window("reveal_window_ms")));
  if (json.Has("answer_window_ms")) policy.set_answer_window_ms(TRY(window("answer_window_ms")));
  if (json.Has("min_reviews")) {
    policy.set_min_reviews(TRY(Small(json, "min_reviews", 1, kMaxReviews)));
  }
  if (json.Has("points")) TRY(ReadPoints(TRY(json.Object("points")), policy));
  if (json.Has("release")) TRY(ReadRelease(TRY(json.Object("release")), policy));
  TRY(json.Finish());
  return policy;
}

}  // namespace

Status InitConsortiumPolicy(JsonFields& app, ledger::StateOverlay& state) {
  const auto policy = app.Has("policy") ? TRY(ReadPolicy(TRY(app.Object("policy")))) : Defaults();
  kConsortiumPolicy.Put(state, kConsortiumPolicyKey, policy);
  return {};
}

pb::ConsortiumPolicy PolicyOf(const ledger::StateReader& state) {
  auto policy = kConsortiumPolicy.Get(state, kConsortiumPolicyKey);
  CHECK(policy.has_value(), "the genesis writes a policy");
  return *std::move(policy);
}

}  // namespace talent::tiers
