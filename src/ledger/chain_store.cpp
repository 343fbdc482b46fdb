#include "ledger/chain_store.h"

#include <algorithm>

#include "base/canonical.h"
#include "ledger/erasure.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

constexpr std::size_t kChainPrefix = 16;  // hex digits of the chain id in a column family's name
constexpr std::size_t kLocationSize = 12;

rocksdb::Slice Slice(BytesView bytes) { return {bytes.data(), bytes.size()}; }
BytesView View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// In the default column family.
Bytes HeadKey(const ChainId& chain) { return "head/" + chain.Hex(); }
Bytes RetentionKey(const ChainId& chain) { return "retention/" + chain.Hex(); }
Bytes RestoreKey(const ChainId& chain) { return "restore/" + chain.Hex(); }
Bytes ErasingPrefix(const ChainId& chain) { return "erasing/" + chain.Hex() + "/"; }

/// A stored record that does not parse is damage, not bad input.
template <class M>
Result<M> Parse(Use use, Height height, BytesView bytes) {
  auto message = Decode<M>(bytes);
  if (!message) {
    return Fail(Code::kCorruption, "{} of height {}: {}", UseName(use), height,
                message.error().message);
  }
  return message;
}

}  // namespace

std::string_view UseName(Use use) {
  static constexpr std::array<std::string_view, kUses.size()> kNames = {
      "headers", "bodies", "payloads", "transactions", "state", "values", "tree", "window"};
  return kNames[static_cast<std::size_t>(use)];
}

Bytes EncodeLocation(const TxLocation& at) {
  // Four bytes hold the index: a block has at most 10,000 transactions.
  return BigEndian(at.height.value) + BigEndian(at.index).substr(4);
}

Bytes StoredPageKey(const Bytes& page_key) { return "p" + page_key; }
Bytes RootKey(Height height) { return "r" + BigEndian(height.value); }
Bytes GarbageKey(Height height) { return "g" + BigEndian(height.value); }
Bytes ValueKey(const Hash& path, Height version) {
  return BigEndian(version.value) + path.ToBytes();
}

Bytes EncodeStateEntry(BytesView key, BytesView value) {
  pb::StateEntry entry;
  entry.set_key(Bytes(key));
  entry.set_value(Bytes(value));
  return Encode(entry);
}

Result<ChainStore> ChainStore::Open(const Database& database, const ChainId& chain) {
  ChainStore store;
  store.database_ = &database;
  store.chain_ = chain;
  for (const Use use : kUses) {
    const std::string name = chain.Hex().substr(0, kChainPrefix) + "." + std::string(UseName(use));
    store.families_[static_cast<std::size_t>(use)] = TRY(database.Family(name));
  }
  return store;
}

ChainStore ChainStore::Snapshot() const {
  ChainStore copy = *this;
  rocksdb::DB& db = database_->db();
  copy.snapshot_.reset(db.GetSnapshot(),
                       [&db](const rocksdb::Snapshot* taken) { db.ReleaseSnapshot(taken); });
  return copy;
}

std::unique_ptr<rocksdb::Iterator> ChainStore::Iterate(Use use) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_.get();
  return std::unique_ptr<rocksdb::Iterator>(database_->db().NewIterator(options, family(use)));
}

Result<std::optional<Bytes>> ChainStore::Get(Use use, BytesView key) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_.get();
  Bytes value;
  const rocksdb::Status read = database_->db().Get(options, family(use), Slice(key), &value);
  if (read.IsNotFound()) return std::nullopt;
  if (!read.ok()) {
    return Fail(CodeOf(read), "{} {}: {}", UseName(use), ToHex(key), read.ToString());
  }
  return value;
}

Result<Bytes> ChainStore::Must(Use use, BytesView key, Height height) const {
  auto value = TRY(Get(use, key));
  if (value) return std::move(*value);
  const pb::StoredRetention retention = TRY(ReadRetention());
  const bool state = use == Use::kTree || use == Use::kValues;
  const std::uint64_t from = state ? retention.state_from() : retention.blocks_from();
  if (height.value < from) {
    return Fail(Code::kPruned,
                "{} of height {} are not here: this node has {} from height {} on; ask another one",
                UseName(use), height, state ? "the state" : "all blocks", from);
  }
  return Fail(Code::kNotFound, "{} of height {} are not here", UseName(use), height);
}

