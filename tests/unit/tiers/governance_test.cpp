// Centres vote on the nodes of their chain.

#include "consensus/messages.h"
#include "governed.h"

namespace talent::tiers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class OnEveryTier : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Tiers, OnEveryTier, ::testing::Values("private", "consortium", "public"));

TEST_P(OnEveryTier, Validator_IsAddedByMoreThanTwoThirdsOfTheCentres) {
  Governed chain(GovernedGenesis(GetParam(), 4, 4));
  const TxId id = chain.Write("centre-0", chain.Add("v4")).value();
  ASSERT_TRUE(chain.Vote("centre-1", id));
  EXPECT_THAT(chain.NextNames(), ElementsAre()) << "two of four are no more than two thirds";
  EXPECT_EQ(chain.Stored(id).status(), pb::PROPOSAL_STATUS_OPEN);
  ASSERT_TRUE(chain.Vote("centre-2", id));
  EXPECT_THAT(chain.NextNames(), ElementsAre("v0", "v1", "v2", "v3", "v4"));
  EXPECT_EQ(chain.Stored(id).status(), pb::PROPOSAL_STATUS_PASSED);
  EXPECT_EQ(chain.epoch().end->last, chain.height() + chain.tier().genesis().consensus().window);
}

TEST(Governance, OneCentre_DecidesAlone) {
  Governed chain(1, 1);
  const TxId id = chain.Write("centre-0", chain.Add("v1")).value();
  EXPECT_EQ(chain.Stored(id).status(), pb::PROPOSAL_STATUS_PASSED);
  EXPECT_THAT(chain.NextNames(), ElementsAre("v0", "v1"));
  EXPECT_EQ(chain.OpenProposals(), 0);
}

TEST(Governance, ReplacedValidator_GivesUpItsPlaceAndFollows) {
  Governed chain;
  ASSERT_TRUE(chain.Decide(chain.Change("v1", chain.Offer("v9", "v9"))));
  EXPECT_THAT(chain.NextNames(), ElementsAre("v0", "v9", "v2", "v3"));
  EXPECT_THAT(chain.FollowerNames(), ElementsAre("reader", "v1"));
}

TEST(Governance, RotatedKeys_KeepPlaceAndName) {
  Governed chain;
  ASSERT_TRUE(chain.Decide(chain.Change("v1", chain.Offer("v1", "v1 new"))));
  const auto epoch = chain.epoch();
  ASSERT_TRUE(epoch.end);
  const crypto::Validator& rotated = epoch.end->next.at(ValidatorIndex(1));
  EXPECT_EQ(rotated.name, "v1");
  EXPECT_EQ(rotated.vote_key, KeyOf("vote v1 new").public_key());
  EXPECT_THAT(chain.FollowerNames(), ElementsAre("reader")) << "the old node key may not follow";
}

TEST(Governance, VoteKeyAlone_CanBeRotated) {
  Governed chain;
  const auto vote_key = KeyOf("vote v1 new");
  const auto offer = MakeOffer(chain.chain(), "v1", &vote_key, KeyOf("node v1"));
  ASSERT_TRUE(chain.Decide(chain.Change("v1", offer)));
  const auto epoch = chain.epoch();
  ASSERT_TRUE(epoch.end);
  EXPECT_EQ(epoch.end->next.at(ValidatorIndex(1)).node_key, KeyOf("node v1").public_key());
}

TEST(Governance, RemovedValidator_Follows) {
  Governed chain;
  ASSERT_TRUE(chain.Decide(chain.Remove({"v3"})));
  EXPECT_THAT(chain.NextNames(), ElementsAre("v0", "v1", "v2"));
  EXPECT_THAT(chain.FollowerNames(), ElementsAre("reader", "v3"));
}

