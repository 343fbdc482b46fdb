#include "sim/node.h"

#include <cstdlib>

#include "base/canonical.h"
#include "consensus/codec.h"
#include "crypto/sha256.h"

namespace talent::sim {

using namespace consensus;  // NOLINT: this file performs its actions

namespace {

constexpr std::size_t kBatchTransactions = 3;
constexpr std::uint64_t kBlocksPerFetch = 8;

Bytes MakeHeader(Height height, BytesView parent, BytesView batch) {
  pb::HeaderFacts facts;
  facts.set_height(height.value);
  Bytes header = Encode(facts);
  header += "\x7a\x20";  // field 15: 32 bytes the ledger keeps there
  header += crypto::Sha256({parent, batch}).View();
  return header;
}

std::optional<View> OriginOf(BytesView batch) {
  if (batch.empty()) return std::nullopt;
  return View(std::strtoull(Bytes(batch).c_str(), nullptr, 10));
}

}  // namespace

Bytes MakeBatch(View view, std::uint32_t proposer, std::uint64_t nonce,
                const std::vector<std::uint64_t>& transactions) {
  Bytes batch = fmt::format("{}/{}/{}:", view, proposer, nonce);
  for (const std::uint64_t tx : transactions) batch += fmt::format("{} ", tx);
  return batch;
}

std::vector<std::uint64_t> TransactionsOf(BytesView batch) {
  std::vector<std::uint64_t> out;
  const auto colon = batch.find(':');
  if (colon == BytesView::npos) return out;
  const Bytes list(batch.substr(colon + 1));
  for (const char* at = list.c_str(); *at != '\0';) {
    char* end = nullptr;
    out.push_back(std::strtoull(at, &end, 10));
    at = end + 1;
  }
  return out;
}

Node::Node(Cluster cluster, std::uint32_t index) : cluster_(cluster), index_(index) {}

std::uint64_t Node::DiskDelay() {
  return rng().Between(0, cluster_.world->chaos() ? cluster_.world->config().disk_max_ms : 3);
}

void Node::Start() {
  World& world = *cluster_.world;
  ++incarnation_;
  Options options;
  options.chain = world.chain();
  options.validators = world.validators();
  options.window = world.config().window;
  options.view_timeout = Millis(400);
  options.view_timeout_cap = Millis(3200);
  options.status_interval = Millis(250);
  Replica::Recovered recovered;
  recovered.records = log_;
  recovered.votes_lost = votes_lost_;
  votes_lost_ = false;
  if (!blocks_.empty()) {
    recovered.sealed = Height(blocks_.size());
    recovered.sealed_hash = blocks_.back().hash;
    recovered.sealed_certificate = blocks_.back().certificate;
    recovered.sealed_header = blocks_.back().header;
  }
  for (const Bytes& bytes : log_) {
    const auto record = Decode<pb::VoteRecord>(bytes).value();
    if (record.has_prepared() && record.prepared().position().height() > blocks_.size()) {
      cluster_.counters->Count("restart with a prepared certificate");
      break;
    }
  }
  replica_ = std::make_unique<Replica>(options, world.key(index_), std::move(recovered));
  stepping_ = true;
  Perform(replica_->Start());
  stepping_ = false;
  work_waiting_ = false;
  UpdateWork();
}

void Node::Crash() {
  if (!alive()) return;
  ++incarnation_;
  if (writing_ && !log_queue_.empty() && rng().Percent(50)) FinishWrite(log_queue_.front());
  replica_ = nullptr;
  events_.clear();
  log_queue_.clear();
  writing_ = stepping_ = crash_now_ = fetching_ = false;
  executed_.clear();
  finalising_.clear();
  in_flight_.clear();
  executor_free_ = 0;
  cluster_.counters->Count("crash");
}

void Node::WipeVotes() {
  log_.clear();
  votes_lost_ = true;
  cluster_.checker->OnWiped(index_);
  cluster_.counters->Count("vote log lost");
}

void Node::Later(std::uint64_t ms, std::function<void()> work) {
  cluster_.world->After(ms, [this, life = incarnation_, work = std::move(work)] {
    if (life == incarnation_ && alive()) work();
  });
}

void Node::Receive(std::uint32_t from, const Bytes& bytes) {
  if (!alive()) return;
  const auto message = cluster_.world->Verify(bytes);
  cluster_.world->Trace(std::hash<BytesView>()(bytes) + from);
  if (!message) {
    cluster_.counters->Count("message refused");
    return;
  }
  Step(MessageReceived{*message});
}

void Node::AddTransaction(std::uint64_t tx) {
  waiting_.insert(tx);
  for (const Block& block : blocks_) {
    for (const std::uint64_t sealed : TransactionsOf(block.batch)) waiting_.erase(sealed);
  }
  if (alive()) UpdateWork();
}

bool Node::SealedAll(std::uint64_t transactions) const {
  std::set<std::uint64_t> sealed;
  for (const Block& block : blocks_) {
    for (const std::uint64_t tx : TransactionsOf(block.batch)) sealed.insert(tx);
  }
  return sealed.size() >= transactions;
}

std::string Node::ToString() const {
  return fmt::format("node {}: {} waiting {} log {}", index_,
                     alive() ? replica_->status().ToString() : "down", waiting_.size(),
                     log_.size());
}

void Node::Step(Event event) {
  events_.push_back(std::move(event));
  if (stepping_) return;
  stepping_ = true;
  const std::uint64_t life = incarnation_;
  while (!events_.empty() && alive() && life == incarnation_) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    cluster_.world->Trace(cluster_.world->now() * 64 + index_ * 16 + next.index());
    Perform(replica_->Step(next));
    if (events_.empty() && alive() && life == incarnation_) Propose();
  }
  if (life == incarnation_) stepping_ = false;
}

