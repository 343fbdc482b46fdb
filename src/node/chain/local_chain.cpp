// Peers, sync and outcomes of a chain; admission is in local_chain_admission.cpp, consensus in
// local_chain_consensus.cpp, where nodes stand in local_chain_status.cpp.
#include "node/chain/local_chain.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/canonical.h"
#include "ledger/light_client.h"

namespace talent::node {
namespace {

namespace pb = ledger::pb;

// How often statuses are sent, expired transactions dropped and lost requests noticed.
constexpr Millis kTick{500};
// A transaction submitted here and not sealed by then is relayed again: its first relay may have
// been lost.
constexpr Millis kRelayAgainAfter{2000};
constexpr std::size_t kRelayAgainMax = 256;
// Callers waiting for outcomes, over all transactions.
constexpr std::size_t kMaxWaiters = 100'000;
// A validator that sealed nothing for so long asks peers that did.
constexpr Millis kStalledAfter{1500};
// A primary that seals transactions admitted this many first timeouts after one it leaves lying
// censors it.
constexpr std::uint64_t kStarvedTimeouts = 4;

}  // namespace

ValidatorRole ValidatorRole::Resume(const crypto::KeyPair& vote_key, VoteLog::Opened opened) {
  ValidatorRole role;
  role.vote_key = &vote_key;
  role.records = std::move(opened.records);
  role.votes_lost = opened.damaged;
  role.unused = opened.unused;
  role.fresh = opened.created && !opened.damaged && !opened.unused;
  role.votes = std::move(opened.log);
  return role;
}

Result<std::shared_ptr<LocalChain>> LocalChain::Create(
    std::unique_ptr<ChainHost> host, const NodeKey& self,
    std::unique_ptr<ledger::Application> application, std::unique_ptr<ledger::Chain> chain,
    std::optional<ValidatorRole> role) {
  std::shared_ptr<LocalChain> made(new LocalChain(std::move(host), self, std::move(application),
                                                  std::move(chain), std::move(role)));
  TRY(made->FindFormerRole());
  return made;
}

LocalChain::LocalChain(std::unique_ptr<ChainHost> host, const NodeKey& self,
                       std::unique_ptr<ledger::Application> application,
                       std::unique_ptr<ledger::Chain> chain, std::optional<ValidatorRole> role)
    : host_(std::move(host)),
      application_(std::move(application)),
      chain_(std::move(chain)),
      self_(self),
      members_(*chain_),
      epoch_(chain_->epoch()),
      role_(std::move(role)),
      tick_(host_->MakeTimer()),
      held_blocks_(*chain_, members_) {
  PublishStatus();
}

LocalChain::~LocalChain() = default;

void LocalChain::Start() {
  OnStrand([this] {
    started_ = host_->Steady();
    if (role_ && role_->unused) BeginUnusedLog();
    EnterEpoch();
    Drain();
    Tick();
  });
}

void LocalChain::Stop() {
  host_->Post([self = shared_from_this()] {
    {
      const std::lock_guard lock(self->mutex_);
      self->stopped_ = true;
    }
    self->tick_->Cancel();
    for (auto& [id, timer] : self->timers_) timer->Cancel();
    self->ResolveAll();
  });
}

void LocalChain::Halt(const std::string& why) {
  spdlog::critical("chain {}: halted: {}", chain_->genesis().name(), why);
  halted_ = true;
  replica_.reset();
  events_.clear();
  for (auto& [id, timer] : timers_) timer->Cancel();
  {
    const std::lock_guard lock(mutex_);
    status_.halted = why;
  }
  ResolveAll();
  TellListeners();
}

void LocalChain::Refused(std::string_view what, std::string_view why) {
  const std::lock_guard lock(mutex_);
  ++status_.refused[{std::string(what), std::string(why)}];
}

void LocalChain::Refused(std::string_view what, const Error& error) {
  std::string why(CodeName(error.code));
  for (char& c : why) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  Refused(what, why);
}

std::vector<v1::Evidence> LocalChain::EvidenceList() const {
  return role_ ? role_->evidence->List() : std::vector<v1::Evidence>();
}

bool LocalChain::MayPeer(const NodeKey& key) const {
  return MayRead(key) || upstream_.contains(key);
}

bool LocalChain::MayRead(const NodeKey& key) const {
  return chain_->genesis().tier() == ledger::Tier::kPublic || IsMember(key);
}

// Whoever is connected may be admitted or shut out later, so all are known here, and who may read
// is asked whenever something is sent.
void LocalChain::OnPeer(const NodeKey& peer, bool up) {
  if (!up) {
    const std::lock_guard lock(mutex_);
    asked_.erase(peer);
  }
  OnStrand([this, peer, up] {
    if (!up) {
      peers_.erase(peer);
      lacking_.erase(peer);
      sync_.OnPeerDown(peer);
      held_by_.erase(peer);
      return;
    }
    peers_.insert(peer);
    if (MayRead(peer)) {
      host_->Send(peer, StatusFrame(held_blocks_.LimitOf(peer, host_->Now())));
    }
  });
}

bool LocalChain::OnFrame(const NodeKey& from, v1::Frame&& frame) {
  if (!MayRead(from)) {
    if (!upstream_.contains(from)) return false;
    if (frame.has_snapshot_response()) return RefuseSnapshot();
    if (!frame.has_status() && !frame.has_sync_response()) return true;
  }
  switch (frame.body_case()) {
    case v1::Frame::kConsensus:
      // A validator that left, or joins, may be an epoch away from us.
      if (!chain_->validators()->FindNodeKey(from)) return true;
      if (role_) OnConsensusFrame(from, std::move(*frame.mutable_consensus()));
      return true;
    case v1::Frame::kTransactions:
      return !role_ || OnTransactionsFrame(std::move(*frame.mutable_transactions()));
    case v1::Frame::kStatus:
      OnStrand([this, from, status = frame.status()] { OnStatus(from, status); });
      return true;
    case v1::Frame::kSyncRequest: {
      // One of each peer at a time: an answer costs far more than a question.
      {
        const std::lock_guard lock(mutex_);
        if (!asking_.insert(from).second) {
          ++status_.refused[{"sync", "asked_twice"}];
          return true;
        }
      }
      OnStrand([this, from, request = frame.sync_request()] {
        {
          const std::lock_guard lock(mutex_);
          asking_.erase(from);
        }
        OnSyncRequest(from, request);
      });
      return true;
    }
    case v1::Frame::kSyncResponse:
      if (!TakeAnswer(from)) {
        Refused("sync", "unasked");
        return false;
      }
      OnStrand([this, from,
                response =
                    std::make_shared<v1::SyncResponse>(std::move(*frame.mutable_sync_response()))] {
        OnSyncResponse(from, std::move(*response));
      });
      return true;
    case v1::Frame::kAddress:          // the node's, not a chain's
    case v1::Frame::kSnapshotRequest:  // the node's
      return true;
    case v1::Frame::kSnapshotResponse:
      return RefuseSnapshot();
    case v1::Frame::BODY_NOT_SET:
      Refused("frame", "empty");
      return false;
  }
  return false;
}

// Those that were asked for came on another connection, before the chain opened.
bool LocalChain::RefuseSnapshot() {
  Refused("snapshot", "unasked");
  return false;
}

// Not read back from the store: that would parse the whole block for each of its transactions.
TxOutcome LocalChain::OutcomeIn(const ledger::ExecutedBlock& block, std::size_t index) const {
  const pb::ReceiptCode receipt = block.receipts[index];
  // A duplicate's outcome is that of the first.
  if (receipt == pb::RECEIPT_CODE_DUPLICATE) return Outcome(block.tx_ids[index]);
  return {receipt == pb::RECEIPT_CODE_OK ? TxStatus::kSealed : TxStatus::kRejected, block.height,
          static_cast<std::uint32_t>(index), receipt};
}

TxOutcome LocalChain::Outcome(const TxId& id) const {
  TxOutcome outcome;
  const auto found = chain_->FindTransaction(id);
  if (!found) return outcome;  // the storage fails: unknown, whatever else is here
  if (const auto& at = *found) {
    outcome.height = at->height;
    outcome.index = at->index;
    const auto receipt = chain_->GetReceipt(*at);
    if (!receipt) return outcome;
    outcome.receipt = receipt->code();
    outcome.status =
        outcome.receipt == pb::RECEIPT_CODE_OK ? TxStatus::kSealed : TxStatus::kRejected;
    return outcome;
  }
  const std::lock_guard lock(mutex_);
  if (pending_.contains(id)) outcome.status = TxStatus::kPending;
  return outcome;
}

// Between its admission and now blocks may have been sealed: with it, or with the last height it
// could have gone into.
TxOutcome LocalChain::OutcomeNow(const Admitted& tx) const {
  TxOutcome now;
  if (mempool_.AdmissionOf(tx.id)) {
    now.status = TxStatus::kPending;
    return now;
  }
  if (tx.valid_until <= chain_->head().height) {
    const auto found = chain_->FindTransaction(tx.id);
    if (found && !*found) {
      now.status = TxStatus::kExpired;
      return now;
    }
  }
  return Outcome(tx.id);
}

void LocalChain::AwaitOutcome(const Admitted& tx, Millis deadline,
                              std::function<void(TxOutcome)> done) {
  OnStrand([this, tx, deadline, done = std::move(done)]() mutable {
    const TxOutcome now = OutcomeNow(tx);
    const bool definite = now.status != TxStatus::kUnknown && now.status != TxStatus::kPending;
    if (definite || halted_ || deadline == Millis(0) || waiter_count_ >= kMaxWaiters)
      return done(now);
    auto timer = host_->MakeTimer();
    const std::uint64_t number = ++last_waiter_;
    timer->Set(deadline,
               [self = shared_from_this(), id = tx.id, number] { self->GiveUp(id, number); });
    waiters_[tx.id].emplace(number, Waiter{std::move(done), std::move(timer)});
    ++waiter_count_;
  });
}

void LocalChain::Resolve(const TxId& id, const TxOutcome& outcome) {
  const auto found = waiters_.extract(id);
  if (found.empty()) return;
  waiter_count_ -= found.mapped().size();
  for (const auto& [number, waiter] : found.mapped()) waiter.done(outcome);
}

void LocalChain::ResolveAll() {
  while (!waiters_.empty()) {
    const TxId id = waiters_.begin()->first;
    Resolve(id, Outcome(id));
  }
}

void LocalChain::GiveUp(const TxId& id, std::uint64_t number) {
  const auto of_id = waiters_.find(id);
  if (of_id == waiters_.end()) return;
  const auto waiter = of_id->second.extract(number);
  if (waiter.empty()) return;
  if (of_id->second.empty()) waiters_.erase(of_id);
  --waiter_count_;
  waiter.mapped().done(Outcome(id));
}

std::shared_ptr<void> LocalChain::OnChange(std::function<void()> on_change) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = ++next_listener_;
  listeners_.emplace(id, std::move(on_change));
  return {nullptr, [weak = weak_from_this(), id](void*) {
            if (const auto self = weak.lock()) {
              const std::lock_guard guard(self->mutex_);
              self->listeners_.erase(id);
            }
          }};
}

