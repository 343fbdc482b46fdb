// Every field of every message, wrong in every way: refused or dropped, counted, never believed.
#include <gtest/gtest.h>

#include "base/canonical.h"
#include "consensus/codec.h"
#include "consensus/replica_impl.h"
#include "support/message_changes.h"
#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

using support::ForEachChange;

// A cluster where height 1 is sealed and height 2 prepared, in view 4 (whose primary is 0), and one
// message of each kind that validator 0 could send to 1.
class BadInputTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int view = 0; view < 4; ++view) {
      for (std::uint32_t i = 0; i < 4; ++i) {
        cluster_.Step(i, WorkWaiting{true});
        cluster_.Fire(i, 1);
      }
      cluster_.Run();
    }
    ASSERT_TRUE(cluster_.Propose(0, "sealed"));
    cluster_.Run();
    cluster_.pass = [](const auto&, const VerifiedMessage& m) {
      return !std::holds_alternative<Commit>(m.content());
    };
    ASSERT_TRUE(cluster_.Propose(0, "prepared"));
    cluster_.Run();
    ASSERT_EQ(cluster_.status(1).view, View(4));
    ASSERT_EQ(cluster_.status(1).sealed, Height(1));
    ASSERT_EQ(cluster_.status(1).prepared, Height(2));
  }
  Position At(std::uint64_t view, std::uint64_t height, std::string_view batch) const {
    return {View(view), Height(height), OrderDigest(batch)};
  }
  std::vector<MessagePtr> EveryKind() {
    const auto& block = cluster_.node(0).finalised[0];
    const CertifiedHead head{Height(1), block.block_hash, cluster_.node(0).headers[0],
                             block.certificate};
    PreparedCertificate prepared{At(4, 2, "prepared"), {}};
    for (std::uint32_t i = 0; i < 3; ++i) {
      prepared.prepares[ValidatorIndex(i)] = VoteKey(i).Sign(
          crypto::Domain::kPbftSignature, TestChain(), PrepareBody(Epoch(0), prepared.at));
    }
    std::vector<MessagePtr> changes;
    for (std::uint32_t i = 0; i < 3; ++i) {
      changes.push_back(cluster_.Signed(i, ViewChange{View(8), head, {prepared}}));
    }
    return {cluster_.Signed(0, PrePrepare{At(4, 3, "new"), MakeProposal("new")}),
            cluster_.Signed(0, Prepare{At(4, 3, "new")}),
            cluster_.Signed(0, Commit{At(4, 2, "prepared")}),
            cluster_.Signed(0, SealVote{Height(2), OrderDigest("block")}),
            changes[0],
            cluster_.Signed(0, NewView{View(8), changes}),
            cluster_.Signed(0, PeerStatus{View(4), true, Height(1), true, {Height(2), Height(3)}}),
            cluster_.Signed(0, ProposalRequest{Height(2), OrderDigest("prepared")}),
            cluster_.Signed(0, ProposalReply{Height(2), OrderDigest("b"), MakeProposal("b")}),
            cluster_.Signed(0, Certified{head})};
  }
  // A copy of validator 1 hears `bytes`: it stays where correct ones are, refuses or goes on.
  void Hear(const Bytes& bytes, const std::string& what) {
    const auto before = cluster_.status(1);
    Replica copy(cluster_.replica(1));
    const Horizon horizon = copy.horizon();
    const auto full = VerifyMessage(TestChain(), *TestValidators(4), bytes);
    const auto message = VerifyMessage(TestChain(), *TestValidators(4), bytes, &horizon);
    if (!message) {
      EXPECT_NE(message.error().code, Code::kInternal) << what;
      ++refused_;
    }
    if (!full) return;
    (void)copy.Step(MessageReceived{*full});
    ReplicaStatus after = copy.status();
    EXPECT_EQ(after.sealed, before.sealed) << what;
    EXPECT_EQ(after.diverged, false) << what;
    if (!std::holds_alternative<NewView>((*full)->content())) {
      EXPECT_EQ(after.view, before.view) << what;
    }
    if (!message) {
      EXPECT_EQ(after.dropped_messages, before.dropped_messages + 1)
          << "passed over without a look, but of use: " << what;
    }
  }

  Harness cluster_{4};
  int refused_ = 0;
};

