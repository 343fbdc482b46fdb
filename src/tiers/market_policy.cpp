#include "tiers/market_policy.h"

#include "tiers/ability_limits.h"

namespace talent::tiers {
namespace {

constexpr std::uint32_t kWhole = 10000;  // basis points
constexpr std::uint64_t kMaxBudget = 1'000'000'000'000'000;
constexpr std::uint64_t kDayMs = 86'400'000;
constexpr std::uint64_t kMaxSupervisionMs = 10 * 365 * kDayMs;
constexpr std::size_t kClasses = 4;
constexpr std::uint32_t kMaxWeight = 1000;
constexpr std::uint32_t kMaxCount = 100;

Status ReadSmall(JsonFields& json, const char* name, std::uint32_t max, pb::MarketPolicy& policy,
                 void (pb::MarketPolicy::*set)(std::uint32_t)) {
  if (!json.Has(name)) return {};
  (policy.*set)(static_cast<std::uint32_t>(TRY(json.Number(name, 0, max))));
  return {};
}

Status ReadBudgets(JsonFields& json, pb::MarketPolicy& policy) {
  if (!json.Has("budgets")) return {};
  const nlohmann::json& list = *TRY(json.Any("budgets"));
  bool fits = list.is_array() && list.size() == kClasses;
  for (std::size_t i = 0; fits && i < kClasses; ++i) {
    fits = list[i].is_number_unsigned() && list[i].get<std::uint64_t>() <= kMaxBudget &&
           (i == 0 || list[i].get<std::uint64_t>() <= list[i - 1].get<std::uint64_t>());
  }
  // Nobody without an investor is to cost more than the least who has one.
  if (!fits || list[3].get<std::uint64_t>() >= list[2].get<std::uint64_t>()) {
    return Fail(
        Code::kInvalidArgument,
        "{} is no descending list of the budgets of class A, B, C and D, 0 to {}, D below C",
        json.PathOf("budgets"), kMaxBudget);
  }
  policy.clear_budgets();
  for (const auto& budget : list) policy.add_budgets(budget.get<std::uint64_t>());
  return {};
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
  return policy;
}

Result<pb::MarketPolicy> ReadMarketPolicy(JsonFields& json) {
  using Policy = pb::MarketPolicy;
  Policy policy = DefaultMarketPolicy();
  policy.set_version(TRY(json.Number("version", 1, UINT32_MAX)));
  TRY(ReadSmall(json, "plan_a_bps", kWhole, policy, &Policy::set_plan_a_bps));
  TRY(ReadSmall(json, "plan_b_bps", kWhole, policy, &Policy::set_plan_b_bps));
  TRY(ReadBudgets(json, policy));
  TRY(ReadSmall(json, "min_bar", kFullScore, policy, &Policy::set_min_bar));
  TRY(ReadSmall(json, "placement_bps", kWhole, policy, &Policy::set_placement_bps));
  TRY(ReadSmall(json, "max_retrainings", kMaxCount, policy, &Policy::set_max_retrainings));
  TRY(ReadSmall(json, "share_weight", kMaxWeight, policy, &Policy::set_share_weight));
  TRY(ReadSmall(json, "will_weight", kMaxWeight, policy, &Policy::set_will_weight));
  if (json.Has("supervision_ms")) {
    policy.set_supervision_ms(TRY(json.Number("supervision_ms", 0, kMaxSupervisionMs)));
  }
  TRY(ReadSmall(json, "max_moves", kMaxCount, policy, &Policy::set_max_moves));
  TRY(json.Finish());
  if (policy.plan_a_bps() < policy.plan_b_bps()) {
    return Fail(Code::kInvalidArgument, "{} is below {}", json.PathOf("plan_a_bps"),
                json.PathOf("plan_b_bps"));
  }
  return policy;
}

pb::MarketPolicy MarketPolicyOf(const ledger::StateReader& state) {
  auto policy = kMarketPolicy.Get(state, kMarketPolicyKey);
  CHECK(policy.has_value(), "the genesis writes a market policy");
  return *std::move(policy);
}

}  // namespace talent::tiers