void LocalChain::AfterSealed(const ledger::ExecutedBlock& block) {
  members_.Refresh();
  last_sealed_ = host_->Steady();
  std::map<std::uint32_t, Timestamp> newest_by_lane;
  for (std::size_t i = 0; i < block.tx_ids.size(); ++i) {
    const TxId& id = block.tx_ids[i];
    if (const auto admission = mempool_.AdmissionOf(id)) {
      Timestamp& newest = newest_by_lane[admission->lane];
      newest = std::max(newest, admission->at);
      mempool_.Remove(id);
    }
  }
  const std::vector<TxId> expired = mempool_.RemoveExpired(block.height);
  {
    const std::lock_guard lock(mutex_);
    for (const TxId& id : block.tx_ids) pending_.erase(id);
    for (const TxId& id : expired) pending_.erase(id);
  }
  read_.erase(read_.begin(), read_.upper_bound(block.height));
  for (std::size_t i = 0; i < block.tx_ids.size() && !waiters_.empty(); ++i) {
    const TxId& id = block.tx_ids[i];
    if (waiters_.contains(id)) Resolve(id, OutcomeIn(block, i));
  }
  TxOutcome too_late;
  too_late.status = TxStatus::kExpired;
  for (const TxId& id : expired) Resolve(id, too_late);
  host_->BlockSealed(block.receipts);
  if (Starves(newest_by_lane)) Step(consensus::RequestStarved{});
  // Not at the next tick only: the replica would wait for a batch nobody has to offer.
  if (work_waiting_ && mempool_.size() == 0) UpdateWorkWaiting();

  BroadcastStatus();
  TellListeners();
}