Result<std::optional<Bytes>> ChainStore::GetOwn(const Bytes& key, std::string_view what) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_.get();
  rocksdb::DB& db = database_->db();
  Bytes value;
  const rocksdb::Status read = db.Get(options, db.DefaultColumnFamily(), Slice(key), &value);
  if (read.IsNotFound()) return std::nullopt;
  if (!read.ok()) return Fail(CodeOf(read), "{}: {}", what, read.ToString());
  return value;
}

Result<std::optional<Height>> ChainStore::ReadHead() const {
  const auto value = TRY(GetOwn(HeadKey(chain_), "head marker"));
  if (!value) return std::nullopt;
  if (value->size() != 8) return Fail(Code::kCorruption, "head marker of {} bytes", value->size());
  return Height(ReadBigEndian(*value));
}

Result<pb::StoredRetention> ChainStore::ReadRetention() const {
  const auto value = TRY(GetOwn(RetentionKey(chain_), "retention"));
  if (!value) return pb::StoredRetention();
  auto out = Decode<pb::StoredRetention>(*value);
  if (!out) return Fail(Code::kCorruption, "retention: {}", out.error().message);
  return out;
}

Result<std::optional<pb::StoredRestore>> ChainStore::ReadRestore() const {
  const auto value = TRY(GetOwn(RestoreKey(chain_), "progress of a restore"));
  if (!value) return std::nullopt;
  auto out = Decode<pb::StoredRestore>(*value);
  if (!out) return Fail(Code::kCorruption, "progress of a restore: {}", out.error().message);
  return std::move(*out);
}

Result<pb::CertifiedHeader> ChainStore::ReadHeader(Height height) const {
  return Parse<pb::CertifiedHeader>(Use::kHeaders, height,
                                    TRY(Must(Use::kHeaders, BigEndian(height.value), height)));
}

Result<pb::StoredBody> ChainStore::ReadBody(Height height) const {
  auto body = TRY(Parse<pb::StoredBody>(Use::kBodies, height,
                                        TRY(Must(Use::kBodies, BigEndian(height.value), height))));
  if (body.transactions_size() != body.receipts_size()) {
    return Fail(Code::kCorruption, "bodies of height {}: {} receipts for {} transactions", height,
                body.receipts_size(), body.transactions_size());
  }
  return body;
}

Result<TreeSlot> ChainStore::ReadRoot(Height height) const {
  return DecodeTreeSlot(TRY(Must(Use::kTree, RootKey(height), height)));
}

Result<pb::StateEntry> ChainStore::ReadEntry(const TreeSlot& leaf) const {
  auto bytes = Must(Use::kValues, ValueKey(leaf.path, leaf.version), leaf.version);
  if (bytes) return Parse<pb::StateEntry>(Use::kValues, leaf.version, *bytes);
  const bool gone = bytes.error().code == Code::kPruned || bytes.error().code == Code::kNotFound;
  const auto erased = gone ? EntryErasedAt(StoredState(*this), leaf.path) : std::nullopt;
  if (erased && leaf.version < *erased) {
    return Fail(Code::kPruned,
                "what the entry at {} held before height {} was erased there, on every node",
                leaf.path.Hex(), *erased);
  }
  return tl::unexpected(std::move(bytes).error());
}

Result<pb::WindowBlock> ChainStore::ReadWindowBlock(Height height) const {
  const Bytes key = BigEndian(height.value);
  if (const auto brought = TRY(Get(Use::kWindow, key))) {
    return Parse<pb::WindowBlock>(Use::kWindow, height, *brought);
  }
  auto header = TRY(ReadHeader(height));
  const auto body = TRY(ReadBody(height));
  pb::WindowBlock out;
  out.set_header(std::move(*header.mutable_header()));
  for (const pb::SignedEnvelope& envelope : body.transactions()) {
    out.mutable_tx_ids()->append(TransactionId(envelope.envelope()).View());
  }
  return out;
}

