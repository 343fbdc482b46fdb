// A few LocalChains in one process, wired to each other without sockets.
#include "node/chain/local_chain.h"

#include <gtest/gtest.h>

#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <future>

#include "consensus/messages.h"
#include "node/chain/asio_host.h"
#include "unit/ledger/test_chain.h"

namespace talent::node {
namespace {

using ledger::GenesisJson;
using ledger::KeyOf;
using ledger::KeyValueApp;

constexpr std::chrono::seconds kPatience{60};

class Cluster;

/// What one node has: its disk and its threads.
struct Member {
  TempDir dir;
  crypto::KeyPair vote_key;
  NodeKey self;
  std::unique_ptr<ledger::Database> database;
  std::unique_ptr<StorageThread> storage;
  std::unique_ptr<VerifyPool> verify;
  std::unique_ptr<boost::asio::thread_pool> strands;
  std::shared_ptr<LocalChain> chain;
  std::shared_ptr<void> listening;

  Member(crypto::KeyPair vote, NodeKey key) : vote_key(std::move(vote)), self(key) {}
};

class Cluster {
 public:
  /// With `spare_keys` the followers hold vote keys too, which are in no set yet.
  Cluster(int validators, int followers, bool spare_keys = false)
      : voters_(spare_keys ? validators + followers : validators) {
    auto json = GenesisJson(validators);
    json["consensus"]["view_timeout_ms"] = 400;
    for (int i = 0; i < followers; ++i) {
      const std::string name = "f" + std::to_string(i);
      json["followers"].push_back(
          {{"name", name}, {"node_key", KeyOf("node " + name).public_key().Hex()}});
    }
    genesis_.emplace(ledger::Genesis::Parse(json.dump()).value());
    for (int i = 0; i < validators + followers; ++i) {
      const std::string name =
          i < validators ? "v" + std::to_string(i) : "f" + std::to_string(i - validators);
      members_.push_back(
          std::make_unique<Member>(KeyOf("vote " + name), KeyOf("node " + name).public_key()));
    }
    for (std::size_t i = 0; i < members_.size(); ++i) Start(i);
  }

  ~Cluster() {
    for (std::size_t i = 0; i < members_.size(); ++i) Kill(i);
  }

  void Start(std::size_t i) {
    Member& member = *members_[i];
    member.database = std::move(
        ledger::Database::Open(member.dir.path() / "db", ledger::Database::Mode::kReadWrite)
            .value());
    member.storage = std::make_unique<StorageThread>();
    member.verify = std::make_unique<VerifyPool>(1, 1000);
    member.strands = std::make_unique<boost::asio::thread_pool>(1);
    auto application = std::make_unique<KeyValueApp>();
    auto chain = ledger::Chain::Open(*member.database, *genesis_, *application);
    ASSERT_TRUE(chain) << chain.error().ToString();
    std::optional<ValidatorRole> role;
    if (i < static_cast<std::size_t>(voters_)) {
      auto votes = VoteLog::Open(member.dir.path() / "votes.log", genesis_->chain_id(),
                                 member.vote_key.public_key());
      ASSERT_TRUE(votes) << votes.error().ToString();
      role = ValidatorRole::Resume(member.vote_key, std::move(*votes));
      role->accept_lost_votes = accept_lost_votes;
    }
    AsioHostParts parts;
    parts.chain = genesis_->name();
    parts.executor = member.strands->get_executor();
    parts.verify = member.verify.get();
    parts.storage = member.storage.get();
    parts.clock = &clock_;
    parts.send = [this, from = member.self](const NodeKey& to, const v1::Frame& frame) {
      return Deliver(from, to, frame);
    };
    parts.send_to_all = [this, from = member.self](const std::vector<NodeKey>& to,
                                                   const v1::Frame& frame) {
      for (const NodeKey& key : to) Deliver(from, key, frame);
    };
    member.chain = LocalChain::Create(MakeAsioHost(std::move(parts)), member.self,
                                      std::move(application), std::move(*chain), std::move(role))
                       .value();
    member.listening = member.chain->OnChange([this] {
      const std::lock_guard lock(mutex_);
      sealed_.notify_all();
    });
    std::vector<std::shared_ptr<LocalChain>> others;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [key, chain_of_other] : running_) others.push_back(chain_of_other);
      for (const auto& [key, other] : running_) {
        member.chain->OnPeer(key, true);
        other->OnPeer(member.self, true);
      }
      running_[member.self] = member.chain;
    }
    member.chain->Start();
  }

