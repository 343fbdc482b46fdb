#include "ledger/chain.h"

#include <algorithm>

#include "base/canonical.h"
#include "crypto/merkle.h"
#include "ledger/batch.h"
#include "ledger/chain_impl.h"
#include "ledger/erasure.h"
#include "ledger/light_client.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

/// The state below height 0.
class EmptyState final : public StateReader {
 public:
  std::optional<Bytes> Get(BytesView /*key*/) const override { return std::nullopt; }
  void Scan(BytesView /*prefix*/, BytesView /*from*/,
            const std::function<bool(BytesView, BytesView)>& /*visit*/) const override {}
};

class NoPages final : public TreePages {
 public:
  Result<TreePagePtr> Load(const Bytes& key) const override {
    return Fail(Code::kInternal, "page {} asked of an empty tree", ToHex(key));
  }
};

struct GenesisState {
  StateOverlay::Writes writes;
  TreeUpdate tree;
};

Result<GenesisState> MakeGenesisState(const Genesis& genesis, const Application& application) {
  const EmptyState empty;
  StateOverlay state(empty);
  const Status made = application.InitGenesis(genesis, state);
  if (!made) return Within("genesis", made.error());
  InitEpochs(genesis.validators(), state);
  GenesisState out;
  out.writes = state.TakeWrites();
  out.tree = TRY(UpdateTree(NoPages(), TreeSlot(), Height(0), TreeChanges(out.writes)));
  return out;
}

Bytes NameKey(const Genesis& genesis) { return "chain/" + genesis.name(); }

/// A database holds one chain of a name. Returns whether it is recorded already.
Result<bool> CheckName(const Database& database, const Genesis& genesis) {
  const auto recorded = TRY(database.Get(database.db().DefaultColumnFamily(), NameKey(genesis)));
  if (!recorded) return false;
  if (*recorded == genesis.chain_id().View()) return true;
  return Fail(Code::kWrongGenesis,
              "chain '{}' in this database is {}, and the genesis file makes {}; use the genesis "
              "file it was started with, or another data directory",
              genesis.name(), ToHex(*recorded), genesis.chain_id().Hex());
}

Status StoreGenesis(const ChainStore& store, const Genesis& genesis, const GenesisState& state) {
  rocksdb::WriteBatch batch;
  store.PutState(batch, Height(0), state.writes, state.tree);
  store.PutHead(batch, Height(0));
  CHECK(batch.Put(NameKey(genesis), genesis.chain_id().ToBytes()).ok());
  return store.database().Commit(batch);
}

Hash RootOf(const std::vector<Hash>& leaves) { return crypto::MerkleRoot(leaves); }

Hash ReceiptLeaf(const ExecutedTransaction& executed) {
  pb::Receipt receipt;
  receipt.set_tx_id(executed.id.ToBytes());
  receipt.set_code(executed.code);
  return crypto::MerkleLeaf(Encode(receipt));
}

std::vector<OrderedTransaction> ReadOrdered(
    const google::protobuf::RepeatedPtrField<pb::SignedEnvelope>& envelopes,
    const google::protobuf::RepeatedPtrField<pb::Payload>& payloads) {
  std::vector<OrderedTransaction> out;
  out.reserve(static_cast<std::size_t>(envelopes.size()));
  for (int i = 0; i < envelopes.size(); ++i) {
    out.push_back(
        OrderedTransaction::Read(envelopes[i], i < payloads.size() ? &payloads[i] : nullptr));
  }
  return out;
}

/// Names the first field in which our header differs from a certified one.
std::string Difference(const pb::BlockHeader& ours, const pb::BlockHeader& theirs) {
  if (ours.previous_hash() != theirs.previous_hash()) return "previous_hash";
  if (ours.transactions_root() != theirs.transactions_root()) return "transactions_root";
  if (ours.receipts_root() != theirs.receipts_root()) return "receipts_root";
  if (ours.state_root() != theirs.state_root()) return "state_root";
  if (ours.time_ms() != theirs.time_ms()) return "time_ms";
  if (ours.transaction_count() != theirs.transaction_count()) return "transaction_count";
  if (ours.epoch() != theirs.epoch()) return "epoch";
  if (ours.validators_hash() != theirs.validators_hash()) return "validators_hash";
  if (ours.next_validators_hash() != theirs.next_validators_hash()) return "next_validators_hash";
  return "view or proposer";
}

}  // namespace

