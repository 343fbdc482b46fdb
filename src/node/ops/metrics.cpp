#include "node/ops/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

namespace talent::node {
namespace {

// Seconds; an fdatasync takes 0.3 ms on a good disk, and one of seconds stops a chain.
const prometheus::Histogram::BucketBoundaries kSyncBuckets = {
    0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3};

// Of an answer over HTTP: one from the cache of the database takes 0.1 ms, and what takes a second
// a person notices.
const prometheus::Histogram::BucketBoundaries kWebBuckets = {
    0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10};

// RECEIPT_CODE_BAD_EVIDENCE → "bad_evidence".
std::string CodeLabel(ledger::pb::ReceiptCode code) {
  std::string name = ledger::pb::ReceiptCode_Name(code);
  constexpr std::string_view kPrefix = "RECEIPT_CODE_";
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name.empty() ? "unknown" : name;
}

prometheus::Histogram& MakeHistogram(prometheus::Registry& registry, const std::string& name,
                                     const std::string& help,
                                     const prometheus::Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram()
      .Name("talentd_" + name)
      .Help(help)
      .Register(registry)
      .Add({}, buckets);
}

}  // namespace

Metrics::Gauges& Metrics::MakeGauge(const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name("talentd_" + name).Help(help).Register(registry_);
}

Metrics::Counters& Metrics::MakeCounter(const std::string& name, const std::string& help) {
  return prometheus::BuildCounter().Name("talentd_" + name).Help(help).Register(registry_);
}

Metrics::Metrics()
    : height_(MakeGauge("chain_height", "Height of the last sealed block")),
      synced_(MakeGauge("chain_synced", "1 where the chain is within a window of its peers")),
      sync_gap_(MakeGauge("chain_sync_gap_blocks", "Blocks behind the highest head of a peer")),
      held_blocks_(MakeGauge("chain_held_blocks",
                             "Blocks that peers hold back until payloads in them are released")),
      halted_(MakeGauge("chain_halted", "1 where the chain has stopped; the log says why")),
      mempool_transactions_(MakeGauge("mempool_transactions", "Admitted and not yet sealed")),
      mempool_bytes_(MakeGauge("mempool_bytes", "Bytes of admitted and not yet sealed")),
      epoch_(MakeGauge("chain_epoch", "Epoch of the next block")),
      validators_(MakeGauge("chain_validators", "Validators of that epoch")),
      epoch_end_(
          MakeGauge("chain_epoch_end", "Last height of that epoch; 0 while none is decided")),
      validator_(MakeGauge("chain_validator", "1 where this node is one of these validators")),
      view_(MakeGauge("consensus_view", "Current view of this validator")),
      view_changing_(MakeGauge("consensus_view_changing", "1 while a view change is under way")),
      observer_(MakeGauge("consensus_observer",
                          "1 while this validator does not vote since it lost its votes")),
      evidence_(MakeGauge("consensus_evidence", "Pieces of evidence that validators equivocate")),
      seals_differ_(MakeGauge("consensus_seals_differ_height",
                              "Last height that f+1 others sealed otherwise than this node")),
      votes_forgotten_(MakeGauge(
          "consensus_votes_forgotten",
          "1 where others showed a vote of this validator that its vote log does not have")),
      view_changes_(MakeCounter("consensus_view_changes_total", "View changes begun")),
      dropped_messages_(MakeCounter("consensus_dropped_messages_total",
                                    "Verified messages that were of no use, by reason")),
      refused_(MakeCounter("chain_refused_total",
                           "Messages of peers refused before they were used, by what and reason")),
      blocks_(MakeCounter("chain_blocks_sealed_total", "Blocks sealed since the start")),
      transactions_(MakeCounter("chain_transactions_total", "Sealed transactions by receipt code")),
      peers_(MakeGauge("p2p_peers", "Connected nodes")),
      frames_(MakeCounter("p2p_frames_total", "Frames exchanged with other nodes")),
      bytes_(MakeCounter("p2p_bytes_total", "Bytes exchanged with other nodes, inside TLS")),
      dropped_frames_(MakeCounter("p2p_dropped_frames_total", "Frames a peer's queue refused")),
      refused_connections_(MakeCounter("p2p_refused_connections_total",
                                       "Incoming connections that were not accepted")),
      verify_waiting_(MakeGauge("verify_jobs", "Signature checks waiting or running")),
      verify_done_(MakeCounter("verify_jobs_total", "Signature checks done")),
      verify_refused_(MakeCounter("verify_refused_total", "Jobs refused as the pool was full")),
      sync_seconds_(MakeHistogram(registry_, "storage_sync_seconds",
                                  "Time of one synced write, of a vote log or the database",
                                  kSyncBuckets)),
      web_seconds_(MakeHistogram(registry_, "web_request_seconds",
                                 "From a request's first byte to the end of its answer",
                                 kWebBuckets)),
      web_requests_(MakeCounter("web_requests_total", "Requests answered, by route and status")),
      web_refused_(
          MakeCounter("web_refused_total",
                      "Connections and requests refused before they were read, by reason")),
      web_connections_(MakeGauge("web_connections", "Open connections of the HTTP gateway")),
      promotion_scanned_(MakeGauge("promotion_scanned_height", "Source blocks looked at")),
      promotion_waiting_(MakeGauge("promotion_waiting", "Records in the outbox by priority")),
      promotion_oldest_(
          MakeGauge("promotion_oldest_seconds", "Age of the outbox's oldest record by priority")),
      promotion_delivered_(MakeCounter("promotion_delivered_total", "Records that arrived")),
      promotion_dropped_(
          MakeCounter("promotion_dropped_total", "Records that can never arrive at the target")),
      promotion_skipped_(MakeCounter("promotion_skipped_heights_total",
                                     "Source blocks passed over as they are not here")) {}

void Metrics::RaiseTo(Counters& family, const Labels& labels, std::uint64_t total) {
  prometheus::Counter& counter = family.Add(labels);
  const std::lock_guard lock(raise_mutex_);
  const double more = static_cast<double>(total) - counter.Value();
  if (more > 0) counter.Increment(more);
}

void Metrics::BlockSealed(const std::string& chain,
                          std::span<const ledger::pb::ReceiptCode> receipts) {
  blocks_.Add({{"chain", chain}}).Increment();
  std::map<ledger::pb::ReceiptCode, std::size_t> counts;
  for (const auto code : receipts) ++counts[code];
  for (const auto& [code, n] : counts) {
    transactions_.Add({{"chain", chain}, {"code", CodeLabel(code)}})
        .Increment(static_cast<double>(n));
  }
}

void Metrics::Synced(std::chrono::duration<double> took) { sync_seconds_.Observe(took.count()); }

void Metrics::Answered(std::string_view route, unsigned status,
                       std::chrono::duration<double> took) {
  web_seconds_.Observe(took.count());
  web_requests_
      .Add({{"route", route.empty() ? "refused" : std::string(route)},
            {"status", std::to_string(status)}})
      .Increment();
}

void Metrics::Refused(std::string_view reason) {
  web_refused_.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::Connections(std::size_t open) {
  web_connections_.Add({}).Set(static_cast<double>(open));
}

void Metrics::SetChain(const std::string& chain, const ChainStatusInfo& status) {
  const Labels labels = {{"chain", chain}};
  const auto set = [&](Gauges& family, auto value) {
    family.Add(labels).Set(static_cast<double>(value));
  };
  const std::uint64_t head = status.head.height.value;
  const std::uint64_t best = status.best_peer_height.value;
  set(height_, head);
  set(synced_, status.synced ? 1 : 0);
  set(sync_gap_, best > head ? best - head : 0);
  set(held_blocks_, status.held_blocks);
  set(halted_, status.halted ? 1 : 0);
  set(mempool_transactions_, status.mempool_transactions);
  set(mempool_bytes_, status.mempool_bytes);
  set(epoch_, status.epoch.value);
  set(validators_, status.validators);
  set(epoch_end_, status.epoch_end.value);
  set(validator_, status.validator ? 1 : 0);
  set(evidence_, status.evidence);
  set(seals_differ_, status.seals_differ.value);
  set(votes_forgotten_, status.votes_forgotten ? 1 : 0);
  for (const auto& [what, count] : status.refused) {
    RaiseTo(refused_, {{"chain", chain}, {"what", what.first}, {"reason", what.second}}, count);
  }
  if (!status.replica) return;
  set(view_, status.replica->view.value);
  set(view_changing_, status.replica->view_changing ? 1 : 0);
  set(observer_, status.replica->observer ? 1 : 0);
  RaiseTo(view_changes_, labels, status.replica->view_changes);
  for (std::size_t i = 0; i < consensus::kDropReasons; ++i) {
    const auto reason = static_cast<consensus::DropReason>(i);
    RaiseTo(dropped_messages_,
            {{"chain", chain}, {"reason", std::string(consensus::DropReasonName(reason))}},
            status.replica->dropped[i]);
  }
}

void Metrics::SetPeers(std::size_t connected, const PeerNetwork::Totals& totals) {
  peers_.Add({}).Set(static_cast<double>(connected));
  RaiseTo(frames_, {{"direction", "in"}}, totals.frames_in);
  RaiseTo(frames_, {{"direction", "out"}}, totals.frames_out);
  RaiseTo(bytes_, {{"direction", "in"}}, totals.bytes_in);
  RaiseTo(bytes_, {{"direction", "out"}}, totals.bytes_out);
  RaiseTo(dropped_frames_, {}, totals.dropped);
  RaiseTo(refused_connections_, {}, totals.refused);
}

void Metrics::SetVerification(const VerifyPool& pool) {
  verify_waiting_.Add({}).Set(static_cast<double>(pool.waiting()));
  RaiseTo(verify_done_, {}, pool.done());
  RaiseTo(verify_refused_, {}, pool.refused());
}

void Metrics::SetPromotion(const std::string& from, const std::string& to,
                           const tiers::Promoter::Stats& stats) {
  const Labels labels = {{"from", from}, {"to", to}};
  promotion_scanned_.Add(labels).Set(static_cast<double>(stats.scanned.value));
  for (std::size_t priority = 0; priority < stats.waiting_by_priority.size(); ++priority) {
    Labels with_priority = labels;
    with_priority["priority"] = std::to_string(priority);
    promotion_waiting_.Add(with_priority)
        .Set(static_cast<double>(stats.waiting_by_priority[priority]));
    promotion_oldest_.Add(with_priority)
        .Set(static_cast<double>(stats.oldest_age_by_priority[priority].value) / 1000);
  }
  RaiseTo(promotion_delivered_, labels, stats.delivered);
  RaiseTo(promotion_dropped_, labels, stats.dropped);
  RaiseTo(promotion_skipped_, labels, stats.skipped);
}

std::string Metrics::Text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, registry_.Collect());
  return out.str();
}

}  // namespace talent::node
