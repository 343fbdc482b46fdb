#include <algorithm>

#include "base/canonical.h"
#include "crypto/merkle.h"
#include "ledger/chain_impl.h"
#include "ledger/erasure.h"

namespace talent::ledger {
namespace {

Bytes EncodeReceipt(const TxId& id, pb::ReceiptCode code) {
  pb::Receipt receipt;
  receipt.set_tx_id(id.ToBytes());
  receipt.set_code(code);
  return Encode(receipt);
}

Result<pb::Receipt> ReceiptAt(const pb::StoredBody& body, const TxLocation& at) {
  if (at.index >= static_cast<std::uint32_t>(body.transactions_size())) {
    return Fail(Code::kNotFound, "block {} has {} transactions and none at {}", at.height,
                body.transactions_size(), at.index);
  }
  const int index = static_cast<int>(at.index);
  pb::Receipt receipt;
  receipt.set_tx_id(TransactionId(body.transactions(index).envelope()).ToBytes());
  receipt.set_code(static_cast<pb::ReceiptCode>(body.receipts(index)));
  return receipt;
}

std::vector<pb::ReceiptCode> Codes(const pb::StoredBody& body) {
  std::vector<pb::ReceiptCode> codes;
  for (const auto code : body.receipts()) codes.push_back(static_cast<pb::ReceiptCode>(code));
  return codes;
}

void Append(const std::vector<Hash>& siblings,
            google::protobuf::RepeatedPtrField<std::string>& out) {
  for (const Hash& sibling : siblings) *out.Add() = sibling.ToBytes();
}

/// Leads `proof` up to epoch `to`.
Status AddEpochChanges(const Chain& chain, Epoch to, pb::TransactionProof& proof) {
  for (Epoch at(static_cast<std::uint64_t>(proof.epochs_size())); at < to; ++at) {
    *proof.add_epochs() = TRY(GetEpochChange(chain, at));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const ProofCache::Block>> ProofCache::Of(const ChainStore& store,
                                                                Height height) {
  {
    const std::lock_guard lock(mutex_);
    if (last_ != nullptr && last_->height == height) return last_;
  }
  const auto body = TRY(store.ReadBody(height));
  std::vector<Bytes> receipts;
  std::vector<Hash> ids;
  std::vector<Hash> leaves;
  for (int i = 0; i < body.transactions_size(); ++i) {
    const TxId id = TransactionId(body.transactions(i).envelope());
    ids.push_back(crypto::MerkleLeaf(id.View()));
    receipts.push_back(EncodeReceipt(id, static_cast<pb::ReceiptCode>(body.receipts(i))));
    leaves.push_back(crypto::MerkleLeaf(receipts.back()));
  }
  auto block = std::make_shared<const Block>(Block{height, std::move(receipts),
                                                   crypto::MerkleTree(std::move(ids)),
                                                   crypto::MerkleTree(std::move(leaves))});
  const std::lock_guard lock(mutex_);
  last_ = block;
  return block;
}

const Genesis& Chain::genesis() const { return impl_->genesis; }
const ChainId& Chain::id() const { return impl_->genesis.chain_id(); }
Head Chain::head() const { return impl_->SealedHead(); }
std::shared_ptr<const EpochState> Chain::epoch() const { return impl_->SealedEpoch(); }

std::shared_ptr<const crypto::ValidatorSet> Chain::validators() const {
  const auto now = epoch();
  return {now, &now->validators};
}

Result<std::shared_ptr<const crypto::ValidatorSet>> Chain::ValidatorsOf(Epoch number) const {
  auto now = validators();
  if (now->epoch() == number) return now;
  return std::make_shared<const crypto::ValidatorSet>(
      TRY(ReadEndedEpoch(*SealedState(), number)).validators);
}

Result<pb::Block> Chain::GetBlock(Height height) const { return TRY(GetSealedBlock(height)).block; }

Result<SealedBlock> Chain::GetSealedBlock(Height height) const {
  auto header = TRY(impl_->store.ReadHeader(height));
  auto body = TRY(impl_->store.ReadBody(height));
  SealedBlock out;
  out.block.set_header(std::move(*header.mutable_header()));
  *out.block.mutable_certificate() = std::move(*header.mutable_certificate());
  *out.block.mutable_transactions() = std::move(*body.mutable_transactions());
  out.receipts = Codes(body);
  return out;
}

Result<pb::BlockWithPayloads> Chain::GetBlockWithPayloads(Height height) const {
  return impl_->store.ReadBlock(height);
}

Result<pb::CertifiedHeader> Chain::GetHeader(Height height) const {
  return impl_->store.ReadHeader(height);
}

Height Chain::known_from() const { return impl_->known_from; }

Result<std::optional<TxLocation>> Chain::FindTransaction(const TxId& id) const {
  return impl_->store.ReadLocation(id);
}

Result<Transaction> Chain::GetTransaction(const TxId& id) const {
  const auto at = TRY(impl_->store.ReadLocation(id));
  if (!at) {
    return Fail(Code::kNotFound, "transaction {} is not sealed on chain '{}'", id.Hex(),
                genesis().name());
  }
  const auto body = TRY(impl_->store.ReadBody(at->height));
  auto payload = TRY(impl_->store.ReadPayload(id));
  const StoredState state(impl_->store);
  if (FindErased(state, id)) payload.reset();  // kept for peers a while
  TRY(state.status());
  if (at->index >= static_cast<std::uint32_t>(body.transactions_size())) {
    return Fail(Code::kCorruption, "index of transaction {} points past block {}", id.Hex(),
                at->height);
  }
  return ParseTransaction(body.transactions(static_cast<int>(at->index)),
                          payload ? &*payload : nullptr);
}

Result<pb::Receipt> Chain::GetReceipt(const TxLocation& at) const {
  return ReceiptAt(TRY(impl_->store.ReadBody(at.height)), at);
}

Result<std::vector<pb::ReceiptCode>> Chain::GetReceipts(Height height) const {
  return Codes(TRY(impl_->store.ReadBody(height)));
}

std::unique_ptr<StateReader> Chain::SealedState() const {
  return std::make_unique<StoredState>(impl_->store.Snapshot());
}

Result<pb::TransactionPath> Chain::ProveTransaction(const TxLocation& at) const {
  const auto block = TRY(impl_->proofs.Of(impl_->store, at.height));
  if (at.index >= block->receipts.size()) {
    return Fail(Code::kNotFound, "block {} has {} transactions and none at {}", at.height,
                block->receipts.size(), at.index);
  }
  pb::TransactionPath path;
  path.set_index(at.index);
  path.set_receipt(block->receipts[at.index]);
  Append(block->ids_tree.InclusionProof(at.index), *path.mutable_transaction_path());
  Append(block->receipts_tree.InclusionProof(at.index), *path.mutable_receipt_path());
  return path;
}

Result<pb::StateProof> Chain::ProveState(BytesView key, Height at) const {
  const Hash path = StatePath(key);
  const TreeSlot root = TRY(impl_->store.ReadRoot(at));
  const TreeWalk walk = TRY(WalkTree(StoredPages(impl_->store), root, path));
  pb::StateProof proof;
  proof.set_key(Bytes(key));
  Append(walk.siblings, *proof.mutable_siblings());
  if (walk.end.kind != TreeSlot::Kind::kLeaf) return proof;
  if (walk.end.path != path) {
    proof.set_other_path(walk.end.path.ToBytes());
    proof.set_other_value_hash(walk.end.value_hash.ToBytes());
    return proof;
  }
  auto entry = TRY(impl_->store.ReadEntry(walk.end));
  proof.set_present(true);
  proof.set_value(std::move(*entry.mutable_value()));
  return proof;
}

Result<pb::EpochChange> GetEpochChange(const Chain& chain, Epoch ended) {
  const EpochState epoch = TRY(ReadEndedEpoch(*chain.SealedState(), ended));
  pb::EpochChange change;
  *change.mutable_header() = TRY(chain.GetHeader(epoch.end->last));
  *change.mutable_next_validators() = ToProto(epoch.end->next);
  return change;
}

Result<pb::TransactionProof> BuildTransactionProof(const Chain& chain, const TxId& id) {
  const Transaction tx = TRY(chain.GetTransaction(id));
  const auto at = TRY(chain.FindTransaction(id));
  if (!at) return Fail(Code::kCorruption, "the index entry of transaction {} went away", id.Hex());
  pb::TransactionProof proof;
  TRY(AddEpochChanges(chain, chain.epoch()->number(), proof));
  *proof.mutable_header() = TRY(chain.GetHeader(at->height));
  *proof.mutable_path() = TRY(chain.ProveTransaction(*at));
  proof.mutable_transaction()->set_envelope(tx.envelope_bytes);
  proof.mutable_transaction()->set_signature(tx.signature.ToBytes());
  if (tx.has_payload()) {
    proof.mutable_payload()->set_salt(tx.salt);
    proof.mutable_payload()->set_data(tx.payload);
  }
  return proof;
}

Status AddStatement(const Chain& chain, BytesView key, Height at, pb::TransactionProof& proof) {
  pb::StateStatement statement;
  *statement.mutable_header() = TRY(chain.GetHeader(at));
  *statement.mutable_proof() = TRY(chain.ProveState(key, at));
  TRY(AddEpochChanges(chain, Epoch(statement.header().certificate().epoch()), proof));
  *proof.add_statements() = std::move(statement);
  return {};
}

}  // namespace talent::ledger
