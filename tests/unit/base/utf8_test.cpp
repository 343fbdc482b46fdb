#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace talent {
namespace {

TEST(Utf8, AcceptsEveryLengthAtItsBounds) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("a\x7f"));
  EXPECT_TRUE(IsValidUtf8("\xc2\x80\xdf\xbf"));
  EXPECT_TRUE(IsValidUtf8("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
  EXPECT_TRUE(IsValidUtf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
  EXPECT_TRUE(IsValidUtf8("人才"));
}

TEST(Utf8, RefusesWhatIsNone) {
  EXPECT_FALSE(IsValidUtf8("\x80"));              // no lead
  EXPECT_FALSE(IsValidUtf8("\xc1\x81"));          // over-long
  EXPECT_FALSE(IsValidUtf8("\xe0\x9f\xbf"));      // over-long
  EXPECT_FALSE(IsValidUtf8("\xf0\x8f\xbf\xbf"));  // over-long
  EXPECT_FALSE(IsValidUtf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(IsValidUtf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(IsValidUtf8("\xff\xfe"));          // UTF-16's mark
  EXPECT_FALSE(IsValidUtf8("\xe4\xba"));          // cut off
  EXPECT_FALSE(
      IsValidUtf8("\xe4\xba"
                  "a"));  // interrupted
  EXPECT_FALSE(IsValidUtf8("ok\xc3"));
}

}  // namespace
}  // namespace talent