TEST(Governance, Follower_BecomesValidatorUnderItsNameAndKey) {
  Governed chain;
  ASSERT_TRUE(chain.Decide(chain.Add("reader")));
  EXPECT_THAT(chain.FollowerNames(), ElementsAre());
  Governed other;
  const auto vote_key = KeyOf("vote x");
  const auto renamed = MakeOffer(other.chain(), "x", &vote_key, KeyOf("node reader"));
  auto message = other.Proposal();
  *message.add_changes()->mutable_offer() = renamed;
  EXPECT_EQ(CodeOf(other.Write("centre-0", message)), Code::kDuplicate);
}

TEST(Governance, ValidatorsChange_ByFAtATime) {
  Governed four;
  EXPECT_EQ(CodeOf(four.Write("centre-0", four.Remove({"v0", "v1"}))), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(four.Write("centre-0", four.Proposal())), Code::kInvalidArgument) << "no change";
  Governed seven(7);
  EXPECT_TRUE(seven.Decide(seven.Remove({"v0", "v1"})));
  Governed again(7);
  EXPECT_EQ(CodeOf(again.Write("centre-0", again.Remove({"v0", "v1", "v2"}))),
            Code::kInvalidArgument);
  Governed two(2);
  EXPECT_TRUE(two.Decide(two.Remove({"v0"}))) << "one at a time where f is 0";
}

TEST(Governance, LastValidator_Stays) {
  Governed chain(1, 1);
  const auto refused = chain.Write("centre-0", chain.Remove({"v0"}));
  EXPECT_EQ(CodeOf(refused), Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("not 0"));
}

TEST(Governance, TakenNamesAndKeys_AreRefused) {
  Governed chain;
  EXPECT_EQ(CodeOf(chain.Write("centre-0", chain.Add("v1"))), Code::kInvalidArgument);
  auto same_keys = chain.Proposal();
  *same_keys.add_changes()->mutable_offer() = chain.Offer("v9", "v1");
  EXPECT_EQ(CodeOf(chain.Write("centre-0", same_keys)), Code::kInvalidArgument);
  const auto key = KeyOf("vote v9");
  auto one_key = chain.Proposal();
  *one_key.add_changes()->mutable_offer() = MakeOffer(chain.chain(), "v9", &key, key);
  EXPECT_EQ(CodeOf(chain.Write("centre-0", one_key)), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(chain.Write("centre-0", chain.Change("v1", chain.Offer("v1", "v1")))),
            Code::kInvalidArgument)
      << "changes nothing";
  EXPECT_EQ(CodeOf(chain.Write("centre-0", chain.Remove({"v9"}))), Code::kNotFound);
}

TEST(Governance, NodeNamedTwice_IsRefused) {
  Governed chain(7);
  EXPECT_EQ(CodeOf(chain.Write("centre-0", chain.Remove({"v1", "v1"}))), Code::kInvalidArgument);
  auto message = chain.Change("v1", chain.Offer("v2", "v9"));
  message.add_changes()->set_node("v2");
  EXPECT_EQ(CodeOf(chain.Write("centre-0", message)), Code::kInvalidArgument);
}

TEST(Governance, UnprovenKey_IsRefused) {
  Governed chain;
  for (const auto& spoil : std::vector<std::function<void(pb::NodeOffer&)>>{
           [](pb::NodeOffer& o) { o.mutable_vote_signature()->at(3) ^= 1; },
           [](pb::NodeOffer& o) { o.mutable_node_signature()->at(3) ^= 1; },
           [](pb::NodeOffer& o) { o.clear_vote_signature(); },
           [](pb::NodeOffer& o) { o.set_vote_signature(o.node_signature()); }}) {
    auto message = chain.Add("v4");
    spoil(*message.mutable_changes(0)->mutable_offer());
    EXPECT_EQ(CodeOf(chain.Write("centre-0", message)), Code::kBadSignature);
  }
  auto elsewhere = chain.Proposal();
  const auto vote_key = KeyOf("vote v4");
  *elsewhere.add_changes()->mutable_offer() =
      MakeOffer(ChainId::FromBytes(Id("other chain")).value(), "v4", &vote_key, KeyOf("node v4"));
  EXPECT_EQ(CodeOf(chain.Write("centre-0", elsewhere)), Code::kBadSignature)
      << "an offer to another chain";
}

