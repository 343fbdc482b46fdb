#include "tiers/promotion_policy.h"

#include <algorithm>

#include "tiers/policies.h"

namespace talent::tiers {
namespace {

constexpr std::size_t kMaxRules = 256;
constexpr std::size_t kMaxText = 64;
constexpr std::uint32_t kFullScore = 10000;

Result<ledger::pb::Disclosure> ReadDisclosure(JsonFields& json) {
  const std::string text = TRY(json.Text("disclosure", kMaxText));
  if (text == "full") return ledger::pb::DISCLOSURE_FULL;
  if (text == "commitment") return ledger::pb::DISCLOSURE_COMMITMENT;
  return Fail(Code::kInvalidArgument, "{} is '{}', neither 'full' nor 'commitment'",
              json.PathOf("disclosure"), text);
}

// Takes what the message can hold; ValidatePromotionPolicy says what it may.
Result<std::uint32_t> ReadNumber(JsonFields& json, const std::string& name) {
  return static_cast<std::uint32_t>(TRY(json.Number(name, 0, UINT32_MAX)));
}

Status ReadConditions(JsonFields& json, pb::PromotionRule& rule) {
  rule.set_max_score(kFullScore);
  if (json.Has("tag")) {
    const std::string tag = TRY(json.Text("tag", kMaxText));
    if (tag != "matched" && tag != "matchable") {
      return Fail(Code::kInvalidArgument, "{} is '{}', neither 'matched' nor 'matchable'",
                  json.PathOf("tag"), tag);
    }
    rule.set_tag(tag == "matched" ? pb::TAG_MATCH_MATCHED : pb::TAG_MATCH_MATCHABLE);
  }
  if (json.Has("industry")) rule.set_industry(TRY(json.Text("industry", kMaxText)));
  if (json.Has("min_score")) rule.set_min_score(TRY(ReadNumber(json, "min_score")));
  if (json.Has("max_score")) rule.set_max_score(TRY(ReadNumber(json, "max_score")));
  return {};
}

Result<pb::PromotionRule> ReadRule(JsonFields& json) {
  pb::PromotionRule rule;
  rule.set_kind(TRY(json.Text("kind", kMaxText)));
  rule.set_disclosure(TRY(ReadDisclosure(json)));
  TRY(ReadConditions(json, rule));
  if (json.Has("withhold")) {
    const nlohmann::json& withhold = *TRY(json.Any("withhold"));
    if (withhold != true) {
      return Fail(Code::kInvalidArgument, "{} is not true; leave it out instead",
                  json.PathOf("withhold"));
    }
    rule.set_withhold(true);
  } else {
    rule.set_priority(TRY(ReadNumber(json, "priority")));
    rule.set_value_class(TRY(ReadNumber(json, "value_class")));
  }
  TRY(json.Finish());
  return rule;
}

Status CheckRule(const pb::PromotionRule& rule, const std::string& path) {
  if (rule.kind() != "*" && FindKind(PrivateKinds(), rule.kind()) == nullptr) {
    return Fail(Code::kInvalidArgument, "{}kind is '{}', which is no kind of a private chain", path,
                rule.kind());
  }
  if (rule.disclosure() != ledger::pb::DISCLOSURE_FULL &&
      rule.disclosure() != ledger::pb::DISCLOSURE_COMMITMENT) {
    return Fail(Code::kInvalidArgument, "{}disclosure is neither FULL nor COMMITMENT", path);
  }
  if (!pb::TagMatch_IsValid(rule.tag()) || rule.industry().size() > kMaxText) {
    return Fail(Code::kInvalidArgument, "{}tag is unknown, or {}industry over {} bytes", path, path,
                kMaxText);
  }
  // A rule that withholds has neither.
  const std::uint32_t lowest = rule.withhold() ? 0 : kLowestPriority;
  const std::uint32_t highest = rule.withhold() ? 0 : kHighestValueClass;
  return CheckNumbers(path, {{"min_score", rule.min_score(), 0, kFullScore},
                             {"max_score", rule.max_score(), 0, kFullScore},
                             {"priority", rule.priority(), 0, lowest},
                             {"value_class", rule.value_class(), 0, highest}});
}

bool Fits(const pb::PromotionRule& rule, const RecordFacts& facts) {
  if (rule.disclosure() != facts.entry.disclosure()) return false;
  if (rule.kind() != "*" && rule.kind() != facts.entry.kind() &&
      rule.kind() != facts.entry.content_kind()) {
    return false;
  }
  if (rule.tag() != pb::TAG_MATCH_UNSPECIFIED || !rule.industry().empty()) {
    const bool tagged = std::ranges::any_of(facts.tags, [&](const pb::IndustryTag& tag) {
      return (rule.tag() == pb::TAG_MATCH_UNSPECIFIED || tag.match() == rule.tag()) &&
             (rule.industry().empty() || tag.industry() == rule.industry());
    });
    if (!tagged) return false;
  }
  if (rule.min_score() == 0 && rule.max_score() == kFullScore) return true;
  return facts.mean_score && *facts.mean_score >= rule.min_score() &&
         *facts.mean_score <= rule.max_score();
}

struct ConsentScope {
  bool consortium = false;
  bool publication = false;
};

ConsentScope ConsentFor(const Call& call, const pb::PrivateRecord& entry) {
  const auto consent = kConsents.Get(call.state, entry.subject_id());
  if (!consent || !Covers(*consent, entry.content_kind(), call.block.time)) return {};
  const auto& tiers = consent->tiers();
  return {.consortium = std::ranges::find(tiers, pb::CONSENT_TIER_CONSORTIUM) != tiers.end(),
          .publication = std::ranges::find(tiers, pb::CONSENT_TIER_PUBLIC) != tiers.end()};
}

// Enterprises with a stake in the subject. Never more than there are parties.
void AddParties(const Call& call, const pb::PrivateRecord& entry, pb::PromotionDecision& decision) {
  kConcerns.Scan(call.state, entry.subject_id(), {}, [&](BytesView party, const pb::Concern&) {
    decision.add_parties(Bytes(party));
    return true;
  });
}

pb::PromotionRule DefaultRule(std::string_view kind, std::uint32_t priority,
                              std::uint32_t value_class,
                              pb::TagMatch tag = pb::TAG_MATCH_UNSPECIFIED) {
  pb::PromotionRule rule;
  rule.set_kind(std::string(kind));
  rule.set_disclosure(ledger::pb::DISCLOSURE_FULL);
  rule.set_tag(tag);
  rule.set_max_score(kFullScore);
  rule.set_priority(priority);
  rule.set_value_class(value_class);
  return rule;
}

}  // namespace

Result<pb::PromotionPolicy> ReadPromotionPolicy(JsonFields& json) {
  pb::PromotionPolicy policy;
  policy.set_version(TRY(json.Number("version", 0, UINT32_MAX)));
  for (JsonFields& rule : TRY(json.Array("rules", kMaxRules))) {
    *policy.add_rules() = TRY(ReadRule(rule));
  }
  TRY(json.Finish());
  TRY(ValidatePromotionPolicy(policy, json.PathOf("")));
  return policy;
}

Status ValidatePromotionPolicy(const pb::PromotionPolicy& policy, const std::string& path) {
  TRY(CheckNumbers(path,
                   {{"version", policy.version(), 1, UINT32_MAX},
                    {"rules", static_cast<std::uint64_t>(policy.rules_size()), 0, kMaxRules}}));
  for (int i = 0; i < policy.rules_size(); ++i) {
    TRY(CheckRule(policy.rules(i), fmt::format("{}rules[{}].", path, i)));
  }
  return {};
}

pb::PromotionPolicy DefaultPromotionPolicy() {
  pb::PromotionPolicy policy;
  policy.set_version(1);
  *policy.add_rules() = DefaultRule("Corrected", 0, 2);
  for (const char* const kind : {"Placed", "SupervisionFlagged"}) {
    *policy.add_rules() = DefaultRule(kind, 1, 2);
  }
  for (const char* const kind : {"FlowRecorded", "SupervisionClosed"}) {
    *policy.add_rules() = DefaultRule(kind, 1, 1);
  }
  *policy.add_rules() = DefaultRule("InvestmentConfirmed", 2, 1);
  *policy.add_rules() = DefaultRule("TokenIssued", 2, 1);
  *policy.add_rules() = DefaultRule("TokenPurchased", 2, 1);
  *policy.add_rules() = DefaultRule("TokenTransferred", 2, 1);
  *policy.add_rules() = DefaultRule("AbilityAssessed", 3, 2, pb::TAG_MATCH_MATCHED);
  *policy.add_rules() = DefaultRule("AbilityAssessed", 4, 1, pb::TAG_MATCH_MATCHABLE);
  *policy.add_rules() = DefaultRule("AbilityAssessed", 5, 1);
  *policy.add_rules() = DefaultRule("TrainingCompleted", 5, 1);
  *policy.add_rules() = DefaultRule("RecordContested", 1, 0);
  *policy.add_rules() = DefaultRule("*", kLowestPriority, 0);
  return policy;
}

const pb::PromotionRule* FittingRule(const pb::PromotionPolicy& policy, const RecordFacts& facts) {
  const auto rule =
      std::ranges::find_if(policy.rules(), [&](const auto& r) { return Fits(r, facts); });
  return rule == policy.rules().end() ? nullptr : &*rule;
}

pb::PromotionDecision DecideErasure(const Call& call, const RecordFacts& facts) {
  const auto policy = kPromotionPolicy.Get(call.state, kPromotionPolicyKey);
  CHECK(policy.has_value(), "the genesis writes a promotion policy");
  pb::PromotionDecision decision;
  decision.set_kind(facts.entry.kind());
  decision.set_content_kind(facts.entry.content_kind());
  decision.set_disclosure(facts.entry.disclosure());
  decision.set_author(facts.entry.author());
  decision.set_centre(facts.entry.centre());
  decision.set_policy_version(policy->version());
  for (const Bytes& record : facts.erases) decision.add_erases(record);
  return decision;
}

std::optional<pb::PromotionDecision> Decide(const Call& call, const RecordFacts& facts) {
  const pb::PrivateRecord& entry = facts.entry;
  if (entry.disclosure() == ledger::pb::DISCLOSURE_PRIVATE) return std::nullopt;
  const ConsentScope consent = ConsentFor(call, entry);
  if (!consent.consortium) return std::nullopt;
  if (!facts.supersedes.empty()) {
    const auto original = kDecisions.Get(call.state, facts.supersedes);
    if (!original || original->disclosure() < entry.disclosure()) return std::nullopt;
  }
  // Nobody there has seen what it is about.
  if (!facts.contests.empty() && !kDecisions.Has(call.state, facts.contests)) return std::nullopt;
  const auto policy = kPromotionPolicy.Get(call.state, kPromotionPolicyKey);
  CHECK(policy.has_value(), "the genesis writes a promotion policy");
  const pb::PromotionRule* const rule = FittingRule(*policy, facts);
  if (rule == nullptr || rule->withhold()) return std::nullopt;
  pb::PromotionDecision decision;
  decision.set_kind(entry.kind());
  decision.set_content_kind(entry.content_kind());
  decision.set_disclosure(entry.disclosure());
  decision.set_author(entry.author());
  decision.set_centre(entry.centre());
  decision.set_priority(rule->priority());
  decision.set_value_class(rule->value_class());
  decision.set_policy_version(policy->version());
  decision.set_supersedes(facts.supersedes);
  decision.set_contests(facts.contests);
  if (entry.disclosure() == ledger::pb::DISCLOSURE_FULL) {
    AddParties(call, entry, decision);
    decision.set_publish(consent.publication);
  }
  return decision;
}

}  // namespace talent::tiers
