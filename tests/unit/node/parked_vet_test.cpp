// An empty batch is vetted on the state it would execute on, however that state comes about.
#include "consensus/codec.h"
#include "node/chain/proposals.h"
#include "unit/node/direct_chain.h"

namespace talent::node {
namespace {

using ledger::KeyOf;

TEST(ParkedVet, IsAnsweredWhenTheBlockBelowIsFetched) {
  DirectChain chain(3);  // seals of the others suffice
  ledger::TestChain source(4);
  source.Commit({source.Make("EndEpoch", "9=v1,v2,v3")});  // makes the next blocks due

  // The primary's empty batch for height 2 comes first: nobody knows yet whether one is due.
  const auto proposal = MakeProposal({.time = Timestamp(1'700'000'100'000),
                                      .view = View(0),
                                      .proposer = ValidatorIndex(0),
                                      .transactions = {}});
  const consensus::Position at{View(0), Height(2), consensus::OrderDigest(proposal->batch)};
  v1::Frame offer = chain.NewFrame();
  offer.set_consensus(consensus::VerifiedMessage::Sign(KeyOf("vote v0"), chain.id(), Epoch(0),
                                                       ValidatorIndex(0),
                                                       consensus::PrePrepare{at, proposal})
                          ->Wire());
  ASSERT_TRUE(chain.Hear("v0", std::move(offer)));
  const auto prepares = [&] {
    return std::ranges::count_if(chain.world.sent, [&](const auto& sent) {
      if (!sent.second.has_consensus()) return false;
      const auto message = consensus::DecodeMessage(sent.second.consensus()).value();
      const auto* prepare = std::get_if<consensus::Prepare>(&message.content);
      return prepare != nullptr && prepare->at == at;
    });
  };
  EXPECT_EQ(prepares(), 0);

  chain.world.steady = chain.world.steady + Millis(10'000);  // it stalls, and asks for blocks
  chain.SayStatus("v2", 1);
  v1::Frame answer = chain.NewFrame();
  *answer.mutable_sync_response()->add_blocks() =
      source.chain->GetBlockWithPayloads(Height(1)).value();
  ASSERT_TRUE(chain.Hear("v2", std::move(answer)));
  ASSERT_EQ(chain.chain().chain().head().height, Height(1));
  EXPECT_EQ(prepares(), 3) << "to each of the others";
}

}  // namespace
}  // namespace talent::node