TEST_F(BadInputTest, EveryFieldOfTheEnvelope_IsChecked) {
  int tried = 0;
  for (const MessagePtr& good : EveryKind()) {
    auto message = Decode<pb::Message>(good->Wire()).value();
    ForEachChange(message, fmt::format("kind {}", good->content().index()),
                  [&](const std::string& what) {
                    ++tried;
                    Hear(Encode(message), what);
                  });
  }
  EXPECT_GT(tried, 150);
  EXPECT_GT(refused_, tried / 2) << "a changed envelope no longer carries its signer's signature";
}

TEST_F(BadInputTest, EveryFieldOfTheBody_IsCheckedThoughItsSignerSignedIt) {
  int tried = 0;
  for (const MessagePtr& good : EveryKind()) {
    if (std::holds_alternative<SealVote>(good->content())) continue;  // has no body
    auto message = Decode<pb::Message>(good->Wire()).value();
    auto body = Decode<pb::Body>(message.signed_().body()).value();
    ForEachChange(
        body, fmt::format("kind {}", good->content().index()), [&](const std::string& what) {
          ++tried;
          const Bytes bytes = Encode(body);
          message.mutable_signed_()->set_body(bytes);
          message.mutable_signed_()->set_signature(
              VoteKey(0).Sign(crypto::Domain::kPbftSignature, TestChain(), bytes).ToBytes());
          Hear(Encode(message), what);
        });
  }
  EXPECT_GT(tried, 200);
  EXPECT_GT(refused_, 50);
}

TEST_F(BadInputTest, EveryTruncation_IsRefused) {
  for (const MessagePtr& good : EveryKind()) {
    const Bytes bytes = good->Wire();
    const std::size_t step = 1 + bytes.size() / 200;
    for (std::size_t size = 0; size < bytes.size(); size += step) {
      const auto cut = VerifyMessage(TestChain(), *TestValidators(4), bytes.substr(0, size));
      ASSERT_FALSE(cut.has_value()) << good->content().index() << " cut to " << size;
    }
  }
}

TEST_F(BadInputTest, LateMessages_CostNoSignatureCheck) {
  const Horizon horizon = cluster_.replica(1).horizon();
  const auto code = [&](std::uint32_t who, Content content) {
    Bytes bytes = cluster_.Signed(who, std::move(content))->Wire();
    bytes.back() ^= 1;  // of the signature, or the proposal's: not looked at
    const auto verified = VerifyMessage(TestChain(), *TestValidators(4), bytes, &horizon);
    return verified ? Code::kInternal : verified.error().code;
  };
  EXPECT_EQ(code(2, Prepare{At(3, 2, "late view")}), Code::kExpired);
  EXPECT_EQ(code(2, Prepare{At(4, 1, "sealed")}), Code::kExpired);
  EXPECT_EQ(code(2, Prepare{At(900, 2, "view of nobody")}), Code::kExhausted);
  EXPECT_EQ(code(2, Prepare{At(900, 99, "says how far we are behind")}), Code::kBadSignature);
  EXPECT_EQ(code(2, Prepare{At(5, 2, "next view")}), Code::kBadSignature);
  EXPECT_EQ(code(2, SealVote{Height(1), Hash()}), Code::kExpired);
  EXPECT_EQ(code(2, SealVote{Height(99), Hash()}), Code::kExhausted);
  EXPECT_EQ(code(2, ViewChange{View(3), {}, {}}), Code::kExpired);
  EXPECT_EQ(code(3, NewView{View(3), {}}), Code::kExpired);
}

