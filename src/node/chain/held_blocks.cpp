#include "node/chain/held_blocks.h"

#include <algorithm>

#include "base/canonical.h"
#include "ledger/light_client.h"

namespace talent::node {
namespace {

std::optional<Timestamp> TimeOf(const ledger::pb::Block& block) {
  const auto header = Decode<ledger::pb::BlockHeader>(block.header());
  if (!header) return std::nullopt;
  return Timestamp(header->time_ms());
}

}  // namespace

std::optional<HeldBlocks::Limit> HeldBlocks::LimitOf(const NodeKey& peer, Timestamp now) {
  if (chain_.genesis().tier() != ledger::Tier::kConsortium) return std::nullopt;
  const auto runner = members_.RunnerOf(peer);
  if (!runner) return std::nullopt;
  const auto state = chain_.SealedState();
  const tiers::Release release(chain_.genesis(), *state, now, *runner);
  if (release.everything()) return std::nullopt;

  const auto known = found_.find(peer);
  const bool holds = known != found_.end() && known->second.party == *runner &&
                     known->second.terms == release.terms();
  if (!holds) {
    const Height open = LastBefore(now, release.longest());
    found_.insert_or_assign(peer, Found{*runner, release.terms(), {open, Timestamp()}});
  }
  Limit& limit = found_.at(peer).limit;
  const Height head = chain_.head().height;
  for (int i = 0; i < kBlocksAtOnce && now >= limit.until && limit.open < head; ++i) {
    const auto opens = OpensAt(release, limit.open + 1);
    limit.until = opens && now < *opens ? *opens : Timestamp();
    if (!opens) break;
    if (now >= *opens) limit.open = limit.open + 1;
  }
  return limit;
}

Height HeldBlocks::LastBefore(Timestamp now, Millis age) const {
  Height low(0);  // old enough
  Height high = chain_.head().height + 1;
  while (low + 1 < high) {
    const Height middle(low.value + (high - low) / 2);
    const auto block = chain_.GetBlock(middle);
    const auto time = block ? TimeOf(*block) : std::optional(Timestamp());
    if (time && *time + age <= now) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<Timestamp> HeldBlocks::OpensAt(const tiers::Release& release, Height height) const {
  const auto block = chain_.GetBlockWithPayloads(height);
  if (!block) return std::nullopt;
  const auto sealed = TimeOf(block->block());
  if (!sealed) return std::nullopt;
  // What took no effect opens with the last of its time: without it the block could not be
  // executed.
  const Timestamp last = *sealed + release.longest();
  Timestamp opens;
  for (int i = 0; i < block->payloads_size(); ++i) {
    if (block->payloads(i).salt().empty()) continue;  // erased: there is nothing to hold back
    const auto tx = ledger::ParseTransaction(block->block().transactions(i), &block->payloads(i));
    if (!tx) return std::nullopt;
    opens = std::max(opens, release.OpensAt(*tx).value_or(last));
  }
  return opens;
}

}  // namespace talent::node
