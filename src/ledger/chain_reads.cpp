#include <algorithm>

#include "base/canonical.h"
#include "crypto/merkle.h"
#include "ledger/chain_impl.h"

namespace talent::ledger {
namespace {

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

void Append(const std::vector<Hash>& siblings,
            google::protobuf::RepeatedPtrField<std::string>& out) {
  for (const Hash& sibling : siblings) *out.Add() = sibling.ToBytes();
}

}  // namespace

const Genesis& Chain::genesis() const { return impl_->genesis; }
const ChainId& Chain::id() const { return impl_->genesis.chain_id(); }
Head Chain::head() const { return impl_->SealedHead(); }
const crypto::ValidatorSet& Chain::validators() const { return impl_->genesis.validators(); }

Result<pb::Block> Chain::GetBlock(Height height) const {
  auto header = TRY(impl_->store.ReadHeader(height));
  auto body = TRY(impl_->store.ReadBody(height));
  pb::Block block;
  block.set_header(std::move(*header.mutable_header()));
  *block.mutable_certificate() = std::move(*header.mutable_certificate());
  *block.mutable_transactions() = std::move(*body.mutable_transactions());
  return block;
}

Result<pb::BlockWithPayloads> Chain::GetBlockWithPayloads(Height height) const {
  return impl_->store.ReadBlock(height);
}

Result<pb::CertifiedHeader> Chain::GetHeader(Height height) const {
  return impl_->store.ReadHeader(height);
}

std::optional<TxLocation> Chain::FindTransaction(const TxId& id) const {
  auto found = impl_->store.ReadLocation(id);
  return found ? *found : std::nullopt;
}

Result<Transaction> Chain::GetTransaction(const TxId& id) const {
  const auto at = TRY(impl_->store.ReadLocation(id));
  if (!at) {
    return Fail(Code::kNotFound, "transaction {} is not sealed on chain '{}'", id.Hex(),
                genesis().name());
  }
  const auto body = TRY(impl_->store.ReadBody(at->height));
  const auto payload = TRY(impl_->store.ReadPayload(id));
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
  const auto body = TRY(impl_->store.ReadBody(height));
  std::vector<pb::ReceiptCode> codes;
  for (const auto code : body.receipts()) codes.push_back(static_cast<pb::ReceiptCode>(code));
  return codes;
}

std::unique_ptr<StateReader> Chain::SealedState() const {
  return std::make_unique<StoredState>(impl_->store.Snapshot());
}

Result<pb::TransactionPath> Chain::ProveTransaction(const TxLocation& at) const {
  const auto body = TRY(impl_->store.ReadBody(at.height));
  pb::TransactionPath path;
  path.set_index(at.index);
  path.set_receipt(Encode(TRY(ReceiptAt(body, at))));
  std::vector<Hash> ids;
  std::vector<Hash> receipts;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(body.transactions_size()); ++i) {
    const auto receipt = TRY(ReceiptAt(body, {at.height, i}));
    ids.push_back(crypto::MerkleLeaf(receipt.tx_id()));
    receipts.push_back(crypto::MerkleLeaf(Encode(receipt)));
  }
  Append(crypto::InclusionProof(ids, at.index), *path.mutable_transaction_path());
  Append(crypto::InclusionProof(receipts, at.index), *path.mutable_receipt_path());
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
  auto value = TRY(impl_->store.Get(Use::kValues, ValueKey(path, walk.end.version)));
  if (!value) {
    return Fail(Code::kNotFound, "the value of height {} is not here", walk.end.version);
  }
  proof.set_present(true);
  proof.set_value(std::move(*value));
  return proof;
}

Result<pb::TransactionProof> BuildTransactionProof(const Chain& chain, const TxId& id) {
  const Transaction tx = TRY(chain.GetTransaction(id));
  const auto at = chain.FindTransaction(id);
  CHECK(at.has_value(), "an index entry went away");
  pb::TransactionProof proof;
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

}  // namespace talent::ledger
