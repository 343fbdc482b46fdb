// Nodes that member enterprises run get what is on a consortium when it opens to them.

#include "node/chain/held_blocks.h"

#include "direct_chain.h"
#include "tiers/governance.h"
#include "unit/tiers/network.h"

namespace talent::node {
namespace {

using tiers::Assessment;
using tiers::TestTier;

constexpr std::uint64_t kHour = 3'600'000;

/// A node of the consortium that does not vote; the test takes its frames where they go.
class ReplicaNode {
 public:
  ReplicaNode(const TestTier& tier, NodeKey key, bool with_its_blocks) : self(key) {
    database_ =
        ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kScratch).value();
    auto application = tiers::MakeApplication(tier.genesis()).value();
    auto chain = ledger::Chain::Open(*database_, tier.genesis(), *application).value();
    const Height head = tier.chain().head().height;
    for (Height h(1); with_its_blocks && h <= head; ++h) {
      EXPECT_TRUE(chain->Apply(tier.chain().GetBlockWithPayloads(h).value()));
    }
    local = LocalChain::Create(std::make_unique<DirectHost>(world), self, std::move(application),
                               std::move(chain), std::nullopt)
                .value();
    local->Start();
    Run();
  }
  ~ReplicaNode() {
    local->Stop();
    Run();
  }

  void Run() {
    while (!world.work.empty()) {
      const auto work = std::move(world.work.front());
      world.work.pop_front();
      work();
    }
  }
  void Tick() {
    world.steady = world.steady + Millis(60'000);
    std::vector<std::function<void()>> due;
    for (auto& [timer, set] : std::exchange(world.timers, {})) due.push_back(std::move(set.fire));
    for (const auto& fire : due) fire();
    Run();
  }
  Height head() const { return local->chain().head().height; }
  ChainStatusInfo status() const { return local->status(); }

  World world;
  const NodeKey self;
  std::shared_ptr<LocalChain> local;

 private:
  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
};

class HeldBack : public ::testing::Test, protected tiers::Network {
 protected:
  HeldBack() { Enrol(); }

  /// By vote of the consortium's centres: the node `name`, run by `party`.
  void Admit(const std::string& name, const std::string& party) {
    tiers::pb::FollowerProposed message;
    auto& change = *message.add_changes();
    *change.mutable_offer() = tiers::MakeOffer(consortium.genesis().chain_id(), name, nullptr,
                                               ledger::KeyOf("node " + name));
    change.set_party(party);
    message.set_open_until(consortium.chain().head().height.value + 40);
    tiers::pb::ProposalVoted vote;
    vote.set_proposal(Must(consortium.Write("centre-a", message)).ToBytes());
    vote.set_approve(true);
    Must(consortium.Write("centre-b", vote));
  }
  /// A validator's node, which has all that is sealed.
  void Serve() {
    server_ = std::make_unique<ReplicaNode>(consortium, NodeOf("consortium"), true);
    server_->world.now = consortium.chain().head().time;
  }
  ReplicaNode& Follow(const std::string& name) {
    auto& node =
        *followers_.emplace_back(std::make_unique<ReplicaNode>(consortium, NodeOf(name), false));
    server_->local->OnPeer(node.self, true);
    node.local->OnPeer(server_->self, true);
    Settle();
    return node;
  }
  /// Carries frames until nobody says anything new, over some ticks.
  void Settle() {
    for (int i = 0; i < 4; ++i) {
      for (const auto& node : followers_) node->Tick();
      server_->Tick();
      while (CarryFrames()) {
      }
    }
  }
  void PassTo(std::uint64_t time) {
    server_->world.now = Timestamp(time);
    Settle();
  }
  bool CarryFrames() {
    bool any = false;
    const auto carry = [&](ReplicaNode& from) {
      from.Run();
      for (auto& [to, frame] : std::exchange(from.world.sent, {})) {
        ReplicaNode* const target = Find(to);
        if (target == nullptr) continue;
        any = true;
        EXPECT_TRUE(target->local->OnFrame(from.self, std::move(frame)));
        target->Run();
      }
    };
    carry(*server_);
    for (const auto& node : followers_) carry(*node);
    return any;
  }
  ReplicaNode* Find(const NodeKey& key) {
    if (key == server_->self) return server_.get();
    for (const auto& node : followers_) {
      if (node->self == key) return node.get();
    }
    return nullptr;
  }
  TxId PromoteOne(std::uint32_t score = 7000) {
    const TxId record = Must(source.Write("centre-a", Assessment(score)));  // value class 1
    Promote(record);
    return record;
  }
  Height HeightOf(const TxId& record) const { return Height(StateOf(record).height()); }

