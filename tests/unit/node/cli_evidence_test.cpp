// `talentd evidence` and its commands against a node that answers over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/evidence.h"
#include "consensus/messages.h"
#include "node/cli/command.h"
#include "unit/node/cli_node_fixture.h"

namespace talent::node {
namespace {

using cli::kGood;
using cli::kRefused;

class CliEvidence : public CliNode {
 protected:
  /// The validator of the chain says two things of one place.
  void Equivocate(std::uint64_t height) {
    const auto validators = chain_.chain().validators();
    const auto say = [&](const char* batch) {
      return consensus::VerifiedMessage::Sign(
                 chain_.vote_key(), chain_.chain().id(), Epoch(0), ValidatorIndex(0),
                 consensus::Commit{{View(3), Height(height), consensus::OrderDigest(batch)}})
          ->signed_bytes();
    };
    v1::Evidence evidence;
    evidence.set_name(validators->at(ValidatorIndex(0)).name);
    evidence.set_kind("COMMIT");
    evidence.set_view(3);
    evidence.set_height(height);
    evidence.set_first(say("a"));
    evidence.set_second(say("b"));
    chain_.HoldEvidence(std::move(evidence));
  }
};

TEST_F(CliEvidence, Held_IsShownAndCheckedAgainstTheGenesis) {
  ASSERT_EQ(Run({"evidence"}), kGood) << err_;
  EXPECT_TRUE(Said().empty());
  Equivocate(5);
  ASSERT_TRUE(WriteFile(Path("genesis"), chain_.chain().genesis().bytes(), 0600, IfExists::kFail));
  ASSERT_EQ(Run({"evidence", "--genesis", Path("genesis")}), kGood) << err_;
  ASSERT_EQ(Said().size(), 1u);
  EXPECT_EQ(Said()[0]["kind"], "COMMIT");
  EXPECT_EQ(Said()[0]["chain"], "test");

  v1::Evidence none = chain_.EvidenceList()[0];
  none.set_second(none.first());
  chain_.HoldEvidence(none);
  EXPECT_EQ(Run({"evidence", "--genesis", Path("genesis")}), kRefused);
}

TEST_F(CliEvidence, Submitted_IsOnTheChainOnce) {
  Equivocate(5);
  Equivocate(6);
  ASSERT_EQ(Run({"evidence", "on-chain"}, "centre"), kGood) << err_;
  EXPECT_TRUE(Said().empty());
  ASSERT_EQ(Run({"evidence", "submit"}, "centre"), kGood) << err_;
  EXPECT_THAT(out_, testing::HasSubstr("TRANSACTION_STATUS_SEALED"));
  ASSERT_EQ(Run({"evidence", "on-chain"}, "centre"), kGood) << err_;
  ASSERT_EQ(Said().size(), 2u);
  EXPECT_EQ(Said()[0]["name"], "v0");
  EXPECT_EQ(Said()[0]["kind"], "COMMIT");
  EXPECT_EQ(Said()[0]["centre"], "centre");

  const Height head = chain_.chain().head().height;
  ASSERT_EQ(Run({"evidence", "submit"}, "centre"), kGood) << err_;
  EXPECT_EQ(chain_.chain().head().height, head) << "it is there already";
}

TEST_F(CliEvidence, OfAnotherThanACentre_IsRefused) {
  Equivocate(5);
  EXPECT_EQ(Run({"evidence", "submit"}, "acme"), kRefused);
  EXPECT_THAT(err_, testing::HasSubstr("UNAUTHORIZED"));
  EXPECT_EQ(chain_.chain().head().height, Height(0));
}

}  // namespace
}  // namespace talent::node