  /// As a crash: nothing is said to anybody, what was not written is gone.
  void Kill(std::size_t i) {
    Member& member = *members_[i];
    if (!member.chain) return;
    {
      const std::lock_guard lock(mutex_);
      running_.erase(member.self);
      for (const auto& [key, other] : running_) other->OnPeer(member.self, false);
    }
    member.chain->Stop();
    member.strands->join();
    member.verify.reset();
    member.storage.reset();
    member.listening.reset();
    member.chain.reset();
    member.strands.reset();
    member.database.reset();
  }

  void WipeDisk(std::size_t i) {
    for (const auto& entry : std::filesystem::directory_iterator(members_[i]->dir.path())) {
      std::filesystem::remove_all(entry);
    }
  }

  void RemoveLog(std::size_t i) {
    ASSERT_TRUE(std::filesystem::remove(members_[i]->dir.path() / "votes.log"));
  }
  /// As the one who makes a key leaves it.
  void PrepareLog(std::size_t i) {
    Member& member = *members_[i];
    ASSERT_TRUE(VoteLog::Prepare(member.dir.path() / "votes.log", member.vote_key.public_key()));
  }

  /// Once it has one: a new validator asks the others before it votes.
  consensus::ReplicaStatus AwaitReplica(std::size_t i) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!members_[i]->chain->status().replica) {
      CHECK(std::chrono::steady_clock::now() < deadline);
      std::this_thread::yield();
    }
    return *members_[i]->chain->status().replica;
  }

  ledger::Transaction Put(const std::string& key, const std::string& value) {
    return Make("Put", key + "=" + value);
  }
  ledger::Transaction Make(const std::string& kind, Bytes payload) {
    const std::lock_guard lock(mutex_);
    return ledger::MakeTransaction(genesis_->chain_id(), kind, std::move(payload),
                                   ledger::pb::DISCLOSURE_FULL, Height(90), KeyOf("author"),
                                   random_);
  }

  /// Until member `i` has written something to its vote log.
  void AwaitVoteLog(std::size_t i) {
    const TempDir empty;
    ASSERT_TRUE(
        VoteLog::Open(empty.path() / "votes.log", genesis_->chain_id(), KeyOf("v").public_key()));
    const auto size = std::filesystem::file_size(empty.path() / "votes.log");
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::filesystem::file_size(members_[i]->dir.path() / "votes.log") <= size) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  /// Has member `i` decide that the epoch ends with the height returned.
  Height EndEpoch(std::size_t i, const std::string& next) {
    const Height last = chain(i).chain().head().height + 8;
    const auto tx = Make("EndEpoch", fmt::format("{}={}", last, next));
    CHECK(Submit(i, tx).has_value());
    const TxOutcome outcome = Outcome(i, tx.id);
    CHECK(outcome.status == TxStatus::kSealed, "receipt {}",
          ledger::pb::ReceiptCode_Name(outcome.receipt));
    return last;
  }

  /// Seals one more block by submitting to member `i`.
  Height SealOne(std::size_t i, const std::string& key) {
    const auto tx = Put(key, "v");
    CHECK(Submit(i, tx).has_value());
    const TxOutcome outcome = Outcome(i, tx.id);
    CHECK(outcome.status == TxStatus::kSealed);
    return outcome.height;
  }

  Result<Admitted> Submit(std::size_t i, const ledger::Transaction& tx) {
    std::promise<Result<Admitted>> done;
    members_[i]->chain->Submit(ledger::Serialize(tx),
                               [&](Result<Admitted> result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }

  TxOutcome Outcome(std::size_t i, const TxId& id) {
    std::promise<TxOutcome> done;
    members_[i]->chain->AwaitOutcome({id, Height(90)},
                                     Millis(std::chrono::milliseconds(kPatience).count()),
                                     [&](const TxOutcome& outcome) { done.set_value(outcome); });
    return done.get_future().get();
  }

  /// True once `i` has sealed `height`; false when that takes too long.
  bool AwaitHeight(std::size_t i, Height height) {
    std::unique_lock lock(mutex_);
    return sealed_.wait_for(lock, kPatience,
                            [&] { return members_[i]->chain->chain().head().height >= height; });
  }

  /// What the operator says of members started from now on.
  bool accept_lost_votes = false;

  LocalChain& chain(std::size_t i) { return *members_[i]->chain; }
  std::size_t size() const { return members_.size(); }

  /// The block hash of every height up to `height` is the same on all running members.
  void ExpectAgreement(Height height) {
    for (Height h(1); h <= height; ++h) {
      std::set<Bytes> headers;
      for (const auto& member : members_) {
        if (member->chain) headers.insert(member->chain->chain().GetHeader(h).value().header());
      }
      EXPECT_EQ(headers.size(), 1U) << "height " << h.value;
    }
  }

 private:
  bool Deliver(const NodeKey& from, const NodeKey& to, const v1::Frame& frame) {
    std::shared_ptr<LocalChain> target;
    {
      const std::lock_guard lock(mutex_);
      const auto found = running_.find(to);
      if (found == running_.end() || !running_.contains(from)) return false;
      target = found->second;
    }
    return target->OnFrame(from, v1::Frame(frame));
  }

  const int voters_;  // members that hold a vote key
  SystemClock clock_;
  std::optional<ledger::Genesis> genesis_;
  ledger::CountingRandom random_;
  std::vector<std::unique_ptr<Member>> members_;
  std::mutex mutex_;  // guards running_ and random_
  std::condition_variable sealed_;
  std::map<NodeKey, std::shared_ptr<LocalChain>> running_;
};

class LocalChainOf : public ::testing::TestWithParam<int> {};

TEST_P(LocalChainOf, SealsWhatIsSubmittedToAnyMember) {
  Cluster cluster(GetParam(), /*followers=*/1);
  Height last;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    const auto tx = cluster.Put("key" + std::to_string(i), "value");
    const auto submitted = cluster.Submit(i, tx);
    ASSERT_TRUE(submitted) << submitted.error().ToString();
    const TxOutcome outcome = cluster.Outcome(i, tx.id);
    EXPECT_EQ(outcome.status, TxStatus::kSealed);
    last = std::max(last, outcome.height);
  }
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    ASSERT_TRUE(cluster.AwaitHeight(i, last));
    EXPECT_EQ(cluster.chain(i).chain().SealedState()->Get("kv/key0"), "value");
  }
  cluster.ExpectAgreement(last);
}

