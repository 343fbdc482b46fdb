// Centres vote on the parties of their chain.

#include "governed.h"
#include "records.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Members : public ::testing::Test, protected Governed {
 protected:
  pb::PartyOffer OfferOf(const std::string& id, pb::PartyRole role = pb::PARTY_ROLE_ENTERPRISE,
                         const std::vector<std::string>& keys = {}) const {
    std::vector<crypto::KeyPair> pairs;
    for (const auto& key : keys.empty() ? std::vector<std::string>{id} : keys) {
      pairs.push_back(KeyOf(key));
    }
    return MakePartyOffer(chain(), id, role, pairs);
  }
  pb::MemberProposed Admit(const pb::PartyOffer& offer) const {
    auto message = Proposal<pb::MemberProposed>();
    *message.mutable_change()->mutable_admit() = offer;
    message.set_name("The new one");
    return message;
  }
  pb::MemberProposed Rotate(const pb::PartyOffer& offer) const {
    auto message = Proposal<pb::MemberProposed>();
    *message.mutable_change()->mutable_rotate() = offer;
    return message;
  }
  pb::MemberProposed Suspend(const std::string& id) const {
    auto message = Proposal<pb::MemberProposed>();
    message.mutable_change()->set_suspend(id);
    return message;
  }
  pb::MemberProposed Readmit(const std::string& id) const {
    auto message = Proposal<pb::MemberProposed>();
    message.mutable_change()->set_readmit(id);
    return message;
  }
  pb::Party Stored(const std::string& id) { return *tier().Read(kParties, id); }
  /// May who holds `key` propose? Proposes nothing that could pass.
  Result<TxId> TryWrite(const std::string& key) { return Write(key, Suspend("acme")); }
};

class MembersOnEveryTier : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Tiers, MembersOnEveryTier,
                         ::testing::Values("private", "consortium", "public"));

TEST_P(MembersOnEveryTier, Enterprise_IsAdmittedWithTheDecidingBlock) {
  Governed chain(GovernedGenesis(GetParam(), 4, 4));
  const crypto::KeyPair keys[] = {KeyOf("desk 1"), KeyOf("desk 2")};
  auto message = chain.Proposal<pb::MemberProposed>();
  *message.mutable_change()->mutable_admit() =
      MakePartyOffer(chain.chain(), "umbrella", pb::PARTY_ROLE_ENTERPRISE, keys);
  message.set_name("Umbrella Ltd");
  const TxId id = chain.Write("centre-0", message).value();
  ASSERT_TRUE(chain.Vote("centre-1", id));
  EXPECT_FALSE(chain.tier().Read(kParties, "umbrella")) << "two of four";
  ASSERT_TRUE(chain.Vote("centre-2", id));
  const auto party = chain.tier().Read(kParties, "umbrella");
  ASSERT_TRUE(party);
  EXPECT_EQ(party->role(), pb::PARTY_ROLE_ENTERPRISE);
  EXPECT_EQ(party->keys_size(), 2);
  EXPECT_EQ(FindPartyOf(*chain.state(), keys[1].public_key())->id(), "umbrella");
  EXPECT_EQ(chain.Stored(id).status(), pb::PROPOSAL_STATUS_PASSED);
  EXPECT_EQ(Encode(chain.Stored(id)).find("Umbrella"), Bytes::npos) << "no names in state";
}

TEST_F(Members, AdmittedCentre_VotesAndCounts) {
  ASSERT_TRUE(Decide(Admit(OfferOf("centre-4", pb::PARTY_ROLE_CENTRE))));
  EXPECT_EQ(ActiveCentres(*state()).size(), 5u);
  const TxId id = Write("centre-4", Suspend("acme")).value();
  ASSERT_TRUE(Vote("centre-0", id));
  ASSERT_TRUE(Vote("centre-1", id));
  EXPECT_FALSE(Stored("acme").suspended()) << "three of five";
  ASSERT_TRUE(Vote("centre-2", id));
  EXPECT_TRUE(Stored("acme").suspended());
}

