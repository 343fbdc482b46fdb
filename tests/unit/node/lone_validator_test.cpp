// A validator that is alone in its set and whose vote log is new: is the chain?
#include <gtest/gtest.h>

#include "unit/node/direct_chain.h"

namespace talent::node {
namespace {

constexpr Millis kLoneTick{500};

Bytes GenesisOf(const char* tier) {
  nlohmann::json genesis = ledger::GenesisJson(1);
  genesis["tier"] = tier;
  return genesis.dump();
}

TEST(LoneValidator, OfAPrivateChainNobodyFollows_VotesAtOnce) {
  DirectChain target(0, {}, GenesisOf("private"));
  EXPECT_TRUE(target.chain().status().replica);
}

// Whoever follows a public chain is in no state.
TEST(LoneValidator, OfAPublicChain_ListensBeforeItVotes) {
  DirectChain target(0, {}, GenesisOf("public"));
  for (int ticks = 0; ticks < 19; ++ticks) {
    EXPECT_FALSE(target.chain().status().replica) << ticks;
    target.PassTime(kLoneTick);
  }
  target.PassTime(kLoneTick);
  ASSERT_TRUE(target.chain().status().replica) << "ten seconds without a sign of a block";
  EXPECT_FALSE(target.chain().status().replica->observer);
}

TEST(LoneValidator, OfAPublicChainThatHasBegun_FetchesItAndWatches) {
  const Bytes genesis = GenesisOf("public");
  ledger::TestChain source(1, genesis);
  source.Commit({source.Put("key", "1")});
  DirectChain target(0, {}, genesis);
  target.Fetch(source);  // from a node that is no member
  EXPECT_EQ(target.chain().chain().head().height, Height(1));
  for (int ticks = 0; ticks < 30; ++ticks) target.PassTime(kLoneTick);
  ASSERT_TRUE(target.chain().status().replica);
  EXPECT_TRUE(target.chain().status().replica->observer);
}

}  // namespace
}  // namespace talent::node