TEST(Governance, MalformedOffer_IsRefused) {
  Governed chain;
  for (const auto& offer :
       {chain.Offer("V4", "v4"), chain.Offer("", "v4"), chain.Offer(std::string(65, 'v'), "v4"),
        chain.Offer("v4", "v4", false), pb::NodeOffer()}) {
    auto message = chain.Proposal();
    *message.add_changes()->mutable_offer() = offer;
    EXPECT_EQ(CodeOf(chain.Write("centre-0", message)), Code::kInvalidArgument);
  }
  auto nothing = chain.Proposal();
  nothing.add_changes();
  EXPECT_EQ(CodeOf(chain.Write("centre-0", nothing)), Code::kInvalidArgument);
}

TEST(Governance, WhoIsNoCentre_NeitherProposesNorVotes) {
  Governed chain;
  for (const char* who : {"acme", "nobody"}) {
    EXPECT_EQ(CodeOf(chain.Write(who, chain.Add("v4"))), Code::kUnauthorized);
  }
  const TxId id = chain.Write("centre-0", chain.Add("v4")).value();
  EXPECT_EQ(CodeOf(chain.Vote("acme", id)), Code::kUnauthorized);
}

TEST(Governance, Centre_VotesOnce) {
  Governed chain;
  const TxId id = chain.Write("centre-0", chain.Add("v4")).value();
  EXPECT_EQ(CodeOf(chain.Vote("centre-0", id)), Code::kDuplicate) << "proposing is voting for it";
  ASSERT_TRUE(chain.Vote("centre-1", id, false));
  EXPECT_EQ(CodeOf(chain.Vote("centre-1", id, true)), Code::kDuplicate);
}

TEST(Governance, PendingChange_RefusesAnother) {
  Governed chain;
  const TxId later = chain.Write("centre-0", chain.Add("v4")).value();
  ASSERT_TRUE(chain.Vote("centre-1", later));
  ASSERT_TRUE(chain.Decide(chain.Remove({"v3"})));
  EXPECT_EQ(CodeOf(chain.Write("centre-0", chain.Add("v5"))), Code::kPrecondition);
  const auto deciding = chain.Vote("centre-2", later);
  EXPECT_EQ(CodeOf(deciding), Code::kPrecondition);
  EXPECT_THAT(deciding.error().message, HasSubstr("decide again once the next has begun"));
  EXPECT_EQ(chain.Stored(later).in_favour_size(), 2) << "the vote can be given again";
}

TEST(Governance, DecidedProposal_TakesNoVotes) {
  Governed chain;
  const TxId id = chain.Write("centre-0", chain.Add("v4")).value();
  ASSERT_TRUE(chain.Vote("centre-1", id, false));
  EXPECT_EQ(chain.Stored(id).status(), pb::PROPOSAL_STATUS_OPEN) << "three of four can still agree";
  ASSERT_TRUE(chain.Vote("centre-2", id, false));
  EXPECT_EQ(chain.Stored(id).status(), pb::PROPOSAL_STATUS_REJECTED);
  EXPECT_EQ(chain.Stored(id).decided_height(), chain.height().value);
  EXPECT_EQ(CodeOf(chain.Vote("centre-3", id)), Code::kPrecondition);
  EXPECT_EQ(chain.OpenProposals(), 0);
}

TEST(Governance, ExpiredProposal_TakesNoVotes) {
  Governed chain;
  const TxId id = chain.Write("centre-0", chain.Add("v4")).value();
  const auto open_until = chain.Stored(id).open_until();
  chain.Pass(static_cast<int>(open_until - chain.height().value - 1));
  ASSERT_TRUE(chain.Vote("centre-1", id)) << "at its last height";
  EXPECT_EQ(CodeOf(chain.Vote("centre-2", id)), Code::kExpired);
}

TEST(Governance, OpenUntil_LiesAheadButNotTooFar) {
  Governed chain;
  chain.Pass(3);
  auto message = chain.Add("v4");
  message.set_open_until(chain.height().value);
  EXPECT_EQ(CodeOf(chain.Write("centre-0", message)), Code::kExpired);
  message.set_open_until(~0ull);
  EXPECT_EQ(CodeOf(chain.Write("centre-0", message)), Code::kInvalidArgument);
}

