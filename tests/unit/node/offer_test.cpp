#include "node/cli/offer.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temp_dir.h"
#include "tiers/governance.h"
#include "unit/ledger/ledger_fixture.h"

namespace talent::node::cli {
namespace {

using ledger::KeyOf;

class OfferFile : public ::testing::Test {
 protected:
  Result<CheckedOffer> Carry(const std::string& text, const ChainId& to) {
    const auto file = dir_.path() / "offer";
    EXPECT_TRUE(WriteFile(file, text, 0644, IfExists::kReplace));
    return ReadOffer(file, to);
  }
  std::string Make(bool votes) const {
    const auto vote_key = KeyOf("vote");
    return OfferToJson(genesis_, tiers::MakeOffer(genesis_.chain_id(), "centre-5",
                                                  votes ? &vote_key : nullptr, KeyOf("node")));
  }

  const TempDir dir_;
  const ledger::Genesis genesis_ = ledger::Genesis::Parse(ledger::GenesisJson().dump()).value();
};

TEST_F(OfferFile, OfAValidator_ArrivesWithItsProofs) {
  const auto offer = Carry(Make(true), genesis_.chain_id());
  ASSERT_TRUE(offer) << offer.error().ToString();
  EXPECT_EQ(offer->statement.name(), "centre-5");
  EXPECT_EQ(offer->statement.vote_key(), KeyOf("vote").public_key().View());
  EXPECT_EQ(offer->statement.node_key(), KeyOf("node").public_key().View());
}

TEST_F(OfferFile, OfAFollower_HasNoVoteKey) {
  const auto offer = Carry(Make(false), genesis_.chain_id());
  ASSERT_TRUE(offer) << offer.error().ToString();
  EXPECT_TRUE(offer->statement.vote_key().empty());
}

TEST_F(OfferFile, ForAnotherChain_IsRefused) {
  const ChainId other = ChainId::FromBytes(Bytes(ChainId::kSize, 'x')).value();
  EXPECT_EQ(Carry(Make(true), other).error().code, Code::kWrongChain);
}

TEST_F(OfferFile, Damaged_IsRefused) {
  std::string text = Make(true);
  const std::size_t at = text.find("\"vote_signature\": \"") + 20;
  text[at] = text[at] == '0' ? '1' : '0';
  EXPECT_EQ(Carry(text, genesis_.chain_id()).error().code, Code::kBadSignature);
  EXPECT_EQ(Carry("{}", genesis_.chain_id()).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Carry("not json", genesis_.chain_id()).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace talent::node::cli
