// Policies as JSON, and what another promotion policy would change.

#include "tiers/policy_file.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "tiers/consortium_rules.h"
#include "tiers/market_policy.h"
#include "tiers/policy_check.h"
#include "tiers/promotion_policy.h"

namespace talent::tiers {
namespace {

using ::testing::HasSubstr;

Result<pb::ConsortiumPolicy> ConsortiumFrom(const char* text) {
  const auto parsed = nlohmann::json::parse(text);
  auto fields = JsonFields::Of(parsed, "");
  return ReadConsortiumPolicy(*fields);
}

pb::PromotionPolicy SecondPolicy() {
  pb::PromotionPolicy policy = DefaultPromotionPolicy();
  policy.set_version(2);
  policy.mutable_rules(9)->set_industry("steel");
  policy.mutable_rules(9)->set_min_score(6000);
  policy.mutable_rules(9)->set_max_score(9000);
  auto& last = *policy.add_rules();
  last.set_kind("*");
  last.set_disclosure(ledger::pb::DISCLOSURE_COMMITMENT);
  last.set_max_score(10000);
  last.set_withhold(true);
  return policy;
}

TEST(PolicyFile, WhatIsWritten_IsReadAsTheSamePolicy) {
  pb::MarketPolicy market = DefaultMarketPolicy();
  market.set_version(7);
  market.set_min_bar(6100);
  const std::pair<std::string, Bytes> policies[] = {
      {"promotion", Encode(SecondPolicy())},
      {"market", Encode(market)},
      {"consortium", Encode(*ConsortiumFrom(R"({"version": 3, "min_reviews": 5})"))}};
  for (const auto& [name, content] : policies) {
    const auto written = PolicyToJson(name, content);
    ASSERT_TRUE(written) << written.error().message;
    const auto read = ParsePolicyFile(written->dump());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->policy(), name);
    EXPECT_EQ(read->content(), content);
    EXPECT_EQ(read->in_force(), 0u);
  }
  EXPECT_EQ(PolicyVersion("consortium", policies[2].second).value(), 3u);
}

TEST(PolicyFile, Errors_NameTheField) {
  const auto error = [](const char* text) {
    const auto read = ParsePolicyFile(text);
    return read ? "it was read" : read.error().message;
  };
  EXPECT_THAT(error("{"), HasSubstr("no JSON"));
  EXPECT_THAT(error("{}"), HasSubstr("names no policy"));
  EXPECT_THAT(error(R"({"market": {}})"), HasSubstr("market.version"));
  EXPECT_THAT(error(R"({"consortium": {"min_reviews": 3}})"), HasSubstr("consortium.version"));
  EXPECT_THAT(error(R"({"market": {"version": 2, "min_bar": 10001}})"),
              HasSubstr("market.min_bar"));
  EXPECT_THAT(error(R"({"market": {"version": 2}, "promotion": {"version": 2, "rules": []}})"),
              HasSubstr("market"));
  EXPECT_THAT(error(R"({"promotion": {"version": 2, "rules": [{"kind": "Placed",
                        "disclosure": "full", "priority": 10, "value_class": 0}]}})"),
              HasSubstr("promotion.rules[0].priority"));
  EXPECT_THAT(error(R"({"promotion": {"version": 2, "rules": [{"kind": "Placed",
                        "disclosure": "full", "priority": 1, "value_class": 0, "colour": 1}]}})"),
              HasSubstr("promotion.rules[0].colour"));
  EXPECT_THAT(error(R"({"consortium": {"version": 2, "points": {}}})"),
              HasSubstr("consortium.points."));
}

/// A record as the state and its payload have it.
struct Known {
  pb::PrivateRecord entry;
  Bytes payload;
};

Known KnownAssessment(ledger::pb::Disclosure disclosure, std::uint32_t score,
                      const char* industry) {
  pb::AbilityAssessed assessed;
  auto& tag = *assessed.add_tags();
  tag.set_industry(industry);
  tag.set_match(pb::TAG_MATCH_MATCHED);
  Known out;
  out.payload = Encode(assessed);
  out.entry.set_kind("AbilityAssessed");
  out.entry.set_content_kind("AbilityAssessed");
  out.entry.set_disclosure(disclosure);
  out.entry.set_mean_score(score);
  return out;
}

class PolicyCheck : public ::testing::Test {
 protected:
  void Hold(const Known& known, bool consented = true) {
    const auto facts = PolicyComparison::FactsOf(known.entry, known.payload);
    ASSERT_TRUE(facts);
    comparison_.Add(std::string(1, static_cast<char>('a' + comparison_.records())), *facts,
                    consented);
  }

  const pb::PromotionPolicy present_ = DefaultPromotionPolicy();
  const pb::PromotionPolicy next_ = SecondPolicy();
  PolicyComparison comparison_{present_, next_};
};

TEST_F(PolicyCheck, CountsWhatChangesByKindWithExamples) {
  for (int i = 0; i < 5; ++i) Hold(KnownAssessment(ledger::pb::DISCLOSURE_FULL, 7000, "logistics"));
  Hold(KnownAssessment(ledger::pb::DISCLOSURE_FULL, 7000, "steel"));
  Hold(KnownAssessment(ledger::pb::DISCLOSURE_FULL, 9001, "steel"));
  Hold(KnownAssessment(ledger::pb::DISCLOSURE_PRIVATE, 7000, "logistics"));
  EXPECT_EQ(comparison_.records(), 8u);
  EXPECT_EQ(comparison_.changed(), 6u);
  const auto changes = comparison_.changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].before, (Verdict{true, 3, 2}));
  EXPECT_EQ(changes[0].after, (Verdict{true, 5, 1}));
  EXPECT_EQ(changes[0].records, 6u);
  EXPECT_EQ(changes[0].examples, (std::vector<Bytes>{"a", "b", "c"}));
}

TEST_F(PolicyCheck, ACorrectionIsJudgedByItsContentAndItsKind) {
  Known correction = KnownAssessment(ledger::pb::DISCLOSURE_FULL, 7000, "logistics");
  pb::Corrected corrected;
  corrected.set_content(correction.payload);
  correction.payload = Encode(corrected);
  correction.entry.set_kind("Corrected");
  EXPECT_TRUE(comparison_.NeedsPayload(correction.entry));
  Hold(correction);
  EXPECT_EQ(comparison_.changed(), 0u) << "the rule for corrections comes first in both";
}

TEST(PolicyCheckOfOther, WhatConsentKeepsIsCountedApart) {
  pb::PromotionPolicy present;
  const pb::PromotionPolicy next = DefaultPromotionPolicy();
  PolicyComparison comparison(present, next);
  const Known known = KnownAssessment(ledger::pb::DISCLOSURE_FULL, 1, "steel");
  const auto facts = PolicyComparison::FactsOf(known.entry, known.payload);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(comparison.IsNew(*facts));
  comparison.Add("a", *facts, true);
  comparison.Add("b", *facts, false);
  ASSERT_EQ(comparison.changes().size(), 1u);
  EXPECT_FALSE(comparison.changes()[0].before.leaves);
  EXPECT_EQ(comparison.changes()[0].records, 2u);
  EXPECT_EQ(comparison.changes()[0].without_consent, 1u);
}

TEST(PolicyCheckOfOther, PayloadsAreNeededForTagsAlone) {
  pb::PromotionPolicy plain;
  PolicyComparison comparison(plain, plain);
  EXPECT_FALSE(
      comparison.NeedsPayload(KnownAssessment(ledger::pb::DISCLOSURE_FULL, 1, "steel").entry));
}

}  // namespace
}  // namespace talent::tiers
