#include "soak/load.h"

#include <algorithm>
#include <random>

#include "base/canonical.h"
#include "base/env.h"
#include "base/file.h"
#include "crypto/sha256.h"
#include "node/devnet/party_session.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::soak {
namespace {

namespace tiers = ::talent::tiers::v1;
namespace pb = ::talent::ledger::v1;

constexpr Millis kWait{4000};  // for an outcome; then it is unknown
constexpr std::chrono::milliseconds kPause{20};
constexpr std::uint64_t kConsentMs = 24 * 3'600'000;

Answer ToAnswer(const node::v1::TransactionState& state) {
  switch (state.status()) {
    case node::v1::TRANSACTION_STATUS_SEALED:
      return {Answer::kSealed, state.height(), state.index()};
    case node::v1::TRANSACTION_STATUS_REJECTED:
      // A block may hold it after its time, to no effect: the same as if none did.
      if (state.receipt() == pb::RECEIPT_CODE_EXPIRED) return {Answer::kExpired, 0, 0};
      return {Answer::kRejected, state.height(), state.index()};
    case node::v1::TRANSACTION_STATUS_EXPIRED:
      return {Answer::kExpired, 0, 0};
    default:
      return {};
  }
}

/// An error binds nobody but where the transaction itself was found wanting.
Answer ToAnswer(const Error& error) {
  switch (error.code) {
    case Code::kExpired:
      return {Answer::kExpired, 0, 0};
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kPrecondition:
      return {Answer::kRefused, 0, 0};
    default:
      return {};
  }
}

tiers::AbilityAssessed Assessment(const Bytes& subject, std::uint32_t score) {
  tiers::AbilityAssessed assessed;
  assessed.set_subject_id(subject);
  assessed.add_scores()->set_dimension("analysis");
  assessed.mutable_scores(0)->set_value(score);
  assessed.set_method("test");
  assessed.set_assessor("board-1");
  assessed.set_phase(tiers::ASSESSMENT_PHASE_ENTRY);
  return assessed;
}

}  // namespace

Result<std::pair<Answer, std::uint64_t>> Ask(node::Client& client, const ChainId& chain,
                                             const TxId& id) {
  const auto found = TRY(client.GetTransaction(chain, id));
  return std::pair(ToAnswer(found.state()), found.as_of_height());
}

Result<People> Load::Prepare(const Cluster& cluster, std::size_t subjects) {
  const auto key = TRY(cluster.devnet().PartyKey("centre-1"));
  const auto& node = cluster.Endpoint("centre-1");
  auto session = TRY(
      node::PartySession::Open(node.grpc, TRY(ReadFile(node.tls_ca, node::kMaxDevnetFile)),
                               TRY(cluster.devnet().endpoints().FindChain("private-a")).id, key));
  People people;
  for (std::size_t i = 0; i < subjects; ++i) {
    tiers::SubjectRegistered subject;
    subject.set_subject_id(crypto::Sha256("subject " + std::to_string(i)).ToBytes());
    subject.set_commitment(crypto::Sha256("file " + std::to_string(i)).ToBytes());
    subject.set_custodian("centre-1");
    subject.set_consent_version(1);
    TRY(session.Submit("SubjectRegistered", subject, pb::DISCLOSURE_PRIVATE));
    tiers::ConsentGiven consent;
    consent.set_subject_id(subject.subject_id());
    consent.add_kinds("AbilityAssessed");
    consent.add_tiers(tiers::CONSENT_TIER_CONSORTIUM);
    consent.set_purpose("placement");
    consent.set_until_ms(SystemClock().Now().value + kConsentMs);
    TRY(session.Submit("ConsentGiven", consent, pb::DISCLOSURE_PRIVATE));
    people.subjects.push_back(subject.subject_id());
  }
  return people;
}

// One client; its own connections, which it drops when a node fails it.
class Load::ClientLoop {
 public:
  ClientLoop(Load& load, std::uint32_t number, std::uint64_t seed)
      : load_(load), number_(number), random_(seed + number) {}

  void Run() {
    while (!load_.stopping_) {
      const std::uint64_t dice = random_() % 10;
      if (dice < 6) {
        WriteNew();
      } else if (dice < 8) {
        SubmitAgain();
      } else {
        Read();
      }
      std::this_thread::sleep_for(kPause);
    }
  }

 private:
  struct Open {
    TxId id;
    Bytes transaction;
  };

  node::Client* Connected(const std::string& node) {
    auto& client = clients_[node];
    if (!client) {
      auto connected = load_.cluster_.Connect(node);
      if (connected && (*connected)->Login(load_.chain_, load_.key_))
        client = std::move(*connected);
    }
    return client.get();
  }

  std::string AnyNode() {
    const auto& nodes = Cluster::Centres();
    return nodes[random_() % nodes.size()];
  }

