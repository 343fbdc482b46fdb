#include "sim/cluster.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "base/canonical.h"
#include "crypto/quorum.h"
#include "ledger/epochs.h"
#include "sim/byzantine.h"
#include "tiers/application.h"
#include "tiers/governance.h"
#include "unit/tiers/records.h"

namespace talent::sim {
namespace {

constexpr std::uint64_t kAskAgainMs = 700;  // of another node
// Bounds that no run comes near.
constexpr std::size_t kMaxMempool = 10'000;
constexpr std::size_t kTransactions = 64;

ledger::Genesis MakeGenesis(const Config& config) {
  nlohmann::json json = ledger::GenesisJson(static_cast<int>(config.validators));
  json["app"]["parties"] = {tiers::PartyJson("centre-a", "centre"),
                            tiers::PartyJson("acme", "enterprise")};
  for (std::uint32_t i = 0; i < config.spares; ++i) {
    const std::string name = fmt::format("v{}", config.validators + i);
    json["followers"].push_back(
        {{"name", name}, {"node_key", ledger::KeyOf("node " + name).public_key().Hex()}});
  }
  json["consensus"]["window"] = config.window;
  json["consensus"]["max_batch_transactions"] = config.batch_transactions;
  json["consensus"]["view_timeout_ms"] = Cluster::kTimeoutMs;
  json["consensus"]["view_timeout_cap_ms"] = Cluster::kTimeoutCapMs;
  json["consensus"]["max_clock_drift_ms"] = 2000;
  json["consensus"]["max_valid_for"] = 1000;
  return ledger::Genesis::Parse(json.dump()).value();
}

// What the chain only logs.
class Listener final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  static Counters*& counters() {
    static Counters* current = nullptr;
    return current;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (counters() == nullptr) return;
    const BytesView text(message.payload.data(), message.payload.size());
    if (text.find("refused") != BytesView::npos) counters()->Count("proposal or block refused");
  }
  void flush_() override {}
};

void ListenToLog(Counters& counters) {
  Listener::counters() = &counters;
  static const bool done = [] {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("sim", std::make_shared<Listener>()));
    return true;
  }();
  (void)done;
}

// Transactions and empty disks of a genesis cost more than a run: made once.
struct Prepared {
  std::unique_ptr<Disk> disk = std::make_unique<Disk>();
  std::vector<Bytes> transactions;
  std::vector<TxId> ids;
};

const Prepared& PreparedFor(const ledger::Genesis& genesis) {
  static std::map<ChainId, Prepared> made;
  const auto [found, added] = made.try_emplace(genesis.chain_id());
  Prepared& out = found->second;
  if (!added) return out;
  {
    const auto opened =
        ledger::Database::Open("/db", ledger::Database::Mode::kReadWrite, out.disk->env());
    CHECK(opened.has_value(), "{}", opened.error().ToString());
    const auto& database = *opened;
    const auto application = tiers::MakeApplication(genesis).value();
    CHECK(ledger::Chain::Open(*database, genesis, *application).has_value());
  }
  ledger::CountingRandom random;
  const crypto::KeyPair author = ledger::KeyOf("centre-a");
  for (std::size_t i = 0; i < kTransactions; ++i) {
    const auto tx =
        ledger::MakeTransaction(genesis.chain_id(), "SubjectRegistered",
                                Encode(tiers::Registration(fmt::format("subject {}", i))),
                                ledger::pb::DISCLOSURE_FULL, Height(900), author, random);
    out.transactions.push_back(ledger::Serialize(tx));
    out.ids.push_back(tx.id);
  }
  return out;
}

}  // namespace

Cluster::Cluster(Config drawn)
    : config(std::move(drawn)),
      world(config.seed),
      checker(config.byzantine),
      network(world, config),
      genesis(MakeGenesis(config)),
      empty_disk_(std::make_unique<Disk>()) {
  ListenToLog(counters);
  const Prepared& prepared = PreparedFor(genesis);
  empty_disk_->CopyFrom(*prepared.disk);
  transactions_ = prepared.transactions;
  for (std::size_t i = 0; i < prepared.ids.size(); ++i) transaction_of_[prepared.ids[i]] = i;
  checker.Know(genesis.validators());
  for (std::uint32_t i = 0; i < identities(); ++i) {
    vote_keys_.push_back(ledger::KeyOf(fmt::format("vote v{}", i)));
    node_keys_.push_back(ledger::KeyOf(fmt::format("node v{}", i)).public_key());
  }
  const std::uint32_t twins = config.twins ? config.byzantine : 0;
  for (std::uint32_t i = 0; i < identities() + twins; ++i) {
    const bool twin = i >= config.validators && i < config.validators + twins;
    const std::uint32_t identity = i < config.validators ? i
                                   : twin                ? i - config.validators
                                                         : i - twins;
    nodes_.push_back(std::make_unique<Node>(*this, identity, i));
    network.Add(nodes_.back().get());
  }
  for (std::uint32_t i = 0; i < config.byzantine; ++i) {
    if (!config.twins) MakeLiar(*this, i);
  }
  if (config.twins) MixTwins(*this);
}

