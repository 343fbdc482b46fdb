#include <stdlib.h>  // NOLINT: mkdtemp is POSIX's

#include <limits>
#include <set>

#include "base/canonical.h"
#include "crypto/merkle.h"
#include "ledger/chain_store.h"
#include "ledger/erasure.h"
#include "ledger/light_client.h"
#include "ledger/snapshot.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

constexpr std::uint64_t kProgressEvery = 100;  // blocks

/// A directory for the scratch state, gone with it.
class ScratchDir {
 public:
  static Result<std::unique_ptr<ScratchDir>> Make() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    std::string pattern = (base / "talent-verify-XXXXXX").string();
    if (error || mkdtemp(pattern.data()) == nullptr) {
      return Fail(Code::kIo, "scratch directory {} cannot be made; set TMPDIR", pattern);
    }
    return std::unique_ptr<ScratchDir>(new ScratchDir(pattern));
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Whatever is wrong with stored data is corruption, and says at which height.
tl::unexpected<Error> At(Height height, Error error) {
  if (error.code != Code::kIo) error.code = Code::kCorruption;
  return Within(fmt::format("height {}", height), std::move(error));
}

/// Checks what can be checked of a block whose state cannot be executed any more.
class BlockCheck {
 public:
  BlockCheck(const ChainStore& store, const Genesis& genesis, crypto::ValidatorSet validators)
      : store_(store), genesis_(genesis), validators_(std::move(validators)) {}

  Status Check(Height height, const Hash& previous, const pb::BlockWithPayloads& stored) const {
    pb::CertifiedHeader certified;
    certified.set_header(stored.block().header());
    *certified.mutable_certificate() = stored.block().certificate();
    const auto trusted = TRY(VerifyHeader(genesis_.chain_id(), validators_, certified));
    const pb::BlockHeader& header = trusted.header;
    if (header.height() != height.value) return Wrong("header: height");
    if (header.previous_hash() != previous.View()) return Wrong("header: previous_hash");
    if (TRY(store_.ReadRoot(height)).hash.View() != header.state_root()) {
      return Wrong("state_root");
    }
    const auto body = TRY(store_.ReadBody(height));
    if (static_cast<std::uint32_t>(body.transactions_size()) != header.transaction_count()) {
      return Wrong("transaction_count");
    }
    std::vector<Hash> ids;
    std::vector<Hash> receipts;
    for (int i = 0; i < body.transactions_size(); ++i) {
      const auto at = TxLocation{height, static_cast<std::uint32_t>(i)};
      TRY(CheckTransaction(at, body, stored.payloads(i), ids, receipts));
    }
    if (crypto::MerkleRoot(ids).View() != header.transactions_root()) {
      return Wrong("transactions_root");
    }
    if (crypto::MerkleRoot(receipts).View() != header.receipts_root()) {
      return Wrong("receipts_root");
    }
    return {};
  }

  /// The block of `header` is right; the next may be another epoch's.
  Status Advance(const pb::BlockHeader& header) {
    if (header.next_validators_hash() == header.validators_hash()) return {};
    const auto ended = TRY(ReadEndedEpoch(StoredState(store_), validators_.epoch()));
    if (ended.end->next.hash().View() != header.next_validators_hash()) {
      return Wrong("next_validators_hash");
    }
    validators_ = ended.end->next;
    return {};
  }

 private:
  static Status Wrong(std::string_view what) {
    return Fail(Code::kCorruption, "{} differs from what is stored", what);
  }

