#include "soak/audit.h"

#include <gmock/gmock.h>

namespace talent::soak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kOfTheDisk[] =
    "[critical] chain private-a: halted: block 7 cannot be stored: IO: database write: no space\n"
    "talentd: file/writable_file_writer.h:310: Assertion `seen_error()' failed.\n";

TEST(Audit, WhatADiskDoes_IsExcusedOnlyWhereTheDiskWasMadeToFail) {
  EXPECT_THAT(Alarms(kOfTheDisk, true), IsEmpty());
  EXPECT_THAT(Alarms(kOfTheDisk, false), ElementsAre(HasSubstr("halted:"), HasSubstr("Assertion")));
}

TEST(Audit, WhatNoDiskDoes_IsNeverExcused) {
  const std::string log =
      "[info] chain private-a: validator at height 3\n"
      "[error] chain private-a: validator 'v1' equivocates: two PREPARE messages\n"
      "talentd: db/version_set.cc:9: Assertion `refs_ > 0' failed.\n";
  for (const bool had_disk_fault : {false, true}) {
    EXPECT_THAT(Alarms(log, had_disk_fault),
                ElementsAre(HasSubstr("equivocates"), HasSubstr("version_set")));
  }
}

}  // namespace
}  // namespace talent::soak