TEST(Governance, UnknownProposal_IsNotFound) {
  Governed chain;
  EXPECT_EQ(CodeOf(chain.Vote("centre-0", TxId::FromBytes(Id("nothing")).value())),
            Code::kNotFound);
}

TEST(Governance, OpenProposals_AreFewACentreAndExpiredOnesCountNoMore) {
  Governed chain;
  for (int i = 0; i < kMaxOpenProposals; ++i) {
    ASSERT_TRUE(chain.Write("centre-0", chain.Add(fmt::format("n{}", i))));
  }
  EXPECT_EQ(CodeOf(chain.Write("centre-0", chain.Add("v4"))), Code::kExhausted);
  EXPECT_TRUE(chain.Write("centre-1", chain.Add("v4"))) << "others are not crowded out";
  chain.Pass(kOpenFor + 1);
  EXPECT_TRUE(chain.Write("centre-0", chain.Add("v4")));
  EXPECT_EQ(chain.OpenProposals(), 1);
}

TEST(Governance, Followers_ComeAndGoWithTheDecidingBlock) {
  Governed chain;
  ASSERT_TRUE(chain.Decide(chain.Follow(chain.Offer("office", "office", false))));
  EXPECT_THAT(
      ReadFollowers(*chain.tier().chain().SealedState()),
      UnorderedElementsAre(Pair("office", FollowerNode{KeyOf("node office").public_key(), ""}),
                           Pair("reader", FollowerNode{KeyOf("node reader").public_key(), ""})));
  EXPECT_EQ(MembersChangedAt(*chain.tier().chain().SealedState()), chain.height());
  auto out = chain.Proposal<pb::FollowerProposed>();
  out.add_changes()->set_node("reader");
  ASSERT_TRUE(chain.Decide(out));
  EXPECT_THAT(chain.FollowerNames(), ElementsAre("office"));
  EXPECT_EQ(CodeOf(chain.Write("centre-0", out)), Code::kNotFound);
}

TEST(Governance, Follower_IsOfTheParty_ThatTheDecisionNames) {
  Governed chain;
  const auto runner = [&](const std::string& name) {
    return ReadFollowers(*chain.state()).at(name).party;
  };
  auto in = chain.Follow(chain.Offer("office", "office", false));
  in.mutable_changes(0)->set_party("centre-1");
  ASSERT_TRUE(chain.Decide(in));
  EXPECT_EQ(runner("office"), "centre-1");
  auto keys = chain.Follow(chain.Offer("office", "new office", false));
  keys.mutable_changes(0)->set_node("office");
  ASSERT_TRUE(chain.Decide(keys));
  EXPECT_EQ(runner("office"), "centre-1") << "the same node with other keys";
  keys.mutable_changes(0)->set_party("centre-2");
  ASSERT_TRUE(chain.Decide(keys));
  EXPECT_EQ(runner("office"), "centre-2");
  auto other = chain.Follow(chain.Offer("desk", "desk", false));
  other.mutable_changes(0)->set_node("office");
  ASSERT_TRUE(chain.Decide(other));
  EXPECT_EQ(runner("desk"), "") << "another node";
}

TEST(Governance, Follower_IsNotOfWhoMayNotHaveTheChain) {
  Governed chain;
  auto in = chain.Follow(chain.Offer("office", "office", false));
  in.mutable_changes(0)->set_party("nobody");
  EXPECT_EQ(CodeOf(chain.Write("centre-0", in)), Code::kNotFound);
  in.mutable_changes(0)->set_party("acme");
  EXPECT_EQ(CodeOf(chain.Write("centre-0", in)), Code::kInvalidArgument) << "of a private chain";
  auto votes = chain.Add("v4");
  votes.mutable_changes(0)->set_party("centre-1");
  EXPECT_EQ(CodeOf(chain.Write("centre-0", votes)), Code::kInvalidArgument);
  auto out = chain.Proposal<pb::FollowerProposed>();
  out.add_changes()->set_node("reader");
  out.mutable_changes(0)->set_party("centre-1");
  EXPECT_EQ(CodeOf(chain.Write("centre-0", out)), Code::kInvalidArgument);

  Governed consortium(GovernedGenesis("consortium", 4, 4));
  auto member = consortium.Follow(consortium.Offer("office", "office", false));
  member.mutable_changes(0)->set_party("acme");
  EXPECT_TRUE(consortium.Decide(member));
}

