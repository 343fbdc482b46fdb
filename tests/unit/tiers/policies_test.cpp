// Centres vote on the policies of their chain.

#include "tiers/policies.h"

#include "governed.h"
#include "network.h"
#include "tiers/market_policy.h"
#include "tiers/promotion_policy.h"

namespace talent::tiers {
namespace {

using ::testing::HasSubstr;

pb::PolicyProposed PolicyProposal(std::string_view name, const google::protobuf::Message& policy,
                                  std::uint64_t open_until) {
  pb::PolicyProposed message;
  message.mutable_change()->set_policy(std::string(name));
  message.mutable_change()->set_content(Encode(policy));
  message.mutable_change()->set_in_force(open_until + 2);
  message.set_open_until(open_until);
  return message;
}

class Policies : public ::testing::Test, protected Governed {
 protected:
  pb::PolicyProposed Propose(std::string_view name, const google::protobuf::Message& policy) const {
    return PolicyProposal(name, policy, height().value + 10);
  }
  static pb::MarketPolicy SecondMarket() {
    pb::MarketPolicy policy = DefaultMarketPolicy();
    policy.set_version(2);
    policy.set_placement_bps(100);
    return policy;
  }
  pb::MarketPolicy NextMarket() {
    return Decode<pb::MarketPolicy>(tier().Read(kNextPolicies, "market")->content()).value();
  }
  template <class Change>
  Error ErrorOf(const Change& change) {
    pb::MarketPolicy policy = SecondMarket();
    change(policy);
    const auto result = Write("centre-0", Propose("market", policy));
    EXPECT_FALSE(result) << "was accepted";
    return result ? Error{} : result.error();
  }
};

TEST_F(Policies, DecidedPolicy_IsInForceFromItsHeight) {
  const auto message = Propose("market", SecondMarket());
  ASSERT_TRUE(Decide(message));
  EXPECT_EQ(MarketPolicyOf(*state()).version(), 1u);
  EXPECT_EQ(tier().Read(kNextPolicies, "market")->in_force(), message.change().in_force());
  while (height() + 1 < Height(message.change().in_force())) Pass(1);
  EXPECT_EQ(MarketPolicyOf(*state()).version(), 1u);
  Pass(1);
  EXPECT_EQ(Encode(MarketPolicyOf(*state())), Encode(SecondMarket()));
  EXPECT_FALSE(tier().Read(kNextPolicies, "market"));
  auto third = SecondMarket();
  third.set_version(3);
  EXPECT_TRUE(Write("centre-0", Propose("market", third)));
}

TEST_F(Policies, PromotionPolicy_IsReplacedWhole) {
  pb::PromotionPolicy policy;
  policy.set_version(2);
  *policy.add_rules() = DefaultPromotionPolicy().rules(0);
  ASSERT_TRUE(Decide(Propose("promotion", policy)));
  Pass(12);
  EXPECT_EQ(Encode(*tier().Read(kPromotionPolicy, kPromotionPolicyKey)), Encode(policy));

  policy.set_version(3);
  policy.mutable_rules(0)->set_kind("Nonsense");
  const auto refused = Write("centre-0", Propose("promotion", policy));
  ASSERT_EQ(CodeOf(refused), Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("content.rules[0].kind"));
  policy.mutable_rules(0)->set_kind("Placed");
  policy.mutable_rules(0)->set_withhold(true);
  EXPECT_EQ(CodeOf(Write("centre-0", Propose("promotion", policy))), Code::kInvalidArgument)
      << "a value class of what is withheld";
}

TEST_F(Policies, PolicyThatBreaksTheGenesisRules_IsRefused) {
  EXPECT_EQ(ErrorOf([](auto& p) { p.set_version(1); }).code, Code::kPrecondition);
  EXPECT_EQ(ErrorOf([](auto& p) { p.set_version(3); }).code, Code::kPrecondition);
  EXPECT_THAT(ErrorOf([](auto& p) { p.set_min_bar(10001); }).message, HasSubstr("content.min_bar"));
  EXPECT_THAT(ErrorOf([](auto& p) { p.set_plan_b_bps(9000); }).message,
              HasSubstr("content.plan_a_bps"));
  EXPECT_THAT(ErrorOf([](auto& p) { p.clear_budgets(); }).message, HasSubstr("content.budgets"));
  EXPECT_THAT(ErrorOf([](auto& p) { p.set_budgets(3, p.budgets(2)); }).message,
              HasSubstr("content.budgets"));
}

TEST_F(Policies, MalformedProposal_IsRefused) {
  const auto code_of = [&](auto change) {
    auto message = Propose("market", SecondMarket());
    change(message);
    return CodeOf(Write("centre-0", message));
  };
  EXPECT_EQ(code_of([](auto& m) { m.mutable_change()->set_policy("weather"); }),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.mutable_change()->set_policy("consortium"); }),
            Code::kInvalidArgument)
      << "this is a private chain";
  EXPECT_EQ(code_of([](auto& m) { m.mutable_change()->set_content("x"); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.clear_change(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.mutable_change()->set_in_force(m.open_until()); }),
            Code::kInvalidArgument)
      << "it could be decided after it is in force";
  EXPECT_EQ(code_of([](auto& m) {
              m.mutable_change()->set_in_force(m.open_until() + kMaxProposalHeights + 1);
            }),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(Write("acme", Propose("market", SecondMarket()))), Code::kUnauthorized);
}

// A mistake that is decided for a far height must not bind everybody until then.
TEST_F(Policies, DecidedPolicy_IsReplacedByALaterDecision) {
  const TxId late = Write("centre-3", Propose("market", SecondMarket())).value();
  auto mistake = SecondMarket();
  mistake.set_min_bar(9999);
  ASSERT_TRUE(Decide(Propose("market", mistake)));
  ASSERT_EQ(NextMarket().min_bar(), 9999u);
  auto better = SecondMarket();
  better.set_min_bar(7777);
  ASSERT_TRUE(Decide(Propose("market", better)));
  EXPECT_EQ(NextMarket().min_bar(), 7777u);
  ASSERT_TRUE(Vote("centre-1", late));
  ASSERT_TRUE(Vote("centre-2", late)) << "one that was open before counts as well";
  EXPECT_EQ(Encode(NextMarket()), Encode(SecondMarket()));
}

class ConsortiumPolicies : public ::testing::Test, protected Network {
 protected:
  ConsortiumPolicies() { Enrol(); }
  TxId NewRecord() {
    const TxId record = Must(source.Write("centre-a", Assessment()));
    Promote(record);
    return record;
  }
  Result<TxId> Propose(const pb::ConsortiumPolicy& policy) {
    return consortium.Write("centre-a", PolicyProposal("consortium", policy,
                                                       consortium.chain().head().height.value + 5));
  }
};

TEST_F(ConsortiumPolicies, RecordUnderReview_KeepsThePolicyItWasPromotedUnder) {
  const TxId before = NewRecord();
  auto policy = PolicyOf(*consortium.chain().SealedState());
  policy.set_version(2);
  policy.set_min_reviews(1);
  policy.set_points_confirmation_stands(7);
  policy.set_commit_window_ms(2 * kCommitWindow);
  pb::ProposalVoted vote;
  vote.set_proposal(Must(Propose(policy)).ToBytes());
  vote.set_approve(true);
  Must(consortium.Write("centre-b", vote));
  for (int i = 0; i < 7; ++i) consortium.Commit({});
  ASSERT_EQ(PolicyOf(*consortium.chain().SealedState()).version(), 2u);

  const TxId after = NewRecord();
  EXPECT_EQ(StateOf(before).policy_version(), 1u);
  EXPECT_EQ(StateOf(after).policy_version(), 2u);
  EXPECT_EQ(StateOf(after).commits_close_ms() - StateOf(after).promoted_ms(), 2 * kCommitWindow);
  Review(before, {{"acme", false}});
  EXPECT_EQ(StateOf(before).status(), pb::RECORD_STATUS_UNVERIFIED) << "two are asked for";
  Review(after, {{"globex", false}});
  EXPECT_EQ(StateOf(after).status(), pb::RECORD_STATUS_VERIFIED);
  EXPECT_EQ(WaitingOfMember("globex"), 14);
}

TEST_F(ConsortiumPolicies, PolicyThatBreaksTheGenesisRules_IsRefused) {
  const auto error_of = [&](auto change) {
    auto policy = PolicyOf(*consortium.chain().SealedState());
    policy.set_version(2);
    change(policy);
    const auto result = Propose(policy);
    EXPECT_FALSE(result) << "was accepted";
    return result ? std::string() : result.error().message;
  };
  EXPECT_THAT(error_of([](auto& p) { p.set_min_reviews(0); }), HasSubstr("content.min_reviews"));
  EXPECT_THAT(error_of([](auto& p) { p.set_arbiters_quorum_bps(10000); }),
              HasSubstr("content.arbiters_quorum_bps"));
  EXPECT_THAT(error_of([](auto& p) { p.set_arbitration_window_ms(0); }),
              HasSubstr("content.arbitration_window_ms"));
  EXPECT_THAT(error_of([](auto& p) { p.add_class_weights(1); }),
              HasSubstr("content.points.class_weights"));
  EXPECT_THAT(error_of([](auto& p) { p.set_half_life_ms(1); }),
              HasSubstr("content.points.half_life_ms"));
  EXPECT_THAT(error_of([](auto& p) { p.clear_tier_points(); }), HasSubstr("content.release.tiers"));
  EXPECT_THAT(error_of([](auto& p) { p.set_tier_points(1, p.tier_points(2)); }),
              HasSubstr("content.release.tiers"));
  EXPECT_THAT(error_of([](auto& p) { p.clear_release_delays_ms(); }),
              HasSubstr("content.release.delays_ms"));
}

}  // namespace
}  // namespace talent::tiers
