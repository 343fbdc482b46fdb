// What becomes of what a client hands in: always an answer, and a definite one where there is one.
#include <gtest/gtest.h>

#include "ledger/snapshot_files.h"
#include "unit/node/direct_chain.h"

namespace talent::node {
namespace {

using ledger::KeyOf;
using ledger::TestChain;

constexpr Millis kSubmitPatience{60'000};

/// Submits without letting anything run. What comes of it is the code's name, "" before.
std::shared_ptr<std::string> Begin(DirectChain& target, Bytes transaction) {
  auto said = std::make_shared<std::string>();
  target.chain().Submit(std::move(transaction), [said](const Result<Admitted>& tx) {
    *said = tx ? "admitted" : CodeName(tx.error().code);
  });
  return said;
}

std::string Submit(DirectChain& target, const ledger::Transaction& tx) {
  const auto said = Begin(target, ledger::Serialize(tx));
  target.Run();
  return *said;
}

std::shared_ptr<std::optional<TxOutcome>> Await(DirectChain& target,
                                                const ledger::Transaction& tx) {
  auto said = std::make_shared<std::optional<TxOutcome>>();
  target.chain().AwaitOutcome({tx.id, tx.valid_until}, kSubmitPatience,
                              [said](const TxOutcome& outcome) { *said = outcome; });
  target.Run();
  return said;
}

class Submission : public testing::Test {
 protected:
  TestChain source{4};
  DirectChain target{std::nullopt};
};

TEST_F(Submission, ExpiresBeforeItIsAwaited_IsExpiredAtOnce) {
  const auto tx = source.Make("Put", "late=1", 1);
  ASSERT_EQ(Submit(target, tx), "admitted");
  source.Commit({source.Put("other", "1")});
  target.Fetch(source);
  ASSERT_EQ(target.chain().chain().head().height, Height(1));
  const auto outcome = Await(target, tx);
  ASSERT_TRUE(outcome->has_value()) << "nothing will ever be said of it again";
  EXPECT_EQ((*outcome)->status, TxStatus::kExpired);
}

TEST_F(Submission, SealedAtItsLastHeightBeforeItIsAwaited_IsSealed) {
  const auto tx = source.Make("Put", "in-time=1", 1);
  ASSERT_EQ(Submit(target, tx), "admitted");
  source.Commit({tx});
  target.Fetch(source);
  const auto outcome = Await(target, tx);
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->status, TxStatus::kSealed);
  EXPECT_EQ((*outcome)->height, Height(1));
}

TEST_F(Submission, ExpiresWhileItIsAwaited_IsExpired) {
  const auto tx = source.Make("Put", "late=1", 1);
  ASSERT_EQ(Submit(target, tx), "admitted");
  const auto outcome = Await(target, tx);
  EXPECT_FALSE(outcome->has_value());
  source.Commit({source.Put("other", "1")});
  target.Fetch(source);
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->status, TxStatus::kExpired);
}

TEST_F(Submission, WaitsWhenItsChainHalts_IsAnsweredPendingAndTheNextRefused) {
  const auto tx = source.Put("waiting", "1");
  ASSERT_EQ(Submit(target, tx), "admitted");
  const auto outcome = Await(target, tx);
  EXPECT_FALSE(outcome->has_value());
  source.app.salt = "another program";
  source.Commit({source.Put("other", "1")});
  target.Fetch(source);
  ASSERT_TRUE(target.chain().status().halted) << "certified, and not what is computed here";
  ASSERT_TRUE(outcome->has_value()) << "the client may ask elsewhere";
  EXPECT_EQ((*outcome)->status, TxStatus::kPending);
  EXPECT_EQ(Submit(target, source.Put("next", "1")), "UNAVAILABLE");
  const auto again = Await(target, tx);
  EXPECT_TRUE(again->has_value()) << "nor does anybody begin to wait";
}

// Blocks of before the snapshot, which may hold it, were never here.
TEST(SubmissionAfterASnapshot, ThatExpiredBeforeIt_IsPrunedNotExpired) {
  TestChain source;
  std::vector<ledger::Transaction> old;
  for (int i = 0; i < 8; ++i) {
    old.push_back(source.Make("Put", "a=" + std::to_string(i), 5 + i));
    source.Commit({source.Put(std::to_string(i), "v")});
  }
  DirectChain target(std::nullopt, [&](TestChain& store) {
    const auto directory = store.dir.path() / "snapshot";
    const auto snapshot =
        ledger::SnapshotSource::Open(*source.database, source.genesis(), Height(8)).value();
    ASSERT_TRUE(ledger::WriteSnapshot(snapshot, directory, {}));
    store.chain.reset();
    ASSERT_TRUE(ledger::RestoreSnapshot(*store.database, store.genesis(), store.app, directory,
                                        std::nullopt, {}));
    store.Reopen();
  });
  source.Commit({source.Put("later", "v")});
  target.Fetch(source);
  ASSERT_EQ(target.chain().chain().head().height, Height(9));
  EXPECT_EQ(Submit(target, old[0]), "PRUNED");
  EXPECT_EQ(Submit(target, old[3]), "PRUNED") << "valid until 8, the snapshot's height";
  EXPECT_EQ(Submit(target, old[4]), "EXPIRED")
      << "valid until 9, and all blocks from there are here";
  EXPECT_EQ(Submit(target, old[5]), "admitted");
}

// What arrives faster than it is verified is bounded, and peers leave room for clients.
TEST(Arrivals, AreBoundedAndAllAnswered) {
  constexpr std::size_t kMost = 10'000;
  DirectChain target(0);
  const auto relay = [&](std::size_t count) {
    v1::Frame frame = target.NewFrame();
    for (std::size_t i = 0; i < count; ++i) frame.mutable_transactions()->add_transactions("x");
    EXPECT_TRUE(target.chain().OnFrame(NodeOf("v1"), std::move(frame)));
  };
  const auto busy = [&] { return target.chain().status().refused[{"transaction", "busy"}]; };
  for (std::size_t relayed = 0; relayed < kMost / 2; relayed += 1000) relay(1000);
  EXPECT_EQ(busy(), 0u);
  relay(7);
  EXPECT_EQ(busy(), 7u);

  std::vector<std::shared_ptr<std::string>> answers;
  while (answers.size() < kMost / 2 + 1) answers.push_back(Begin(target, "y"));
  EXPECT_EQ(*answers.back(), "EXHAUSTED");
  EXPECT_EQ(*answers[kMost / 2 - 1], "") << "the bound is where it is said to be";
  target.Run();
  answers.pop_back();
  for (const auto& answer : answers) ASSERT_EQ(*answer, "INVALID_ARGUMENT");
  const auto after = Begin(target, "z");
  target.Run();
  EXPECT_EQ(*after, "INVALID_ARGUMENT") << "there is room again";
}

TEST(Arrivals, AreBoundedByTheirBytes) {
  constexpr std::size_t kMostBytes = 64u << 20;
  DirectChain target(0);
  std::vector<std::shared_ptr<std::string>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(Begin(target, Bytes(kMostBytes / 4, 'x')));
  EXPECT_EQ(*answers[3], "");
  EXPECT_EQ(*answers[4], "EXHAUSTED");
  target.Run();
  EXPECT_EQ(*answers[3], "TOO_LARGE");
  const auto after = Begin(target, Bytes(kMostBytes, 'x'));
  target.Run();
  EXPECT_EQ(*after, "TOO_LARGE") << "there is room again";
}

}  // namespace
}  // namespace talent::node
