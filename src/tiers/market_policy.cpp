#include "tiers/market_policy.h"

#include <algorithm>
#include <functional>

#include "tiers/ability_limits.h"
#include "tiers/policies.h"

namespace talent::tiers {
namespace {

constexpr std::uint64_t kMaxBudget = 1'000'000'000'000'000;
constexpr std::uint64_t kMaxSupervisionMs = 10 * 365 * kDayMs;
constexpr std::uint64_t kMaxContestMs = 365 * kDayMs;
constexpr int kTokenClasses = 4;
constexpr std::uint32_t kMaxPlacementWeight = 1000;
constexpr std::uint32_t kMaxCount = 100;

// The readers take what the message can hold; ValidateMarketPolicy says what it may.

Status ReadSmall(JsonFields& json, const char* name, pb::MarketPolicy& policy,
                 void (pb::MarketPolicy::*set)(std::uint32_t)) {
  if (!json.Has(name)) return {};
  (policy.*set)(static_cast<std::uint32_t>(TRY(json.Number(name, 0, UINT32_MAX))));
  return {};
}

Status ReadBudgets(JsonFields& json, pb::MarketPolicy& policy) {
  if (!json.Has("budgets")) return {};
  const nlohmann::json& list = *TRY(json.Any("budgets"));
  if (!list.is_array() ||
      !std::ranges::all_of(list, [](const auto& budget) { return budget.is_number_unsigned(); })) {
    return Fail(Code::kInvalidArgument, "{} is no list of whole numbers", json.PathOf("budgets"));
  }
  policy.clear_budgets();
  for (const auto& budget : list) policy.add_budgets(budget.get<std::uint64_t>());
  return {};
}

Status CheckBudgets(const pb::MarketPolicy& policy, const std::string& path) {
  const auto& list = policy.budgets();
  // Nobody without an investor is to cost more than the least who has one.
  const bool fits = list.size() == kTokenClasses && list.Get(0) <= kMaxBudget &&
                    std::is_sorted(list.begin(), list.end(), std::greater<>()) &&
                    list.Get(3) < list.Get(2);
  if (fits) return {};
  return Fail(Code::kInvalidArgument,
              "{}budgets is no descending list of the budgets of class A, B, C and D, 0 to {}, D "
              "below C",
              path, kMaxBudget);
}

}  // namespace

pb::MarketPolicy DefaultMarketPolicy() {
  pb::MarketPolicy policy;
  policy.set_version(1);
  policy.set_plan_a_bps(5000);
  policy.set_plan_b_bps(2000);
  for (const std::uint64_t budget : {4'000'000, 2'000'000, 1'000'000, 500'000}) {
    policy.add_budgets(budget);
  }
  policy.set_min_bar(6000);
  policy.set_placement_bps(3000);
  policy.set_max_retrainings(2);
  policy.set_share_weight(6);
  policy.set_will_weight(4);
  policy.set_supervision_ms(365 * kDayMs);
  policy.set_max_moves(1);
  policy.set_contest_window_ms(3 * kDayMs);
  return policy;
}

Result<pb::MarketPolicy> ReadMarketPolicy(JsonFields& json) {
  using Policy = pb::MarketPolicy;
  Policy policy = DefaultMarketPolicy();
  policy.set_version(TRY(json.Number("version", 0, UINT32_MAX)));
  TRY(ReadSmall(json, "plan_a_bps", policy, &Policy::set_plan_a_bps));
  TRY(ReadSmall(json, "plan_b_bps", policy, &Policy::set_plan_b_bps));
  TRY(ReadBudgets(json, policy));
  TRY(ReadSmall(json, "min_bar", policy, &Policy::set_min_bar));
  TRY(ReadSmall(json, "placement_bps", policy, &Policy::set_placement_bps));
  TRY(ReadSmall(json, "max_retrainings", policy, &Policy::set_max_retrainings));
  TRY(ReadSmall(json, "share_weight", policy, &Policy::set_share_weight));
  TRY(ReadSmall(json, "will_weight", policy, &Policy::set_will_weight));
  if (json.Has("supervision_ms")) {
    policy.set_supervision_ms(TRY(json.Number("supervision_ms", 0, UINT64_MAX)));
  }
  TRY(ReadSmall(json, "max_moves", policy, &Policy::set_max_moves));
  if (json.Has("contest_window_ms")) {
    policy.set_contest_window_ms(TRY(json.Number("contest_window_ms", 0, UINT64_MAX)));
  }
  TRY(json.Finish());
  TRY(ValidateMarketPolicy(policy, json.PathOf("")));
  return policy;
}

Status ValidateMarketPolicy(const pb::MarketPolicy& policy, const std::string& path) {
  TRY(CheckNumbers(path, {{"version", policy.version(), 1, UINT32_MAX},
                          {"plan_a_bps", policy.plan_a_bps(), 0, kBasisPoints},
                          {"plan_b_bps", policy.plan_b_bps(), 0, kBasisPoints},
                          {"min_bar", policy.min_bar(), 0, kFullScore},
                          {"placement_bps", policy.placement_bps(), 0, kBasisPoints},
                          {"max_retrainings", policy.max_retrainings(), 0, kMaxCount},
                          {"share_weight", policy.share_weight(), 0, kMaxPlacementWeight},
                          {"will_weight", policy.will_weight(), 0, kMaxPlacementWeight},
                          {"supervision_ms", policy.supervision_ms(), 0, kMaxSupervisionMs},
                          {"max_moves", policy.max_moves(), 0, kMaxCount},
                          {"contest_window_ms", policy.contest_window_ms(), 1, kMaxContestMs}}));
  TRY(CheckBudgets(policy, path));
  if (policy.plan_a_bps() < policy.plan_b_bps()) {
    return Fail(Code::kInvalidArgument, "{}plan_a_bps is below {}plan_b_bps", path, path);
  }
  return {};
}

pb::MarketPolicy MarketPolicyOf(const ledger::StateReader& state) {
  auto policy = kMarketPolicy.Get(state, kMarketPolicyKey);
  CHECK(policy.has_value(), "the genesis writes a market policy");
  return *std::move(policy);
}

}  // namespace talent::tiers