TEST_F(BadInputTest, MoreCertificatesThanAWindow_CostNoSignatureCheck) {
  const Horizon horizon = cluster_.replica(1).horizon();
  ViewChange change{View(9), {}, {}};
  for (std::uint64_t height = 1; height <= horizon.window + 1; ++height) {
    change.prepared.push_back({At(4, height, "prepared"), {}});
  }
  const auto code = [&] {
    Bytes bytes = cluster_.Signed(2, change)->Wire();
    bytes.back() ^= 1;  // of the signature
    return VerifyMessage(TestChain(), *TestValidators(4), bytes, &horizon).error().code;
  };
  EXPECT_EQ(code(), Code::kTooLarge);
  change.prepared.pop_back();
  EXPECT_EQ(code(), Code::kBadSignature);
}

TEST_F(BadInputTest, LateViewChange_IsReadWhereItProvesABlockSealed) {
  const auto& block = cluster_.node(0).finalised[0];
  const CertifiedHead head{Height(1), block.block_hash, cluster_.node(0).headers[0],
                           block.certificate};
  Horizon horizon = cluster_.replica(1).horizon();
  const auto late = cluster_.Signed(2, ViewChange{View(3), head, {}})->Wire();
  EXPECT_FALSE(VerifyMessage(TestChain(), *TestValidators(4), late, &horizon).has_value());
  horizon.sealed = Height(0);  // of a replica that has not sealed it
  EXPECT_TRUE(VerifyMessage(TestChain(), *TestValidators(4), late, &horizon).has_value());
}

TEST_F(BadInputTest, HorizonOfAnotherEpoch_IsNotUsed) {
  Horizon horizon = cluster_.replica(1).horizon();
  horizon.epoch = Epoch(1);
  const auto late = cluster_.Signed(2, Prepare{At(0, 1, "late")});
  EXPECT_TRUE(VerifyMessage(TestChain(), *TestValidators(4), late->Wire(), &horizon).has_value());
}

TEST_F(BadInputTest, WhatIsDropped_IsCountedByReason) {
  const auto dropped = [&](DropReason reason) {
    return cluster_.status(1).dropped[static_cast<std::size_t>(reason)];
  };
  const auto one_more = [&](DropReason reason, std::uint32_t who, Content content) {
    const auto before = dropped(reason);
    const auto total = cluster_.status(1).dropped_messages;
    ASSERT_TRUE(cluster_.Deliver(1, cluster_.Signed(who, std::move(content))->Wire()));
    EXPECT_EQ(dropped(reason), before + 1) << DropReasonName(reason);
    EXPECT_EQ(cluster_.status(1).dropped_messages, total + 1);
  };
  one_more(DropReason::kOwnKey, 1, Prepare{At(4, 3, "echo")});
  one_more(DropReason::kView, 2, Prepare{At(1, 2, "old")});
  one_more(DropReason::kView, 2, Prepare{At(6, 2, "far")});
  one_more(DropReason::kView, 2, ViewChange{View(4), {}, {}});
  one_more(DropReason::kWindow, 2, Prepare{At(4, 1, "sealed")});
  one_more(DropReason::kWindow, 2, SealVote{Height(40), Hash()});
  one_more(DropReason::kDuplicate, 2, Prepare{At(4, 2, "prepared")});
  one_more(DropReason::kContradiction, 2, Prepare{At(4, 2, "another")});
  one_more(DropReason::kUnasked, 2, ProposalReply{Height(2), OrderDigest("b"), MakeProposal("b")});
  one_more(
      DropReason::kTooLarge, 0,
      PrePrepare{At(4, 3, std::string(5 << 20, 'x')), MakeProposal(std::string(5 << 20, 'x'))});
  ASSERT_TRUE(cluster_.Deliver(
      1, cluster_.Signed(2, PeerStatus{View(4), false, Height(1), false, {}})->Wire()));
  one_more(DropReason::kRate, 2, PeerStatus{View(4), false, Height(1), false, {}});
}