void Node::Perform(const Actions& actions) {
  const Config& config = cluster_.world->config();
  for (const Action& action : actions) {
    Perform(action);
    if (config.crash_inside_steps && cluster_.world->chaos() && index_ >= config.byzantine &&
        rng().Permille(2)) {
      cluster_.counters->Count("crash inside a step");
      Crash();
      cluster_.world->After(rng().Between(1, 500), [this] {
        if (!alive()) Start();
      });
      return;
    }
  }
}

void Node::Perform(const Action& action) {
  if (const auto* send = std::get_if<Send>(&action)) {
    if (lie) return lie(send->to.value, send->message);
    Transmit(send->to.value, send->message);
  } else if (const auto* broadcast = std::get_if<Broadcast>(&action)) {
    if (lie) return lie(std::nullopt, broadcast->message);
    Transmit(std::nullopt, broadcast->message);
  } else if (const auto* persist = std::get_if<Persist>(&action)) {
    const std::size_t busy = writing_ ? 1 : 0;
    if (log_queue_.size() <= busy || log_queue_.back().rewrite) log_queue_.emplace_back();
    log_queue_.back().records.push_back(persist->record);
    log_queue_.back().token = persist->token;
    WriteLog();
  } else if (const auto* compact = std::get_if<CompactLog>(&action)) {
    log_queue_.push_back(LogWrite{true, compact->records, 0});
    WriteLog();
  } else if (const auto* vet = std::get_if<Vet>(&action)) {
    OnVet(*vet);
  } else if (const auto* execute = std::get_if<Execute>(&action)) {
    OnExecute(*execute);
  } else if (const auto* finalise = std::get_if<Finalise>(&action)) {
    OnFinalise(*finalise);
  } else if (const auto* timer = std::get_if<SetTimer>(&action)) {
    Later(timer->after.value,
          [this, fired = TimerFired{timer->timer, timer->generation}] { Step(fired); });
  } else if (const auto* behind = std::get_if<CatchUp>(&action)) {
    OnCatchUp(*behind);
  } else if (std::holds_alternative<Diverged>(action)) {
    diverged_ = true;
    if (index_ >= cluster_.world->config().byzantine) {
      cluster_.checker->Fail(fmt::format("node {} believes it has diverged", index_));
    }
  } else if (const auto* evidence = std::get_if<Evidence>(&action)) {
    cluster_.counters->Count("evidence");
    if (evidence->culprit.value >= cluster_.world->config().byzantine) {
      cluster_.checker->Fail(fmt::format("evidence against honest node {}", evidence->culprit));
    }
  }
}

