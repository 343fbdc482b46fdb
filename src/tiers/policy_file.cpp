#include "tiers/policy_file.h"

#include "base/canonical.h"
#include "tiers/ability_limits.h"
#include "tiers/consortium_rules.h"
#include "tiers/market_policy.h"
#include "tiers/promotion_policy.h"

namespace talent::tiers {
namespace {

using Json = nlohmann::json;

Json RuleToJson(const pb::PromotionRule& rule) {
  Json out = {
      {"kind", rule.kind()},
      {"disclosure", rule.disclosure() == ledger::pb::DISCLOSURE_FULL ? "full" : "commitment"}};
  if (rule.tag() != pb::TAG_MATCH_UNSPECIFIED) {
    out["tag"] = rule.tag() == pb::TAG_MATCH_MATCHED ? "matched" : "matchable";
  }
  if (!rule.industry().empty()) out["industry"] = rule.industry();
  if (rule.min_score() != 0) out["min_score"] = rule.min_score();
  if (rule.max_score() != kFullScore) out["max_score"] = rule.max_score();
  if (rule.withhold()) {
    out["withhold"] = true;
  } else {
    out["priority"] = rule.priority();
    out["value_class"] = rule.value_class();
  }
  return out;
}

Json ToJson(const pb::PromotionPolicy& policy) {
  Json rules = Json::array();
  for (const auto& rule : policy.rules()) rules.push_back(RuleToJson(rule));
  return {{"version", policy.version()}, {"rules", std::move(rules)}};
}

Json ToJson(const pb::MarketPolicy& policy) {
  return {{"version", policy.version()},
          {"plan_a_bps", policy.plan_a_bps()},
          {"plan_b_bps", policy.plan_b_bps()},
          {"budgets", policy.budgets()},
          {"min_bar", policy.min_bar()},
          {"placement_bps", policy.placement_bps()},
          {"max_retrainings", policy.max_retrainings()},
          {"share_weight", policy.share_weight()},
          {"will_weight", policy.will_weight()},
          {"supervision_ms", policy.supervision_ms()},
          {"max_moves", policy.max_moves()},
          {"contest_window_ms", policy.contest_window_ms()}};
}

Json ToJson(const pb::ConsortiumPolicy& policy) {
  return {
      {"version", policy.version()},
      {"commit_window_ms", policy.commit_window_ms()},
      {"reveal_window_ms", policy.reveal_window_ms()},
      {"answer_window_ms", policy.answer_window_ms()},
      {"appeal_window_ms", policy.appeal_window_ms()},
      {"arbitration_window_ms", policy.arbitration_window_ms()},
      {"min_reviews", policy.min_reviews()},
      {"arbiters_quorum_bps", policy.arbiters_quorum_bps()},
      {"points",
       {{"confirmation_stands", policy.points_confirmation_stands()},
        {"dispute_upheld", policy.points_dispute_upheld()},
        {"confirmed_wrong", policy.points_confirmed_wrong()},
        {"dispute_false", policy.points_dispute_false()},
        {"not_revealed", policy.points_not_revealed()},
        {"centre_silent", policy.points_centre_silent()},
        {"confirmations_paid", policy.confirmations_paid()},
        {"class_weights", policy.class_weights()},
        {"daily_cap", policy.daily_cap()},
        {"half_life_ms", policy.half_life_ms()},
        {"max_debt", policy.max_debt()}}},
      {"release", {{"tiers", policy.tier_points()}, {"delays_ms", policy.release_delays_ms()}}}};
}

/// One of the policies there are.
struct Format {
  std::string_view name;
  Result<Bytes> (*read)(JsonFields& fields);
  Result<Json> (*write)(BytesView content);
  Result<std::uint64_t> (*version)(BytesView content);
};

template <class M, Result<M> (*Read)(JsonFields&)>
constexpr Format FormatOf(std::string_view name) {
  return {
      name, [](JsonFields& fields) -> Result<Bytes> { return Encode(TRY(Read(fields))); },
      [](BytesView content) -> Result<Json> { return ToJson(TRY(Decode<M>(content))); },
      [](BytesView content) -> Result<std::uint64_t> { return TRY(Decode<M>(content)).version(); }};
}

constexpr Format kFormats[] = {
    FormatOf<pb::PromotionPolicy, ReadPromotionPolicy>(kPromotionPolicyKey),
    FormatOf<pb::MarketPolicy, ReadMarketPolicy>(kMarketPolicyKey),
    FormatOf<pb::ConsortiumPolicy, ReadConsortiumPolicy>(kConsortiumPolicyKey),
};

Result<const Format*> FormatOf(const std::string& policy) {
  for (const Format& format : kFormats) {
    if (format.name == policy) return &format;
  }
  return Fail(Code::kInvalidArgument, "there is no policy '{}'", policy);
}

}  // namespace

Result<pb::PolicyChange> ParsePolicyFile(BytesView text) {
  const Json parsed = TRY(ParseJson(text));
  auto fields = TRY(JsonFields::Of(parsed, ""));
  for (const Format& format : kFormats) {
    const std::string name(format.name);
    if (!fields.Has(name)) continue;
    auto object = TRY(fields.Object(name));
    if (!object.Has("version")) {
      return Fail(Code::kInvalidArgument, "{} is missing: the version in force + 1",
                  object.PathOf("version"));
    }
    pb::PolicyChange change;
    change.set_policy(name);
    change.set_content(TRY(format.read(object)));
    TRY(fields.Finish());
    return change;
  }
  return Fail(
      Code::kInvalidArgument,
      "it names no policy: one field 'promotion', 'market' or 'consortium' is expected, with "
      "the policy in it");
}

Result<std::uint64_t> PolicyVersion(const std::string& policy, BytesView content) {
  return TRY(FormatOf(policy))->version(content);
}

Result<Json> PolicyToJson(const std::string& policy, BytesView content) {
  return Json{{policy, TRY(TRY(FormatOf(policy))->write(content))}};
}

}  // namespace talent::tiers