TEST_F(Members, Admission_NeedsAFreeIdAndFreeKeysThatAreHeld) {
  const auto code_of = [&](const pb::MemberProposed& message) {
    return CodeOf(Write("centre-0", message));
  };
  EXPECT_EQ(code_of(Admit(OfferOf("acme", pb::PARTY_ROLE_ENTERPRISE, {"fresh"}))),
            Code::kDuplicate);
  EXPECT_EQ(code_of(Admit(OfferOf("umbrella", pb::PARTY_ROLE_ENTERPRISE, {"acme"}))),
            Code::kDuplicate);
  EXPECT_EQ(code_of(Admit(OfferOf("Umbrella"))), Code::kInvalidArgument);
  EXPECT_EQ(code_of(Admit(OfferOf("umbrella", pb::PARTY_ROLE_UNSPECIFIED))),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of(Admit(OfferOf("umbrella", pb::PARTY_ROLE_CENTRE, {"twice", "twice"}))),
            Code::kInvalidArgument);
  auto nameless = Admit(OfferOf("umbrella"));
  nameless.clear_name();
  EXPECT_EQ(code_of(nameless), Code::kInvalidArgument);
  auto unsigned_offer = OfferOf("umbrella");
  unsigned_offer.clear_signatures();
  EXPECT_EQ(code_of(Admit(unsigned_offer)), Code::kBadSignature);
  auto foreign = OfferOf("umbrella");
  *foreign.mutable_signatures() = OfferOf("other").signatures();
  EXPECT_EQ(code_of(Admit(foreign)), Code::kBadSignature);
  const crypto::KeyPair keys[] = {KeyOf("umbrella")};
  EXPECT_EQ(code_of(Admit(MakePartyOffer(ChainId(), "umbrella", pb::PARTY_ROLE_CENTRE, keys))),
            Code::kBadSignature)
      << "signed for another chain";
  EXPECT_EQ(code_of(Proposal<pb::MemberProposed>()), Code::kInvalidArgument) << "no change";
  EXPECT_EQ(CodeOf(Write("acme", Admit(OfferOf("umbrella")))), Code::kUnauthorized);
}

TEST_F(Members, SuspendedParty_WritesNothingUntilReadmitted) {
  ASSERT_TRUE(Decide(Suspend("centre-3")));
  const auto refused = TryWrite("centre-3");
  ASSERT_EQ(CodeOf(refused), Code::kUnauthorized);
  EXPECT_THAT(refused.error().message, HasSubstr("'centre-3' is suspended"));
  EXPECT_EQ(CodeOf(Write("centre-0", Suspend("centre-3"))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(Write("centre-0", Suspend("nobody"))), Code::kNotFound);
  EXPECT_EQ(CodeOf(Write("centre-0", Readmit("centre-2"))), Code::kPrecondition);
  const TxId id = Write("centre-0", Readmit("centre-3")).value();
  ASSERT_TRUE(Vote("centre-1", id));
  ASSERT_TRUE(Vote("centre-2", id)) << "three of the three that vote";
  EXPECT_FALSE(Stored("centre-3").suspended());
  EXPECT_TRUE(TryWrite("centre-3"));
}

TEST_F(Members, VotesOfASuspendedCentre_CountNoMore) {
  const TxId id = Write("centre-3", Suspend("acme")).value();
  ASSERT_TRUE(Vote("centre-0", id));
  ASSERT_TRUE(Decide(Suspend("centre-3")));
  ASSERT_TRUE(Vote("centre-1", id));
  EXPECT_FALSE(Stored("acme").suspended()) << "two of the three that are left";
  ASSERT_TRUE(Vote("centre-2", id));
  EXPECT_TRUE(Stored("acme").suspended());
}

TEST(MembersAlone, LastCentre_StaysActive) {
  Governed chain(1, 1);
  auto message = chain.Proposal<pb::MemberProposed>();
  message.mutable_change()->set_suspend("centre-0");
  EXPECT_EQ(CodeOf(chain.Write("centre-0", message)), Code::kPrecondition);
}

TEST_F(Members, RotatedKeys_ReplaceTheOldOnes) {
  const auto offer = OfferOf("centre-3", pb::PARTY_ROLE_CENTRE, {"new 1", "new 2"});
  ASSERT_TRUE(Decide(Rotate(offer)));
  EXPECT_EQ(CodeOf(TryWrite("centre-3")), Code::kUnauthorized) << "the old key is out";
  EXPECT_TRUE(TryWrite("new 2"));
  // A key may stay; another's may not be taken.
  EXPECT_TRUE(
      Write("centre-0", Rotate(OfferOf("centre-3", pb::PARTY_ROLE_CENTRE, {"new 1", "new 3"}))));
  EXPECT_EQ(
      CodeOf(Write("centre-0", Rotate(OfferOf("centre-3", pb::PARTY_ROLE_CENTRE, {"centre-1"})))),
      Code::kDuplicate);
  EXPECT_EQ(CodeOf(Write("centre-0", Rotate(OfferOf("nobody")))), Code::kNotFound);
  EXPECT_EQ(CodeOf(Write("centre-0", Rotate(OfferOf("centre-3")))), Code::kInvalidArgument)
      << "a centre stays a centre";
}

TEST_F(Members, Parties_AreBounded) {
  nlohmann::json genesis = GovernedGenesis("private", 1, 1);
  while (genesis["app"]["parties"].size() < kMaxParties) {
    genesis["app"]["parties"].push_back(
        PartyJson(fmt::format("e{}", genesis["app"]["parties"].size()), "enterprise"));
  }
  Governed full(genesis);
  auto message = full.Proposal<pb::MemberProposed>();
  const crypto::KeyPair keys[] = {KeyOf("umbrella")};
  *message.mutable_change()->mutable_admit() =
      MakePartyOffer(full.chain(), "umbrella", pb::PARTY_ROLE_ENTERPRISE, keys);
  message.set_name("Umbrella");
  EXPECT_EQ(CodeOf(full.Write("centre-0", message)), Code::kExhausted);
}

}  // namespace
}  // namespace talent::tiers
