// The replica's host: performs what consensus asks for and reports back.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "consensus/messages.h"
#include "ledger/light_client.h"
#include "node/chain/local_chain.h"

namespace talent::node {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

// A partial batch waits while this many are open: under load batches grow instead of multiplying
// syncs.
constexpr std::uint64_t kOpenPartialBatches = 2;
// Batch framing that transactions' own sizes do not count.
constexpr std::size_t kBatchOverhead = 1024;
// Consensus frames of one peer about one chain being verified at a time: a window of each kind of
// message. What is dropped is sent again by its sender.
constexpr std::uint32_t kMaxVerifyingFrames = 256;
constexpr std::size_t kMaxVerifyingBytes = 64u << 20;

}  // namespace

bool LocalChain::MayVerify(const NodeKey& from, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  Verifying& waiting = verifying_[from];
  if (waiting.frames > 0 &&
      (waiting.frames >= kMaxVerifyingFrames || waiting.bytes + bytes > kMaxVerifyingBytes)) {
    return false;
  }
  ++waiting.frames;
  waiting.bytes += bytes;
  return true;
}

void LocalChain::OnConsensusFrame(const NodeKey& from, Bytes message) {
  const std::size_t size = message.size();
  if (!MayVerify(from, size)) return Refused("consensus", "busy");
  const bool posted =
      host_->TryVerify([self = shared_from_this(), from, bytes = std::move(message)] {
        const auto validators = self->chain_->validators();
        std::optional<consensus::Horizon> horizon;
        {
          const std::lock_guard lock(self->mutex_);
          horizon = self->horizon_;
        }
        self->Verified(from, bytes.size(), validators.get(),
                       consensus::VerifyMessage(self->chain_->id(), *validators, bytes,
                                                horizon ? &*horizon : nullptr));
      });
  if (!posted)
    Verified(from, size, nullptr, Fail(Code::kUnavailable, "the verification pool is full"));
}

void LocalChain::Verified(const NodeKey& from, std::size_t bytes,
                          const crypto::ValidatorSet* validators,
                          Result<consensus::MessagePtr> message) {
  {
    const std::lock_guard lock(mutex_);
    const auto waiting = verifying_.find(from);
    waiting->second.bytes -= bytes;
    if (--waiting->second.frames == 0) verifying_.erase(waiting);
  }
  if (!message) {
    spdlog::debug("chain {}: consensus message refused: {}", chain_->genesis().name(),
                  message.error().ToString());
    return Refused("consensus", message.error());
  }
  // A seal signs no height: somebody else could pass it on under another one.
  if (std::holds_alternative<consensus::SealVote>((*message)->content()) &&
      validators->at((*message)->signer()).node_key != from) {
    return Refused("consensus", "passed_on");
  }
  OnStrand([this, epoch = validators->epoch(), verified = std::move(*message)] {
    StepIn(epoch, consensus::MessageReceived{verified});
  });
}

void LocalChain::PerformEvidence(const consensus::Evidence& evidence) {
  const auto facts =
      consensus::VerifyEvidence(chain_->id(), epoch_->validators, evidence.first, evidence.second);
  if (!facts) {
    // Of kInvalidArgument: one statement, signed twice.
    if (facts.error().code != Code::kTooLarge) return;
    spdlog::error(
        "chain {}: validator '{}' equivocates, with messages too large to be kept as evidence: {}",
        chain_->genesis().name(), epoch_->validators.at(evidence.culprit).name,
        facts.error().message);
    return Refused("evidence", facts.error());
  }
  v1::Evidence kept;
  kept.set_epoch(facts->epoch.value);
  kept.set_validator(facts->culprit.value);
  kept.set_name(epoch_->validators.at(facts->culprit).name);
  kept.set_kind(std::string(consensus::EvidenceKindName(facts->kind)));
  kept.set_view(facts->view.value);
  kept.set_height(facts->height.value);
  kept.set_first(evidence.first);
  kept.set_second(evidence.second);
  const std::string name = kept.name(), kind = kept.kind();
  if (!role_->evidence->Add(*facts, std::move(kept))) return;
  spdlog::error(
      "chain {}: validator '{}' equivocates: two {} messages of view {}, height {}; its operator "
      "has to explain or lose the key (`talentd evidence` has both messages)",
      chain_->genesis().name(), name, kind, facts->view, facts->height);
  SaveEvidence();
}