TEST(Governance, Genesis_NamesWhoRunsAFollower) {
  auto genesis = GovernedGenesis("private", 4, 4);
  genesis["followers"][0]["party"] = "centre-1";
  EXPECT_EQ(ReadFollowers(*Governed(genesis).state()).at("reader").party, "centre-1");
  for (const char* const party : {"acme", "nobody"}) {
    genesis["followers"][0]["party"] = party;
    const auto application = MakeApplication(ledger::Genesis::Parse(genesis.dump()).value());
    ASSERT_FALSE(application);
    EXPECT_EQ(application.error().code, Code::kInvalidArgument);
    EXPECT_THAT(application.error().message, HasSubstr("followers[0].party"));
  }
}

TEST(Governance, Follower_IsNobodyElse) {
  Governed chain;
  const auto refuse = [&](const pb::NodeOffer& offer) {
    return CodeOf(chain.Write("centre-0", chain.Follow(offer)));
  };
  EXPECT_EQ(refuse(chain.Offer("reader", "reader", false)), Code::kDuplicate);
  EXPECT_EQ(refuse(chain.Offer("x", "reader", false)), Code::kDuplicate);
  EXPECT_EQ(refuse(chain.Offer("v1", "x", false)), Code::kDuplicate);
  EXPECT_EQ(refuse(chain.Offer("x", "v1", false)), Code::kDuplicate);
  EXPECT_EQ(refuse(chain.Offer("x", "x", true)), Code::kInvalidArgument);
  ASSERT_TRUE(chain.Decide(chain.Add("v4")));
  EXPECT_EQ(refuse(chain.Offer("v4", "x", false)), Code::kDuplicate) << "of the next validators";
}

TEST(Governance, Proposal_IsNoRecord) {
  Governed chain;
  const auto tx = chain.tier().Make("centre-0", "ValidatorProposed", chain.Add("v4"),
                                    ledger::pb::DISCLOSURE_FULL);
  EXPECT_EQ(CodeOf(chain.tier().Submit(tx)), Code::kInvalidArgument);
}

TEST(Governance, Proposal_IsReadByEveryCentreAndNobodyElse) {
  Governed chain;
  const TxId id = chain.Write("centre-0", chain.Add("v4")).value();
  const auto tx = chain.tier().chain().GetTransaction(id).value();
  const auto may_read = [&](const char* who) {
    return MayReadPayload(chain.tier().genesis(), *chain.tier().chain().SealedState(),
                          Timestamp(kStart), tx, KeyOf(who).public_key());
  };
  EXPECT_TRUE(may_read("centre-3"));
  EXPECT_FALSE(may_read("acme"));
  EXPECT_FALSE(may_read("nobody"));
}

TEST(Governance, Votes_AreUrgent) {
  Governed chain;
  const auto tx = chain.tier().Make("centre-0", "ValidatorProposed", chain.Add("v4"),
                                    ledger::pb::DISCLOSURE_UNSPECIFIED);
  EXPECT_EQ(chain.tier().application().Lane(tx), ledger::Application::kUrgentLane);
}

