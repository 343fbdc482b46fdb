#include "node/web/record_index.h"

#include <algorithm>
#include <charconv>

#include "node/web/publications.h"
#include "tiers/public_rules.h"

namespace talent::node {

std::string RecordIndex::Place::Text() const { return fmt::format("{}-{}", height, id.Hex()); }

Result<RecordIndex::Place> RecordIndex::Place::Parse(std::string_view text) {
  Place out;
  const char* const end = text.data() + text.size();
  const auto [read_to, error] = std::from_chars(text.data(), end, out.height.value);
  if (error == std::errc() && read_to != end && *read_to == '-') {
    if (const auto id = RecordId::FromHexString({read_to + 1, end})) {
      out.id = *id;
      return out;
    }
  }
  return Fail(Code::kInvalidArgument, "'{}' is no 'next' of a page of records", text);
}

Result<std::vector<RecordIndex::Place>> RecordIndex::Newest(const ledger::StateReader& state,
                                                            Height at,
                                                            const std::optional<Place>& from,
                                                            std::size_t most) {
  const std::lock_guard lock(mutex_);
  TRY(CatchUp(state, at));
  auto end = std::ranges::upper_bound(places_, at, {}, &Place::height);
  if (from && from->height <= at) end = std::ranges::upper_bound(places_, *from);
  const auto count = std::min<std::size_t>(most, static_cast<std::size_t>(end - places_.begin()));
  std::vector<Place> out(end - static_cast<std::ptrdiff_t>(count), end);
  std::ranges::reverse(out);
  return out;
}

Status RecordIndex::CatchUp(const ledger::StateReader& state, Height to) {
  if (scanned_ && to <= through_) return {};
  if (!scanned_ || to - through_ > kRescanBlocks) return Rescan(state, to);
  while (through_ < to) {
    if (!TRY(AddBlock(state, through_ + 1))) return Rescan(state, to);
    ++through_;
  }
  if (places_.size() > kMaxRecords) {
    return Fail(Code::kExhausted, "this node lists {} records at most; ask for one by its id",
                kMaxRecords);
  }
  return {};
}

/// False: what it published cannot be told from the block, since that or a payload is not here.
Result<bool> RecordIndex::AddBlock(const ledger::StateReader& state, Height height) {
  const auto block = chain_.GetBlockWithPayloads(height);
  if (!block) return false;
  std::vector<Place> added;
  for (int i = 0; i < block->block().transactions_size(); ++i) {
    const bool here = i < block->payloads_size() && !block->payloads(i).salt().empty();
    const auto tx = TRY(ledger::ParseTransaction(block->block().transactions(i),
                                                 here ? &block->payloads(i) : nullptr));
    if (!here && tx.kind.ends_with("Published")) return false;
    const auto publication = ReadPublication(tx);
    if (!publication || !*publication) continue;  // what does not parse took no effect
    std::vector<RecordId> ids = (*publication)->erased;
    for (const auto& evidence : (*publication)->records) ids.push_back(evidence.id);
    for (const RecordId& id : ids) {
      const auto entry = tiers::kPublished.Get(state, id.View());
      if (entry && entry->height() == height.value) added.push_back({height, id});
    }
  }
  std::ranges::sort(added);
  const auto twice = std::ranges::unique(added);
  added.erase(twice.begin(), twice.end());
  places_.insert(places_.end(), added.begin(), added.end());
  return true;
}

Status RecordIndex::Rescan(const ledger::StateReader& state, Height to) {
  std::vector<Place> found;
  tiers::kPublished.Scan(state, "", "", [&](BytesView key, const auto& entry) {
    if (const auto id = RecordId::FromBytes(key); id && entry.height() <= to.value) {
      found.push_back({Height(entry.height()), *id});
    }
    return found.size() <= kMaxRecords;
  });
  TRY(state.status());
  if (found.size() > kMaxRecords) {
    return Fail(Code::kExhausted, "this node lists {} records at most; ask for one by its id",
                kMaxRecords);
  }
  std::ranges::sort(found);
  places_ = std::move(found);
  scanned_ = true;
  through_ = to;
  return {};
}

}  // namespace talent::node