Cluster::~Cluster() { Listener::counters() = nullptr; }

std::uint32_t Cluster::IdentityOf(const NodeKey& key) const {
  const auto found = std::find(node_keys_.begin(), node_keys_.end(), key);
  CHECK(found != node_keys_.end(), "nobody has this key");
  return static_cast<std::uint32_t>(found - node_keys_.begin());
}

void Cluster::StartAll() {
  for (const auto& each : nodes_) each->Start();
}

void Cluster::Want(std::size_t transaction, std::uint64_t after_ms) {
  CHECK(transaction < transactions_.size());
  wanted_.insert(transaction);
  world.After(after_ms, [this, transaction] { Ask(transaction); });
}

tiers::pb::NodeChange Cluster::NodeChange(std::optional<std::uint32_t> out,
                                          std::optional<std::uint32_t> in) const {
  const auto name = [](std::uint32_t identity) { return fmt::format("v{}", identity); };
  tiers::pb::NodeChange change;
  if (out) change.set_node(name(*out));
  if (in) {
    *change.mutable_offer() = tiers::MakeOffer(genesis.chain_id(), name(*in), &vote_keys_[*in],
                                               ledger::KeyOf("node " + name(*in)));
  }
  return change;
}

void Cluster::Change(std::optional<std::uint32_t> out, std::optional<std::uint32_t> in) {
  counters.Count(!in ? "removal proposed" : out ? "replacement proposed" : "addition proposed");
  changing_ = true;
  Propose({NodeChange(out, in)});
}

void Cluster::Propose(const std::vector<tiers::pb::NodeChange>& changes) {
  constexpr std::uint64_t kUntil = 900;  // heights; no run comes near
  tiers::pb::ValidatorProposed proposal;
  proposal.set_open_until(kUntil);
  for (const auto& change : changes) *proposal.add_changes() = change;
  const auto tx = ledger::MakeTransaction(genesis.chain_id(), "ValidatorProposed", Encode(proposal),
                                          ledger::pb::DISCLOSURE_UNSPECIFIED, Height(kUntil),
                                          ledger::KeyOf("centre-a"), random_);
  transaction_of_[tx.id] = transactions_.size();
  transactions_.push_back(ledger::Serialize(tx));
  Ask(transactions_.size() - 1);
}

bool Cluster::AllVote() const {
  const crypto::ValidatorSet& set = checker.LatestSet();
  return std::ranges::all_of(nodes_, [&](const auto& node) {
    return !checker.Honest(node->identity()) || !node->PlaceIn(set) ||
           node->votes_in() == set.epoch();
  });
}

void Cluster::ChangeAnything() {
  if (changing_ || calm_) return;
  if (!AllVote()) return world.After(kAskAgainMs, [this] { ChangeAnything(); });
  std::vector<std::uint32_t> removable, addable;
  const crypto::ValidatorSet& set = checker.LatestSet();
  for (std::uint32_t i = config.byzantine; i < identities(); ++i) {
    (set.FindNodeKey(node_keys_[i]) ? removable : addable).push_back(i);
  }
  const auto any = [&](const std::vector<std::uint32_t>& of) {
    return of[world.rng().Below(of.size())];
  };
  const bool may_shrink = set.size() > 1 && crypto::MaxFaulty(set.size() - 1) >= config.byzantine;
  const std::uint64_t kind = world.rng().Below(3);
  if (kind == 0 && may_shrink) {
    Change(any(removable), std::nullopt);
  } else if (kind == 1 && !addable.empty() && !removable.empty()) {
    Change(any(removable), any(addable));
  } else if (!addable.empty()) {
    Change(std::nullopt, any(addable));
  }
}

void Cluster::Ask(std::size_t transaction) {
  if (IsSealed(transaction)) return;
  Node& asked = *nodes_[world.rng().Between(config.byzantine, config.validators - 1)];
  if (asked.alive()) {
    asked.chain().Submit(transactions_[transaction], [](const auto&) {});
  }
  world.After(kAskAgainMs, [this, transaction] { Ask(transaction); });
}

void Cluster::Heal() {
  calm_ = true;
  network.Calm();
  network.Heal();
  for (const auto& each : nodes_) {
    each->SetDiskFull(false);
    each->StallUntil(0);
    each->FreezeClock(false);
    each->skew = static_cast<std::int64_t>(world.rng().Below(1000));
    each->rate_permille = 1000;
    each->CrashAtBoundary(0);
    each->Start();
  }
}

void Cluster::RunUntil(std::uint64_t end, const std::function<bool()>& until) {
  while (world.now() < end && checker.failures().empty()) {
    if (until && until()) return;
    if (!world.RunOne()) return;
  }
}

bool Cluster::AllSealed() const {
  if (!std::ranges::includes(sealed_transactions_, wanted_)) return false;
  const Height head = checker.sealed().empty() ? Height() : checker.sealed().rbegin()->first;
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& each) {
    return !checker.Honest(each->identity()) || (each->alive() && each->sealed() == head);
  });
}