INSTANTIATE_TEST_SUITE_P(Validators, LocalChainOf, ::testing::Values(1, 2, 4));

TEST(LocalChain, GoesOnWithoutItsPrimaryWhichCatchesUpWhenItReturns) {
  Cluster cluster(4, 0);
  const auto before = cluster.Put("before", "1");
  ASSERT_TRUE(cluster.Submit(1, before));
  ASSERT_EQ(cluster.Outcome(1, before.id).status, TxStatus::kSealed);

  cluster.Kill(0);  // primary of view 0
  Height last;
  for (int i = 0; i < 5; ++i) {
    const auto tx = cluster.Put("during" + std::to_string(i), "2");
    ASSERT_TRUE(cluster.Submit(1 + i % 3, tx));
    const TxOutcome outcome = cluster.Outcome(1 + i % 3, tx.id);
    ASSERT_EQ(outcome.status, TxStatus::kSealed);
    last = std::max(last, outcome.height);
  }
  cluster.Start(0);
  ASSERT_TRUE(cluster.AwaitHeight(0, last));
  for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  cluster.ExpectAgreement(last);

  const auto after = cluster.Put("after", "3");
  ASSERT_TRUE(cluster.Submit(0, after));
  EXPECT_EQ(cluster.Outcome(0, after.id).status, TxStatus::kSealed);
}