// Where it fails, the tick tries again, and says so once.
void LocalChain::SaveEvidence() {
  if (evidence_waits_.exchange(true)) return;
  host_->Store([self = shared_from_this()] {
    self->evidence_waits_ = false;
    const Status saved = self->role_->evidence->Save();
    const std::string error = saved ? "" : saved.error().ToString();
    if (error == self->evidence_error_) return;
    self->evidence_error_ = error;
    const std::string& chain = self->chain_->genesis().name();
    if (saved) {
      spdlog::info("chain {}: evidence is on disk again", chain);
    } else {
      spdlog::error("chain {}: evidence is kept in memory only, until it can be saved: {}", chain,
                    error);
    }
  });
}

void LocalChain::PerformVotesForgotten(const consensus::VotesForgotten& forgotten) {
  spdlog::critical(
      "chain {}: others hold a vote of this validator{} that its vote log does not know: its disk "
      "was "
      "put back to an older state, or its key is used elsewhere. It watches without voting until "
      "the "
      "chain has passed everything it may have voted for (docs/operations.md, \"Votes lost\")",
      chain_->genesis().name(),
      forgotten.height == Height(0) ? "" : fmt::format(" for height {}", forgotten.height));
  const std::lock_guard lock(mutex_);
  status_.votes_forgotten = true;
}

void LocalChain::Step(consensus::Event event) {
  if (!replica_) return;  // a follower, or halted: nobody would ever take it
  events_.push_back(std::move(event));
  Drain();
}

void LocalChain::StepIn(Epoch epoch, consensus::Event event) {
  if (epoch == epoch_->number()) Step(std::move(event));
}

void LocalChain::Drain() {
  if (stepping_) return;
  stepping_ = true;
  while (!halted_) {
    // The old replica hears first that its last block is sealed.
    if (EpochIsOver() && (!replica_ || events_.empty())) EnterEpoch();
    if (!replica_) break;
    if (events_.empty()) {
      consensus::ProposalPtr proposal = NextProposal();
      if (!proposal) break;
      events_.emplace_back(consensus::ProposalReady{std::move(proposal)});
    }
    const consensus::Event next = std::move(events_.front());
    events_.pop_front();
    Perform(replica_->Step(next));
    if (replica_ && replica_->view() != proposing_view_) {
      proposing_view_ = replica_->view();
      mempool_.ReturnInFlight();
      for (const auto& [height, block] : executed_) {
        for (const TxId& id : block.tx_ids) mempool_.MarkInFlight(id);
      }
    }
  }
  stepping_ = false;
  FlushVotes();
  PublishStatus();
}

void LocalChain::Perform(consensus::Actions actions) {
  v1::Frame frame;
  frame.set_chain_id(chain_->id().ToBytes());
  for (consensus::Action& action : actions) {
    if (!replica_) return;  // halted on the way
    std::visit(
        Overloaded{
            [&](consensus::Send& send) {
              frame.set_consensus(std::move(send.message));
              host_->Send(epoch_->validators.at(send.to).node_key, frame);
            },
            [&](consensus::Broadcast& broadcast) {
              frame.set_consensus(std::move(broadcast.message));
              host_->SendToAll(validators_, frame);
            },
            [&](consensus::Persist& persist) {
              last_token_ = persist.token;
              unwritten_votes_.push_back(std::move(persist.record));
            },
            [&](consensus::CompactLog& compact) {
              unwritten_votes_.clear();  // "every record so far": these included
              compaction_ = std::move(compact.records);
            },
            [&](consensus::Vet& vet) { PerformVet(std::move(vet)); },
            [&](const consensus::Execute& execute) { PerformExecute(execute); },
            [&](const consensus::Finalise& finalise) { PerformFinalise(finalise); },
            [&](const consensus::SetTimer& timer) { PerformSetTimer(timer); },
            [&](const consensus::CatchUp& behind) {
              catch_up_target_ = std::max(catch_up_target_, behind.target);
              sync_.OnStatus(epoch_->validators.at(behind.hint).node_key, behind.target);
              RequestBlocks();
            },
            [&](const consensus::Diverged& diverged) {
              Halt(
                  fmt::format("a quorum sealed block {} as {}, this node computed {}; what is "
                              "served from here is stale. Compare this node's release and "
                              "`talentd verify` with a peer's, then restore it from one "
                              "(docs/operations.md, \"A chain is halted\")",
                              diverged.height, diverged.theirs.Hex(), diverged.ours.Hex()));
            },
            [&](const consensus::SealsDiffer& differ) {
              spdlog::error(
                  "chain {}: {} other validators sealed block {} otherwise than this node, which "
                  "computed {}; compare releases and data before a quorum decides",
                  chain_->genesis().name(), differ.who.size(), differ.height, differ.ours.Hex());
              const std::lock_guard lock(mutex_);
              status_.seals_differ = differ.height;
            },
            [&](const consensus::VotesForgotten& forgotten) { PerformVotesForgotten(forgotten); },
            [&](const consensus::Evidence& evidence) { PerformEvidence(evidence); },
        },
        action);
  }
}

