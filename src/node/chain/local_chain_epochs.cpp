// Which epoch it is, and what this node is in it: a validator, or a follower.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "ledger/light_client.h"
#include "node/chain/local_chain.h"

namespace talent::node {

Status LocalChain::FindFormerRole() {
  if (!role_) return {};
  const auto state = chain_->SealedState();
  for (Epoch epoch(0); epoch < epoch_->number(); ++epoch) {
    const auto ended = TRY(ledger::ReadEndedEpoch(*state, epoch));
    if (ended.validators.FindVoteKey(role_->vote_key->public_key())) was_member_ = true;
  }
  return {};
}

bool LocalChain::IsValidator() const {
  return role_ && epoch_->validators.FindVoteKey(role_->vote_key->public_key());
}

void LocalChain::EnterEpoch() {
  const bool changes = EpochIsOver();
  if (changes) was_member_ = was_member_ || IsValidator();
  if (replica_) LeaveReplica();
  epoch_ = chain_->epoch();
  validators_.clear();
  for (const crypto::Validator& v : epoch_->validators.validators()) {
    if (v.node_key != self_) validators_.push_back(v.node_key);
  }
  sync_.SetValidators({validators_.begin(), validators_.end()});
  if (changes) heard_.clear();
  if (changes || role_) {
    spdlog::info("chain {}: epoch {} of {} validators begins with height {}; this node {}",
                 chain_->genesis().name(), epoch_->number(), epoch_->validators.size(),
                 epoch_->first, IsValidator() ? "is one of them" : "follows");
  }
  if (!IsValidator()) return;
  TryStartReplica();
  if (replica_ || halted_) return;
  spdlog::info(
      "chain {}: this validator's vote log is new; it asks the other nodes whether the chain has "
      "begun",
      chain_->genesis().name());
}

// What the old replica left to be done is void: its messages mean nothing to the new set, and its
// records nothing to the new replica.
void LocalChain::LeaveReplica() {
  role_->records = replica_->TakeOverRecords();
  const consensus::ReplicaStatus last = replica_->status();
  view_changes_before_ += last.view_changes;
  for (std::size_t i = 0; i < last.dropped.size(); ++i) dropped_before_[i] += last.dropped[i];
  replica_.reset();
  events_.clear();
  for (auto& [id, timer] : timers_) timer->Cancel();
  unwritten_votes_.clear();
  compaction_.reset();
  last_token_ = 0;
  pending_vets_.clear();
  read_.clear();
  proposing_view_ = View(0);
  work_waiting_ = false;
  mempool_.ReturnInFlight();
}

// On a public chain nobody has to be admitted to follow, so its state does not name those whom a
// validator that is alone could ask. It listens: this long, many times what a node that it dials,
// or that dials it, takes to say where the chain stands.
constexpr Millis kListenAlone{10'000};

// A log that was never written to is a new validator's or a lost one's. The others tell: where
// enough of them have sealed nothing of this epoch, nothing this validator may have said before can
// contradict what it says now, but for blocks it helped to prepare; and of that fault a set stands
// f. Where it stands none, all others are asked. Who claims to have sealed something is given the
// time to show the blocks, and no more: else one liar could keep a new chain from ever starting. A
// validator that is alone asks the nodes that follow it, or it could begin its chain a second time.
void LocalChain::TryStartReplica() {
  if (role_->fresh) {
    const crypto::ValidatorSet& set = epoch_->validators;
    const std::size_t needed = set.size() == 1         ? members_.size() - 1
                               : set.max_faulty() == 0 ? set.size() - 1
                                                       : set.quorum() - 1;
    const auto goes_on = [this](Height sealed) { return sealed >= epoch_->first; };
    const bool lost = goes_on(chain_->head().height);
    const auto without_blocks =
        std::ranges::count_if(heard_, [&](const auto& peer) { return !goes_on(peer.second); });
    const bool unheard = std::cmp_less(without_blocks, needed) && !role_->accept_lost_votes;
    const bool listening = set.size() == 1 && chain_->genesis().tier() == ledger::Tier::kPublic &&
                           host_->Steady() < *started_ + kListenAlone && !role_->accept_lost_votes;
    // HearStatus and Tick come back.
    if (!lost && (goes_on(sync_.best()) || unheard || listening)) return;
    role_->votes_lost = lost;
    role_->fresh = false;
    heard_.clear();
  }
  if (role_->votes_lost && !role_->accept_lost_votes) {
    spdlog::warn(
        "chain {}: nothing is known of what this validator voted for before; it watches without "
        "voting until the chain has passed everything that may have been",
        chain_->genesis().name());
  }
  StartReplica();
}

void LocalChain::HearStatus(const NodeKey& from, Height sealed) {
  if (halted_ || replica_ || !role_) return;
  const crypto::ValidatorSet& set = epoch_->validators;
  const bool alone = set.size() == 1 && IsValidator();
  if (alone ? !IsMember(from) : !set.FindNodeKey(from)) return;
  heard_[from] = sealed;
  // What an unused log means is settled at the start, and no replica may run before.
  if (!started_) return;
  if (IsValidator()) {
    TryStartReplica();
    Drain();
  } else if (role_->fresh) {
    TryBeginLog();
  }
}

// A key that no set has had votes first when this epoch is over, and only where its node has sealed
// the epoch's last block. For that a quorum had executed it, of which one correct member is among
// those heard, no further than a window behind it. Where all of them are further from the epoch's
// end, the key has voted for nothing, and the log that begins now will miss nothing.
void LocalChain::TryBeginLog() {
  const crypto::ValidatorSet& set = epoch_->validators;
  if (was_member_ || heard_.size() < set.size() - set.quorum() + set.max_faulty() + 1) return;
  const Height highest =
      std::ranges::max_element(heard_, {}, [](const auto& peer) { return peer.second; })->second;
  const auto now = chain_->epoch();
  // An end that is not decided up to here lies more than a window above.
  if (chain_->head().height < highest) return;
  if (now->end && now->end->last <= highest + chain_->genesis().consensus().window) return;
  BeginLog();
}

// Up to two windows above what it has sealed last it may have voted.
bool LocalChain::HasSealed() const {
  const std::uint64_t reach = 2 * std::uint64_t{chain_->genesis().consensus().window};
  Height height = chain_->head().height;
  for (std::uint64_t i = 0; i < reach && height > Height(0);
       ++i, height = Height(height.value - 1)) {
    const auto header = chain_->GetHeader(height);
    if (!header) return false;  // the chain began above
    const auto set = chain_->ValidatorsOf(Epoch(header->certificate().epoch()));
    if (!set) continue;
    const auto self = (*set)->FindVoteKey(role_->vote_key->public_key());
    const auto& seals = header->certificate().seals();
    if (self && std::ranges::any_of(
                    seals, [&](const auto& seal) { return seal.validator() == self->value; })) {
      return true;
    }
  }
  return false;
}

// A prepared log that was put back, or came with a copy of the home, under a chain that has moved.
void LocalChain::BeginUnusedLog() {
  if (!HasSealed()) return BeginLog();
  role_->unused = false;
  role_->votes_lost = true;
}

// On disk before the chain can move, or a later start could not tell this log from a lost one.
void LocalChain::BeginLog() {
  role_->fresh = role_->unused = false;
  role_->records = {consensus::BeganRecord(epoch_->number())};
  unwritten_votes_ = role_->records;
  FlushVotes();
}

void LocalChain::StartReplica() {
  const ledger::Head head = chain_->head();
  consensus::Replica::Recovered recovered;
  recovered.sealed = head.height;
  recovered.sealed_hash = head.hash;
  if (head.height >= epoch_->first) {
    const auto header = chain_->GetHeader(head.height);
    const auto certificate = header ? ledger::FromProto(header->certificate())
                                    : Result<crypto::Certificate>(tl::unexpect, header.error());
    if (!certificate) return Halt(certificate.error().ToString());
    recovered.sealed_certificate = *certificate;
    recovered.sealed_header = header->header();
  }
  // epoch_ is of when the epoch began here; its end may have been decided since.
  if (const auto now = chain_->epoch(); now->end) recovered.epoch_end = now->end->last;
  recovered.records = std::exchange(role_->records, {});
  recovered.votes_lost = std::exchange(role_->votes_lost, false);
  recovered.accept_lost_votes = role_->accept_lost_votes;
  const ledger::ConsensusRules& rules = chain_->genesis().consensus();
  consensus::Options options;
  options.chain = chain_->id();
  options.validators = {epoch_, &epoch_->validators};
  options.first_height = epoch_->first;
  options.window = rules.window;
  options.view_timeout = rules.view_timeout;
  options.view_timeout_cap = rules.view_timeout_cap;
  options.max_proposal_bytes = rules.max_batch_bytes;
  replica_ = std::make_unique<consensus::Replica>(std::move(options), *role_->vote_key,
                                                  std::move(recovered));
  const bool nested = std::exchange(stepping_, true);
  Perform(replica_->Start());
  UpdateWorkWaiting();
  stepping_ = nested;
}

}  // namespace talent::node
