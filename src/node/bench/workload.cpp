#include "node/bench/workload.h"

#include <chrono>

#include "base/canonical.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node {
namespace {

namespace pb = ::talent::tiers::v1;

constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kMessageBytes = 256;  // about an envelope with its domain and chain

pb::SubjectRegistered Registration(const Bytes& subject, const std::string& centre,
                                   Random& random) {
  pb::SubjectRegistered out;
  out.set_subject_id(subject);
  out.set_commitment(random.Draw(kIdBytes));
  out.set_custodian(centre);
  out.set_consent_version(1);
  return out;
}

/// Of the size of one imported from a table of some ten columns.
pb::AbilityAssessed Assessment(const Bytes& subject) {
  pb::AbilityAssessed out;
  out.set_subject_id(subject);
  for (const char* dimension : {"experience", "communication", "technical", "learning"}) {
    auto& score = *out.add_scores();
    score.set_dimension(dimension);
    score.set_value(7500);
  }
  out.set_method("bench");
  out.set_assessor("board-1");
  out.set_phase(pb::ASSESSMENT_PHASE_ENTRY);
  auto& tag = *out.add_tags();
  tag.set_industry("software");
  tag.set_match(pb::TAG_MATCH_MATCHED);
  tag.set_weight(8000);
  return out;
}

}  // namespace

BenchWorkload::BenchWorkload(Options options, const crypto::KeyPair& key)
    : options_(std::move(options)), key_(key) {
  ahead_.reserve(options_.signed_ahead);
  while (ahead_.size() < options_.signed_ahead) ahead_.push_back(Make());
}

SubjectTransactions BenchWorkload::Next() {
  const std::size_t at = used_.fetch_add(1);
  return at < ahead_.size() ? std::move(ahead_[at]) : Make();
}

SubjectTransactions BenchWorkload::Make() {
  const Bytes subject = random_.Draw(kIdBytes);
  // Private records: the benchmark measures one chain, not what is promoted from it.
  const auto sign = [&](std::string_view kind, const google::protobuf::Message& payload) {
    return ledger::Serialize(ledger::MakeTransaction(options_.chain, kind, Encode(payload),
                                                     ledger::pb::DISCLOSURE_PRIVATE,
                                                     options_.valid_until, key_, random_));
  };
  return {sign("SubjectRegistered", Registration(subject, options_.centre, random_)),
          sign("AbilityAssessed", Assessment(subject))};
}

double MeasureVerificationsPerSecond() {
  crypto::SystemRandom random;
  const auto key = crypto::KeyPair::Generate(random);
  const Bytes message = random.Draw(kMessageBytes);
  const auto signature = key.SignRaw(message);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  std::chrono::duration<double> taken{};
  do {
    for (int i = 0; i < 100; ++i, ++done) {
      CHECK(crypto::VerifyRaw(key.public_key(), message, signature));
    }
    taken = std::chrono::steady_clock::now() - start;
  } while (taken.count() < 1.0);
  return static_cast<double>(done) / taken.count();
}

}  // namespace talent::node
