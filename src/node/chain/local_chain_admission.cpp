// Admission of transactions to a chain: parsed and verified off the strand, several at a time.
#include <algorithm>

#include "node/chain/local_chain.h"

namespace talent::node {
namespace {

// Transactions a job verifies, two milliseconds of a core, before others get their turn; they then
// come to the strand together.
constexpr std::size_t kVerifyAtOnce = 32;
// Jobs of one chain at a time: more than most machines have cores.
constexpr std::size_t kMaxArrivalJobs = 16;
// Transactions of one chain on their way to the mempool; what comes above is refused. What peers
// relay may fill half, so that there is room for what clients of this node hand in.
constexpr std::size_t kMaxArrivals = 10'000;
constexpr std::size_t kMaxArrivalBytes = 64u << 20;
// Of transactions in one frame: a vote may have to wait behind it.
constexpr std::size_t kRelayBytes = 64u << 10;
// In one frame from a peer; twice what fits above, since none is smaller than its signature, salt
// and author's key.
constexpr int kMaxRelayedAtOnce = 1024;

Result<Admitted> Refusal() {
  return Fail(Code::kExhausted, "too many submissions are waiting for verification; try again");
}

}  // namespace

void LocalChain::Submit(Bytes transaction, std::function<void(Result<Admitted>)> done) {
  Arrive({std::move(transaction), std::move(done)});
}

bool LocalChain::OnTransactionsFrame(v1::Transactions&& frame) {
  if (frame.transactions_size() > kMaxRelayedAtOnce) {
    Refused("transaction", "too_many");
    return false;
  }
  for (Bytes& transaction : *frame.mutable_transactions()) {
    if (transaction.size() > chain_->genesis().consensus().max_transaction_bytes) {
      Refused("transaction", "too_large");
      continue;
    }
    Arrive({std::move(transaction), nullptr});
  }
  return true;
}

void LocalChain::Arrive(Arrival arrival) {
  bool start_job = false;
  {
    std::unique_lock lock(arrivals_mutex_);
    const std::size_t share = arrival.done ? 1 : 2;
    if (arrivals_.size() >= kMaxArrivals / share ||
        arrival_bytes_ + arrival.transaction.size() > kMaxArrivalBytes / share) {
      lock.unlock();
      if (arrival.done) return arrival.done(Refusal());
      Refused("transaction", "busy");
      return;
    }
    arrival_bytes_ += arrival.transaction.size();
    arrivals_.push_back(std::move(arrival));
    start_job = arrivals_.size() > arrival_jobs_ * kVerifyAtOnce && arrival_jobs_ < kMaxArrivalJobs;
    if (start_job) ++arrival_jobs_;
  }
  if (start_job) PostArrivalJob();
}

void LocalChain::PostArrivalJob() {
  if (host_->TryVerifyBulk([self = shared_from_this()] { self->VerifyArrivals(); })) return;
  std::deque<Arrival> refused;  // nobody would ever take them
  {
    const std::lock_guard lock(arrivals_mutex_);
    if (--arrival_jobs_ > 0) return;
    refused.swap(arrivals_);
    for (const Arrival& arrival : refused) arrival_bytes_ -= arrival.transaction.size();
  }
  for (const Arrival& arrival : refused) {
    if (arrival.done) arrival.done(Refusal());
  }
}

void LocalChain::VerifyArrivals() {
  std::vector<Arrival> taken;
  std::size_t bytes = 0;
  {
    const std::lock_guard lock(arrivals_mutex_);
    while (!arrivals_.empty() && taken.size() < kVerifyAtOnce) {
      bytes += arrivals_.front().transaction.size();
      taken.push_back(std::move(arrivals_.front()));
      arrivals_.pop_front();
    }
  }
  std::vector<VerifiedArrival> verified;
  for (Arrival& arrival : taken) {
    auto tx = Verify(arrival.transaction);
    if (tx) {
      verified.push_back({*std::move(tx), std::move(arrival.done)});
    } else if (arrival.done) {
      arrival.done(tl::unexpected(tx.error()));
    } else {
      Refused("transaction", tx.error());
    }
  }
  if (verified.empty()) return EndArrivalJob(bytes);
  // The job ends on the strand: where that is slower than the pool, what waits for it is bounded.
  OnStrand([this, bytes, verified = std::move(verified)] {
    Admit(verified);
    EndArrivalJob(bytes);
  });
}

void LocalChain::EndArrivalJob(std::size_t bytes) {
  {
    const std::lock_guard lock(arrivals_mutex_);
    arrival_bytes_ -= bytes;
    if (arrivals_.empty()) {
      --arrival_jobs_;
      return;
    }
  }
  PostArrivalJob();
}

Result<TxPtr> LocalChain::Verify(BytesView transaction) {
  auto tx = std::make_shared<ledger::Transaction>(TRY(
      ledger::ParseTransaction(transaction, chain_->genesis().consensus().max_transaction_bytes)));
  if (!verified_.Contains(*tx)) {
    TRY(ledger::VerifySignature(*tx, chain_->id()));
    verified_.Add(*tx);
  }
  return tx;
}

Status LocalChain::Admissible(const ledger::Transaction& tx) const {
  const ledger::Head tip = chain_->tip();
  const Height next = tip.height + 1;
  const std::uint64_t max_valid_for = chain_->genesis().consensus().max_valid_for;
  // First: what was sealed in time is a duplicate for ever, not expired.
  if (const auto at = TRY(chain_->FindTransaction(tx.id))) {
    return Fail(Code::kDuplicate, "transaction {} is in block {} already", tx.id.Hex(), at->height);
  }
  // By what is sealed: a block that is executed only may hold it, and EXPIRED is a last word.
  if (const Height sealed = chain_->head().height; tx.valid_until <= sealed) {
    if (tx.valid_until < chain_->known_from()) {
      return Fail(
          Code::kPruned,
          "valid_until {} has passed; whether it was sealed before is not known here, where "
          "the chain begins with block {}: ask another node",
          tx.valid_until, chain_->known_from());
    }
    return Fail(Code::kExpired, "valid_until {} has passed: block {} is sealed", tx.valid_until,
                sealed);
  }
  if (tx.valid_until > tip.height + max_valid_for) {
    return Fail(Code::kInvalidArgument, "valid_until {} is more than {} heights ahead of {}",
                tx.valid_until, max_valid_for, tip.height);
  }
  const Timestamp time = std::max(host_->Now(), tip.time + Millis(1));
  return application_->Check(
      tx, ledger::BlockContext{chain_->id(), next, time, chain_->genesis().consensus().window},
      chain_->tip_state());
}

void LocalChain::Admit(const std::vector<VerifiedArrival>& verified) {
  std::vector<TxPtr> relayed;
  for (const auto& [tx, done] : verified) {
    // What a client hands in is local; what a peer relayed nobody waits for.
    const bool local = done != nullptr;
    const Result<bool> added = AdmitOne(tx, local);
    if (added && *added && local) relayed.push_back(tx);
    if (!local && !added) Refused("transaction", added.error());
    if (!local) continue;
    done(added ? Result<Admitted>({tx->id, tx->valid_until}) : tl::unexpected(added.error()));
  }
  Relay(relayed);
  if (!work_waiting_) UpdateWorkWaiting();
  Drain();
}

Result<bool> LocalChain::AdmitOne(const TxPtr& tx, bool local) {
  if (halted_) {
    return Fail(Code::kUnavailable, "chain {} is halted on this node; submit to another",
                chain_->genesis().name());
  }
  // It would be judged, and its end computed, by a state that the chain has long left.
  if (local && HeldBack() != nullptr) {
    return Fail(Code::kUnavailable,
                "this node of chain {} is behind, since payloads are not released to who runs it "
                "yet: submit to another",
                chain_->genesis().name());
  }
  // Repeated at will: must cost next to nothing.
  if (mempool_.Readmit(tx->id, local)) return false;
  TRY(Admissible(*tx));
  TRY(mempool_.Add(tx, application_->Lane(*tx), local, host_->Steady()));
  const std::lock_guard lock(mutex_);
  pending_.emplace(tx->id, tx);
  return true;
}

TxPtr LocalChain::Pending(const TxId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = pending_.find(id);
  return found == pending_.end() ? nullptr : found->second;
}

void LocalChain::Relay(const std::vector<TxPtr>& txs) {
  v1::Frame frame;
  frame.set_chain_id(chain_->id().ToBytes());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < txs.size(); ++i) {
    frame.mutable_transactions()->add_transactions(ledger::Serialize(*txs[i]));
    bytes += txs[i]->size();
    if (bytes < kRelayBytes && i + 1 < txs.size()) continue;
    host_->SendToAll(validators_, frame);
    frame.clear_transactions();
    bytes = 0;
  }
}

}  // namespace talent::node
