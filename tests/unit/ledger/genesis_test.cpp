#include "ledger/genesis.h"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>

#include "ledger_fixture.h"

namespace talent::ledger {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

Error ErrorOf(const Json& genesis) {
  const auto parsed = Genesis::Parse(genesis.dump());
  return parsed ? Error{Code::kInternal, "was accepted"} : parsed.error();
}

TEST(Genesis, Parse_ReadsEveryField) {
  Json text = GenesisJson(4);
  text["followers"].push_back({{"name", "f0"}, {"node_key", KeyOf("f0").public_key().Hex()}});
  text["app"]["x"] = 7;
  const auto genesis = Genesis::Parse(text.dump());
  ASSERT_TRUE(genesis) << genesis.error().ToString();
  EXPECT_EQ(genesis->name(), "test-chain");
  EXPECT_EQ(genesis->tier(), Tier::kPrivate);
  EXPECT_EQ(genesis->time(), Timestamp(1700000000000));
  EXPECT_EQ(genesis->consensus().window, 4u);
  EXPECT_EQ(genesis->consensus().max_valid_for, 100u);
  EXPECT_EQ(genesis->validators().size(), 4u);
  EXPECT_EQ(genesis->followers().at(0).name, "f0");
  EXPECT_EQ(genesis->app().at("x"), 7);
  EXPECT_EQ(genesis->bytes(), text.dump());
}

TEST(Genesis, ChainId_IsTaggedHashOfTheBytes) {
  const std::string compact = GenesisJson().dump();
  const std::string pretty = GenesisJson().dump(2);
  const auto a = Genesis::Parse(compact);
  const auto b = Genesis::Parse(pretty);
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->chain_id(), b->chain_id());
  EXPECT_EQ(a->chain_id().View(), crypto::TaggedHash(crypto::Domain::kGenesis, {compact}).View());
}

TEST(Genesis, Parse_RefusesUnknownFieldsEverywhereAndNamesThem) {
  Json top = GenesisJson();
  top["extra"] = 1;
  EXPECT_THAT(ErrorOf(top).message, HasSubstr("extra: unknown field"));
  Json nested = GenesisJson();
  nested["consensus"]["extra"] = 1;
  EXPECT_THAT(ErrorOf(nested).message, HasSubstr("consensus.extra: unknown field"));
  Json validator = GenesisJson();
  validator["validators"][2]["extra"] = 1;
  EXPECT_THAT(ErrorOf(validator).message, HasSubstr("validators[2].extra: unknown field"));
}

TEST(Genesis, Parse_NamesEveryMissingField) {
  const Json whole = GenesisJson();
  for (const auto& [name, value] : whole.items()) {
    Json without = whole;
    without.erase(name);
    EXPECT_THAT(ErrorOf(without).message, HasSubstr(name + ": missing"));
  }
  for (const auto& [name, value] : whole["consensus"].items()) {
    Json without = whole;
    without["consensus"].erase(name);
    EXPECT_THAT(ErrorOf(without).message, HasSubstr("consensus." + name + ": missing"));
  }
}

TEST(Genesis, Parse_KeepsRulesWithinBounds) {
  const struct {
    const char* field;
    Json value;
  } kWrong[] = {{"window", 0},
                {"window", 65},
                {"window", -1},
                {"window", 1.5},
                {"window", "16"},
                {"max_batch_transactions", 0},
                {"max_batch_bytes", std::numeric_limits<std::uint64_t>::max()},
                {"max_transaction_bytes", 1 << 20},
                {"view_timeout_ms", 0},
                {"view_timeout_cap_ms", 1999},
                {"max_clock_drift_ms", 0},
                {"max_valid_for", 0}};
  for (const auto& wrong : kWrong) {
    Json genesis = GenesisJson();
    genesis["consensus"][wrong.field] = wrong.value;
    const Error error = ErrorOf(genesis);
    EXPECT_EQ(error.code, Code::kInvalidArgument) << wrong.field << " " << wrong.value;
    EXPECT_THAT(error.message, HasSubstr(wrong.field));
  }
}

TEST(Genesis, Parse_RefusesAnotherFormatSuiteOrTier) {
  Json format = GenesisJson();
  format["format"] = 2;
  EXPECT_EQ(ErrorOf(format).code, Code::kFormatVersion);
  Json suite = GenesisJson();
  suite["suite"] = "sm2-sm3";
  EXPECT_THAT(ErrorOf(suite).message, HasSubstr("suite"));
  Json tier = GenesisJson();
  tier["tier"] = "secret";
  EXPECT_THAT(ErrorOf(tier).message, HasSubstr("tier"));
}

TEST(Genesis, Parse_RefusesNamesAndKeysUsedTwice) {
  Json doubled = GenesisJson();
  doubled["validators"][1]["vote_key"] = doubled["validators"][0]["vote_key"];
  EXPECT_THAT(ErrorOf(doubled).message, HasSubstr("validators"));
  Json follower = GenesisJson();
  follower["followers"].push_back(
      {{"name", "f"}, {"node_key", follower["validators"][0]["node_key"]}});
  EXPECT_THAT(ErrorOf(follower).message, HasSubstr("followers[0].node_key"));
  Json name = GenesisJson();
  name["name"] = "../etc";
  EXPECT_THAT(ErrorOf(name).message, HasSubstr("name"));
}

TEST(Genesis, Parse_RefusesTextThatIsNotStrictJson) {
  std::string doubled = GenesisJson().dump();
  doubled.insert(1, R"("name":"other",)");
  const auto parsed = Genesis::Parse(doubled);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("'name' stands twice"));
  EXPECT_FALSE(Genesis::Parse(""));
  EXPECT_FALSE(Genesis::Parse("[]"));
  EXPECT_FALSE(Genesis::Parse("{"));
  EXPECT_FALSE(Genesis::Parse(GenesisJson().dump() + "x"));
  EXPECT_FALSE(Genesis::Parse("\xff\xfe"));
  Json deep = GenesisJson();
  deep["app"]["x"] = Json::parse(std::string(100, '[') + std::string(100, ']'));
  EXPECT_THAT(ErrorOf(deep).message, HasSubstr("nested"));
}

TEST(Genesis, Parse_RefusesAFileOverTheLimit) {
  const auto parsed = Genesis::Parse(std::string(Genesis::kMaxBytes + 1, ' '));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::kTooLarge);
}

TEST(Genesis, Load_NamesTheFileInErrors) {
  const TempDir dir;
  const auto missing = Genesis::Load(dir.path() / "absent.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  const auto path = dir.path() / "genesis.json";
  std::ofstream(path) << GenesisJson().dump();
  const auto loaded = Genesis::Load(path);
  ASSERT_TRUE(loaded) << loaded.error().ToString();
  EXPECT_EQ(loaded->chain_id(), Genesis::Parse(GenesisJson().dump())->chain_id());
  std::ofstream(path) << "{}";
  EXPECT_THAT(Genesis::Load(path).error().message, HasSubstr("genesis.json"));
  EXPECT_EQ(Genesis::Load(dir.path()).error().code, Code::kIo);
}

}  // namespace
}  // namespace talent::ledger
