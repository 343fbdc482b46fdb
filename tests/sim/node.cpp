#include "sim/node.h"

#include "base/canonical.h"
#include "sim/cluster.h"
#include "tiers/application.h"

namespace talent::sim {
namespace {

constexpr char kDatabase[] = "/db";
// Of the vote log's format (src/node/chain/vote_log.cpp).
constexpr std::size_t kLogHeader = 96, kBatchHeader = 28;
constexpr std::size_t kMaxVoteLogBytes = 8u << 20;
constexpr std::uint64_t kClockStart = 1'700'000'100'000;

std::uint64_t Fold(BytesView bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

/// The real one, built wrongly.
class Deviating final : public ledger::Application {
 public:
  explicit Deviating(std::unique_ptr<ledger::Application> real) : real_(std::move(real)) {}

  Status InitGenesis(const ledger::Genesis& genesis, ledger::StateOverlay& state) const override {
    return real_->InitGenesis(genesis, state);
  }
  Status Check(const ledger::Transaction& tx, const ledger::BlockContext& next,
               const ledger::StateReader& state) const override {
    return real_->Check(tx, next, state);
  }
  Status Execute(const ledger::Transaction& tx, const ledger::BlockContext& block,
                 ledger::StateOverlay& state) const override {
    return real_->Execute(tx, block, state);
  }
  void BeginBlock(const ledger::BlockContext& block, ledger::StateOverlay& state) const override {
    real_->BeginBlock(block, state);
    state.Put("deviation", "1");
  }
  bool HasDueWork(Timestamp time, const ledger::StateReader& state) const override {
    return real_->HasDueWork(time, state);
  }
  std::uint32_t Lane(const ledger::Transaction& tx) const override { return real_->Lane(tx); }

 private:
  const std::unique_ptr<ledger::Application> real_;
};

}  // namespace

class Node::Host final : public node::ChainHost {
 public:
  explicit Host(Node& node) : node_(node) {}

  class SimTimer final : public Timer {
   public:
    explicit SimTimer(Node& node) : node_(node) {}
    ~SimTimer() override { Cancel(); }
    void Set(Millis delay, std::function<void()> work) override {
      Cancel();
      id_ = node_.Later(delay.value * 1000 / node_.rate_permille, std::move(work));
    }
    void Cancel() override { node_.Forget(id_); }

   private:
    Node& node_;
    std::uint64_t id_ = 0;
  };

