// A LocalChain without threads or network: what it does and says, one frame after the other.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "node/chain/local_chain.h"
#include "unit/ledger/test_chain.h"

namespace talent::node {

/// A node's threads and network, all in the caller's hands.
struct World {
  struct Timer {
    Millis after;
    std::function<void()> fire;
  };
  std::map<const void*, Timer> timers;  // that are set
  std::deque<std::function<void()>> work;
  std::vector<std::pair<NodeKey, v1::Frame>> sent;
  Timestamp steady{10'000};
  Timestamp now{1'700'000'100'000};
};

class DirectHost final : public ChainHost {
 public:
  explicit DirectHost(World& world) : world_(world) {}

  class HandTimer final : public Timer {
   public:
    explicit HandTimer(World& world) : world_(world) {}
    ~HandTimer() override { Cancel(); }
    HandTimer(const HandTimer&) = delete;
    HandTimer& operator=(const HandTimer&) = delete;
    void Set(Millis after, std::function<void()> fire) override {
      world_.timers.insert_or_assign(this, World::Timer{after, std::move(fire)});
    }
    void Cancel() override { world_.timers.erase(this); }

   private:
    World& world_;
  };
  void Post(std::function<void()> work) override { world_.work.push_back(std::move(work)); }
  std::unique_ptr<Timer> MakeTimer() override { return std::make_unique<HandTimer>(world_); }
  bool TryVerify(std::function<void()> job) override {
    Post(std::move(job));
    return true;
  }
  bool TryVerifyBulk(std::function<void()> job) override { return TryVerify(std::move(job)); }
  void Store(std::function<void()> job) override { Post(std::move(job)); }
  Timestamp Now() const override { return world_.now; }
  Timestamp Steady() const override { return world_.steady; }
  bool Send(const NodeKey& to, const v1::Frame& frame) override {
    world_.sent.emplace_back(to, frame);
    return true;
  }
  void SendToAll(const std::vector<NodeKey>& to, const v1::Frame& frame) override {
    for (const NodeKey& key : to) (void)Send(key, frame);
  }
  void BlockSealed(std::span<const ledger::pb::ReceiptCode> /*receipts*/) override {}
  void VotesLost(const Error& error) override { ADD_FAILURE() << error.ToString(); }

 private:
  World& world_;
};

inline NodeKey NodeOf(const std::string& name) {
  return ledger::KeyOf("node " + name).public_key();
}

/// A node of a chain of validators v0, v1, …: one of these, or one that follows. Nobody has a block
/// yet.
class DirectChain {
 public:
  /// `prepare` puts something into its store before it starts. `genesis`: of four validators where
  /// none is given.
  explicit DirectChain(std::optional<int> validator,
                       const std::function<void(ledger::TestChain&)>& prepare = {},
                       const Bytes& genesis = {})
      : store_(4, genesis),
        name_(validator ? "v" + std::to_string(*validator) : "f0"),
        vote_key_(ledger::KeyOf("vote " + name_)) {
    if (prepare) prepare(store_);
    std::optional<ValidatorRole> role;
    if (validator) {
      const auto votes = store_.dir.path() / "votes.log";
      role = ValidatorRole::Resume(vote_key_,
                                   VoteLog::Open(votes, id(), vote_key_.public_key()).value());
      role->evidence = EvidenceStore::Open(evidence_file()).value();
    }
    chain_ = LocalChain::Create(std::make_unique<DirectHost>(world), NodeOf(name_),
                                std::make_unique<ledger::KeyValueApp>(), std::move(store_.chain),
                                std::move(role))
                 .value();
    chain_->Start();
    Run();
    if (!validator || store_.genesis().validators().size() == 1) return;
    for (const crypto::Validator& peer : store_.genesis().validators().validators()) {
      if (peer.name != name_) SayStatus(peer.name, 0);
    }
    CHECK(chain_->status().replica.has_value(), "nobody has a block: it votes");
  }
  ~DirectChain() {
    chain_->Stop();
    Run();
  }

  std::filesystem::path evidence_file() const {
    return store_.dir.path() / "evidence" / "chain.evidence";
  }
  /// Fires what is set to no more than `time`, once.
  void PassTime(Millis time) {
    world.steady = world.steady + time;
    std::vector<std::function<void()>> due;
    std::erase_if(world.timers, [&](auto& timer) {
      if (timer.second.after > time) return false;
      due.push_back(std::move(timer.second.fire));
      return true;
    });
    for (const auto& fire : due) fire();
    Run();
  }
  const ChainId& id() const { return store_.genesis().chain_id(); }
  LocalChain& chain() { return *chain_; }
  v1::Frame NewFrame() const {
    v1::Frame frame;
    frame.set_chain_id(id().ToBytes());
    return frame;
  }
  bool Hear(const std::string& from, v1::Frame frame) {
    const bool kept = chain_->OnFrame(NodeOf(from), std::move(frame));
    Run();
    return kept;
  }
  void SayStatus(const std::string& from, std::uint64_t sealed) {
    v1::Frame frame = NewFrame();
    frame.mutable_status()->set_sealed(sealed);
    EXPECT_TRUE(Hear(from, std::move(frame)));
  }
  /// v1 says how far `source` is, is asked for its blocks, and gives them.
  void Fetch(const ledger::TestChain& source) {
    const Height height = source.chain->head().height;
    world.steady = world.steady + Millis(100'000);
    world.sent.clear();
    SayStatus("v1", height.value);
    for (const auto& [to, asked] : std::exchange(world.sent, {})) {
      if (!asked.has_sync_request()) continue;
      v1::Frame answer = NewFrame();
      answer.mutable_sync_response()->set_sealed(height.value);
      for (Height h(asked.sync_request().from()); h <= height; ++h) {
        *answer.mutable_sync_response()->add_blocks() =
            source.chain->GetBlockWithPayloads(h).value();
      }
      EXPECT_TRUE(Hear("v1", std::move(answer)));
    }
  }
  // Everything refused under this heading, or dropped by the replica.
  std::uint64_t Refused(const std::string& what) {
    const ChainStatusInfo status = chain_->status();
    std::uint64_t sum = 0;
    for (const auto& [reason, count] : status.refused) sum += reason.first == what ? count : 0;
    return sum;
  }
  std::uint64_t Dropped() {
    const auto status = chain_->status();
    return status.replica ? status.replica->dropped_messages : 0;
  }
  void ExpectUnmoved(const std::string& what) {
    EXPECT_EQ(chain_->chain().head().height, Height(0)) << what;
    EXPECT_FALSE(chain_->status().halted) << what;
  }

  World world;

  /// Everything that is waiting to be done, and what comes of it.
  void Run() {
    // Far above what one frame can cause: a thousand blocks or transactions in it.
    for (int steps = 0; !world.work.empty(); ++steps) {
      ASSERT_LT(steps, 100'000) << "it goes on for ever";
      const auto work = std::move(world.work.front());
      world.work.pop_front();
      work();
    }
  }

 private:
  ledger::TestChain store_;
  const std::string name_;
  crypto::KeyPair vote_key_;
  std::shared_ptr<LocalChain> chain_;
};

}  // namespace talent::node