void Cluster::MustRecover() {
  Heal();
  const std::uint64_t bound = kRecoveryTimeouts * kTimeoutCapMs;
  RunUntil(world.now() + bound, [this] { return AllSealed(); });
  if (checker.failures().empty() && !AllSealed()) {
    checker.Fail(fmt::format("no progress in {} ms without faults", bound));
  }
}

void Cluster::OnSealed(Node& node, Height height) {
  const ledger::Chain& chain = node.chain().chain();
  const auto certified = chain.GetHeader(height);
  const auto header = certified ? Decode<ledger::pb::BlockHeader>(certified->header())
                                : Result<ledger::pb::BlockHeader>(tl::unexpect, certified.error());
  if (!header) return checker.Fail("a sealed block cannot be read: " + header.error().ToString());
  world.Trace(height.value);
  const bool first = !checker.sealed().contains(height);
  const Hash hash = crypto::TaggedHash(crypto::Domain::kHeader, {certified->header()});
  const Checker::Block sealed{height, hash, Timestamp(header->time_ms()), Epoch(header->epoch())};
  checker.OnSealed(node.identity(), sealed, node.sealed());
  if (!checker.Knows(sealed.epoch)) return checker.Fail("a block of an unknown epoch was sealed");
  checker.OnCertificate(node.identity(), genesis.chain_id(), sealed,
                        ledger::FromProto(certified->certificate()).value(),
                        node.PlaceIn(checker.SetOf(sealed.epoch)));
  if (header->next_validators_hash() != header->validators_hash()) OnBoundary(node, *header);
  const ledger::Head head = chain.head();
  if (head.height < height || (head.height == height && head.hash != hash) ||
      (head.height == height && header->state_root() != head.state_root.ToBytes())) {
    checker.Fail(
        fmt::format("node {} sealed {} but its head is {}", node.identity(), height, head.height));
  }
  const node::ChainStatusInfo status = node.chain().status();
  if (status.mempool_transactions > kMaxMempool) checker.Fail("a mempool grows");
  if (header->proposer() == 0) counters.Count("null batch filled");
  if (header->proposer() != 0 && chain.GetReceipts(height)->empty()) {
    counters.Count("empty batch sealed");
  }
  if (status.replica && header->proposer() != 0 && header->view() < status.replica->view.value) {
    counters.Count("batch of an earlier view sealed");
  }
  if (!first || !checker.Honest(node.identity())) return;
  const auto block = chain.GetBlock(height);
  if (!block) return checker.Fail("a sealed block cannot be read: " + block.error().ToString());
  const auto receipts = chain.GetReceipts(height).value();
  for (int i = 0; i < block->transactions_size(); ++i) {
    const auto found =
        transaction_of_.find(ledger::TransactionId(block->transactions(i).envelope()));
    if (found == transaction_of_.end()) {
      checker.Fail("a transaction nobody made was sealed");
    } else {
      OnTransaction(found->second, receipts[i]);
    }
  }
}

void Cluster::OnTransaction(std::size_t transaction, ledger::pb::ReceiptCode receipt) {
  const bool change = transaction >= kTransactions;
  if (receipt == ledger::pb::RECEIPT_CODE_DUPLICATE) {
    counters.Count("duplicate sealed as such");
  } else if (receipt != ledger::pb::RECEIPT_CODE_OK && !change) {
    checker.Fail(fmt::format("transaction {} was refused: {}", transaction,
                             ledger::pb::ReceiptCode_Name(receipt)));
  } else if (!sealed_transactions_.insert(transaction).second) {
    checker.Fail(fmt::format("transaction {} was executed twice", transaction));
  } else if (receipt != ledger::pb::RECEIPT_CODE_OK) {
    counters.Count("change refused");
    changing_ = false;
  }
}

void Cluster::OnBoundary(const Node& node, const ledger::pb::BlockHeader& header) {
  const Epoch next(header.epoch() + 1);
  const bool first = !checker.Knows(next);
  const auto state = node.chain().chain().SealedState();
  const auto now = ledger::ReadEpoch(*state).value();
  checker.Know(now.number() == next ? now.validators
                                    : ledger::ReadEndedEpoch(*state, next).value().validators);
  if (node.was_changing()) counters.Count("epoch crossed during a view change");
  if (!first) return;
  counters.Count("epoch begun");
  changing_ = false;
}

void Cluster::OnEvidence(const Node& node) {
  counters.Count("evidence");
  for (const auto& piece : node.chain().EvidenceList()) {
    checker.OnEvidence(genesis.chain_id(), Epoch(piece.epoch()), piece.first(), piece.second(),
                       [this](const crypto::Validator& v) { return IdentityOf(v); });
  }
}

std::string Cluster::ToString() const {
  std::string out = config.ToString() + fmt::format("\nat {} ms\n", world.now());
  for (const auto& each : nodes_) out += each->ToString() + "\n";
  return out;
}

}  // namespace talent::sim