  Status CheckTransaction(const TxLocation& at, const pb::StoredBody& body,
                          const pb::Payload& payload, std::vector<Hash>& ids,
                          std::vector<Hash>& receipts) const {
    const pb::SignedEnvelope& envelope = body.transactions(static_cast<int>(at.index));
    const auto code = static_cast<pb::ReceiptCode>(body.receipts(static_cast<int>(at.index)));
    const TxId id = TransactionId(envelope.envelope());
    pb::Receipt receipt;
    receipt.set_tx_id(id.ToBytes());
    receipt.set_code(code);
    ids.push_back(crypto::MerkleLeaf(id.View()));
    receipts.push_back(crypto::MerkleLeaf(Encode(receipt)));
    // The index leads to where a transaction could take effect, not to where it came too early or
    // too late.
    if (code == pb::RECEIPT_CODE_OK) {
      const auto indexed = TRY(store_.Get(Use::kTransactions, id.View()));
      if (!indexed || *indexed != EncodeLocation(at)) return Wrong("transaction index");
    }
    auto tx = ParseTransaction(envelope, nullptr);
    if (!tx) return {};  // ordered malformed; its receipt says so
    TRY(VerifySignature(*tx, genesis_.chain_id()));
    if (!payload.salt().empty()) TRY(AttachPayload(*tx, payload));
    return {};
  }

  const ChainStore& store_;
  const Genesis& genesis_;
  crypto::ValidatorSet validators_;  // of the next block
};

/// Values that may be here or not: those that were erased, and are on their way out of the files.
class ErasedValues {
 public:
  explicit ErasedValues(const ChainStore& store) : state_(store) {}

  bool Has(Use use, const rocksdb::Slice& key) const {
    if (use != Use::kValues) return false;
    const BytesView value_key = key.ToStringView();
    const auto path = Hash::FromBytes(value_key.substr(std::min<std::size_t>(8, key.size())));
    if (!path) return false;
    const auto erased = EntryErasedAt(state_, *path);
    return erased && Height(ReadBigEndian(value_key.substr(0, 8))) < *erased;
  }
  void Skip(Use use, rocksdb::Iterator& at) const {
    while (at.Valid() && Has(use, at.key())) at.Next();
  }

 private:
  StoredState state_;
};

/// That every record of `expected` is in `stored` too; with `exactly`, that there are no others.
Status Compare(Use use, const ChainStore& expected, const ChainStore& stored, bool exactly) {
  const ErasedValues erased(stored);
  const auto ours = expected.Iterate(use);
  const auto theirs = stored.Iterate(use);
  theirs->SeekToFirst();
  for (ours->SeekToFirst();; ours->Next(), theirs->Next()) {
    erased.Skip(use, *ours);
    if (!ours->Valid()) break;
    if (!exactly) theirs->Seek(ours->key());
    erased.Skip(use, *theirs);
    const bool there = theirs->Valid() && theirs->key() == ours->key();
    if (!there || theirs->value() != ours->value()) {
      return Fail(Code::kCorruption, "{}: record {} {}", UseName(use), ours->key().ToString(true),
                  there ? "differs from what execution gives" : "is missing, or one is too many");
    }
  }
  erased.Skip(use, *theirs);
  if (exactly && theirs->Valid()) {
    return Fail(Code::kCorruption, "{}: record {} does not belong there", UseName(use),
                theirs->key().ToString(true));
  }
  for (const auto* walk : {&ours, &theirs}) {
    if (!(*walk)->status().ok()) {
      return Fail(Code::kCorruption, "{}: {}", UseName(use), (*walk)->status().ToString());
    }
  }
  return {};
}

/// That the stored state is the one the head's root stands for, key by key.
Status CheckState(const ChainStore& store, Height head) {
  const StoredPages pages(store);
  const TreeSlot root = TRY(store.ReadRoot(head));
  std::uint64_t leaves = 0;
  TRY(CheckTree(pages, root, [&](const TreeSlot& leaf) -> Status {
    ++leaves;
    const auto entry = TRY(store.ReadEntry(leaf));
    const bool same_key = StatePath(entry.key()) == leaf.path;
    if (same_key && StateValueHash(entry.value()) == leaf.value_hash) return {};
    return Fail(Code::kCorruption, "values: the value at {} is not the one its leaf names",
                leaf.path.Hex());
  }));
  const auto state = store.Iterate(Use::kState);
  for (state->SeekToFirst(); state->Valid(); state->Next()) {
    const Hash path = StatePath(state->key().ToStringView());
    const TreeSlot end = TRY(WalkTree(pages, root, path)).end;
    if (end.path != path || end.value_hash != StateValueHash(state->value().ToStringView())) {
      return Fail(Code::kCorruption, "state: key {} is not what the state root stands for",
                  state->key().ToString(true));
    }
    --leaves;
  }
  if (!state->status().ok()) return Fail(Code::kCorruption, "{}", state->status().ToString());
  if (leaves != 0) return Fail(Code::kCorruption, "state: {} keys are missing", leaves);
  return {};
}

/// The height whose state the walk starts from: the genesis, where all is here.
Result<Height> BaseOf(const ChainStore& store) {
  if (TRY(store.ReadRestore())) {
    return Fail(Code::kUnavailable, "a restore from a snapshot is unfinished");
  }
  const auto retention = TRY(store.ReadRetention());
  const std::uint64_t before = retention.blocks_from() > 0 ? retention.blocks_from() - 1 : 0;
  return Height(std::max(retention.state_from(), before));
}

/// Starts the scratch chain from the stored state of `base`, checked as anybody's snapshot would
/// be.
Status CopyState(const Database& database, const Genesis& genesis, const Application& application,
                 Height base, Database& scratch) {
  const auto source = TRY(SnapshotSource::Open(database, genesis, base));
  auto copy = TRY(SnapshotRestore::Begin(scratch, genesis, application, TRY(source.Head())));
  while (const auto newest = copy.next_window()) {
    TRY(copy.AddWindow(TRY(source.WindowChunk(*newest)).packed));
  }
  TRY(WalkStatePlaces([&](const StateSubtree& place) -> Status {
    return copy.AddState(TRY(source.StateChunk(place)).packed);
  }));
  return copy.Finish();
}

/// Walks one stored chain.
class Walk {
 public:
  /// `validators` of the first block; `scratch` null: nothing can be executed.
  Walk(const ChainStore& store, const Genesis& genesis, crypto::ValidatorSet validators,
       Chain* scratch)
      : store_(store),
        state_(store),
        check_(store, genesis, std::move(validators)),
        scratch_(scratch),
        executing_(scratch != nullptr) {}

