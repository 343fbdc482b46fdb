#include "node/bench/promotion_bench.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/canonical.h"
#include "node/bench/bench.h"
#include "talent/tiers/v1/consortium.pb.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node {
namespace {

namespace pb = tiers::v1;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kPromotionsWait{30};  // for the last promotions
constexpr std::uint64_t kValidForHeights = 10'000;
constexpr std::uint64_t kConsentMs = kDayMs;

/// One record on its way.
struct Journey {
  Steady::time_point sent;
  std::optional<Steady::time_point> sealed, arrived;
};

double MsBetween(Steady::time_point from, Steady::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

class PromotionBench {
 public:
  PromotionBench(const PromotionBenchOptions& options, const crypto::KeyPair& key, Client& source,
                 Client& target)
      : options_(options), key_(key), source_(source), target_(target) {}

  Result<PromotionBenchReport> Run() {
    valid_until_ = TRY(HeadOf(source_, options_.source)) + kValidForHeights;
    TRY(Enrol());
    const Height from = TRY(HeadOf(target_, options_.target)) + 1;
    std::thread watcher([&] { Watch(from); });
    Submit();
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kPromotionsWait, [&] { return running_ == 0 && on_the_way_ == 0; });
      done_ = true;
    }
    watcher.join();
    // Callbacks refer to this object.
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ == 0; });
    return Report();
  }

 private:
  static Result<Height> HeadOf(Client& client, const ChainId& chain) {
    const auto status = TRY(client.GetStatus());
    for (const auto& state : status.chains()) {
      if (state.chain_id() == chain.View()) return Height(state.height());
    }
    return Fail(Code::kNotFound, "the node does not host chain {}", chain.Hex());
  }
  ledger::Transaction Sign(const google::protobuf::Message& message,
                           ledger::pb::Disclosure disclosure) {
    return ledger::MakeTransaction(options_.source, message.GetDescriptor()->name(),
                                   Encode(message), disclosure, valid_until_, key_, random_);
  }

  /// A person that lets its records go.
  Status Enrol() {
    subject_ = random_.Draw(Hash::kSize);
    pb::SubjectRegistered registered;
    registered.set_subject_id(subject_);
    registered.set_commitment(random_.Draw(Hash::kSize));
    registered.set_custodian(options_.centre);
    registered.set_consent_version(1);
    pb::ConsentGiven consent;
    consent.set_subject_id(subject_);
    consent.add_tiers(pb::CONSENT_TIER_CONSORTIUM);
    consent.set_purpose("benchmark");
    consent.set_until_ms(SystemClock().Now().value + kConsentMs);
    for (const google::protobuf::Message* const message :
         {static_cast<google::protobuf::Message*>(&registered),
          static_cast<google::protobuf::Message*>(&consent)}) {
      TRY(source_.SubmitAndWait(options_.source,
                                ledger::Serialize(Sign(*message, ledger::pb::DISCLOSURE_PRIVATE)),
                                kOutcomeWait));
    }
    return {};
  }

  ledger::Transaction NextRecord(std::uint32_t number) {
    pb::AbilityAssessed assessed;
    assessed.set_subject_id(subject_);
    auto& score = *assessed.add_scores();
    score.set_dimension("experience");
    score.set_value(number % 10'000);
    assessed.set_method("bench");
    assessed.set_assessor("board-1");
    assessed.set_phase(pb::ASSESSMENT_PHASE_ENTRY);
    return Sign(assessed, ledger::pb::DISCLOSURE_FULL);
  }

  // When they are due, whatever became of those before.
  void Submit() {
    const auto begun = Steady::now();
    const std::uint64_t records = options_.rate * options_.duration.value / 1000;
    for (std::uint64_t i = 0; i < records; ++i) {
      const auto tx = NextRecord(static_cast<std::uint32_t>(i));
      std::this_thread::sleep_until(begun +
                                    std::chrono::microseconds(1'000'000 * i / options_.rate));
      {
        const std::lock_guard lock(mutex_);
        journeys_[tx.id].sent = Steady::now();
        ++running_;
      }
      source_.SubmitAndWait(
          options_.source, ledger::Serialize(tx), kOutcomeWait,
          [this, id = tx.id](const Result<Submitted>& done) { Sealed(id, done); });
    }
  }

  void Sealed(const TxId& id, const Result<Submitted>& done) {
    const std::lock_guard lock(mutex_);
    --running_;
    if (done && done->state.status() == v1::TRANSACTION_STATUS_SEALED) {
      Journey& journey = journeys_[id];
      journey.sealed = Steady::now();
      if (!journey.arrived) ++on_the_way_;
    } else if (++report_.errors == 1) {
      report_.first_error =
          done ? v1::TransactionStatus_Name(done->state.status()) : done.error().ToString();
    }
    changed_.notify_all();
  }

  bool IsDone() {
    const std::lock_guard lock(mutex_);
    return done_;
  }

  /// Notes which of our records every block of the consortium brings.
  void Watch(Height from) {
    constexpr Millis kTurn{1000};  // an idle chain sends nothing, and the end is to be seen
    while (!IsDone()) {
      (void)target_.StreamBlocks(options_.target, from, kTurn,
                                 [&](const v1::StreamBlocksResponse& response) {
                                   Arrived(response.block());
                                   ++from.value;
                                   return !IsDone();
                                 });
    }
  }

  void Arrived(const ledger::pb::BlockWithPayloads& block) {
    const auto now = Steady::now();
    const std::lock_guard lock(mutex_);
    for (const auto& payload : block.payloads()) {
      const auto promoted = Decode<pb::RecordPromoted>(payload.data());
      if (!promoted) continue;
      const auto journey = journeys_.find(ledger::TransactionId(promoted->record().envelope()));
      if (journey == journeys_.end() || journey->second.arrived) continue;
      journey->second.arrived = now;
      if (journey->second.sealed) --on_the_way_;
    }
    changed_.notify_all();
  }

  PromotionBenchReport Report() {
    std::vector<double> commit, promotion;
    for (const auto& [id, journey] : journeys_) {
      if (!journey.sealed) continue;
      commit.push_back(MsBetween(journey.sent, *journey.sealed));
      // The two answers come over two connections: one that seems early came at once.
      if (journey.arrived) {
        promotion.push_back(std::max(0.0, MsBetween(*journey.sealed, *journey.arrived)));
      }
    }
    report_.records = commit.size();
    report_.arrived = promotion.size();
    report_.commit_p50_ms = Percentile(commit, 0.5);
    report_.commit_p99_ms = Percentile(commit, 0.99);
    report_.promotion_p50_ms = Percentile(promotion, 0.5);
    report_.promotion_p99_ms = Percentile(promotion, 0.99);
    return report_;
  }

  const PromotionBenchOptions& options_;
  const crypto::KeyPair& key_;
  Client& source_;
  Client& target_;
  crypto::SystemRandom random_;
  Height valid_until_;
  Bytes subject_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<TxId, Journey> journeys_;
  std::size_t running_ = 0;     // calls
  std::size_t on_the_way_ = 0;  // sealed, and not yet arrived
  bool done_ = false;
  PromotionBenchReport report_;
};

}  // namespace

Result<PromotionBenchReport> RunPromotionBench(const PromotionBenchOptions& options,
                                               const crypto::KeyPair& key, Client& source,
                                               Client& target) {
  return PromotionBench(options, key, source, target).Run();
}

}  // namespace talent::node