Result<std::optional<pb::Payload>> ChainStore::ReadPayload(const TxId& id) const {
  const auto bytes = TRY(Get(Use::kPayloads, id.View()));
  if (!bytes) return std::nullopt;
  auto payload = Decode<pb::Payload>(*bytes);
  if (!payload) {
    return Fail(Code::kCorruption, "payload of {}: {}", id.Hex(), payload.error().message);
  }
  return std::move(*payload);
}

Result<std::optional<TxLocation>> ChainStore::ReadLocation(const TxId& id) const {
  const auto bytes = TRY(Get(Use::kTransactions, id.View()));
  if (!bytes) return std::nullopt;
  if (bytes->size() != kLocationSize) {
    return Fail(Code::kCorruption, "index entry of transaction {} has {} bytes", id.Hex(),
                bytes->size());
  }
  const BytesView view = *bytes;
  return TxLocation{Height(ReadBigEndian(view.substr(0, 8))),
                    static_cast<std::uint32_t>(ReadBigEndian(view.substr(8)))};
}

Result<pb::BlockWithPayloads> ChainStore::ReadBlock(Height height) const {
  pb::BlockWithPayloads out;
  auto certified = TRY(ReadHeader(height));
  auto body = TRY(ReadBody(height));
  for (const pb::SignedEnvelope& envelope : body.transactions()) {
    auto payload = TRY(ReadPayload(TransactionId(envelope.envelope())));
    pb::Payload& place = *out.add_payloads();
    if (payload) place = std::move(*payload);
  }
  out.mutable_block()->set_header(std::move(*certified.mutable_header()));
  *out.mutable_block()->mutable_certificate() = std::move(*certified.mutable_certificate());
  *out.mutable_block()->mutable_transactions() = std::move(*body.mutable_transactions());
  return out;
}

void ChainStore::PutState(rocksdb::WriteBatch& batch, Height height,
                          const StateOverlay::Writes& writes, const TreeUpdate& tree) const {
  const auto put = [&](Use use, BytesView key, BytesView value) {
    CHECK(batch.Put(family(use), Slice(key), Slice(value)).ok());
  };
  // A memtable takes keys that follow one another far faster than others.
  std::vector<std::pair<Hash, const StateOverlay::Writes::value_type*>> by_path;
  by_path.reserve(writes.size());
  for (const auto& write : writes) {
    const auto& [key, value] = write;
    if (value) {
      put(Use::kState, key, *value);
      by_path.emplace_back(StatePath(key), &write);
    } else {
      CHECK(batch.Delete(family(Use::kState), Slice(key)).ok());
    }
  }
  std::ranges::sort(by_path);
  for (const auto& [path, write] : by_path) {
    put(Use::kValues, ValueKey(path, height), EncodeStateEntry(write->first, *write->second));
  }
  for (const auto& [key, page] : tree.pages) {
    put(Use::kTree, StoredPageKey(key), EncodeTreePage(*page));
  }
  put(Use::kTree, RootKey(height), EncodeTreeSlot(tree.root));
  pb::StoredGarbage garbage;
  for (const Bytes& page : tree.old_pages) garbage.add_pages(StoredPageKey(page));
  for (const TreeSlot& leaf : tree.old_leaves) {
    garbage.add_values(ValueKey(leaf.path, leaf.version));
  }
  if (garbage.pages().empty() && garbage.values().empty()) return;
  put(Use::kTree, GarbageKey(height), Encode(garbage));
}

void ChainStore::PutHead(rocksdb::WriteBatch& batch, Height height) const {
  const Bytes value = BigEndian(height.value);
  CHECK(
      batch.Put(database_->db().DefaultColumnFamily(), Slice(HeadKey(chain_)), Slice(value)).ok());
}

void ChainStore::PutRetention(rocksdb::WriteBatch& batch,
                              const pb::StoredRetention& retention) const {
  rocksdb::ColumnFamilyHandle* const own = database_->db().DefaultColumnFamily();
  CHECK(batch.Put(own, Slice(RetentionKey(chain_)), Slice(Encode(retention))).ok());
}

