#include "soak/history.h"

#include <gtest/gtest.h>

#include "crypto/sha256.h"

namespace talent::soak {
namespace {

TxId Id(int number) {
  return TxId::FromBytes(crypto::Sha256(std::to_string(number)).View()).value();
}

Submission Submitted(int number, int invoked, int answered, Answer answer) {
  return {.client = 0,
          .id = Id(number),
          .invoked = Instant(invoked),
          .answered = Instant(answered),
          .answer = answer};
}
Reading Read(int number, const std::string& node, int invoked, Answer answer, std::uint64_t as_of) {
  return {.client = 0,
          .node = node,
          .id = Id(number),
          .invoked = Instant(invoked),
          .answered = Instant(invoked + 1),
          .answer = answer,
          .as_of = as_of};
}
Answer Sealed(std::uint64_t height) { return {Answer::kSealed, height, 0}; }
const Answer kNothing{};
const Answer kExpired{Answer::kExpired, 0, 0};
const Answer kRefused{Answer::kRefused, 0, 0};

std::size_t Complaints(const std::vector<Submission>& submissions,
                       const std::vector<Reading>& readings, const FinalAnswers& finals) {
  return CheckHistory(submissions, readings, finals).size();
}

TEST(History, AcceptsWhatCanBeTrue) {
  EXPECT_EQ(Complaints({Submitted(1, 0, 10, Sealed(5)), Submitted(2, 5, 12, Sealed(5)),
                        Submitted(3, 20, 30, kNothing), Submitted(4, 20, 30, kExpired),
                        Submitted(5, 20, 30, kRefused)},
                       {Read(1, "a", 11, kNothing, 4), Read(1, "a", 13, Sealed(5), 6),
                        Read(1, "b", 14, kNothing, 3)},
                       {{"a", {{Id(1), Sealed(5)}, {Id(2), Sealed(5)}, {Id(3), Sealed(9)}}},
                        {"b", {{Id(1), Sealed(5)}, {Id(2), Sealed(5)}, {Id(3), Sealed(9)}}}}),
            0u);
}

TEST(History, SeesAnAcknowledgedTransactionThatIsGone) {
  EXPECT_GT(Complaints({Submitted(1, 0, 10, Sealed(5))}, {}, {{"a", {}}}), 0u);
}

TEST(History, SeesNodesThatDisagree) {
  EXPECT_GT(Complaints({Submitted(1, 0, 10, kNothing)}, {},
                       {{"a", {{Id(1), Sealed(5)}}}, {"b", {{Id(1), Sealed(6)}}}}),
            0u);
}

TEST(History, SeesAnOutcomeThatChanges) {
  EXPECT_GT(Complaints({Submitted(1, 0, 10, kExpired), Submitted(1, 20, 30, Sealed(7))}, {}, {}),
            0u);
  EXPECT_GT(Complaints({Submitted(1, 0, 10, kExpired)}, {}, {{"a", {{Id(1), Sealed(5)}}}}), 0u);
}

TEST(History, SeesWhatWasRefusedInABlock) {
  EXPECT_GT(Complaints({Submitted(1, 0, 10, kRefused)}, {}, {{"a", {{Id(1), Sealed(5)}}}}), 0u);
  EXPECT_EQ(Complaints({Submitted(1, 0, 10, kRefused), Submitted(1, 11, 20, kNothing)}, {},
                       {{"a", {{Id(1), Sealed(5)}}}}),
            0u);
}

TEST(History, SeesALaterTransactionInAnEarlierBlock) {
  EXPECT_GT(Complaints({Submitted(1, 0, 10, Sealed(5)), Submitted(2, 11, 20, Sealed(5))}, {},
                       {{"a", {{Id(1), Sealed(5)}, {Id(2), Sealed(5)}}}}),
            0u);
}

TEST(History, SeesAReadingThatMissesWhatItsHeightHolds) {
  EXPECT_GT(Complaints({Submitted(1, 0, 10, Sealed(5))}, {Read(1, "a", 11, kNothing, 5)},
                       {{"a", {{Id(1), Sealed(5)}}}}),
            0u);
}

TEST(History, SeesAHeightThatFalls) {
  EXPECT_GT(Complaints({}, {Read(1, "a", 1, kNothing, 5), Read(1, "a", 3, kNothing, 4)}, {}), 0u);
}

}  // namespace
}  // namespace talent::soak