TEST_F(BadInputTest, AFloodOfOneValidator_IsHeldOnce) {
  // Seals park four a signer and height; votes one a kind, view and height.
  const std::uint64_t window = 8;
  for (std::uint64_t round = 0; round < 10; ++round) {
    for (std::uint64_t h = 0; h <= 4 * window; ++h) {
      const Bytes other = fmt::format("{}", round);
      for (const std::uint64_t view : {0, 4, 5, 6}) {
        (void)cluster_.Deliver(1, cluster_.Signed(3, Prepare{At(view, h, other)})->Wire());
        (void)cluster_.Deliver(1, cluster_.Signed(3, Commit{At(view, h, other)})->Wire());
      }
      (void)cluster_.Deliver(1,
                             cluster_.Signed(3, SealVote{Height(h), OrderDigest(other)})->Wire());
    }
    (void)cluster_.Deliver(1, cluster_.Signed(3, ViewChange{View(5 + round), {}, {}})->Wire());
  }
  std::size_t held = 0;
  for (const auto& [height, slot] : cluster_.replica(1).impl().slots_) {
    for (const Votes* votes : {&slot.prepares, &slot.commits}) {
      for (const auto& [key, vote] : *votes) held += key.second == ValidatorIndex(3) ? 1 : 0;
    }
    const auto seals = slot.seals.find(ValidatorIndex(3));
    held += seals == slot.seals.end() ? 0 : seals->second.size();
  }
  EXPECT_LE(held, 2 * window * (2 * 2 + Slot::kSealsPerSigner));
  EXPECT_EQ(cluster_.status(1).view, View(4));
  EXPECT_LE(cluster_.node(1).evidence.size(), 2 * window + 1);
}

TEST(SealsDifferTest, AlarmAtFPlusOne_OnceAHeight) {
  Harness cluster(4);
  std::vector<SealsDiffer> alarms;
  cluster.observe = [&](std::uint32_t who, const Action& action) {
    if (who != 0) return;
    if (const auto* alarm = std::get_if<SealsDiffer>(&action)) alarms.push_back(*alarm);
  };
  cluster.pass = [](const auto&, const VerifiedMessage& m) {
    return !std::holds_alternative<SealVote>(m.content());
  };
  ASSERT_TRUE(cluster.Propose(0, "batch"));
  cluster.Run();
  const auto seal = [&](std::uint32_t who, std::string_view block) {
    const auto message = cluster.Signed(who, SealVote{Height(1), OrderDigest(block)});
    ASSERT_TRUE(cluster.Deliver(0, message->Wire()));
  };
  seal(2, "other");
  EXPECT_TRUE(alarms.empty()) << "one may lie";
  seal(2, "yet another");
  EXPECT_TRUE(alarms.empty()) << "and lie again";
  seal(3, "other");
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_EQ(alarms[0].height, Height(1));
  EXPECT_EQ(alarms[0].who, (std::vector<ValidatorIndex>{ValidatorIndex(2), ValidatorIndex(3)}));
  seal(1, "other");
  EXPECT_EQ(alarms.size(), 1u);
  EXPECT_FALSE(cluster.status(0).diverged);
}

TEST(SealsDifferTest, SealsPassedOnUnderAnotherHeight_AreNoAlarm) {
  Harness cluster(4);
  bool alarm = false;
  cluster.observe = [&](std::uint32_t, const Action& action) {
    alarm |= std::holds_alternative<SealsDiffer>(action);
  };
  ASSERT_TRUE(cluster.Propose(0, "one"));
  cluster.Run();
  const Finalise& one = cluster.node(0).finalised[0];
  cluster.pass = [](const auto&, const VerifiedMessage& m) {
    return !std::holds_alternative<SealVote>(m.content());
  };
  ASSERT_TRUE(cluster.Propose(0, "two"));
  cluster.Run();
  for (const auto& [who, signature] : one.certificate.seals) {
    const Bytes moved = EncodeSeal(Epoch(0), {Height(2), one.block_hash}, who, signature);
    if (who == ValidatorIndex(0)) continue;
    ASSERT_TRUE(cluster.Deliver(0, moved));
  }
  EXPECT_FALSE(alarm);
}

}  // namespace
}  // namespace talent::consensus::test
