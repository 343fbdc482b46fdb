// Log and blocks put back to an older state together: each is consistent, only others know better.
#include <gtest/gtest.h>

#include "consensus/codec.h"
#include "unit/consensus/harness.h"

namespace talent::consensus::test {
namespace {

constexpr std::uint32_t kRestored = 3;

class ForgottenVotes : public testing::Test {
 protected:
  struct Backup {
    std::vector<Bytes> log, headers, batches;
    std::vector<Finalise> finalised;
  };
  Backup Save() {
    const Node& node = cluster_.node(kRestored);
    return {node.log, node.headers, node.batches, node.finalised};
  }
  void PutBack(const Backup& backup) {
    Node& node = cluster_.node(kRestored);
    node.log = backup.log;
    node.headers = backup.headers;
    node.batches = backup.batches;
    node.finalised = backup.finalised;
    cluster_.Restart(kRestored);
  }
  void SealOne(std::string_view batch) {
    ASSERT_TRUE(cluster_.Propose(0, batch));
    cluster_.Run();
  }
  void Lose(std::function<bool(const VerifiedMessage&)> lost) {
    cluster_.pass = [lost](const auto&, const VerifiedMessage& m) { return !lost(m); };
  }
  void NeedItsSeals() {
    Lose([](const VerifiedMessage& m) {
      return std::holds_alternative<SealVote>(m.content()) && m.signer() == ValidatorIndex(2);
    });
  }
  // What `from` last sent of this kind.
  template <class T>
  MessagePtr Last(std::uint32_t from) {
    for (auto it = cluster_.sent.rbegin(); it != cluster_.sent.rend(); ++it) {
      const bool is = std::holds_alternative<T>((*it)->content());
      if (is && (*it)->signer() == ValidatorIndex(from)) return *it;
    }
    return nullptr;
  }
  Certified HeadOf(std::uint32_t who) {
    const Node& node = cluster_.node(who);
    const Finalise& head = node.finalised.back();
    return {{head.height, head.block_hash, node.headers[head.height.value - 1], head.certificate}};
  }
  void ExpectObserver(Height shown) {
    const Node& node = cluster_.node(kRestored);
    ASSERT_TRUE(node.forgotten.has_value());
    EXPECT_EQ(node.forgotten->height, shown);
    EXPECT_TRUE(cluster_.status(kRestored).observer);
    cluster_.Restart(kRestored);
    EXPECT_TRUE(cluster_.status(kRestored).observer) << "and stays one over a restart";
  }