class EvidenceOnChain : public ::testing::Test {
 protected:
  // What v1 signs as validator `index` of `epoch`.
  Bytes Prepare(std::uint64_t height, std::string_view batch, Epoch epoch = Epoch(0),
                std::string_view signer = "v1") const {
    const auto message = consensus::VerifiedMessage::Sign(
        KeyOf("vote " + std::string(signer)), governed.chain(), epoch, ValidatorIndex(1),
        consensus::Prepare{{View(2), Height(height), consensus::OrderDigest(batch)}});
    return message->signed_bytes();
  }
  pb::EvidenceSubmitted Evidence(std::uint64_t height) const {
    pb::EvidenceSubmitted message;
    message.set_first(Prepare(height, "a"));
    message.set_second(Prepare(height, "b"));
    return message;
  }
  std::vector<pb::Misdeed> Misdeeds() const {
    std::vector<pb::Misdeed> out;
    kMisdeeds.Scan(*governed.state(), {}, {}, [&](BytesView, const pb::Misdeed& misdeed) {
      out.push_back(misdeed);
      return true;
    });
    return out;
  }
  Code Refused(const std::string& author, const pb::EvidenceSubmitted& message) {
    const auto id = governed.Write(author, message);
    return id ? Code::kInternal : id.error().code;
  }

  Governed governed;
};

TEST_F(EvidenceOnChain, ACentreSubmitsIt_AndItStaysOnce) {
  const auto id = governed.Write("centre-0", Evidence(7));
  ASSERT_TRUE(id) << id.error().ToString();
  const auto misdeeds = Misdeeds();
  ASSERT_EQ(misdeeds.size(), 1u);
  EXPECT_EQ(misdeeds[0].name(), "v1");
  EXPECT_EQ(misdeeds[0].validator(), 1u);
  EXPECT_EQ(misdeeds[0].kind(), "PREPARE");
  EXPECT_EQ(misdeeds[0].view(), 2u);
  EXPECT_EQ(misdeeds[0].height(), 7u);
  EXPECT_EQ(misdeeds[0].centre(), "centre-0");
  EXPECT_EQ(misdeeds[0].transaction(), id->View());
  auto swapped = Evidence(7);
  swapped.mutable_first()->swap(*swapped.mutable_second());
  EXPECT_EQ(Refused("centre-1", swapped), Code::kDuplicate) << "one misdeed, whoever saw it";
  ASSERT_TRUE(governed.Write("centre-1", Evidence(8)));
  EXPECT_EQ(Misdeeds().size(), 2u);
}

TEST_F(EvidenceOnChain, WhatConvictsNobody_IsRefused) {
  EXPECT_EQ(Refused("acme", Evidence(7)), Code::kUnauthorized) << "centres only";
  auto same = Evidence(7);
  same.set_second(same.first());
  EXPECT_EQ(Refused("centre-0", same), Code::kInvalidArgument);
  auto forged = Evidence(7);
  forged.set_second(Prepare(7, "b", Epoch(0), "v2"));
  EXPECT_EQ(Refused("centre-0", forged), Code::kBadSignature);
  auto absent = Evidence(7);
  absent.clear_second();
  EXPECT_EQ(Refused("centre-0", absent), Code::kInvalidArgument);
  auto later = Evidence(7);
  later.set_epoch(1);
  EXPECT_EQ(Refused("centre-0", later), Code::kNotFound) << "no such epoch yet";
  EXPECT_TRUE(Misdeeds().empty());
}

TEST_F(EvidenceOnChain, AnEndedEpochsValidator_IsStillConvicted) {
  ASSERT_TRUE(governed.Decide(governed.Remove({"v1"})));
  while (governed.epoch().number() == Epoch(0)) governed.Pass(1);
  ASSERT_TRUE(governed.Write("centre-0", Evidence(7)));
  EXPECT_EQ(Misdeeds()[0].name(), "v1");
  auto now = Evidence(7);
  now.set_epoch(1);
  EXPECT_EQ(Refused("centre-0", now), Code::kWrongChain);
}

TEST_F(EvidenceOnChain, SoManyAreKeptOfAValidator) {
  for (std::uint64_t h = 1; h <= kMaxMisdeeds; ++h) {
    ASSERT_TRUE(governed.Write("centre-0", Evidence(h)));
  }
  EXPECT_EQ(Refused("centre-0", Evidence(kMaxMisdeeds + 1)), Code::kExhausted);
}

}  // namespace
}  // namespace talent::tiers