Result<TreePagePtr> StagedPages::Load(const Bytes& key) const {
  // A page's key begins with the height that wrote it.
  const Height version(ReadBigEndian(BytesView(key).substr(0, 8)));
  for (const StagedBlock& block : staged_) {
    if (block.head.height != version) continue;
    const auto found = block.tree.pages.find(key);
    CHECK(found != block.tree.pages.end(), "page {} of an executed block is lost", ToHex(key));
    return found->second;
  }
  return stored_.Load(key);
}

Status Chain::Impl::Load() {
  const Database& database = store.database();
  const bool known = TRY(CheckName(database, genesis));
  if (const auto restore = TRY(store.ReadRestore())) {
    return Fail(Code::kUnavailable,
                "a restore from a snapshot is unfinished, {} state entries are here; go on with "
                "`talentd restore` from any snapshot of this chain",
                restore->entries());
  }
  const GenesisState state = TRY(MakeGenesisState(genesis, application));
  auto height = TRY(store.ReadHead());
  if (known != height.has_value()) {
    return Fail(Code::kCorruption, "chain '{}' has {}", genesis.name(),
                known ? "a name and no head" : "a head and no name");
  }
  if (!known) {
    if (database.mode() == Database::Mode::kReadOnly) {
      return Fail(Code::kNotFound, "chain '{}' is not in this database", genesis.name());
    }
    TRY(StoreGenesis(store, genesis, state));
    height = Height(0);
  }
  // Its blocks begin with the one after the snapshot, or later, if it was pruned.
  const pb::StoredRetention retention = TRY(store.ReadRetention());
  if (retention.restored()) known_from = Height(retention.blocks_from());
  return LoadHead(*height, state.tree.root.hash);
}

Status Chain::Impl::LoadHead(Height height, const Hash& genesis_root) {
  if (TRY(store.ReadRoot(Height(0))).hash != genesis_root) {
    return Fail(Code::kCorruption,
                "the genesis makes another state than the one stored at height 0; this program and "
                "the one that made the chain disagree");
  }
  sealed_root = TRY(store.ReadRoot(height));
  if (sealed_root.kind == TreeSlot::Kind::kPage) {
    TRY(CheckRootPage(StoredPages(store), sealed_root));
  }
  const crypto::ValidatorSet validators = TRY(LoadEpoch(height));
  if (height == Height(0)) {
    const Hash id = Hash::FromBytes(genesis.chain_id().View()).value();
    head = Head{height, id, genesis.time(), genesis_root};
    return {};
  }
  const auto certified = TRY(store.ReadHeader(height));
  auto trusted = VerifyHeader(genesis.chain_id(), validators, certified);
  if (!trusted) {
    return Fail(Code::kCorruption, "stored head at height {}: {}", height, trusted.error().message);
  }
  const pb::BlockHeader& header = trusted->header;
  if (header.height() != height.value || header.state_root() != sealed_root.hash.View()) {
    return Fail(Code::kCorruption, "stored head at height {}: its {} is another", height,
                header.height() != height.value ? "height" : "state_root");
  }
  head = Head{height, trusted->hash, Timestamp(header.time_ms()), sealed_root.hash};
  return {};
}

/// Reads the epoch in force after the head. Returns the validators that seal the head itself.
Result<crypto::ValidatorSet> Chain::Impl::LoadEpoch(Height height) {
  const auto stored_entry = TRY(store.Get(Use::kState, kCurrentEpochKey));
  const auto leaf = TRY(WalkTree(StoredPages(store), sealed_root, StatePath(kCurrentEpochKey))).end;
  if (!stored_entry || leaf.value_hash != StateValueHash(*stored_entry)) {
    return Fail(Code::kCorruption, "state: the epoch is not what the state root stands for");
  }
  epoch = std::make_shared<const EpochState>(TRY(ReadEpoch(stored)));
  if (epoch->first != height + 1 || height == Height(0)) return epoch->validators;
  return TRY(ReadEndedEpoch(stored, Epoch(epoch->number().value - 1))).validators;
}

