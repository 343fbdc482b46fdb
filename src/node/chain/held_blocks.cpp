#include "node/chain/held_blocks.h"

#include <algorithm>

#include "base/canonical.h"
#include "ledger/light_client.h"
#include "tiers/governance.h"

namespace talent::node {
namespace {

std::optional<Timestamp> TimeOf(const ledger::pb::Block& block) {
  const auto header = Decode<ledger::pb::BlockHeader>(block.header());
  if (!header) return std::nullopt;
  return Timestamp(header->time_ms());
}

/// What was open by `before` is open by `terms` too.
bool NoneIsLonger(const tiers::Release::Terms& terms, const tiers::Release::Terms& before) {
  return std::equal(terms.begin(), terms.end(), before.begin(),
                    [](Millis now, Millis then) { return now <= then; });
}

}  // namespace

std::optional<HeldBlocks::Limit> HeldBlocks::LimitOf(const NodeKey& peer, Timestamp now) {
  if (chain_.genesis().tier() != ledger::Tier::kConsortium) return std::nullopt;
  const auto runner = members_.RunnerOf(peer);
  if (!runner) return std::nullopt;
  const auto state = chain_.SealedState();
  const tiers::Release release(chain_.genesis(), *state, now, *runner);
  if (release.everything()) return std::nullopt;

  if (!state->status()) return Limit{};

  const auto known = found_.find(peer);
  if (known == found_.end() || known->second.party != *runner ||
      !NoneIsLonger(release.terms(), known->second.terms)) {
    if (found_.size() >= tiers::kMaxFollowers) found_.clear();  // of followers that have left
    const Height open = LastBefore(now, release.longest());
    found_.insert_or_assign(peer, Found{*runner, release.terms(), {open, Timestamp()}});
  } else if (known->second.terms != release.terms()) {
    known->second.terms = release.terms();
    known->second.limit.until = Timestamp();
  }
  Limit& limit = found_.at(peer).limit;
  const Height head = chain_.head().height;
  std::size_t bytes = 0;
  for (int i = 0;
       i < kBlocksAtOnce && bytes < kBytesAtOnce && now >= limit.until && limit.open < head; ++i) {
    const auto block = chain_.GetBlockWithPayloads(limit.open + 1);
    const auto opens = block ? OpensAt(release, *block) : std::nullopt;
    limit.until = opens && now < *opens ? *opens : Timestamp();
    if (!opens) break;
    if (now >= *opens) limit.open = limit.open + 1;
    bytes += block->ByteSizeLong();
  }
  return limit;
}

Height HeldBlocks::LastBefore(Timestamp now, Millis age) const {
  Height low(0);  // old enough
  Height high = chain_.head().height + 1;
  while (low + 1 < high) {
    const Height middle(low.value + (high - low) / 2);
    const auto block = chain_.GetBlock(middle);
    const bool gone = !block && block.error().code == Code::kPruned;
    const auto time = block ? TimeOf(*block) : std::nullopt;
    if (gone || (time && *time + age <= now)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<Timestamp> HeldBlocks::OpensAt(const tiers::Release& release,
                                             const ledger::pb::BlockWithPayloads& block) const {
  const auto sealed = TimeOf(block.block());
  if (!sealed) return std::nullopt;
  // What took no effect opens with the last of its time: without it the block could not be
  // executed.
  const Timestamp last = *sealed + release.longest();
  Timestamp opens;
  for (int i = 0; i < block.payloads_size(); ++i) {
    if (block.payloads(i).salt().empty()) continue;  // erased: there is nothing to hold back
    const auto tx = ledger::ParseTransaction(block.block().transactions(i), &block.payloads(i));
    if (!tx) return std::nullopt;
    opens = std::max(opens, release.OpensAt(*tx).value_or(last));
  }
  return opens;
}

}  // namespace talent::node