  std::unique_ptr<ReplicaNode> server_;
  std::vector<std::unique_ptr<ReplicaNode>> followers_;
};

TEST_F(HeldBack, AMembersNode_GetsABlockOnceItsPayloadsOpenToTheMember) {
  Admit("office", "acme");
  const TxId record = PromoteOne();
  consortium.Commit({});
  Serve();
  ReplicaNode& node = Follow("office");
  const std::uint64_t opens = StateOf(record).promoted_ms() + 24 * kHour;
  EXPECT_EQ(node.head() + 1, HeightOf(record));
  EXPECT_TRUE(node.status().synced) << "it has what there is for it";
  EXPECT_EQ(node.status().held_blocks, 2u);
  EXPECT_EQ(node.status().held_until, Timestamp(opens));
  PassTo(opens - 1);
  EXPECT_EQ(node.head() + 1, HeightOf(record));
  PassTo(opens);
  EXPECT_EQ(node.head(), consortium.chain().head().height);
  EXPECT_EQ(node.local->chain().head().hash, consortium.chain().head().hash);
  EXPECT_EQ(node.status().held_blocks, 0u);
}

TEST_F(HeldBack, WhoAsksForMoreThanItWasTold_GetsNoMore) {
  Admit("office", "acme");
  const TxId record = PromoteOne();
  Serve();
  ReplicaNode& node = Follow("office");
  v1::Frame ask;
  ask.set_chain_id(consortium.genesis().chain_id().ToBytes());
  for (const std::uint64_t from : {HeightOf(record).value, std::uint64_t{1}}) {
    ask.mutable_sync_request()->set_from(from);
    ask.mutable_sync_request()->set_count(1000);
    server_->world.sent.clear();
    ASSERT_TRUE(server_->local->OnFrame(node.self, v1::Frame(ask)));
    server_->Run();
    ASSERT_EQ(server_->world.sent.size(), 1u);
    const auto& blocks = server_->world.sent.front().second.sync_response().blocks();
    EXPECT_EQ(from + static_cast<std::uint64_t>(blocks.size()), HeightOf(record).value);
  }
}

TEST_F(HeldBack, NodesOfCentres_GetEverythingAtOnce_AndThoseOfNobodyWhatOpensWithoutPoints) {
  Admit("branch", "centre-b");
  Admit("stray", "");
  const TxId record = PromoteOne();
  Serve();
  EXPECT_EQ(Follow("branch").head(), HeightOf(record));
  ReplicaNode& stray = Follow("stray");
  EXPECT_EQ(stray.head() + 1, HeightOf(record));
  PassTo(StateOf(record).promoted_ms() + 24 * kHour);
  EXPECT_EQ(stray.head(), HeightOf(record));
}

TEST_F(HeldBack, WhatConcernsTheMember_HoldsNothingBackFromIt) {
  Admit("office", "acme");
  Admit("other", "globex");
  Must(source.Write("centre-a",
                    tiers::CosignInvestment(source.genesis().chain_id(), tiers::Statement(1000),
                                            ledger::KeyOf("acme"))));
  const TxId record = PromoteOne();
  Serve();
  EXPECT_EQ(Follow("office").head(), HeightOf(record));
  EXPECT_EQ(Follow("other").head() + 1, HeightOf(record));
}

TEST_F(HeldBack, APromotionWithoutEffect_OpensWithTheLastOfItsTime) {
  Admit("office", "acme");
  const TxId record = Must(source.Write("centre-a", Assessment()));
  const auto refused = consortium.Make("centre-a", PromotionOf(record));
  EXPECT_NE(consortium.Commit({refused}).at(0), ledger::pb::RECEIPT_CODE_OK);
  const ledger::Head head = consortium.chain().head();
  Serve();
  ReplicaNode& node = Follow("office");
  EXPECT_EQ(node.head() + 1, head.height);
  EXPECT_EQ(node.status().held_until, head.time + Millis(168 * kHour));
  PassTo(head.time.value + 168 * kHour);
  EXPECT_EQ(node.head(), head.height);
}

TEST_F(HeldBack, OverManyBlocks_TheFirstThatIsHeldIsFound) {
  Admit("office", "acme");
  for (int i = 0; i < 3 * HeldBlocks::kBlocksAtOnce; ++i) consortium.Commit({});
  const TxId record = PromoteOne();
  Serve();
  ReplicaNode& node = Follow("office");
  EXPECT_EQ(node.head() + 1, HeightOf(record));
}

TEST_F(HeldBack, ANodeThatIsTakenFromItsMember_GetsWhatOpensToTheNextOne) {
  Admit("office", "acme");
  const TxId record = PromoteOne();
  Serve();
  ReplicaNode& node = Follow("office");
  EXPECT_EQ(node.head() + 1, HeightOf(record));
  tiers::pb::FollowerProposed message;
  auto& change = *message.add_changes();
  change.set_node("office");
  *change.mutable_offer() = tiers::MakeOffer(consortium.genesis().chain_id(), "office", nullptr,
                                             ledger::KeyOf("node office"));
  change.set_party("centre-b");
  message.set_open_until(consortium.chain().head().height.value + 40);
  tiers::pb::ProposalVoted vote;
  vote.set_proposal(Must(consortium.Write("centre-a", message)).ToBytes());
  vote.set_approve(true);
  Must(consortium.Write("centre-b", vote));
  followers_.clear();
  Serve();
  EXPECT_EQ(Follow("office").head(), consortium.chain().head().height);
}

TEST_F(HeldBack, ANodeThatIsHeldBack_TakesNoSubmissions) {
  Admit("office", "acme");
  const TxId record = PromoteOne();
  Serve();
  ReplicaNode& node = Follow("office");
  tiers::pb::ReviewCommitted commit;
  commit.set_record_id(record.ToBytes());
  const auto tx = consortium.Make("acme", commit);
  std::optional<Result<Admitted>> answer;
  node.local->Submit(ledger::Serialize(tx),
                     [&](Result<Admitted> result) { answer = std::move(result); });
  node.Run();
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().code, Code::kUnavailable);
}

// One validator that says so of blocks that others give keeps nobody from submitting.
TEST_F(HeldBack, OneLiar_DoesNotMakeANodeLookHeldBack) {
  auto genesis = ledger::GenesisJson(4);
  genesis["tier"] = "consortium";
  DirectChain node(std::nullopt, {}, genesis.dump());
  node.SayStatus("v1", 0);
  v1::Frame frame = node.NewFrame();
  frame.mutable_status()->set_sealed(100);
  frame.mutable_status()->mutable_held()->set_open(0);
  for (const char* const name : {"v1", "v2"}) node.chain().OnPeer(NodeOf(name), true);
  EXPECT_TRUE(node.Hear("v2", frame));
  node.PassTime(Millis(500));
  EXPECT_EQ(node.chain().status().held_blocks, 0u);
  EXPECT_TRUE(node.Hear("v1", frame));
  node.PassTime(Millis(500));
  EXPECT_EQ(node.chain().status().held_blocks, 100u);
}

TEST_F(HeldBack, ChainOfAnotherTier_HoldsNothingBackWhateverPeersSay) {
  DirectChain node(std::nullopt);
  v1::Frame frame = node.NewFrame();
  frame.mutable_status()->set_sealed(100);
  frame.mutable_status()->mutable_held()->set_open(0);
  for (const char* const name : {"v1", "v2"}) {
    node.chain().OnPeer(NodeOf(name), true);
    EXPECT_TRUE(node.Hear(name, frame));
  }
  node.PassTime(Millis(500));
  EXPECT_EQ(node.chain().status().held_blocks, 0u);
}

}  // namespace
}  // namespace talent::node
