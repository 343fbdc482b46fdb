#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/canonical.h"
#include "base/strong.h"

namespace talent {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Fail(Code::kInvalidArgument, "{} is odd", n);
  return n / 2;
}

Result<int> Quarter(int n) { return TRY(Half(TRY(Half(n)))); }

TEST(Result, Try_ReturnsTheFirstError) {
  EXPECT_EQ(*Quarter(12), 3);
  ASSERT_FALSE(Quarter(6));
  EXPECT_EQ(Quarter(6).error().ToString(), "INVALID_ARGUMENT: 3 is odd");
}

TEST(Hex, RoundTripsAndRefusesGarbage) {
  EXPECT_EQ(*FromHex(ToHex(Bytes("\x00\xff\x10", 3))), Bytes("\x00\xff\x10", 3));
  EXPECT_EQ(*FromHex("aBcD"), "\xab\xcd");
  EXPECT_FALSE(FromHex("abc"));
  EXPECT_EQ(FromHex("0g").error().message, "character 1 is not a hexadecimal digit");
  EXPECT_FALSE(Hash::FromHexString("00"));
}

TEST(Strong, KeepsUnitsApartAndOrders) {
  static_assert(!std::is_convertible_v<Height, View>);
  EXPECT_LT(Height(1), Height(2));
  EXPECT_EQ(Height(5) - Height(2), 3U);
}

}  // namespace
}  // namespace talent