  Harness cluster_{4, 4};
};

TEST_F(ForgottenVotes, FetchedBlockWithAnOwnSealThatTheLogLacks_MakesAnObserver) {
  NeedItsSeals();
  SealOne("one");
  const Backup backup = Save();
  SealOne("two");
  SealOne("three");
  ASSERT_TRUE(HeadOf(0).head.certificate.seals.contains(ValidatorIndex(kRestored)));
  PutBack(backup);
  EXPECT_FALSE(cluster_.status(kRestored).observer) << "by itself it cannot tell";
  cluster_.FetchBlocks(kRestored, 0);
  ExpectObserver(Height(2));
}

TEST_F(ForgottenVotes, CertifiedHeadWithAnOwnSeal_DoesToo_AndItVotesAgainLater) {
  NeedItsSeals();
  SealOne("one");
  const Backup backup = Save();
  SealOne("two");
  cluster_.pass = nullptr;
  PutBack(backup);
  ASSERT_TRUE(cluster_.Deliver(kRestored, cluster_.Signed(0, HeadOf(0))->Wire()));
  ExpectObserver(Height(2));
  cluster_.FireAll(kStatus);
  cluster_.Run();
  const std::size_t mark = cluster_.sent.size();
  for (int i = 0; i < 12; ++i) {
    cluster_.FetchBlocks(kRestored, 0);
    SealOne(fmt::format("later {}", i));
    if (i > 0) continue;
    for (std::size_t m = mark; m < cluster_.sent.size(); ++m) {
      const bool vote = std::holds_alternative<Prepare>(cluster_.sent[m]->content()) ||
                        std::holds_alternative<Commit>(cluster_.sent[m]->content()) ||
                        std::holds_alternative<SealVote>(cluster_.sent[m]->content());
      EXPECT_FALSE(vote && cluster_.sent[m]->signer() == ValidatorIndex(kRestored));
    }
  }
  EXPECT_FALSE(cluster_.status(kRestored).observer);
  EXPECT_EQ(cluster_.status(kRestored).sealed, Height(14));
}

TEST_F(ForgottenVotes, PreparedCertificateWithAnOwnPrepare_MakesAnObserver) {
  const Backup backup = Save();
  Lose([](const VerifiedMessage& m) { return std::holds_alternative<Commit>(m.content()); });
  SealOne("prepared");
  ASSERT_EQ(cluster_.status(2).prepared, Height(1));
  cluster_.Fire(2, kProgress);
  const MessagePtr change = Last<ViewChange>(2);
  ASSERT_TRUE(change != nullptr);
  ASSERT_EQ(change->As<ViewChange>().prepared.size(), 1u);
  PreparedCertificate all = change->As<ViewChange>().prepared[0];
  for (std::uint32_t i = 0; i < 4; ++i) {
    all.prepares[ValidatorIndex(i)] =
        VoteKey(i).Sign(crypto::Domain::kPbftSignature, TestChain(), PrepareBody(Epoch(0), all.at));
  }
  const auto shown = cluster_.Signed(2, ViewChange{View(1), {}, {all}})->Wire();
  // Who has its log knows that vote.
  cluster_.Restart(kRestored);
  ASSERT_TRUE(cluster_.Deliver(kRestored, shown));
  EXPECT_FALSE(cluster_.node(kRestored).forgotten.has_value());
  PutBack(backup);
  ASSERT_TRUE(cluster_.Deliver(kRestored, shown));
  ExpectObserver(Height(1));
}

TEST_F(ForgottenVotes, NewViewWithAnOwnViewChange_MakesAnObserver) {
  const Backup backup = Save();
  std::vector<MessagePtr> changes;
  for (std::uint32_t i = 1; i < 4; ++i) {
    changes.push_back(cluster_.Signed(i, ViewChange{View(1), {}, {}}));
  }
  const Bytes opening = cluster_.Signed(1, NewView{View(1), changes})->Wire();
  Lose([](const auto&) { return true; });
  cluster_.Step(kRestored, WorkWaiting{true});
  cluster_.Fire(kRestored, kProgress);
  cluster_.Restart(kRestored);
  ASSERT_TRUE(cluster_.Deliver(kRestored, opening));
  EXPECT_FALSE(cluster_.node(kRestored).forgotten.has_value()) << "it holds its own view change";
  PutBack(backup);
  ASSERT_TRUE(cluster_.Deliver(kRestored, opening));
  ExpectObserver(Height(0));
  EXPECT_EQ(cluster_.status(kRestored).view, View(1));
}

TEST_F(ForgottenVotes, RestartsOnTheRightDisk_NeverDo) {
  for (int b = 0; b < 10; ++b) {
    SealOne(fmt::format("batch {}", b));
    Lose([](const VerifiedMessage& m) { return std::holds_alternative<SealVote>(m.content()); });
    SealOne(fmt::format("unsealed {}", b));
    cluster_.Restart(kRestored);
    cluster_.Step(2, WorkWaiting{true});
    cluster_.Fire(2, kProgress);
    cluster_.pass = nullptr;
    cluster_.FireAll(kStatus);
    cluster_.Run();
    cluster_.FireAll(kStatus);
    cluster_.Run();
    for (std::uint32_t i = 0; i < 4; ++i) {
      EXPECT_FALSE(cluster_.node(i).forgotten.has_value()) << i;
      EXPECT_FALSE(cluster_.status(i).observer) << i;
    }
  }
}

TEST_F(ForgottenVotes, OperatorsWord_EndsObservingForGood) {
  SealOne("one");
  cluster_.node(kRestored).log.clear();
  cluster_.Restart(kRestored, /*votes_lost=*/true);
  ASSERT_TRUE(cluster_.status(kRestored).observer);
  // The first ordinary start has written that it observes.
  cluster_.node(kRestored).accept_lost_votes = true;
  cluster_.Restart(kRestored);
  EXPECT_FALSE(cluster_.status(kRestored).observer);
  SealOne("two");
  cluster_.node(kRestored).accept_lost_votes = false;
  cluster_.Restart(kRestored);
  EXPECT_FALSE(cluster_.status(kRestored).observer) << "said once";
  EXPECT_EQ(cluster_.status(kRestored).sealed, Height(2));
}

TEST_F(ForgottenVotes, OperatorsWord_HoldsForVotesThatOthersShow) {
  const Backup backup = Save();
  SealOne("one");
  cluster_.node(kRestored).accept_lost_votes = true;
  PutBack(backup);
  cluster_.FetchBlocks(kRestored, 0);
  EXPECT_FALSE(cluster_.node(kRestored).forgotten.has_value());
  EXPECT_FALSE(cluster_.status(kRestored).observer);
}

}  // namespace
}  // namespace talent::consensus::test