void LocalChain::TellListeners() {
  std::vector<std::function<void()>> listeners;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, listener] : listeners_) listeners.push_back(listener);
  }
  for (const auto& listener : listeners) listener();
}

bool LocalChain::Starves(const std::map<std::uint32_t, Timestamp>& newest_sealed_by_lane) const {
  const Millis bound(kStarvedTimeouts * chain_->genesis().consensus().view_timeout.value);
  return std::any_of(newest_sealed_by_lane.begin(), newest_sealed_by_lane.end(),
                     [&](const auto& lane) {
                       const auto oldest = mempool_.OldestAdmission(lane.first);
                       return oldest && *oldest + bound < lane.second;
                     });
}

void LocalChain::Tick() {
  if (stopped_) return;
  tick_->Set(kTick, [self = shared_from_this()] { self->Tick(); });
  BroadcastStatus();
  RequestBlocks();
  if (role_ && role_->evidence->unsaved()) SaveEvidence();
  const Timestamp now = host_->Steady();
  if (now > Timestamp(kRelayAgainAfter.value)) {
    const Timestamp before(now.value - kRelayAgainAfter.value);
    Relay(mempool_.LocalAdmittedBefore(before, kRelayAgainMax));
  }
  // Whoever claimed to have blocks has had its time to show them.
  if (IsValidator() && !replica_ && !halted_) TryStartReplica();
  UpdateWorkWaiting();
  Drain();
}