void Node::Transmit(std::optional<std::uint32_t> to, const Bytes& bytes) {
  World& world = *cluster_.world;
  if (const auto message = world.Verify(bytes)) {
    cluster_.checker->OnSent(index_, **message);
    const auto* prepare = std::get_if<Prepare>(&(*message)->content());
    if (prepare != nullptr && prepare->at.digest == OrderDigest({})) {
      cluster_.counters->Count("null batch prepared");
    }
    if (const auto* change = std::get_if<ViewChange>(&(*message)->content())) {
      if (change->prepared.size() >= 2) cluster_.counters->Count("view change with two prepared");
    }
    if (std::holds_alternative<ProposalReply>((*message)->content())) {
      cluster_.counters->Count("missing proposal supplied");
    }
  } else {
    cluster_.counters->Count("garbage sent");
  }
  const auto shared = std::make_shared<const Bytes>(bytes);
  for (std::uint32_t i = 0; i < world.config().validators; ++i) {
    if (i != index_ && (!to || *to == i)) world.Transmit(index_, i, shared);
  }
}

void Node::WriteLog() {
  if (writing_ || log_queue_.empty()) return;
  writing_ = true;
  Later(DiskDelay(), [this] {
    const LogWrite write = std::move(log_queue_.front());
    log_queue_.pop_front();
    writing_ = false;
    FinishWrite(write);
    if (!write.rewrite) Step(Durable{write.token});
    if (alive()) WriteLog();
  });
}

void Node::FinishWrite(const LogWrite& write) {
  if (write.rewrite) {
    log_ = write.records;
    cluster_.counters->Count("vote log compacted");
    return;
  }
  for (const Bytes& record : write.records) {
    log_.push_back(record);
    if (index_ >= cluster_.world->config().byzantine) cluster_.checker->OnDurable(index_, record);
  }
  if (log_.size() > 2000) cluster_.checker->Fail(fmt::format("log of node {} grows", index_));
}

void Node::OnVet(const Vet& vet) {
  const bool origin_right = OriginOf(vet.proposal->batch) == vet.view;
  const bool refuse = cluster_.world->chaos() && vet.fresh &&
                      rng().Permille(cluster_.world->config().refuse_permille);
  const bool sidecar_right = vet.proposal->sidecar == "beside " + vet.proposal->batch;
  const bool ok = sidecar_right && !refuse && (!vet.fresh || origin_right);
  Later(rng().Between(0, 3),
        [this, answer = Vetted{vet.view, vet.height, vet.digest, ok}] { Step(answer); });
}

void Node::OnExecute(const Execute& execute) {
  cluster_.checker->OnExecute(index_, execute.height, OrderDigest(execute.proposal->batch));
  if (execute.proposal->batch.empty()) cluster_.counters->Count("null batch executed");
  const auto origin = OriginOf(execute.proposal->batch);
  if (origin && *origin < replica_->view() && !replica_->status().view_changing) {
    cluster_.counters->Count("batch of an earlier view executed");
  }
  if (execute.height.value <= blocks_.size()) return;  // catch-up was faster
  World& world = *cluster_.world;
  executor_free_ = std::max(executor_free_, world.now()) +
                   rng().Between(0, world.chaos() ? world.config().execute_max_ms : 3);
  Later(executor_free_ - world.now(), [this, execute] {
    const Height h = execute.height;
    if (h.value <= blocks_.size()) return;
    Bytes parent;
    if (h.value > 1) {
      const auto above = executed_.find(h - 1);
      if (above == executed_.end() && h.value - 1 != blocks_.size()) {
        return cluster_.checker->Fail(fmt::format("node {} executes {} on nothing", index_, h));
      }
      parent = above != executed_.end() ? above->second.header : blocks_.back().header;
    }
    Block block;
    block.batch = execute.proposal->batch;
    block.header = MakeHeader(h, parent, block.batch);
    block.hash = TaggedHash(crypto::Domain::kHeader, {block.header});
    executed_[h] = block;
    Step(consensus::Executed{h, block.hash});
  });
}

