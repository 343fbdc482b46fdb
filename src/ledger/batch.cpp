#include "ledger/batch.h"

#include <google/protobuf/arena.h>

#include <unordered_set>

#include "base/canonical.h"

namespace talent::ledger {
namespace {

/// A transaction of a batch, with every check that needs no other.
Result<TxPtr> CheckOne(const Genesis& genesis, const pb::SignedEnvelope& envelope,
                       const pb::Payload& payload, const KnownTransactions& known) {
  if (known) {
    TxPtr tx = known(TransactionId(envelope.envelope()));
    const bool same = tx != nullptr && tx->chain == genesis.chain_id() &&
                      tx->envelope_bytes == envelope.envelope() &&
                      tx->signature.View() == envelope.signature() && tx->salt == payload.salt() &&
                      tx->payload == payload.data();
    if (same) return tx;
  }
  Transaction tx = TRY(ParseTransaction(envelope, &payload));
  if (tx.chain != genesis.chain_id()) {
    return Fail(Code::kWrongChain, "meant for chain {}", tx.chain.Hex());
  }
  if (tx.size() > genesis.consensus().max_transaction_bytes) {
    return Fail(Code::kTooLarge, "{} bytes; this chain takes up to {}", tx.size(),
                genesis.consensus().max_transaction_bytes);
  }
  return std::make_shared<const Transaction>(std::move(tx));
}

Status ReadBatch(BytesView batch, pb::Batch& out) {
  TRY(DecodeInto(batch, out));
  // Without a time an empty batch would have the bytes of a null batch.
  if (out.time_ms() == 0 || out.time_ms() > kMaxTime.value) {
    return Fail(Code::kInvalidArgument, "batch.time_ms: {} is no time", out.time_ms());
  }
  return {};
}

}  // namespace

Result<pb::Batch> ParseBatch(BytesView batch) {
  pb::Batch parsed;
  TRY(ReadBatch(batch, parsed));
  return parsed;
}

Result<CheckedBatch> CheckBatch(const Genesis& genesis, BytesView batch, BytesView payloads,
                                const KnownTransactions& known) {
  CheckedBatch out;
  if (batch.empty()) {
    if (payloads.empty()) return out;
    return Fail(Code::kInvalidArgument, "a null batch has no payloads");
  }
  const ConsensusRules& rules = genesis.consensus();
  if (batch.size() + payloads.size() > rules.max_batch_bytes) {
    return Fail(Code::kTooLarge, "batch and payloads of {} bytes; this chain takes up to {}",
                batch.size() + payloads.size(), rules.max_batch_bytes);
  }
  // Thousands of small strings, all given back at once.
  google::protobuf::Arena arena;
  auto& ordered = *google::protobuf::Arena::CreateMessage<pb::Batch>(&arena);
  auto& beside = *google::protobuf::Arena::CreateMessage<pb::Payloads>(&arena);
  TRY(ReadBatch(batch, ordered));
  TRY(DecodeInto(payloads, beside));
  // The number of validators is the epoch's; who proposes afresh is compared with the primary.
  if (ordered.proposer() >= crypto::ValidatorSet::kMaxValidators) {
    return Fail(Code::kInvalidArgument, "batch.proposer: {}; a chain has up to {} validators",
                ordered.proposer(), crypto::ValidatorSet::kMaxValidators);
  }
  const int count = ordered.transactions_size();
  if (static_cast<std::uint32_t>(count) > rules.max_batch_transactions) {
    return Fail(Code::kTooLarge, "batch of {} transactions; this chain takes up to {}", count,
                rules.max_batch_transactions);
  }
  if (beside.payloads_size() != count) {
    return Fail(Code::kInvalidArgument, "{} payloads for {} transactions", beside.payloads_size(),
                count);
  }
  out.time = Timestamp(ordered.time_ms());
  out.view = View(ordered.view());
  out.proposer = ValidatorIndex(ordered.proposer());
  out.transactions.reserve(static_cast<std::size_t>(count));
  std::unordered_set<TxId> ids;
  for (int i = 0; i < count; ++i) {
    auto tx = CheckOne(genesis, ordered.transactions(i), beside.payloads(i), known);
    if (!tx) return Within(fmt::format("transaction {}", i), std::move(tx).error());
    if (!ids.insert((*tx)->id).second) {
      return Fail(Code::kDuplicate, "transaction {}: {} stands twice in the batch", i,
                  (*tx)->id.Hex());
    }
    out.transactions.push_back(std::move(*tx));
  }
  return out;
}

}  // namespace talent::ledger