TEST(LocalChain, KeepsWhatItAcknowledgedWhenAllMembersDieAtOnce) {
  Cluster cluster(4, 0);
  std::vector<TxId> acknowledged;
  for (int i = 0; i < 8; ++i) {
    const auto tx = cluster.Put("key" + std::to_string(i), "v");
    ASSERT_TRUE(cluster.Submit(i % 4, tx));
    if (cluster.Outcome(i % 4, tx.id).status == TxStatus::kSealed) acknowledged.push_back(tx.id);
  }
  ASSERT_EQ(acknowledged.size(), 8U);
  for (std::size_t i = 0; i < 4; ++i) cluster.Kill(i);
  for (std::size_t i = 0; i < 4; ++i) cluster.Start(i);
  const auto after = cluster.Put("after", "v");
  ASSERT_TRUE(cluster.Submit(2, after));
  const TxOutcome outcome = cluster.Outcome(2, after.id);
  ASSERT_EQ(outcome.status, TxStatus::kSealed);
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(cluster.AwaitHeight(i, outcome.height));
    for (const TxId& id : acknowledged)
      EXPECT_TRUE(cluster.chain(i).chain().FindTransaction(id).value());
  }
  cluster.ExpectAgreement(outcome.height);
}

TEST(LocalChain, WatchesWithoutVotingWhenItComesBackWithAnEmptyDisk) {
  Cluster cluster(4, 0);
  const auto before = cluster.Put("before", "1");
  ASSERT_TRUE(cluster.Submit(1, before));
  const TxOutcome outcome = cluster.Outcome(1, before.id);
  ASSERT_EQ(outcome.status, TxStatus::kSealed);
  cluster.Kill(3);
  cluster.WipeDisk(3);
  cluster.Start(3);
  ASSERT_TRUE(cluster.AwaitHeight(3, outcome.height));
  const auto status = cluster.AwaitReplica(3);
  EXPECT_TRUE(status.observer);
  EXPECT_FALSE(cluster.AwaitReplica(0).observer) << "all were new when the chain began";
}

TEST(LocalChain, NewValidatorWithAPreparedLog_VotesThoughTheOthersHaveBegun) {
  Cluster cluster(4, 0);
  cluster.Kill(3);
  const Height last = cluster.SealOne(0, "before");
  cluster.WipeDisk(3);
  cluster.PrepareLog(3);
  cluster.Start(3);
  ASSERT_TRUE(cluster.AwaitHeight(3, last));
  EXPECT_FALSE(cluster.AwaitReplica(3).observer);
  cluster.Kill(0);
  EXPECT_EQ(cluster.SealOne(1, "after"), last + 1) << "its vote is needed";
}

// Fails one time in seven, for a reason not found yet; tests/sim plays the rule.
TEST(LocalChain, DISABLED_PreparedLogUnderAChainThatItsKeyHasSealed_IsALostOne) {
  Cluster cluster(4, 0);
  cluster.Kill(0);
  const Height last = cluster.SealOne(1, "with the seal of 3");
  ASSERT_TRUE(cluster.AwaitHeight(3, last)) << "else it has nothing to be told by";
  cluster.Kill(3);
  cluster.RemoveLog(3);
  cluster.PrepareLog(3);
  cluster.Start(3);
  EXPECT_TRUE(cluster.AwaitReplica(3).observer);
}

TEST(LocalChain, AloneInItsSetWithAnEmptyDisk_AsksThoseThatFollowBeforeItVotes) {
  Cluster cluster(1, 1);
  const Height last = cluster.SealOne(0, "before");
  ASSERT_TRUE(cluster.AwaitHeight(1, last));
  for (std::size_t i : {0, 1}) cluster.Kill(i);
  cluster.WipeDisk(0);
  cluster.Start(0);
  const auto tx = cluster.Put("again", "v");
  ASSERT_TRUE(cluster.Submit(0, tx));
  EXPECT_FALSE(cluster.chain(0).status().replica);
  cluster.Start(1);
  ASSERT_TRUE(cluster.AwaitHeight(0, last));
  EXPECT_TRUE(cluster.AwaitReplica(0).observer) << "only its operator can say what it voted for";
  cluster.ExpectAgreement(last);

  cluster.accept_lost_votes = true;
  cluster.Kill(0);
  cluster.Start(0);
  EXPECT_FALSE(cluster.AwaitReplica(0).observer) << "who may say so after an ordinary start too";
  EXPECT_EQ(cluster.SealOne(0, "after"), last + 1);
}