  void WriteNew() {
    const std::string node = AnyNode();
    node::Client* const client = Connected(node);
    const auto status =
        client != nullptr
            ? client->GetStatus()
            : Result<node::v1::GetStatusResponse>(Fail(Code::kUnavailable, "not connected"));
    if (!status) {
      clients_.erase(node);
      return;
    }
    std::uint64_t head = 0;
    for (const auto& chain : status->chains()) {
      if (chain.chain_id() == load_.chain_.View()) head = chain.height();
    }
    // Every eighth has little time left, every sixteenth is of nobody and must be refused.
    const std::uint64_t valid_for = random_() % 8 == 0 ? 1 + random_() % 3 : 1000;
    const bool of_nobody = random_() % 16 == 0;
    const Bytes subject = of_nobody
                              ? crypto::Sha256("nobody").ToBytes()
                              : load_.people_.subjects[random_() % load_.people_.subjects.size()];
    const auto tx = ledger::MakeTransaction(
        load_.chain_, "AbilityAssessed", Encode(Assessment(subject, random_() % 10'000)),
        pb::DISCLOSURE_FULL, Height(head + valid_for), load_.key_, salt_);
    SubmitTo(node, {tx.id, ledger::Serialize(tx)});
  }

  void SubmitAgain() {
    if (open_.empty()) return Read();
    const std::size_t at = random_() % open_.size();
    const Open again = std::move(open_[at]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
    SubmitTo(AnyNode(), again);
  }

  void SubmitTo(const std::string& node, const Open& what) {
    Submission submission{.client = number_, .id = what.id, .invoked = load_.Now()};
    node::Client* const client = Connected(node);
    if (client == nullptr) {
      if (ids_.contains(what.id)) open_.push_back(what);
      return;
    }
    const auto answer = client->SubmitAndWait(load_.chain_, what.transaction, kWait);
    submission.answered = load_.Now();
    submission.answer = answer ? ToAnswer(answer->state) : ToAnswer(answer.error());
    load_.history_.Add(submission);
    if (ids_.insert(what.id).second) known_.push_back(what.id);
    switch (submission.answer.kind) {
      case Answer::kUnknown:
        ++load_.unknown_;
        open_.push_back(what);
        if (open_.size() > kMaxOpen) open_.erase(open_.begin());
        if (!answer && answer.error().code == Code::kUnavailable) clients_.erase(node);
        break;
      case Answer::kSealed:
        ++load_.acknowledged_;
        load_.AcknowledgedFrom(submission.invoked);
        break;
      default:
        ++load_.refused_;
        break;
    }
  }

  void Read() {
    if (known_.empty()) return;
    // The latest ones most of all: they are the ones that may get lost.
    const std::size_t back = std::min<std::size_t>(known_.size() - 1, random_() % 20);
    const TxId id =
        random_() % 4 == 0 ? known_[random_() % known_.size()] : known_[known_.size() - 1 - back];
    const std::string node = AnyNode();
    node::Client* const client = Connected(node);
    if (client == nullptr) return;
    Reading reading{.client = number_, .node = node, .id = id, .invoked = load_.Now()};
    const auto answer = Ask(*client, load_.chain_, id);
    if (!answer) {
      clients_.erase(node);
      return;
    }
    reading.answered = load_.Now();
    std::tie(reading.answer, reading.as_of) = *answer;
    load_.history_.Add(reading);
    ++load_.reads_;
  }

  static constexpr std::size_t kMaxOpen = 200;

  Load& load_;
  const std::uint32_t number_;
  std::mt19937_64 random_;
  crypto::SystemRandom salt_;
  std::map<std::string, std::unique_ptr<node::Client>> clients_;
  std::vector<Open> open_;  // submitted, outcome unknown
  std::vector<TxId> known_;
  std::set<TxId> ids_;
};

Load::Load(const Cluster& cluster, const People& people, std::uint32_t clients, std::uint64_t seed)
    : cluster_(cluster),
      people_(people),
      key_(cluster.devnet().PartyKey("centre-1").value()),
      chain_(cluster.devnet().endpoints().FindChain("private-a").value().id) {
  for (std::uint32_t i = 0; i < clients; ++i) {
    threads_.emplace_back([this, i, seed] { ClientLoop(*this, i, seed).Run(); });
  }
}

Load::~Load() { Stop(); }

void Load::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Load::AcknowledgedFrom(Instant invoked) {
  Instant::rep known = acknowledged_from_;
  while (known < invoked.count() &&
         !acknowledged_from_.compare_exchange_weak(known, invoked.count())) {
  }
}

Load::Totals Load::totals() const { return {acknowledged_, unknown_, refused_, reads_}; }

Instant Load::Now() const {
  return std::chrono::duration_cast<Instant>(std::chrono::steady_clock::now() - began_);
}

}  // namespace talent::soak