void LocalChain::FlushVotes() {
  if (writing_votes_ || (unwritten_votes_.empty() && !compaction_)) return;
  writing_votes_ = true;
  host_->Store([self = shared_from_this(), records = std::move(unwritten_votes_),
                compaction = std::exchange(compaction_, std::nullopt), token = last_token_,
                epoch = epoch_->number()] {
    VoteLog& votes = *self->role_->votes;
    Status written = compaction ? votes.Rewrite(*compaction) : Status();
    if (written && !records.empty()) written = votes.Append(records);
    if (!written) return self->host_->VotesLost(written.error());
    self->OnStrand([self, token, epoch] {
      self->writing_votes_ = false;
      self->StepIn(epoch, consensus::Durable{token});
      self->FlushVotes();
    });
  });
  unwritten_votes_.clear();
}

void LocalChain::PerformVet(consensus::Vet vet) {
  auto work = [self = shared_from_this(), epoch = epoch_, vet = std::move(vet)] {
    auto vetted = VetProposal(self->chain_->genesis(), vet, self->host_->Now(), self->verified_,
                              [&](const TxId& id) { return self->Pending(id); });
    self->OnStrand([self, epoch, vet, vetted = std::move(vetted)] {
      if (epoch->number() != self->epoch_->number()) return;
      if (vetted) return self->FinishVet(PendingVet{vet, *vetted});
      spdlog::warn("chain {}: proposal of '{}' for height {} refused: {}",
                   self->chain_->genesis().name(), epoch->validators.at(vet.proposer).name,
                   vet.height, vetted.error().ToString());
      self->AnswerVet(vet, false);
    });
  };
  if (!host_->TryVerify(work)) work();  // a full pool slows this chain, it does not lose an answer
}

// An empty batch is right only when something is due in the state it would execute on, so it waits
// for that state.
void LocalChain::FinishVet(const PendingVet& pending) {
  const ledger::CheckedBatch& batch = *pending.batch;
  for (const TxPtr& tx : batch.transactions) mempool_.MarkInFlight(tx->id);
  if (pending.vet.height > chain_->head().height) {
    read_.insert_or_assign(pending.vet.height, ReadProposal{pending.vet.proposal, pending.batch});
  }
  const bool must_be_due = pending.vet.fresh && batch.transactions.empty();
  const ledger::Head tip = chain_->tip();
  if (!must_be_due || pending.vet.height <= tip.height) return AnswerVet(pending.vet, true);
  if (pending.vet.height > tip.height + 1) {
    if (pending_vets_.size() >= chain_->genesis().consensus().window) {
      pending_vets_.erase(pending_vets_.begin());
    }
    pending_vets_.push_back(pending);
    return;
  }
  const Timestamp time = std::max(batch.time, tip.time + Millis(1));
  AnswerVet(pending.vet, chain_->HasDueWork(time));
}

void LocalChain::FinishPendingVets() {
  const std::vector<PendingVet> waiting = std::exchange(pending_vets_, {});
  for (const PendingVet& pending : waiting) FinishVet(pending);
}