void LocalChain::OnSyncRequest(const NodeKey& from, const v1::SyncRequest& request) {
  v1::Frame frame;
  frame.set_chain_id(chain_->id().ToBytes());
  v1::SyncResponse& response = *frame.mutable_sync_response();
  const Height head = chain_->head().height;
  response.set_sealed(head.value);
  const auto limit = held_blocks_.LimitOf(from, host_->Now());
  const Height last = limit ? std::min(limit->open, head) : head;
  const std::uint32_t count = std::min(request.count(), BlockSync::kBlocksPerRequest);
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < count && bytes < BlockSync::kBytesPerResponse; ++i) {
    const Height height(request.from() + i);
    if (height > last || height == Height(0)) break;
    auto block = chain_->GetBlockWithPayloads(height);
    if (!block) break;
    bytes += block->ByteSizeLong();
    *response.add_blocks() = std::move(*block);
  }
  host_->Send(from, frame);
}

void LocalChain::RequestBlocks() {
  if (status().halted) return;  // takes none
  const Height head = chain_->head().height;
  const Timestamp now = host_->Steady();
  // A validator in step gets blocks by voting; fetching them as well would be twice the work.
  const bool behind = catch_up_target_ > head || now >= last_sealed_ + kStalledAfter ||
                      sync_.best() > head + chain_->genesis().consensus().window;
  if (replica_ && !behind) return;
  while (const auto request = sync_.Next(head, now)) {
    v1::Frame frame;
    frame.set_chain_id(chain_->id().ToBytes());
    frame.mutable_sync_request()->set_from(request->from.value);
    frame.mutable_sync_request()->set_count(request->count);
    {
      const std::lock_guard lock(mutex_);
      ++asked_[request->to];
    }
    if (host_->Send(request->to, frame)) continue;
    // Consensus may have named a peer that is not connected: another is asked.
    (void)TakeAnswer(request->to);
    sync_.OnPeerDown(request->to);
  }
}

