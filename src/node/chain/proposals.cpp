#include "node/chain/proposals.h"

#include "base/canonical.h"

namespace talent::node {
namespace pb = ledger::pb;

bool VerifiedCache::Contains(const ledger::Transaction& tx) const {
  const std::lock_guard lock(mutex_);
  const auto found = verified_.find(tx.id);
  return found != verified_.end() && found->second == tx.signature;
}

void VerifiedCache::Add(const ledger::Transaction& tx) {
  const std::lock_guard lock(mutex_);
  if (!verified_.insert_or_assign(tx.id, tx.signature).second) return;
  order_.push_back(tx.id);
  if (order_.size() > kMaxEntries) {
    verified_.erase(order_.front());
    order_.pop_front();
  }
}

consensus::ProposalPtr MakeProposal(const ledger::CheckedBatch& made) {
  pb::Batch batch;
  pb::Payloads payloads;
  batch.set_time_ms(made.time.value);
  batch.set_view(made.view.value);
  batch.set_proposer(made.proposer.value);
  for (const TxPtr& tx : made.transactions) {
    pb::SignedEnvelope* const signed_envelope = batch.add_transactions();
    signed_envelope->set_envelope(tx->envelope_bytes);
    signed_envelope->set_signature(tx->signature.ToBytes());
    pb::Payload* const payload = payloads.add_payloads();
    payload->set_salt(tx->salt);
    payload->set_data(tx->payload);
  }
  return std::make_shared<consensus::Proposal>(
      consensus::Proposal{.batch = Encode(batch), .sidecar = Encode(payloads)});
}

Result<CheckedBatchPtr> VetProposal(const ledger::Genesis& genesis, const consensus::Vet& vet,
                                    Timestamp now, VerifiedCache& cache,
                                    const ledger::KnownTransactions& known) {
  auto batch = TRY(ledger::CheckBatch(genesis, vet.proposal->batch, vet.proposal->sidecar, known));
  if (vet.fresh) {
    if (batch.view != vet.view || batch.proposer != vet.proposer) {
      return Fail(Code::kPrecondition,
                  "batch names view {} and proposer {} as origin, not {} and {}", batch.view,
                  batch.proposer, vet.view, vet.proposer);
    }
    const Millis drift = genesis.consensus().max_clock_drift;
    if (batch.time > now + drift || now > batch.time + drift) {
      return Fail(Code::kPrecondition, "batch time {} is over {} ms from this node's clock {}",
                  batch.time, drift, now);
    }
  }
  for (const TxPtr& tx : batch.transactions) {
    if (cache.Contains(*tx)) continue;
    if (Status verified = ledger::VerifySignature(*tx, genesis.chain_id()); !verified) {
      return Within("transaction " + tx->id.Hex(), verified.error());
    }
    cache.Add(*tx);
  }
  return std::make_shared<const ledger::CheckedBatch>(std::move(batch));
}

}  // namespace talent::node