  void Post(std::function<void()> work) override { node_.Later(0, std::move(work)); }
  std::unique_ptr<Timer> MakeTimer() override { return std::make_unique<SimTimer>(node_); }
  bool TryVerify(std::function<void()> job) override {
    Cluster& cluster = node_.cluster_;
    if (!cluster.calm() && cluster.world.rng().Permille(cluster.config.refuse_permille)) {
      cluster.counters.Count("verification refused");
      return false;
    }
    const std::uint64_t most = cluster.calm() ? 2 : cluster.config.verify_max_ms;
    node_.Later(cluster.world.rng().Between(0, most), std::move(job));
    return true;
  }
  bool TryVerifyBulk(std::function<void()> job) override { return TryVerify(std::move(job)); }
  void Store(std::function<void()> job) override { node_.Store(std::move(job)); }
  Timestamp Now() const override { return node_.Now(); }
  Timestamp Steady() const override { return Timestamp(node_.cluster_.world.now() + 10'000); }
  bool Send(const NodeKey& to, const node::v1::Frame& frame) override {
    return node_.Transmit({to}, frame);
  }
  void SendToAll(const std::vector<NodeKey>& to, const node::v1::Frame& frame) override {
    node_.Transmit(to, frame);
  }
  void BlockSealed(std::span<const ledger::pb::ReceiptCode> /*receipts*/) override {}
  void VotesLost(const Error& error) override { node_.VotesLost(error); }

 private:
  Node& node_;
};

Node::Node(Cluster& cluster, std::uint32_t identity, std::size_t endpoint)
    : cluster_(cluster), identity_(identity), endpoint_(endpoint) {
  disk_.CopyFrom(cluster_.empty_disk());
  const auto votes = disk_.OpenVotes([](BytesView, bool) {});
  CHECK(node::VoteLog::Prepare(*votes, cluster_.vote_key(identity_).public_key(), random_)
            .has_value());
  disk_.boundary = [this] { return Boundary(); };
}

Node::~Node() { StopProcess(); }

void Node::TellSealed() {
  while (sealed_ < chain_->chain().head().height) {
    const Height height = sealed_ + 1;
    cluster_.OnSealed(*this, height);
    sealed_ = height;
  }
}

void Node::Start() {
  if (chain_ != nullptr) return;
  disk_.Revive();
  disk_.SetFull(disk_full_);
  auto opened = Open();
  disk_.AwaitBackground();
  if (dying_) return FinishCrash();
  if (!opened) {
    StopProcess();
    if (rotten_) {
      cluster_.counters.Count("bit rot found on opening");
      ReplaceDisk();
      return Start();
    }
    if (disk_full_) return;  // tried again once there is room
    return cluster_.checker.Fail(
        fmt::format("node {} does not start: {}", identity_, opened.error().ToString()));
  }
  chain_ = std::move(*opened);
  const Height head = chain_->chain().head().height;
  if (head < sealed_ && !rotten_) {
    cluster_.checker.Fail(
        fmt::format("node {} sealed {} and has only {} after a restart", identity_, sealed_, head));
  }
  sealed_ = std::min(sealed_, head);
  TellSealed();  // on disk before it could tell anybody
  listening_ = chain_->OnChange([this] {
    if (!dying_) TellSealed();
  });
  chain_->Start();
  cluster_.network.Started(endpoint_);
}

Result<std::shared_ptr<node::LocalChain>> Node::Open() {
  database_ =
      TRY(ledger::Database::Open(kDatabase, ledger::Database::Mode::kReadWrite, disk_.env()));
  auto application = TRY(tiers::MakeApplication(cluster_.genesis));
  if (deviates) application = std::make_unique<Deviating>(std::move(application));
  auto chain = TRY(ledger::Chain::Open(*database_, cluster_.genesis, *application));
  auto votes = TRY(node::VoteLog::Open(
      disk_.OpenVotes([this](BytesView bytes, bool replaced) { OnDurable(bytes, replaced); }),
      cluster_.genesis.chain_id(), cluster_.vote_key(identity_).public_key(), random_));
  const Height head = chain->head().height;
  if (votes.torn_bytes > 0) cluster_.counters.Count("torn vote log cut");
  if (votes.torn_bytes > 0 && rotten_votes_) cluster_.checker.OnForgotten(identity_);
  if (votes.damaged) {
    cluster_.counters.Count("damaged vote log found");
    if (!rotten_) cluster_.checker.Fail(fmt::format("vote log of node {} damaged", identity_));
  }
  cluster_.checker.OnLogReplaced(identity_);
  evidence_ = 0;
  bool prepared = false;
  for (const Bytes& record : votes.records) {
    cluster_.checker.OnDurable(identity_, record);
    const auto decoded = Decode<consensus::pb::VoteRecord>(record);
    prepared |=
        decoded && decoded->has_prepared() && decoded->prepared().position().height() > head.value;
  }
  if (prepared) cluster_.counters.Count("restart with a prepared certificate");
  auto role = node::ValidatorRole::Resume(cluster_.vote_key(identity_), std::move(votes));
  // A liar's replicas, twins too, are not to be silenced by what they find of each other.
  role.accept_lost_votes = !cluster_.checker.Honest(identity_);
  if (role.votes_lost || (role.fresh && head > Height(0) && identity_ < cluster_.config.validators))
    cluster_.counters.Count("restart without its votes");
  return TRY(node::LocalChain::Create(std::make_unique<Host>(*this), cluster_.node_key(identity_),
                                      std::move(application), std::move(chain), std::move(role)));
}

void Node::StopProcess() {
  disk_.Die();
  // Work under way holds the chain, and the chain its timers.
  const auto doomed = std::exchange(pending_, {});
  const auto jobs = std::exchange(jobs_, {});
  listening_.reset();
  const auto chain = std::exchange(chain_, nullptr);
}

void Node::FinishCrash() {
  dying_ = true;
  StopProcess();
  database_.reset();
  dying_ = false;
  cluster_.counters.Count("crash");
  cluster_.network.Died(endpoint_);
}

void Node::Crash() {
  if (alive()) FinishCrash();
}

void Node::LosePower() {
  if (alive()) FinishCrash();
  if (chain_ == nullptr) disk_.LosePower(cluster_.world.rng());
}

void Node::WipeVotes() {
  Crash();
  disk_.Erase("/votes");
  cluster_.counters.Count("votes wiped");
}

void Node::WipeDisk() {
  Crash();
  ReplaceDisk();
  cluster_.counters.Count("disk wiped");
}

void Node::Rejoin(const std::function<Height(ledger::Database&)>& restore) {
  WipeDisk();
  disk_.Revive();
  {
    const auto database =
        ledger::Database::Open(kDatabase, ledger::Database::Mode::kReadWrite, disk_.env());
    CHECK(database.has_value(), "{}", database.error().ToString());
    sealed_ = restore(**database);
  }
  Start();
}

void Node::ReplaceDisk() {
  database_.reset();
  disk_.CopyFrom(cluster_.empty_disk());
  rotten_ = rotten_votes_ = false;
  sealed_ = Height(0);
}

void Node::Rot() {
  Crash();
  const bool votes = cluster_.world.rng().Percent(30);
  if (disk_.Rot(cluster_.world.rng(), votes ? "/votes" : kDatabase).empty()) return;
  rotten_ = true;
  rotten_votes_ = rotten_votes_ || votes;
  cluster_.counters.Count("bit rot");
}

void Node::SetDiskFull(bool full) {
  disk_full_ = full;
  disk_.SetFull(full);
  if (full) cluster_.counters.Count("disk full");
}

void Node::FreezeClock(bool frozen) {
  frozen_.reset();
  if (frozen) frozen_ = Now();
}

Timestamp Node::Now() const {
  if (frozen_) return *frozen_;
  return Timestamp(kClockStart + cluster_.world.now() + static_cast<std::uint64_t>(skew));
}

bool Node::Boundary() {
  if (dying_) return false;
  ++boundaries_;
  const bool by_chance = !cluster_.calm() && cluster_.checker.Honest(identity_) &&
                         cluster_.world.rng().Permille(cluster_.config.crash_permille);
  if (boundaries_ != crash_at_ && !by_chance) return true;
  cluster_.counters.Count("crash at a write, sync or send");
  dying_ = true;
  disk_.Die();
  const bool power = cluster_.world.rng().Percent(50);
  cluster_.world.After(cluster_.world.rng().Between(1, 500), [this, power] {
    if (power && chain_ == nullptr) LosePower();
    Start();
  });
  return false;
}

std::uint64_t Node::Later(std::uint64_t ms, std::function<void()> work) {
  if (dying_) return 0;
  const std::uint64_t id = ++last_id_;
  pending_.emplace(id, std::move(work));
  cluster_.world.After(ms, [this, id] { Run(id); });
  return id;
}

void Node::Run(std::uint64_t id) {
  if (!pending_.contains(id)) return;
  if (cluster_.world.now() < stalled_until_) {
    return cluster_.world.After(stalled_until_ - cluster_.world.now(), [this, id] { Run(id); });
  }
  {
    const auto work = pending_.extract(id);
    work.mapped()();
  }
  if (dying_) return FinishCrash();
  CheckHealth();
}

void Node::CheckHealth() {
  if (chain_ == nullptr) return;
  const node::ChainStatusInfo status = chain_->status();
  was_changing_ = status.replica && status.replica->view_changing;
  votes_in_.reset();
  if (status.replica && !status.replica->observer) votes_in_ = status.replica->epoch;
  if (status.evidence != evidence_ && cluster_.checker.Honest(identity_)) {
    evidence_ = status.evidence;
    cluster_.OnEvidence(*this);
  }
  if (!status.halted) return;
  if (rotten_ || disk_full_) {
    cluster_.counters.Count(rotten_ ? "bit rot found by a read" : "chain halted by a full disk");
    Crash();
    if (!rotten_) return;  // started again once there is room
    ReplaceDisk();
    return cluster_.world.After(1, [this] { Start(); });
  }
  if (cluster_.checker.Honest(identity_)) {
    cluster_.checker.Fail(fmt::format("node {} halted: {}", identity_, *status.halted));
  }
}

void Node::Store(std::function<void()> job) {
  if (dying_) return;
  jobs_.push_back(std::move(job));
  if (jobs_.size() == 1) StoreNext();
}

void Node::StoreNext() {
  const std::uint64_t most = cluster_.calm() ? 2 : cluster_.config.disk_max_ms;
  Later(cluster_.world.rng().Between(0, most), [this] {
    const auto job = std::move(jobs_.front());
    job();
    disk_.AwaitBackground();
    if (dying_) return;
    jobs_.pop_front();
    if (!jobs_.empty()) StoreNext();
  });
}

void Node::VotesLost(const Error& error) {
  if (!dying_ && !disk_full_) {
    cluster_.checker.Fail(
        fmt::format("node {} cannot write its votes: {}", identity_, error.ToString()));
  }
  if (!dying_) cluster_.counters.Count("process ended by a full disk");
  dying_ = true;
}

void Node::OnDurable(BytesView bytes, bool replaced) {
  if (disk_.Find("/votes/log")->data.size() > kMaxVoteLogBytes) {
    cluster_.checker.Fail(fmt::format("vote log of node {} grows", identity_));
  }
  if (replaced) {
    cluster_.counters.Count("vote log rewritten");
    cluster_.checker.OnLogReplaced(identity_);
    bytes.remove_prefix(std::min(kLogHeader, bytes.size()));
  }
  if (bytes.size() < kBatchHeader) return;
  bytes.remove_prefix(kBatchHeader);
  while (bytes.size() >= 4) {
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i) size |= std::size_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
    cluster_.checker.OnDurable(identity_, bytes.substr(4, size));
    bytes.remove_prefix(4 + size);
  }
}

bool Node::Transmit(const std::vector<NodeKey>& to, const node::v1::Frame& frame) {
  if (to.empty() || !Boundary()) return false;
  Observe(frame);
  const auto shared = std::make_shared<const node::v1::Frame>(frame);
  bool connected = false;
  for (const NodeKey& key : to) {
    const std::uint32_t peer = cluster_.IdentityOf(key);
    if (lie) {
      lie(peer, shared);
      connected = true;
    } else {
      connected |= Pass(peer, shared);
    }
  }
  return connected;
}

bool Node::Pass(std::uint32_t to, const FramePtr& frame) {
  return cluster_.network.Send(endpoint_, to, frame);
}

std::optional<ValidatorIndex> Node::PlaceIn(const crypto::ValidatorSet& set) const {
  return set.FindVoteKey(cluster_.vote_key(identity_).public_key());
}

void Node::Observe(const node::v1::Frame& frame) {
  if (!frame.has_consensus() || !cluster_.checker.Honest(identity_)) return;
  const auto message = consensus::DecodeMessage(frame.consensus());
  if (!message) return cluster_.checker.Fail("a correct node sends garbage");
  // A replica of an epoch exists where the chain has come to it; one of the epoch before may still
  // answer.
  const auto epoch = chain_->chain().epoch();
  cluster_.checker.Know(epoch->validators);
  if (!cluster_.checker.Knows(message->epoch)) return cluster_.checker.Fail("an unknown epoch");
  // What others have signed is passed on.
  if (PlaceIn(cluster_.checker.SetOf(message->epoch)) != message->signer) return;
  cluster_.checker.OnSent(identity_, *message, chain_->chain().head().height);
  if (const auto* prepare = std::get_if<consensus::Prepare>(&message->content)) {
    if (prepare->at.digest == consensus::OrderDigest({})) {
      cluster_.counters.Count("null batch prepared");
    }
  } else if (const auto* change = std::get_if<consensus::ViewChange>(&message->content)) {
    if (change->prepared.size() >= 2) {
      cluster_.counters.Count("view change with two prepared batches");
    }
  } else if (std::holds_alternative<consensus::ProposalReply>(message->content)) {
    cluster_.counters.Count("missing proposal supplied");
  }
}

void Node::Receive(std::uint32_t from, const FramePtr& frame) {
  cluster_.world.Trace(Fold(frame->consensus()) + 1000 * endpoint_ + 10 * from +
                       static_cast<std::uint64_t>(frame->body_case()));
  if (frame->has_sync_response() && frame->sync_response().blocks_size() > 0) {
    const auto status = chain_->status();
    const bool changing = status.replica && status.replica->view_changing;
    cluster_.counters.Count(changing ? "catch-up during a view change" : "catch-up");
  }
  node::v1::Frame copy = *frame;
  if (chain_->OnFrame(cluster_.node_key(from), std::move(copy))) return;
  if (!cluster_.checker.Honest(identity_)) return;  // a twin gets answers to the other's questions
  if (cluster_.checker.Honest(from)) {
    return cluster_.checker.Fail(fmt::format("node {} cuts off node {}, which is correct: {}",
                                             identity_, from, frame->ShortDebugString()));
  }
  cluster_.counters.Count("liar cut off");
}

void Node::OnPeer(std::uint32_t peer, bool up) { chain_->OnPeer(cluster_.node_key(peer), up); }

std::string Node::ToString() const {
  if (chain_ == nullptr) return fmt::format("node {}: down, had sealed {}", endpoint_, sealed_);
  const node::ChainStatusInfo status = chain_->status();
  return fmt::format("node {}{}: {} tip {} best peer {} mempool {}{}{}", endpoint_,
                     endpoint_ == identity_ ? "" : fmt::format(" (twin of {})", identity_),
                     status.replica ? status.replica->ToString() : "no replica",
                     chain_->chain().tip().height, status.best_peer_height,
                     status.mempool_transactions, rotten_ ? " rotten" : "",
                     status.halted ? " halted: " + *status.halted : "");
}

}  // namespace talent::sim