TEST(LocalChain, SealPassedOnByAnotherNode_IsRefused) {
  Cluster cluster(4, 0);
  LocalChain& chain = cluster.chain(0);
  (void)cluster.AwaitReplica(0);
  const auto validators = chain.chain().validators();
  const auto say = [&](std::string_view who, const NodeKey& from) {
    const auto key = KeyOf("vote " + std::string(who));
    const auto seal = consensus::VerifiedMessage::Sign(
        key, chain.chain().id(), validators->epoch(), *validators->FindVoteKey(key.public_key()),
        consensus::SealVote{Height(3), consensus::OrderDigest("an old block")});
    v1::Frame frame;
    frame.set_chain_id(chain.chain().id().ToBytes());
    frame.set_consensus(seal->Wire());
    EXPECT_TRUE(chain.OnFrame(from, std::move(frame)));
  };
  for (const char* who : {"v1", "v2", "v3"}) say(who, KeyOf("node v3").public_key());
  while (chain.status().refused[{"consensus", "passed_on"}] < 2) std::this_thread::yield();
  EXPECT_EQ((chain.status().refused[{"consensus", "passed_on"}]), 2U) << "its own is taken";
}

TEST(LocalChain, KeepsEvidenceAndCountsWhatItRefuses) {
  Cluster cluster(4, 0);
  LocalChain& chain = cluster.chain(0);
  const auto validators = chain.chain().validators();
  const crypto::ValidatorSet& set = *validators;
  const auto liar = KeyOf("vote v1");
  const ValidatorIndex index = *set.FindVoteKey(liar.public_key());
  (void)cluster.AwaitReplica(0);
  const auto say = [&](std::uint64_t height, std::string_view batch, const ChainId& on) {
    const auto message = consensus::VerifiedMessage::Sign(
        liar, on, set.epoch(), index,
        consensus::Prepare{{View(0), Height(height), consensus::OrderDigest(batch)}});
    v1::Frame frame;
    frame.set_chain_id(chain.chain().id().ToBytes());
    frame.set_consensus(message->Wire());
    EXPECT_TRUE(chain.OnFrame(set.at(index).node_key, std::move(frame)));
  };
  for (const std::string_view batch : {"a", "b", "c"}) say(5, batch, chain.chain().id());
  say(6, "elsewhere", ChainId());
  const auto refused = [&] { return chain.status().refused[{"consensus", "bad_signature"}]; };
  while (chain.EvidenceList().empty() || refused() == 0) std::this_thread::yield();
  const auto evidence = chain.EvidenceList();
  ASSERT_EQ(evidence.size(), 1U) << "one misdeed, however often";
  EXPECT_EQ(evidence[0].name(), set.at(index).name);
  EXPECT_EQ(evidence[0].kind(), "PREPARE");
  EXPECT_EQ(evidence[0].height(), 5U);
  EXPECT_TRUE(consensus::VerifyEvidence(chain.chain().id(), set, evidence[0].first(),
                                        evidence[0].second()));
}

