#include "tier_fixture.h"
#include "tiers/consortium_state.h"
#include "tiers/private_state.h"

namespace talent::tiers {
namespace {

std::string ErrorOf(const nlohmann::json& json) {
  const auto genesis = ledger::Genesis::Parse(json.dump());
  if (!genesis) return genesis.error().message;
  const auto application = MakeApplication(*genesis);
  if (application) return "accepted";
  EXPECT_EQ(application.error().code, Code::kInvalidArgument);
  return application.error().message;
}

TEST(TierGenesis, Errors_NameTheField) {
  const auto error_of = [](const std::string& tier, auto change) {
    nlohmann::json json = TierGenesis(tier);
    if (tier == "consortium")
      json["app"]["sources"] = nlohmann::json::array({SourceJson(PrivateGenesis())});
    change(json["app"]);
    return ErrorOf(json);
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(error_of("private", [](auto& a) { a["extra"] = 1; }), HasSubstr("app.extra"));
  EXPECT_THAT(error_of("private", [](auto& a) { a.erase("parties"); }), HasSubstr("app.parties"));
  EXPECT_THAT(error_of("private", [](auto& a) { a["parties"][1]["id"] = "centre-a"; }),
              HasSubstr("app.parties[1].id"));
  EXPECT_THAT(error_of("private", [](auto& a) { a["parties"][0]["role"] = "king"; }),
              HasSubstr("app.parties[0].role"));
  EXPECT_THAT(error_of("private", [](auto& a) { a["parties"][0]["keys"][0] = "zz"; }),
              HasSubstr("app.parties[0].keys[0]"));
  EXPECT_THAT(
      error_of("private", [](auto& a) { a["parties"][1]["keys"] = a["parties"][0]["keys"]; }),
      HasSubstr("app.parties[1].keys[0]"));
  const nlohmann::json rule = {{"kind", "Nonsense"}, {"disclosure", "full"}, {"withhold", true}};
  EXPECT_THAT(
      error_of(
          "private",
          [&](auto& a) {
            a["policy"]["promotion"] = {{"version", 1}, {"rules", nlohmann::json::array({rule})}};
          }),
      HasSubstr("app.policy.promotion.rules[0].kind"));
  EXPECT_THAT(error_of("consortium", [](auto& a) { a["sources"][0]["tier"] = "public"; }),
              HasSubstr("app.sources[0].tier"));
  EXPECT_THAT(error_of("consortium", [](auto& a) { a["sources"][0]["validators"].clear(); }),
              HasSubstr("app.sources[0].validators"));
  EXPECT_THAT(error_of("consortium", [](auto& a) { a["policy"]["min_reviews"] = 0; }),
              HasSubstr("app.policy.min_reviews"));
  EXPECT_THAT(error_of("consortium",
                       [](auto& a) {
                         a["policy"]["release"] = {{"tiers", {0, 5, 5, 9}},
                                                   {"delays_ms", std::vector<int>(16, 0)}};
                       }),
              HasSubstr("app.policy.release.tiers"));
}

TEST(TierGenesis, Rules_AreTakenInOrderWithTheirConditions) {
  nlohmann::json json = TierGenesis("private");
  json["app"]["policy"]["promotion"] = {
      {"version", 7},
      {"rules",
       {{{"kind", "AbilityAssessed"},
         {"disclosure", "full"},
         {"tag", "matched"},
         {"industry", "steel"},
         {"min_score", 8000},
         {"withhold", true}},
        {{"kind", "*"}, {"disclosure", "commitment"}, {"priority", 8}, {"value_class", 3}}}}};
  EXPECT_EQ(ErrorOf(json), "accepted");
}

}  // namespace
}  // namespace talent::tiers
