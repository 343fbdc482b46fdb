#include "tiers/policy_check.h"

#include <algorithm>

namespace talent::tiers {
namespace {

Verdict Judge(const pb::PromotionPolicy& policy, const RecordFacts& facts) {
  if (facts.entry.disclosure() == ledger::pb::DISCLOSURE_PRIVATE) return {};
  const pb::PromotionRule* const rule = FittingRule(policy, facts);
  if (rule == nullptr || rule->withhold()) return {};
  return {true, rule->priority(), rule->value_class()};
}

bool AsksForTags(const pb::PromotionPolicy& policy) {
  return std::ranges::any_of(policy.rules(), [](const pb::PromotionRule& rule) {
    return rule.tag() != pb::TAG_MATCH_UNSPECIFIED || !rule.industry().empty();
  });
}

}  // namespace

bool PolicyComparison::NeedsPayload(const pb::PrivateRecord& entry) const {
  return entry.content_kind() == "AbilityAssessed" &&
         entry.disclosure() != ledger::pb::DISCLOSURE_PRIVATE &&
         (AsksForTags(present_) || AsksForTags(next_));
}

Result<RecordFacts> PolicyComparison::FactsOf(const pb::PrivateRecord& entry, BytesView payload) {
  RecordFacts facts;
  facts.entry = entry;
  if (entry.content_kind() != "AbilityAssessed") return facts;
  facts.mean_score = entry.mean_score();
  if (payload.empty()) return facts;
  Bytes content(payload);
  if (entry.kind() == "Corrected") content = TRY(Decode<pb::Corrected>(payload)).content();
  const auto assessed = TRY(Decode<pb::AbilityAssessed>(content));
  facts.tags.assign(assessed.tags().begin(), assessed.tags().end());
  return facts;
}

bool PolicyComparison::IsNew(const RecordFacts& facts) const {
  return !Judge(present_, facts).leaves && Judge(next_, facts).leaves;
}

void PolicyComparison::Add(BytesView record_id, const RecordFacts& facts, bool consented) {
  ++records_;
  const Verdict before = Judge(present_, facts);
  const Verdict after = Judge(next_, facts);
  if (before == after) return;
  ++changed_;
  std::string kind = facts.entry.kind();
  if (kind != facts.entry.content_kind()) kind += " " + facts.entry.content_kind();
  Change& change = changes_[{kind, before, after}];
  change.kind = std::move(kind);
  change.before = before;
  change.after = after;
  ++change.records;
  if (!before.leaves && !consented) ++change.without_consent;
  if (change.examples.size() < kExamples) change.examples.emplace_back(record_id);
}

std::vector<PolicyComparison::Change> PolicyComparison::changes() const {
  std::vector<Change> out;
  for (const auto& [key, change] : changes_) out.push_back(change);
  return out;
}

}  // namespace talent::tiers
