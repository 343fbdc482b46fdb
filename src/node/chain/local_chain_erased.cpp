// A node that was away while payloads were erased: no peer can give it the blocks any more, and it
// goes on from a snapshot.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "node/chain/local_chain.h"

namespace talent::node {

// An honest peer that has erased what the law made it erase is not to be blamed. But one peer's
// word is not enough: it may hold the payload back.
void LocalChain::MeetErased(const NodeKey& from, Height height) {
  if (erased_height_ != height) lacking_.clear();
  erased_height_ = height;
  lacking_.insert(from);
  Refused("sync", "erased");
  sync_.Lacks(from, host_->Steady());
  if (lacking_.size() < sync_.Claiming(height) || erased_ahead_ == height) return;
  erased_ahead_ = height;
  spdlog::error(
      "chain {}: block {} holds payloads that were erased while this node was away: no peer has "
      "them, and the chain goes on here from a snapshot only. Restart this node; it fetches one "
      "(docs/operations.md, \"A node was away during an erasure\")",
      chain_->genesis().name(), height);
  PublishStatus();
}

bool LocalChain::LacksPayload(const ledger::pb::BlockWithPayloads& block) {
  return std::ranges::any_of(block.payloads(),
                             [](const auto& payload) { return payload.salt().empty(); });
}

}  // namespace talent::node