  /// What was erased and is served to peers for a while.
  Status ReadPending() {
    for (const auto& [height, note] :
         TRY(store_.ReadErasing(std::numeric_limits<std::size_t>::max()))) {
      for (const Bytes& id : note.payloads()) pending_.insert(TRY(TxId::FromBytes(id)));
    }
    return {};
  }

  Status Step(Height height) {
    const auto block = TRY(store_.ReadBlock(height));
    const std::uint64_t missing = TRY(CountPayloads(height, block));
    if (executing_) {
      Status applied = scratch_->Apply(block);
      executing_ = applied.has_value();
      // A missing payload ends execution for good: the state after it cannot be made again.
      if (!applied && (missing == 0 || applied.error().code != Code::kPrecondition)) return applied;
    }
    if (!executing_) TRY(check_.Check(height, report_.head_hash, block));
    TRY(check_.Advance(TRY(Decode<pb::BlockHeader>(block.block().header()))));
    if (executing_) report_.executed = height;
    report_.height = height;
    report_.transactions += static_cast<std::uint64_t>(block.payloads_size());
    report_.head_hash = BlockHash(block.block().header());
    return {};
  }

  /// The walk began with the genesis, so that `expected` has all that should be there.
  Status FinishWhole(const ChainStore& expected) const {
    for (const Use use : kUses) {
      if (use == Use::kState && !executing_) continue;
      TRY(Compare(use, expected, store_, executing_));
    }
    return Finish();
  }
  Status Finish() const { return CheckState(store_, report_.height); }

  VerifyReport& report() { return report_; }