pb::BlockHeader Chain::Impl::MakeHeader(const Head& parent, const Origin& origin,
                                        const EpochState& in_force, const StagedBlock& block,
                                        Timestamp time) const {
  std::vector<Hash> ids;
  std::vector<Hash> receipts;
  for (const ExecutedTransaction& executed : block.executed) {
    ids.push_back(crypto::MerkleLeaf(executed.id.View()));
    receipts.push_back(ReceiptLeaf(executed));
  }
  pb::BlockHeader header;
  header.set_format(kHeaderFormat);
  header.set_suite(kSuite);
  header.set_chain_id(genesis.chain_id().ToBytes());
  header.set_height(parent.height.value + 1);
  header.set_previous_hash(parent.hash.ToBytes());
  header.set_view(origin.view);
  header.set_proposer(origin.proposer);
  header.set_time_ms(time.value);
  header.set_transactions_root(RootOf(ids).ToBytes());
  header.set_receipts_root(RootOf(receipts).ToBytes());
  header.set_state_root(block.tree.root.hash.ToBytes());
  header.set_transaction_count(static_cast<std::uint32_t>(block.executed.size()));
  header.set_epoch(in_force.number().value);
  header.set_validators_hash(in_force.validators.hash().ToBytes());
  header.set_next_validators_hash(block.next_epoch->validators.hash().ToBytes());
  return header;
}

Result<StagedBlock> Chain::Impl::Run(const Origin& origin,
                                     std::vector<OrderedTransaction> ordered) {
  const Head parent = Tip();
  const Height height = parent.height + 1;
  const Timestamp time = std::max(origin.time, parent.time + Millis(1));
  const SeenBefore seen = [this](const TxId& id) -> Result<std::optional<Height>> {
    // The newest first: of several places of one id, a later one is nearer to its valid_until.
    if (const auto found = staged_ids.find(id); found != staged_ids.end()) return found->second;
    const auto at = TRY(store.ReadLocation(id));
    return at ? std::optional(at->height) : std::nullopt;
  };
  StagedBlock block;
  block.ordered = std::move(ordered);
  const ConsensusRules& rules = genesis.consensus();
  StateOverlay state = tip_state.Nested();
  block.executed =
      TRY(ExecuteTransactions(application, rules, {genesis.chain_id(), height, time, rules.window},
                              block.ordered, seen, state));
  const auto in_force = TipEpoch();
  if (in_force->end && in_force->end->last == height) StartNextEpoch(*in_force, state);
  block.next_epoch = in_force;
  if (state.writes().contains(kCurrentEpochKey)) {
    block.next_epoch = std::make_shared<const EpochState>(TRY(ReadEpoch(state)));
  }
  block.writes = state.TakeWrites();
  const bool ends = block.next_epoch->number() != in_force->number();
  const auto& end = ends ? in_force->end : block.next_epoch->end;
  if (end) block.epoch_end = end->last;
  const TreeSlot& root = staged.empty() ? sealed_root : staged.back().tree.root;
  block.tree = TRY(UpdateTree(pages, root, height, TreeChanges(block.writes)));
  block.header = Encode(MakeHeader(parent, origin, *in_force, block, time));
  block.head = Head{height, BlockHash(block.header), time, block.tree.root.hash};
  return block;
}

Result<ExecutedBlock> Chain::Impl::Execute(const Origin& origin,
                                           std::vector<OrderedTransaction> ordered) {
  if (staged.size() >= genesis.consensus().window) {
    return Fail(Code::kExhausted, "{} executed blocks wait for their seals; no more fit the window",
                staged.size());
  }
  Stage(TRY(Run(origin, std::move(ordered))));
  const StagedBlock& block = staged.back();
  ExecutedBlock out{block.head.height, block.head.hash, block.header, {}, {}, block.epoch_end};
  for (const ExecutedTransaction& executed : block.executed) {
    out.tx_ids.push_back(executed.id);
    out.receipts.push_back(executed.code);
  }
  return out;
}

void Chain::Impl::Stage(StagedBlock block) {
  for (const auto& [key, value] : block.writes) {
    if (value) {
      tip_state.Put(key, *value);
    } else {
      tip_state.Delete(key);
    }
    last_write[key] = block.head.height;
  }
  for (const ExecutedTransaction& executed : block.executed) {
    staged_ids[executed.id] = block.head.height;
  }
  for (const auto& [key, page] : block.tree.pages) pages.Put(key, page);
  staged.push_back(std::move(block));
}

void Chain::Impl::Forget(const StagedBlock& block) {
  for (const auto& [key, value] : block.writes) {
    const auto last = last_write.find(key);
    if (last == last_write.end() || last->second != block.head.height) continue;
    tip_state.Forget(key);
    last_write.erase(last);
  }
  for (const ExecutedTransaction& executed : block.executed) {
    const auto found = staged_ids.find(executed.id);
    if (found != staged_ids.end() && found->second == block.head.height) staged_ids.erase(found);
  }
}