void Node::OnFinalise(const Finalise& finalise) {
  if (!VerifyCertificate(*cluster_.world->validators(), cluster_.world->chain(),
                         finalise.block_hash, finalise.certificate)) {
    cluster_.checker->Fail(fmt::format("node {} finalises a bad certificate", index_));
  }
  // Stored in order: each write waits for the one before.
  Later(rng().Between(0, 2), [this, finalise] {
    if (finalise.height.value <= blocks_.size()) return;
    if (finalise.height.value > blocks_.size() + 1) return OnFinalise(finalise);
    const auto it = executed_.find(finalise.height);
    if (it == executed_.end() || it->second.hash != finalise.block_hash) {
      return cluster_.checker->Fail(fmt::format("node {} finalises what it has not", index_));
    }
    Block block = it->second;
    block.certificate = finalise.certificate;
    AppendBlock(std::move(block));
  });
}

void Node::AppendBlock(Block block) {
  const Height height(blocks_.size() + 1);
  cluster_.checker->OnSealed(index_, height, block.hash, blocks_.size());
  if (rng().Percent(20)) cluster_.world->Trace(height.value);
  for (const std::uint64_t tx : TransactionsOf(block.batch)) waiting_.erase(tx);
  executed_.erase(height);
  const Sealed sealed{height, block.certificate, block.hash, block.header};
  blocks_.push_back(std::move(block));
  Step(sealed);
  if (alive()) UpdateWork();
}

void Node::OnCatchUp(const CatchUp& behind) {
  cluster_.counters->Count("catch-up asked");
  if (fetching_) return;
  auto& nodes = *cluster_.nodes;
  std::uint32_t peer = behind.hint.value;
  if (rng().Percent(50)) peer = static_cast<std::uint32_t>(rng().Below(nodes.size()));
  if (peer == index_ || !cluster_.world->Connected(peer, index_)) return;
  fetching_ = true;
  Later(rng().Between(2, 60), [this, peer] {
    fetching_ = false;
    const Node& source = *(*cluster_.nodes)[peer];
    std::vector<Block> blocks;
    for (std::size_t h = blocks_.size(); h < source.blocks_.size(); ++h) {
      if (blocks.size() < kBlocksPerFetch) blocks.push_back(source.blocks_[h]);
    }
    ApplyFetched(std::move(blocks));
  });
}

void Node::ApplyFetched(std::vector<Block> blocks) {
  const std::uint64_t life = incarnation_;
  for (Block& block : blocks) {
    if (!VerifyCertificate(*cluster_.world->validators(), cluster_.world->chain(), block.hash,
                           block.certificate)) {
      return;
    }
    cluster_.counters->Count(replica_->status().view_changing ? "catch-up during a view change"
                                                              : "caught up a block");
    AppendBlock(std::move(block));
    if (!alive() || life != incarnation_) return;
  }
}

void Node::Propose() {
  if (replica_->view() != proposing_view_) {
    proposing_view_ = replica_->view();
    in_flight_.clear();
  }
  if (!replica_->CanPropose()) return;
  std::vector<std::uint64_t> transactions;
  for (const std::uint64_t tx : waiting_) {
    if (in_flight_.contains(tx) || transactions.size() >= kBatchTransactions) continue;
    transactions.push_back(tx);
  }
  if (transactions.empty()) return;
  in_flight_.insert(transactions.begin(), transactions.end());
  Proposal proposal;
  proposal.batch = MakeBatch(replica_->view(), index_, rng().Below(1000), transactions);
  proposal.sidecar = "beside " + proposal.batch;
  events_.emplace_back(ProposalReady{std::make_shared<Proposal>(std::move(proposal))});
}

void Node::UpdateWork() {
  const bool waiting = !waiting_.empty();
  if (waiting != work_waiting_) {
    work_waiting_ = waiting;
    Step(WorkWaiting{waiting});
  } else if (waiting && !stepping_) {
    stepping_ = true;
    Propose();
    stepping_ = false;
    if (!events_.empty()) {
      const Event next = std::move(events_.front());
      events_.pop_front();
      Step(next);
    }
  }
}

}  // namespace talent::sim