 private:
  /// Says how many are not here, and that none is that was erased.
  Result<std::uint64_t> CountPayloads(Height height, const pb::BlockWithPayloads& block) {
    std::uint64_t absent = 0;
    std::optional<pb::StoredBody> body;
    for (int i = 0; i < block.payloads_size(); ++i) {
      const pb::SignedEnvelope& envelope = block.block().transactions(i);
      const TxId id = TransactionId(envelope.envelope());
      const bool here = !block.payloads(i).salt().empty();
      const bool erased = FindErased(state_, id).has_value();
      if (here && erased && !pending_.contains(id)) {
        return Fail(Code::kCorruption, "the payload of transaction {} is here, and was erased",
                    id.Hex());
      }
      if (here || !ParseTransaction(envelope, nullptr)) continue;
      if (!body) body = TRY(store_.ReadBody(height));
      if (body->receipts(i) == pb::RECEIPT_CODE_EXPIRED) continue;  // nobody keeps these
      ++absent;
      ++(erased ? report_.payloads_erased : report_.payloads_missing);
    }
    TRY(state_.status());
    return absent;
  }

  const ChainStore& store_;
  const StoredState state_;
  std::set<TxId> pending_;
  BlockCheck check_;
  Chain* const scratch_;
  bool executing_;
  VerifyReport report_;
};

/// Where no block is to be executed: the header of `base` is right, and these seal the next block.
Result<crypto::ValidatorSet> ValidatorsAfter(const ChainStore& store, const Genesis& genesis,
                                             Height base) {
  const StoredState state(store);
  const EpochState now = TRY(ReadEpoch(state));
  const auto of = [&](Epoch epoch) -> Result<EpochState> {
    return epoch == now.validators.epoch() ? now : ReadEndedEpoch(state, epoch);
  };
  const auto certified = TRY(store.ReadHeader(base));
  const Epoch epoch(TRY(Decode<pb::BlockHeader>(certified.header())).epoch());
  const EpochState at = TRY(of(epoch));
  TRY(VerifyHeader(genesis.chain_id(), at.validators, certified));
  return at.end && at.end->last == base ? at.end->next : at.validators;
}

}  // namespace

Result<VerifyReport> VerifyStoredChain(const Database& database, const Genesis& genesis,
                                       const Application& application,
                                       const std::function<void(Height, Height)>& progress) {
  const ChainStore store = TRY(ChainStore::Open(database, genesis.chain_id())).Snapshot();
  const auto head = TRY(store.ReadHead());
  if (!head) return Fail(Code::kCorruption, "chain '{}': no head is recorded", genesis.name());

  const auto dir = TRY(ScratchDir::Make());
  const auto scratch = TRY(Database::Open(dir->path(), Database::Mode::kScratch));
  const Height base = TRY(BaseOf(store));
  bool executable = true;
  if (base > Height(0)) {
    const Status copied = CopyState(database, genesis, application, base, *scratch);
    // Some of that old state was erased since: no block after it can be executed again.
    executable = copied || copied.error().code != Code::kPruned;
    if (!copied && executable) return At(base, copied.error());
  }
  const auto chain = executable ? TRY(Chain::Open(*scratch, genesis, application)) : nullptr;
  const auto validators = chain ? *chain->validators() : TRY(ValidatorsAfter(store, genesis, base));
  Walk walk(store, genesis, validators, chain.get());
  TRY(walk.ReadPending());
  walk.report().base = walk.report().height = walk.report().executed = base;
  walk.report().head_hash =
      chain ? chain->head().hash : BlockHash(TRY(store.ReadHeader(base)).header());
  for (Height height = base + 1; height <= *head; ++height) {
    const Status checked = walk.Step(height);
    if (!checked) return At(height, checked.error());
    if (progress && (height.value % kProgressEvery == 0 || height == *head)) {
      progress(height, *head);
    }
  }
  const Status finished =
      base == Height(0) ? walk.FinishWhole(TRY(ChainStore::Open(*scratch, genesis.chain_id())))
                        : walk.Finish();
  if (!finished) return At(*head, finished.error());
  return walk.report();
}

}  // namespace talent::ledger