void Chain::Impl::DropStaged() {
  for (const auto& [key, height] : last_write) tip_state.Forget(key);
  last_write.clear();
  staged_ids.clear();
  staged.clear();
}

Status Chain::Impl::Seal(const crypto::Certificate& certificate) {
  StagedBlock& block = staged.front();
  const Height height = block.head.height;
  const Bytes key = BigEndian(height.value);
  rocksdb::WriteBatch batch;
  const auto put = [&](Use use, BytesView at, const Bytes& value) {
    CHECK(batch.Put(store.family(use), rocksdb::Slice(at.data(), at.size()), value).ok());
  };
  pb::CertifiedHeader certified;
  certified.set_header(block.header);
  *certified.mutable_certificate() = ToProto(certificate);
  put(Use::kHeaders, key, Encode(certified));
  pb::StoredBody body;
  std::vector<std::size_t> by_id(block.executed.size());
  for (std::size_t i = 0; i < block.executed.size(); ++i) {
    *body.add_transactions() = block.ordered[i].Envelope();
    body.add_receipts(block.executed[i].code);
    by_id[i] = i;
  }
  put(Use::kBodies, key, Encode(body));
  const pb::StoredErasing erasing = ErasingOf(block.writes, block.tree);
  // A memtable takes keys that follow one another far faster than others.
  std::ranges::sort(by_id, {}, [&](std::size_t i) -> const TxId& { return block.executed[i].id; });
  for (const std::size_t i : by_id) {
    const ExecutedTransaction& executed = block.executed[i];
    if (executed.code == pb::RECEIPT_CODE_DUPLICATE) continue;
    // Found where it could take effect; where it came too early, or again too late, only if it has
    // no other place.
    // On a chain that began from a snapshot that cannot be known.
    if (!executed.timely && (known_from > Height(0) || TRY(store.ReadLocation(executed.id))))
      continue;
    put(Use::kTransactions, executed.id.View(),
        EncodeLocation({height, static_cast<std::uint32_t>(i)}));
    const TxPtr& tx = block.ordered[i].tx;
    // Nobody needs the payload of one that came too late, and nothing would know of it.
    if (tx == nullptr || !tx->has_payload() || !executed.timely) continue;
    pb::Payload payload;
    payload.set_salt(tx->salt);
    payload.set_data(tx->payload);
    put(Use::kPayloads, executed.id.View(), Encode(payload));
  }
  store.PutState(batch, height, block.writes, block.tree);
  store.NoteErasing(batch, height, erasing);
  store.PutHead(batch, height);
  TRY(store.database().Commit(batch));

  sealed_state.Update(block.writes);
  Forget(staged.front());
  const StagedBlock sealed = std::move(staged.front());  // outlives the lock
  staged.pop_front();
  sealed_root = sealed.tree.root;
  const std::lock_guard lock(mutex);
  head = sealed.head;
  epoch = sealed.next_epoch;
  return {};
}

Status Chain::Impl::ApplyNext(const pb::BlockWithPayloads& block, const pb::BlockHeader& header,
                              const Hash& hash, const SignatureCheck& check) {
  std::vector<Hash> ids;
  for (const pb::SignedEnvelope& envelope : block.block().transactions()) {
    // Nothing that was certified covers it, and no validator voted for a batch with such a one.
    if (envelope.signature().size() != crypto::Signature::kSize) {
      return Fail(Code::kBadSignature, "block {}: a transaction's signature has {} bytes",
                  header.height(), envelope.signature().size());
    }
  }
  std::vector<TxPtr> transactions;
  std::vector<OrderedTransaction> ordered =
      ReadOrdered(block.block().transactions(), block.payloads());
  for (const OrderedTransaction& one : ordered) {
    ids.push_back(crypto::MerkleLeaf(one.id().View()));
    // What does not parse has no author; it executes as invalid, and its receipt says so.
    if (one.tx != nullptr) transactions.push_back(one.tx);
  }
  if (RootOf(ids).View() != header.transactions_root()) {
    return Fail(
        Code::kCorruption,
        "block {}: its transactions do not lead to the transactions_root that was certified",
        header.height());
  }
  TRY(check(transactions));
  DropStaged();
  const Origin origin{Timestamp(header.time_ms()), header.view(), header.proposer()};
  auto run = Run(origin, std::move(ordered));
  // Payloads are not certified. What is can be executed, unless the data it is executed on is
  // damaged, which is nobody else's fault.
  if (!run && run.error().code == Code::kPrecondition) return tl::unexpected(run.error());
  if (!run) return Fail(Code::kIo, "block {}: {}", header.height(), run.error().ToString());
  StagedBlock ours = std::move(*run);
  if (ours.head.hash != hash) {
    return Fail(Code::kDiverged,
                "block {}: executing it gives another {} than was certified; either this node is "
                "broken or the validators are",
                header.height(), Difference(Decode<pb::BlockHeader>(ours.header).value(), header));
  }
  Stage(std::move(ours));
  return {};
}

