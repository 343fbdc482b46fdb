// A node that was away while payloads were erased.
#include "direct_chain.h"
#include "support/sweep.h"

namespace talent::node {
namespace {

class ErasedBlocks : public ::testing::Test {
 protected:
  ErasedBlocks() {
    const auto tx = source_.Put("k", "v");
    source_.Commit({tx});
    EXPECT_TRUE(before_.chain->Apply(source_.chain->GetBlockWithPayloads(Height(1)).value()));
    source_.Commit({source_.Make("Erase", tx.id.ToBytes())});
    ledger::SweepLater(*source_.database, source_.genesis().chain_id());
  }

  /// Answers what the node asks of its peers from `source`, until it asks no more.
  void Serve(const ledger::TestChain& source) {
    while (!node_.world.sent.empty()) {
      for (const auto& [to, asked] : std::exchange(node_.world.sent, {})) {
        if (!asked.has_sync_request()) continue;
        v1::Frame answer = node_.NewFrame();
        const Height head = source.chain->head().height;
        answer.mutable_sync_response()->set_sealed(head.value);
        for (Height h(asked.sync_request().from()); h <= head; h = h + 1) {
          *answer.mutable_sync_response()->add_blocks() =
              source.chain->GetBlockWithPayloads(h).value();
        }
        EXPECT_TRUE(node_.Hear(NameOf(to), std::move(answer)));
      }
    }
  }
  static std::string NameOf(const NodeKey& key) {
    for (const char* name : {"v1", "v2", "v3"}) {
      if (NodeOf(name) == key) return name;
    }
    return "nobody";
  }

  ledger::TestChain source_;
  ledger::TestChain before_;  // has block 1 as it was
  DirectChain node_{std::nullopt};
};

TEST_F(ErasedBlocks, WhereOnePeerOfTwoHasErased_TheOtherIsAsked) {
  node_.SayStatus("v1", 2);
  node_.SayStatus("v2", 2);
  for (const auto& [to, asked] : std::exchange(node_.world.sent, {})) {
    if (!asked.has_sync_request()) continue;
    v1::Frame answer = node_.NewFrame();
    *answer.mutable_sync_response()->add_blocks() =
        source_.chain->GetBlockWithPayloads(Height(1)).value();
    EXPECT_TRUE(node_.Hear(NameOf(to), std::move(answer)));
    break;
  }
  EXPECT_EQ(node_.chain().status().erased_ahead, Height(0)) << "one may hold it back";
}

TEST_F(ErasedBlocks, WhereNobodyHasThem_ThatIsSaid_AndTheChainGoesOnOnceSomebodyDoes) {
  node_.SayStatus("v1", 2);
  node_.SayStatus("v2", 2);
  Serve(source_);
  EXPECT_EQ(node_.chain().status().erased_ahead, Height(1));
  EXPECT_FALSE(node_.chain().status().halted);
  EXPECT_EQ(node_.chain().chain().head().height, Height(0));

  node_.SayStatus("v3", 1);
  Serve(before_);
  EXPECT_EQ(node_.chain().chain().head().height, Height(1));
  EXPECT_EQ(node_.chain().status().erased_ahead, Height(0));
  node_.PassTime(BlockSync::kLackPause);
  Serve(source_);
  EXPECT_EQ(node_.chain().chain().head().height, Height(2)) << "peers that have erased are honest";
}

}  // namespace
}  // namespace talent::node