void LocalChain::AnswerVet(const consensus::Vet& vet, bool ok) {
  Step(consensus::Vetted{vet.view, vet.height, vet.digest, ok});
}

void LocalChain::PerformExecute(const consensus::Execute& execute) {
  const ledger::Head tip = chain_->tip();
  if (execute.height <= tip.height) {
    const auto known = executed_.find(execute.height);
    if (known != executed_.end()) {
      events_.emplace_back(
          consensus::Executed{execute.height, known->second.hash, known->second.epoch_end});
    }
    return;  // sealed meanwhile by catch-up, of which the replica has been told
  }
  CHECK(execute.height == tip.height + 1, "told to execute {} on top of {}", execute.height,
        tip.height);
  const auto read = read_.find(execute.height);
  auto executed = read != read_.end() && read->second.proposal == execute.proposal
                      ? chain_->Execute(*read->second.batch)
                      : chain_->Execute(execute.proposal->batch, execute.proposal->sidecar);
  if (!executed) {
    return Halt(fmt::format("block {} was ordered but cannot be executed: {}", execute.height,
                            executed.error().ToString()));
  }
  for (const TxId& id : executed->tx_ids) mempool_.MarkInFlight(id);
  events_.emplace_back(consensus::Executed{executed->height, executed->hash, executed->epoch_end});
  executed_.insert_or_assign(executed->height, std::move(*executed));
  FinishPendingVets();
}

void LocalChain::PerformFinalise(const consensus::Finalise& finalise) {
  if (finalise.height <= chain_->head().height) return;  // the replica was told when it was applied
  if (Status sealed = chain_->Seal(finalise.height, finalise.certificate); !sealed) {
    return Halt(
        fmt::format("block {} cannot be stored: {}", finalise.height, sealed.error().ToString()));
  }
  const auto block = executed_.extract(finalise.height);
  events_.emplace_back(consensus::Sealed{finalise.height, finalise.certificate, finalise.block_hash,
                                         block.mapped().header, block.mapped().epoch_end});
  AfterSealed(block.mapped());
}

void LocalChain::PerformSetTimer(const consensus::SetTimer& set) {
  auto& timer = timers_[set.timer];
  if (!timer) timer = host_->MakeTimer();
  timer->Set(set.after, [self = shared_from_this(), id = set.timer, generation = set.generation,
                         epoch = epoch_->number()] {
    if (!self->stopped_) self->StepIn(epoch, consensus::TimerFired{id, generation});
  });
}

consensus::ProposalPtr LocalChain::NextProposal() {
  const std::optional<Height> height = replica_->CanPropose();
  if (!height) return nullptr;
  const ledger::ConsensusRules& rules = chain_->genesis().consensus();
  const std::uint64_t open = *height - chain_->head().height - 1;
  const bool full = mempool_.waiting() >= rules.max_batch_transactions;
  const bool partial = mempool_.waiting() > 0 && open < kOpenPartialBatches;
  const bool due = *height == chain_->tip().height + 1 && DueWork();
  if (!full && !partial && !due) return nullptr;
  auto batch = std::make_shared<ledger::CheckedBatch>(ledger::CheckedBatch{
      .time = host_->Now(),
      .view = replica_->view(),
      .proposer = *epoch_->validators.FindVoteKey(role_->vote_key->public_key()),
      .transactions =
          mempool_.Take(rules.max_batch_transactions, rules.max_batch_bytes - kBatchOverhead)});
  const consensus::ProposalPtr proposal = MakeProposal(*batch);
  read_.insert_or_assign(*height, ReadProposal{proposal, std::move(batch)});
  return proposal;
}

bool LocalChain::DueWork() const {
  const Timestamp time = std::max(host_->Now(), chain_->tip().time + Millis(1));
  return chain_->HasDueWork(time);
}

void LocalChain::UpdateWorkWaiting() {
  if (!replica_) return;
  const bool waiting = mempool_.size() > 0 || DueWork();
  if (std::exchange(work_waiting_, waiting) != waiting) Step(consensus::WorkWaiting{waiting});
}

}  // namespace talent::node
