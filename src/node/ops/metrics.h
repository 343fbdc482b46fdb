// What the node tells Prometheus. Names start with talentd_; chains are labelled by their genesis
// name. No label or value is about a person, a record or a single peer.
//
// Counts of events (blocks, receipts, syncs) are added as they happen; everything else is copied
// from the status of its owner when somebody asks for /metrics.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include "node/chain/chain_runner.h"
#include "node/chain/verify_pool.h"
#include "node/ops/http_server.h"
#include "node/peers/p2p.h"
#include "tiers/promoter.h"

namespace talent::node {

/// Thread-safe.
class Metrics final : public HttpObserver {
 public:
  Metrics();

  // Of the HTTP gateway.
  void Answered(std::string_view route, unsigned status,
                std::chrono::duration<double> took) override;
  void Refused(std::string_view reason) override;
  void Connections(std::size_t open) override;

  /// A block of `chain` was sealed, with these receipts.
  void BlockSealed(const std::string& chain, std::span<const ledger::pb::ReceiptCode> receipts);
  /// A vote log or the database was synced to disk.
  void Synced(std::chrono::duration<double> took);

  void SetChain(const std::string& chain, const ChainStatusInfo& status);
  void SetPeers(std::size_t connected, const PeerNetwork::Totals& totals);
  void SetVerification(const VerifyPool& pool);
  void SetPromotion(const std::string& from, const std::string& to,
                    const tiers::Promoter::Stats& stats);

  /// In Prometheus' text format.
  std::string Text() const;

 private:
  using Labels = std::map<std::string, std::string>;
  using Gauges = prometheus::Family<prometheus::Gauge>;
  using Counters = prometheus::Family<prometheus::Counter>;

  Gauges& MakeGauge(const std::string& name, const std::string& help);
  Counters& MakeCounter(const std::string& name, const std::string& help);
  void RaiseTo(Counters& family, const Labels& labels, std::uint64_t total);

  prometheus::Registry registry_;
  std::mutex raise_mutex_;  // held from reading a counter to raising it

  Gauges &height_, &synced_, &sync_gap_, &held_blocks_, &halted_, &mempool_transactions_,
      &mempool_bytes_, &epoch_, &validators_, &epoch_end_, &validator_, &view_, &view_changing_,
      &observer_;
  Gauges &evidence_, &seals_differ_, &votes_forgotten_;
  Counters &view_changes_, &dropped_messages_, &refused_, &blocks_, &transactions_;
  Gauges& peers_;
  Counters &frames_, &bytes_, &dropped_frames_, &refused_connections_;
  Gauges& verify_waiting_;
  Counters &verify_done_, &verify_refused_;
  prometheus::Histogram &sync_seconds_, &web_seconds_;
  Counters &web_requests_, &web_refused_;
  Gauges& web_connections_;
  Gauges &promotion_scanned_, &promotion_waiting_, &promotion_oldest_;
  Counters &promotion_delivered_, &promotion_dropped_, &promotion_skipped_;
};

}  // namespace talent::node