Chain::Chain(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Chain::~Chain() = default;

Result<std::unique_ptr<Chain>> Chain::Open(Database& database, const Genesis& genesis,
                                           const Application& application) {
  TRY(CheckName(database, genesis));  // before any column family is made
  ChainStore store = TRY(ChainStore::Open(database, genesis.chain_id()));
  auto impl = std::make_unique<Impl>(genesis, application, std::move(store));
  const Status loaded = impl->Load();
  if (!loaded) return Within("chain '" + genesis.name() + "'", loaded.error());
  return std::unique_ptr<Chain>(new Chain(std::move(impl)));
}

Result<ExecutedBlock> Chain::Execute(BytesView batch, BytesView payloads) {
  if (batch.empty()) return impl_->Execute({}, {});
  const pb::Batch parsed = TRY(ParseBatch(batch));
  const auto beside = Decode<pb::Payloads>(payloads);
  if (!beside) {
    return Fail(Code::kPrecondition, "payloads of the batch: {}", beside.error().message);
  }
  return impl_->Execute({Timestamp(parsed.time_ms()), parsed.view(), parsed.proposer() + 1},
                        ReadOrdered(parsed.transactions(), beside->payloads()));
}

Result<ExecutedBlock> Chain::Execute(const CheckedBatch& batch) {
  if (batch.time == Timestamp(0)) return impl_->Execute({}, {});
  std::vector<OrderedTransaction> ordered(batch.transactions.size());
  for (std::size_t i = 0; i < ordered.size(); ++i) ordered[i].tx = batch.transactions[i];
  return impl_->Execute({batch.time, batch.view.value, batch.proposer.value + 1},
                        std::move(ordered));
}

Status Chain::Seal(Height height, const crypto::Certificate& certificate) {
  CHECK(!impl_->staged.empty() && impl_->staged.front().head.height == height,
        "height {} is sealed before it is executed, or not in order", height);
  return impl_->Seal(certificate);
}

Status Chain::Apply(const pb::BlockWithPayloads& block, const SignatureCheck& check) {
  pb::CertifiedHeader certified;
  certified.set_header(block.block().header());
  *certified.mutable_certificate() = block.block().certificate();
  const TrustedHeader trusted = TRY(VerifyHeader(id(), *validators(), certified));
  const Head sealed = head();
  if (trusted.header.height() != sealed.height.value + 1) {
    return Fail(Code::kPrecondition, "block {} does not follow height {}", trusted.header.height(),
                sealed.height);
  }
  if (trusted.header.previous_hash() != sealed.hash.View()) {
    return Fail(Code::kDiverged, "block {}: previous_hash is not the hash of our sealed block {}",
                trusted.header.height(), sealed.height);
  }
  const bool executed = !impl_->staged.empty() && impl_->staged.front().head.hash == trusted.hash;
  if (!executed && !impl_->staged.empty()) {
    return Fail(Code::kDiverged, "block {} was certified as {}; this node executed {}",
                trusted.header.height(), trusted.hash.Hex(), impl_->staged.front().head.hash.Hex());
  }
  if (!executed) TRY(impl_->ApplyNext(block, trusted.header, trusted.hash, check));
  return impl_->Seal(TRY(FromProto(block.block().certificate())));
}

Status Chain::Apply(const pb::BlockWithPayloads& block) {
  return Apply(block, [this](const std::vector<TxPtr>& transactions) -> Status {
    for (const TxPtr& tx : transactions) TRY(VerifySignature(*tx, id()));
    return {};
  });
}

Head Chain::tip() const { return impl_->Tip(); }
const StateReader& Chain::tip_state() const { return impl_->tip_state; }

bool Chain::HasDueWork(Timestamp time) const {
  return impl_->TipEpoch()->end || impl_->application.HasDueWork(time, impl_->tip_state) ||
         ErasedWithin(impl_->tip_state, tip().height, genesis().consensus().window);
}

}  // namespace talent::ledger