TEST(LocalChain, RefusesWhatCannotBeSealedAndSaysWhy) {
  Cluster cluster(1, 0);
  const auto refusal = [&](Bytes bytes) {
    std::promise<Result<Admitted>> done;
    cluster.chain(0).Submit(std::move(bytes),
                            [&](Result<Admitted> result) { done.set_value(std::move(result)); });
    const auto result = done.get_future().get();
    return result ? std::string("accepted") : std::string(CodeName(result.error().code));
  };
  const auto good = cluster.Put("key", "value");
  EXPECT_EQ(refusal("garbage"), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(Bytes(1 << 20, 'x')), "TOO_LARGE");

  auto forged = good;
  forged.signature.data()[0] ^= 1;
  EXPECT_EQ(refusal(ledger::Serialize(forged)), "BAD_SIGNATURE");

  ledger::CountingRandom random;
  const auto make = [&](const ChainId& chain, std::uint64_t valid_until) {
    return ledger::Serialize(ledger::MakeTransaction(chain, "Put", "a=b",
                                                     ledger::pb::DISCLOSURE_FULL,
                                                     Height(valid_until), KeyOf("author"), random));
  };
  EXPECT_EQ(refusal(make(ChainId(), 10)), "WRONG_CHAIN");
  EXPECT_EQ(refusal(make(cluster.chain(0).chain().id(), 1'000'000)), "INVALID_ARGUMENT");

  EXPECT_EQ(refusal(ledger::Serialize(good)), "accepted");
  ASSERT_EQ(cluster.Outcome(0, good.id).status, TxStatus::kSealed);
  EXPECT_EQ(refusal(ledger::Serialize(good)), "DUPLICATE");
  EXPECT_EQ(refusal(make(cluster.chain(0).chain().id(), 1)), "EXPIRED");
}

TEST(LocalChain, TakesFramesOnlyFromThoseItKnows) {
  Cluster cluster(1, 1);
  LocalChain& chain = cluster.chain(0);
  v1::Frame frame;
  frame.set_chain_id(chain.chain().id().ToBytes());
  frame.mutable_status()->set_sealed(5);
  EXPECT_FALSE(chain.OnFrame(KeyOf("a stranger").public_key(), v1::Frame(frame)));
  EXPECT_TRUE(chain.OnFrame(KeyOf("node f0").public_key(), v1::Frame(frame)));
  frame.set_consensus("a vote");
  EXPECT_TRUE(chain.OnFrame(KeyOf("node f0").public_key(), v1::Frame(frame)))
      << "it is ignored, but the sender may be an epoch ahead of us";
  EXPECT_FALSE(chain.OnFrame(KeyOf("a stranger").public_key(), v1::Frame(frame)));
}

TEST(LocalChain, TakesBlocksOnlyFromThoseItAsked) {
  Cluster cluster(1, 1);
  v1::Frame frame;
  frame.set_chain_id(cluster.chain(1).chain().id().ToBytes());
  frame.mutable_sync_response()->set_sealed(5);
  EXPECT_FALSE(cluster.chain(1).OnFrame(KeyOf("node v0").public_key(), v1::Frame(frame)));
  frame.mutable_snapshot_response()->set_head("unasked");
  EXPECT_FALSE(cluster.chain(1).OnFrame(KeyOf("node v0").public_key(), v1::Frame(frame)));

  const auto tx = cluster.Put("key", "value");
  ASSERT_TRUE(cluster.Submit(0, tx));
  const TxOutcome outcome = cluster.Outcome(0, tx.id);
  ASSERT_TRUE(cluster.AwaitHeight(1, outcome.height)) << "a follower asks for what it is behind";
}

TEST(LocalChainEpochs, IdleChain_ReplacesAValidatorWithoutAStop) {
  Cluster cluster(4, 1, /*spare_keys=*/true);
  cluster.SealOne(4, "before");
  EXPECT_FALSE(cluster.chain(4).status().validator);
  EXPECT_TRUE(cluster.chain(4).status().vote_key);
  cluster.AwaitVoteLog(4);  // it has heard that its key has never voted
  const Height last = cluster.EndEpoch(1, "v1,v2,v3,f0");
  // Nobody submits anything: the validators themselves fill the heights up to the end.
  for (std::size_t i = 0; i < cluster.size(); ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  const Height after = cluster.SealOne(0, "after");
  EXPECT_GT(after, last);
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    ASSERT_TRUE(cluster.AwaitHeight(i, after));
    EXPECT_EQ(cluster.chain(i).chain().validators()->epoch(), Epoch(1));
  }
  cluster.ExpectAgreement(after);
  EXPECT_EQ(cluster.AwaitReplica(4).epoch, Epoch(1));
  EXPECT_FALSE(cluster.AwaitReplica(4).observer) << "it votes from the first height on";
  const ChainStatusInfo removed = cluster.chain(0).status();
  EXPECT_FALSE(removed.validator);
  EXPECT_FALSE(removed.replica);
  EXPECT_TRUE(removed.vote_key);
  EXPECT_EQ(removed.epoch, Epoch(1));
  EXPECT_EQ(removed.validators, 4u);
}