bool LocalChain::TakeAnswer(const NodeKey& from) {
  const std::lock_guard lock(mutex_);
  const auto asked = asked_.find(from);
  if (asked == asked_.end()) return false;
  if (--asked->second == 0) asked_.erase(asked);
  return true;
}

void LocalChain::OnSyncResponse(const NodeKey& from, v1::SyncResponse&& response) {
  Height first(0);
  if (response.blocks_size() == 0) {
    Refused("sync", "empty");
  } else {
    const auto header = Decode<pb::BlockHeader>(response.blocks(0).block().header());
    if (header) first = Height(header->height());
  }
  auto shared = std::make_shared<v1::SyncResponse>(std::move(response));
  if (!sync_.Accept(from, std::move(shared), first, host_->Steady())) {
    return Refused("sync", "unasked");
  }
  ApplyArrived();
}

// While one range is applied others are under way.
void LocalChain::ApplyArrived() {
  if (applying_) return;
  if (const auto next = sync_.Take(chain_->head().height)) {
    applying_ = true;
    ApplyNext(next->from, next->response, 0);
  }
  RequestBlocks();
}

// One block a turn, so that votes and submissions get through between them.
void LocalChain::ApplyNext(const NodeKey& from, std::shared_ptr<v1::SyncResponse> response,
                           int index) {
  if (index >= response->blocks_size() || !ApplyBlock(from, response->blocks(index))) {
    applying_ = false;
    sync_.Applied();
    return OnStrand([this] { ApplyArrived(); });
  }
  OnStrand([this, from, response = std::move(response), index] {
    ApplyNext(from, response, index + 1);
  });
}

bool LocalChain::ApplyBlock(const NodeKey& from, const pb::BlockWithPayloads& block) {
  if (status().halted) return false;
  const auto header = Decode<pb::BlockHeader>(block.block().header());
  const auto certificate = ledger::FromProto(block.block().certificate());
  if (!header || !certificate) {
    Refused("sync", header ? certificate.error() : header.error());
    sync_.Penalise(from, host_->Steady());
    return false;
  }
  const Height height(header->height());
  const Height next = chain_->head().height + 1;
  if (height < next) return true;  // sealed by voting meanwhile
  if (height > next) {
    Refused("sync", "not_next");
    sync_.Penalise(from, host_->Steady());
    return false;
  }
  if (Status applied = chain_->Apply(block); !applied) {
    if (applied.error().code == Code::kPrecondition && LacksPayload(block)) {
      MeetErased(from, height);
      return false;
    }
    spdlog::warn("chain {}: block {} from peer {} refused: {}", chain_->genesis().name(), height,
                 from.Hex(), applied.error().ToString());
    Refused("sync", applied.error());
    sync_.Penalise(from, host_->Steady());
    const Code code = applied.error().code;
    if (code == Code::kIo || code == Code::kDiverged) Halt(applied.error().ToString());
    return false;
  }
  sync_.Good(from);
  erased_ahead_ = Height(0);
  executed_.erase(height);
  const auto now = chain_->epoch();
  ledger::ExecutedBlock sealed;
  if (EpochIsOver()) {
    sealed.epoch_end = height;
  } else if (now->end) {
    sealed.epoch_end = now->end->last;
  }
  sealed.height = height;
  sealed.hash = chain_->head().hash;
  for (const pb::SignedEnvelope& tx : block.block().transactions()) {
    sealed.tx_ids.push_back(ledger::TransactionId(tx.envelope()));
  }
  auto receipts = chain_->GetReceipts(height);
  if (!receipts) {
    Halt(receipts.error().ToString());
    return false;
  }
  sealed.receipts = std::move(*receipts);
  if (replica_) {
    events_.emplace_back(consensus::Sealed{height, *certificate, sealed.hash,
                                           block.block().header(), sealed.epoch_end});
  }
  // What this block lets the replica seal comes after it, for whoever listens too.
  stepping_ = true;
  AfterSealed(sealed);
  FinishPendingVets();  // they may follow this block
  stepping_ = false;
  Drain();
  return true;
}

}  // namespace talent::node
