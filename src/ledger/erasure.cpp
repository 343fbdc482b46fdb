#include "ledger/erasure.h"

#include <map>

#include "base/canonical.h"

namespace talent::ledger {
namespace {

constexpr BytesView kLastKey = "erased/last";

Bytes PayloadKey(const TxId& id) { return Bytes(kErasedPayloads) + id.ToBytes(); }
Bytes EntryKey(const Hash& path) { return Bytes(kErasedEntries) + path.ToBytes(); }

std::optional<pb::ErasedEntry> ReadErased(const StateReader& state, BytesView key) {
  const auto bytes = state.Get(key);
  if (!bytes) return std::nullopt;
  auto entry = Decode<pb::ErasedEntry>(*bytes);
  CHECK(entry.has_value(), "the ledger's own entry {} does not parse", ToHex(key));
  return std::move(*entry);
}

void Note(StateOverlay& state, const BlockContext& block, BytesView key, BytesView by) {
  pb::ErasedEntry entry;
  entry.set_height(block.height.value);
  entry.set_time_ms(block.time.value);
  state.Put(kLastKey, Encode(entry));
  entry.set_by(Bytes(by));
  state.Put(key, Encode(entry));
}

}  // namespace

void ErasePayload(StateOverlay& state, const BlockContext& block, const TxId& id, BytesView by) {
  const Bytes key = PayloadKey(id);
  if (!state.Get(key)) Note(state, block, key, by);
}

void EraseEntry(StateOverlay& state, const BlockContext& block, BytesView key,
                std::optional<Bytes> instead) {
  if (!state.Get(key)) return;
  if (instead) {
    state.Put(key, *std::move(instead));
  } else {
    state.Delete(key);
  }
  Note(state, block, EntryKey(StatePath(key)), {});
}

std::optional<pb::ErasedEntry> FindErased(const StateReader& state, const TxId& id) {
  return ReadErased(state, PayloadKey(id));
}

Bytes ErasedKey(const TxId& id) { return PayloadKey(id); }

bool ErasedWithin(const StateReader& state, Height tip, std::uint32_t window) {
  const auto last = ReadErased(state, kLastKey);
  return last && tip < Height(last->height()) + window;
}

std::optional<Height> EntryErasedAt(const StateReader& state, const Hash& path) {
  const auto entry = ReadErased(state, EntryKey(path));
  return entry ? std::optional(Height(entry->height())) : std::nullopt;
}

pb::StoredErasing ErasingOf(const StateOverlay::Writes& writes, const TreeUpdate& tree) {
  pb::StoredErasing erasing;
  const auto visit = [&](BytesView table, const auto& take) {
    for (auto at = writes.lower_bound(table); at != writes.end() && at->first.starts_with(table);
         ++at) {
      take(BytesView(at->first).substr(table.size()));
    }
  };
  visit(kErasedPayloads, [&](BytesView id) { erasing.add_payloads(Bytes(id)); });
  std::map<Hash, pb::StoredErasing::Entry> entries;
  visit(kErasedEntries, [&](BytesView path) { entries[Hash::FromBytes(path).value()]; });
  if (entries.empty()) return erasing;
  for (const TreeSlot& leaf : tree.old_leaves) {
    const auto entry = entries.find(leaf.path);
    if (entry == entries.end()) continue;
    entry->second.set_had(true);
    entry->second.set_version(leaf.version.value);
  }
  for (const auto& write : writes) {
    const Hash path = StatePath(write.first);
    const auto entry = entries.find(path);
    if (entry == entries.end()) continue;
    entry->second.set_key(write.first);
    entry->second.set_path(path.ToBytes());
    *erasing.add_entries() = entry->second;
  }
  return erasing;
}

}  // namespace talent::ledger
