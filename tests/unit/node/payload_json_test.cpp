#include "node/records/payload_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "node/records/state_json.h"
#include "talent/tiers/v1/consortium.pb.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node {
namespace {

using testing::HasSubstr;

const Bytes kId(32, '\x1f');

TEST(PayloadJson, BytesAreHexadecimalBothWays) {
  const auto bytes = PayloadFromJson("AbilityAssessed",
                                     R"({"subject_id":")" + ToHex(kId) +
                                         R"(","scores":[{"dimension":"experience","value":7500}],
                              "phase":"ASSESSMENT_PHASE_ENTRY"})");
  ASSERT_TRUE(bytes) << bytes.error().ToString();
  const auto message = Decode<tiers::v1::AbilityAssessed>(*bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->subject_id(), kId);
  EXPECT_EQ(message->scores(0).value(), 7500U);
  const auto json = DecodeToJson("AbilityAssessed", *bytes);
  ASSERT_TRUE(json) << json.error().ToString();
  EXPECT_EQ((*json)["subject_id"], ToHex(kId));
}

TEST(PayloadJson, NestedBytesOfEveryLength_RoundTrip) {
  for (std::size_t size = 0; size < 8; ++size) {
    tiers::v1::ReviewRevealed message;
    message.mutable_verdict()->add_fields()->set_evidence_hash(Bytes(size, '\xab'));
    const auto json = MessageToJson(message);
    ASSERT_TRUE(json) << json.error().ToString();
    EXPECT_EQ((*json)["verdict"]["fields"][0]["evidence_hash"], ToHex(Bytes(size, '\xab')));
    const auto back = PayloadFromJson("ReviewRevealed", json->dump());
    ASSERT_TRUE(back) << back.error().ToString();
    EXPECT_EQ(*back, Encode(message));
  }
}

TEST(PayloadJson, Mistakes_AreNamedByField) {
  const auto error = [](const char* kind, const std::string& json) {
    const auto result = PayloadFromJson(kind, json);
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  };
  EXPECT_EQ(error("NoSuchKind", "{}").code, Code::kNotFound);
  EXPECT_EQ(error("AbilityAssessed", "{").code, Code::kInvalidArgument);
  EXPECT_EQ(error("AbilityAssessed", "[]").code, Code::kInvalidArgument);
  EXPECT_THAT(error("AbilityAssessed", R"({"subject_id":"xyz"})").message,
              HasSubstr("AbilityAssessed.subject_id"));
  EXPECT_THAT(error("AbilityAssessed", R"({"scores":[{"valu":1}]})").message,
              HasSubstr("scores[0].valu"));
  EXPECT_THAT(error("AbilityAssessed", R"({"scores":7})").message, HasSubstr("scores"));
  EXPECT_EQ(error("AbilityAssessed", R"({"scores":[{"value":-1}]})").code, Code::kInvalidArgument);
  EXPECT_EQ(error("AbilityAssessed", R"({"phase":"NO_PHASE"})").code, Code::kInvalidArgument);
  EXPECT_EQ(error("AbilityAssessed", std::string(kMaxPayloadJsonBytes + 1, ' ')).code,
            Code::kTooLarge);
}

TEST(StateJson, Keys_AreTypedAsTheyArePrinted) {
  for (const std::string text :
       {"standing/acme", "party/centre-1", "settled_count", "points/acme/"}) {
    const auto key = StateKeyFromText(text);
    ASSERT_TRUE(key);
    EXPECT_EQ(StateKeyToText(*key), text);
  }
  const auto record = StateKeyFromText("rec/" + ToHex(kId));
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, "rec/" + kId);
  EXPECT_EQ(StateKeyToText(*record), "rec/" + ToHex(kId));
  EXPECT_EQ(StateKeyToText("points/acme/" + Bytes("\0\0\0\0\0\0\0\7", 8)),
            "points/acme/0000000000000007");
  EXPECT_FALSE(StateKeyFromText("rec/zz"));
}

TEST(StateJson, Values_AreReadByTierAndTable) {
  tiers::v1::Standing standing;
  standing.set_points(-3);
  const auto json = StateValueToJson("consortium", "standing/acme", Encode(standing));
  ASSERT_TRUE(json) << json.error().ToString();
  EXPECT_EQ((*json)["points"], "-3");
  const auto unknown = StateValueToJson("consortium", "other/x", "\x01\x02");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(*unknown, "0102");
}

}  // namespace
}  // namespace talent::node