void ChainStore::PutRestore(rocksdb::WriteBatch& batch, const pb::StoredRestore* restore) const {
  rocksdb::ColumnFamilyHandle* const own = database_->db().DefaultColumnFamily();
  const Bytes key = RestoreKey(chain_);
  const rocksdb::Status put = restore != nullptr ? batch.Put(own, Slice(key), Encode(*restore))
                                                 : batch.Delete(own, Slice(key));
  CHECK(put.ok());
}

Result<std::map<Height, pb::StoredErasing>> ChainStore::ReadErasing(std::size_t most) const {
  const Bytes prefix = ErasingPrefix(chain_);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_.get();
  rocksdb::DB& db = database_->db();
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator(options, db.DefaultColumnFamily()));
  std::map<Height, pb::StoredErasing> out;
  for (at->Seek(Slice(prefix)); at->Valid() && out.size() < most; at->Next()) {
    const BytesView key = View(at->key());
    if (!key.starts_with(prefix) || key.size() != prefix.size() + 8) break;
    const Height height(ReadBigEndian(key.substr(prefix.size())));
    auto erasing = Decode<pb::StoredErasing>(View(at->value()));
    if (!erasing) {
      return Fail(Code::kCorruption, "note of what height {} erased: {}", height,
                  erasing.error().message);
    }
    out.emplace(height, std::move(*erasing));
  }
  if (at->status().ok()) return out;
  return Fail(CodeOf(at->status()), "notes of what was erased: {}", at->status().ToString());
}

void ChainStore::PutErasing(rocksdb::WriteBatch& batch, Height height,
                            const pb::StoredErasing* erasing) const {
  rocksdb::ColumnFamilyHandle* const own = database_->db().DefaultColumnFamily();
  const Bytes key = ErasingPrefix(chain_) + BigEndian(height.value);
  const rocksdb::Status put = erasing != nullptr ? batch.Put(own, Slice(key), Encode(*erasing))
                                                 : batch.Delete(own, Slice(key));
  CHECK(put.ok());
}

void ChainStore::NoteErasing(rocksdb::WriteBatch& batch, Height height,
                             const pb::StoredErasing& erasing) const {
  const bool none = erasing.payloads().empty() && erasing.entries().empty() && !erasing.state();
  if (!none) PutErasing(batch, height, &erasing);
}

std::optional<Bytes> StoredState::Get(BytesView key) const {
  auto value = store_.Get(Use::kState, key);
  if (!value) {
    Failed(std::move(value).error());
    return std::nullopt;
  }
  return std::move(*value);
}

void StoredState::Scan(BytesView prefix, BytesView from,
                       const std::function<bool(BytesView, BytesView)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at = store_.Iterate(Use::kState);
  for (at->Seek(Slice(std::max(prefix, from))); at->Valid(); at->Next()) {
    if (!View(at->key()).starts_with(prefix)) break;
    if (!visit(View(at->key()), View(at->value()))) break;
  }
  if (!at->status().ok()) {
    Failed({CodeOf(at->status()), "scan of the state: " + at->status().ToString()});
  }
}

Status StoredState::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void StoredState::Failed(Error error) const {
  const std::lock_guard lock(mutex_);
  if (status_) status_ = tl::unexpected<Error>(std::move(error));
}

Result<TreePagePtr> StoredPages::Load(const Bytes& key) const {
  const auto bytes = TRY(store_.Get(Use::kTree, StoredPageKey(key)));
  if (!bytes) return Fail(Code::kNotFound, "state tree page {} is not here", ToHex(key));
  auto page = DecodeTreePage(*bytes);
  if (!page) return Within(ToHex(key), std::move(page).error());
  return std::make_shared<const TreePage>(*page);
}

std::vector<TreeChange> TreeChanges(const StateOverlay::Writes& writes) {
  std::vector<TreeChange> changes;
  changes.reserve(writes.size());
  for (const auto& [key, value] : writes) {
    changes.push_back(
        {StatePath(key), value ? std::optional(StateValueHash(*value)) : std::nullopt});
  }
  std::sort(changes.begin(), changes.end(),
            [](const TreeChange& a, const TreeChange& b) { return a.path < b.path; });
  return changes;
}

}  // namespace talent::ledger
