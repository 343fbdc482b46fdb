#include "node/cli/policy_dry_run.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "node/cli/chain_of.h"
#include "node/cli/command.h"
#include "tiers/policy_check.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;
using Json = nlohmann::json;
using tiers::PolicyComparison;

constexpr std::uint32_t kPage = 1000;

class DryRun {
 public:
  DryRun(const ChainConnection& connection, const pb::PromotionPolicy& present,
         const pb::PromotionPolicy& next)
      : connection_(connection), comparison_(present, next) {}

  Status Run() {
    Bytes from;
    do {
      const auto page =
          TRY(client().ScanState(connection_.chain, tiers::kPrivateRecords.name, from, kPage));
      for (const auto& entry : page.entries()) {
        const BytesView id = BytesView(entry.key()).substr(tiers::kPrivateRecords.name.size());
        TRY(Add(id, TRY(Decode<pb::PrivateRecord>(entry.value()))));
        progress_.Show(Progress(id));
      }
      from = page.next_key();
    } while (!from.empty());
    return {};
  }

  Json Report() const;

 private:
  Client& client() const { return *connection_.node.client; }
  Status Add(BytesView id, const pb::PrivateRecord& entry);
  Result<Bytes> Payload(BytesView id);
  Result<bool> IsConsented(const pb::PrivateRecord& entry);
  std::string Progress(BytesView id) const;

  const ChainConnection& connection_;
  PolicyComparison comparison_;
  std::uint64_t without_payload_ = 0;
  ProgressLine progress_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// Empty: it is not there any more, or not for us.
Result<Bytes> DryRun::Payload(BytesView id) {
  const auto answer = client().GetTransaction(connection_.chain, TRY(TxId::FromBytes(id)));
  if (!answer) {
    if (answer.error().code == Code::kPruned || answer.error().code == Code::kNotFound) return "";
    return tl::unexpected<Error>(answer.error());
  }
  return answer->transaction().payload().data();
}

// Consent is asked for when a record is written, and what it was then is not kept: that of today
// stands in for it.
Result<bool> DryRun::IsConsented(const pb::PrivateRecord& entry) {
  const auto answer =
      TRY(client().GetState(connection_.chain, tiers::kConsents.Key(entry.subject_id())));
  if (!answer.present()) return false;
  const auto consent = TRY(Decode<pb::Consent>(answer.value()));
  const auto now = Timestamp(connection_.state.head_time_ms());
  return tiers::Covers(consent, entry.content_kind(), now) &&
         std::ranges::find(consent.tiers(), pb::CONSENT_TIER_CONSORTIUM) != consent.tiers().end();
}

Status DryRun::Add(BytesView id, const pb::PrivateRecord& entry) {
  Bytes payload;
  if (comparison_.NeedsPayload(entry)) {
    payload = TRY(Payload(id));
    if (payload.empty()) {
      ++without_payload_;
      return {};
    }
  }
  const auto facts = TRY(PolicyComparison::FactsOf(entry, payload));
  comparison_.Add(id, facts, !comparison_.IsNew(facts) || TRY(IsConsented(entry)));
  return {};
}

// Record ids are hashes: where one lies says how many are done.
std::string DryRun::Progress(BytesView id) const {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(id[i]); };
  const double done = (256.0 * byte(0) + byte(1) + 1) / 65536;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  return fmt::format("{} records ({:.0f} %), {:.0f} a second, {:.0f} s to go",
                     comparison_.records(), 100 * done,
                     static_cast<double>(comparison_.records()) / std::max(seconds, 0.001),
                     seconds * (1 - done) / done);
}

std::string ToText(const tiers::Verdict& verdict) {
  if (!verdict.leaves) return "stays";
  return fmt::format("leaves, priority {}, value class {}", verdict.priority, verdict.value_class);
}

std::string WhatChanges(const PolicyComparison::Change& change) {
  if (!change.before.leaves) return "newly promotable";
  if (!change.after.leaves) return "no longer promotable";
  std::string what;
  if (change.before.priority != change.after.priority) {
    what = fmt::format("priority {} -> {}", change.before.priority, change.after.priority);
  }
  if (change.before.value_class != change.after.value_class) {
    what += fmt::format("{}value class {} -> {}", what.empty() ? "" : ", ",
                        change.before.value_class, change.after.value_class);
  }
  return what;
}

Json DryRun::Report() const {
  Json changes = Json::array();
  for (const auto& change : comparison_.changes()) {
    Json examples = Json::array();
    for (const Bytes& id : change.examples) examples.push_back(ToHex(id));
    changes.push_back({{"kind", change.kind},
                       {"change", WhatChanges(change)},
                       {"before", ToText(change.before)},
                       {"after", ToText(change.after)},
                       {"records", change.records},
                       {"without_consent", change.without_consent},
                       {"examples", std::move(examples)}});
  }
  return {{"checked", comparison_.records()},
          {"changed", comparison_.changed()},
          {"without_payload", without_payload_},
          {"changes", std::move(changes)}};
}

}  // namespace

Result<Json> CheckRecords(const ChainConnection& connection, const pb::PromotionPolicy& present,
                          const pb::PromotionPolicy& next) {
  DryRun run(connection, present, next);
  TRY(run.Run());
  return run.Report();
}

void PrintRecords(const Json& records) {
  fmt::print("\n{} records checked, {} of them would be decided otherwise\n",
             records.at("checked").get<std::uint64_t>(),
             records.at("changed").get<std::uint64_t>());
  if (const auto missing = records.at("without_payload").get<std::uint64_t>(); missing != 0) {
    fmt::print("{} assessments are not judged: their payload is not here or not for this key\n",
               missing);
  }
  if (records.at("changes").empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const auto& change : records.at("changes")) {
    const auto kept = change.at("without_consent").get<std::uint64_t>();
    rows.push_back(
        {change.at("kind"), change.at("change"),
         std::to_string(change.at("records").get<std::uint64_t>()),
         kept == 0 ? "" : fmt::format("{} kept by consent", kept),
         fmt::format("{}", fmt::join(change.at("examples").get<std::vector<std::string>>(), " "))});
  }
  PrintTable({"KIND", "CHANGE", "RECORDS", "", "FOR EXAMPLE"}, rows);
}

}  // namespace talent::node::cli