TEST(LocalChainEpochs, OneValidator_BecomesTwo) {
  Cluster cluster(1, 1, /*spare_keys=*/true);
  const Height last = cluster.EndEpoch(0, "v0,f0");
  for (std::size_t i = 0; i < 2; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  const Height after = cluster.SealOne(1, "after");
  EXPECT_GT(after, last);
  const auto header = cluster.chain(1).chain().GetHeader(after);
  EXPECT_EQ(header->certificate().seals_size(), 2) << "the new one's vote is needed";
}

TEST(LocalChainEpochs, Laggard_CrossesTheBoundaryAndVotes) {
  Cluster cluster(4, 0);
  cluster.SealOne(0, "before");
  cluster.Kill(3);
  const Height last = cluster.EndEpoch(0, "v1,v2,v3");
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  const Height later = cluster.SealOne(1, "later");
  cluster.Start(3);
  ASSERT_TRUE(cluster.AwaitHeight(3, later));
  cluster.Kill(1);
  const Height after = cluster.SealOne(2, "after");  // by nodes 2 and 3 alone
  ASSERT_TRUE(cluster.AwaitHeight(0, after));
  const auto header = cluster.chain(2).chain().GetHeader(after);
  EXPECT_EQ(header->certificate().epoch(), 1u);
}

TEST(LocalChainEpochs, AMemberOfTheNewSetThatLostItsDisk_Watches) {
  Cluster cluster(4, 1, /*spare_keys=*/true);
  cluster.SealOne(0, "before");
  cluster.AwaitVoteLog(4);
  const Height last = cluster.EndEpoch(0, "v0,v1,v2,v3,f0");
  for (std::size_t i = 0; i < 5; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  cluster.AwaitReplica(4);
  const Height after = cluster.SealOne(0, "after");
  cluster.Kill(4);
  cluster.WipeDisk(4);
  cluster.Start(4);
  // It follows through epoch 0, where its key was in no set, into the one where it may have voted.
  ASSERT_TRUE(cluster.AwaitHeight(4, after));
  EXPECT_TRUE(cluster.AwaitReplica(4).observer);
}

TEST(LocalChainEpochs, ChainGrowsToSevenWithFewBlocks) {
  Cluster cluster(4, 3, /*spare_keys=*/true);
  cluster.SealOne(0, "before");
  for (std::size_t i = 4; i < 7; ++i) cluster.AwaitVoteLog(i);
  std::string set = "v0,v1,v2,v3";
  for (const char* joiner : {",f0", ",f1", ",f2"}) {
    set += joiner;
    const Height last = cluster.EndEpoch(0, set);
    for (std::size_t i = 0; i < 7; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  }
  const Height after = cluster.SealOne(6, "after");
  for (std::size_t i = 0; i < 7; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, after));
  for (std::size_t i = 4; i < 7; ++i) EXPECT_FALSE(cluster.AwaitReplica(i).observer) << i;
  cluster.ExpectAgreement(after);
}

TEST(LocalChainEpochs, AllRestartedAtTheBoundary_GoOn) {
  Cluster cluster(4, 0);
  const Height last = cluster.EndEpoch(0, "v1,v2,v3");
  for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(cluster.AwaitHeight(i, last));
  for (std::size_t i = 0; i < 4; ++i) cluster.Kill(i);
  for (std::size_t i = 0; i < 4; ++i) cluster.Start(i);
  EXPECT_GT(cluster.SealOne(0, "after"), last);
  EXPECT_FALSE(cluster.AwaitReplica(1).observer);
}

}  // namespace
}  // namespace talent::node
