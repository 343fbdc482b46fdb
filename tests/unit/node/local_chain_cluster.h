// A few LocalChains in one process, wired to each other without sockets.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <future>

#include "node/chain/asio_host.h"
#include "node/chain/local_chain.h"
#include "unit/ledger/test_chain.h"

namespace talent::node {

inline constexpr std::chrono::seconds kPatience{60};

class LocalChainCluster {
 public:
  /// With `spare_keys` the followers hold vote keys too, which are in no set yet.
  LocalChainCluster(int validators, int followers, bool spare_keys = false)
      : voters_(spare_keys ? validators + followers : validators) {
    auto json = ledger::GenesisJson(validators);
    json["consensus"]["view_timeout_ms"] = 400;
    for (int i = 0; i < followers; ++i) {
      const std::string name = "f" + std::to_string(i);
      json["followers"].push_back(
          {{"name", name}, {"node_key", ledger::KeyOf("node " + name).public_key().Hex()}});
    }
    genesis_.emplace(ledger::Genesis::Parse(json.dump()).value());
    for (int i = 0; i < validators + followers; ++i) {
      const std::string name =
          i < validators ? "v" + std::to_string(i) : "f" + std::to_string(i - validators);
      members_.push_back(std::make_unique<Member>(ledger::KeyOf("vote " + name),
                                                  ledger::KeyOf("node " + name).public_key()));
    }
    for (std::size_t i = 0; i < members_.size(); ++i) Start(i);
  }

  ~LocalChainCluster() {
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
    auto application = std::make_unique<ledger::KeyValueApp>();
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
        member.chain->OnFrame(key, StatusOf(*other));  // as peers may before it starts
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
                                   ledger::pb::DISCLOSURE_FULL, Height(90), ledger::KeyOf("author"),
                                   random_);
  }

  /// Until member `i` has written something to its vote log.
  void AwaitVoteLog(std::size_t i) {
    const TempDir empty;
    ASSERT_TRUE(VoteLog::Open(empty.path() / "votes.log", genesis_->chain_id(),
                              ledger::KeyOf("v").public_key()));
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

  static v1::Frame StatusOf(const LocalChain& chain) {
    v1::Frame frame;
    frame.set_chain_id(chain.chain().id().ToBytes());
    frame.mutable_status()->set_sealed(chain.chain().head().height.value);
    return frame;
  }

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

}  // namespace talent::node
