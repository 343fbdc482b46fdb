#include "node/ops/metrics.h"

#include <gmock/gmock.h>

namespace talent::node {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, CountsBlocksAndTransactionsByReceiptCode) {
  Metrics metrics;
  using ledger::pb::ReceiptCode;
  const std::vector<ReceiptCode> receipts = {ReceiptCode::RECEIPT_CODE_OK,
                                             ReceiptCode::RECEIPT_CODE_OK,
                                             ReceiptCode::RECEIPT_CODE_BAD_EVIDENCE};
  metrics.BlockSealed("private-a", receipts);
  metrics.BlockSealed("private-a", {});
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("talentd_chain_blocks_sealed_total{chain=\"private-a\"} 2"));
  EXPECT_THAT(text,
              HasSubstr("talentd_chain_transactions_total{chain=\"private-a\",code=\"ok\"} 2"));
  EXPECT_THAT(text, HasSubstr("code=\"bad_evidence\"} 1"));
}

TEST(Metrics, ShowsAChainsStatus_ConsensusOnlyForValidators) {
  Metrics metrics;
  ChainStatusInfo status;
  status.head.height = Height(7);
  status.best_peer_height = Height(10);
  status.mempool_transactions = 3;
  metrics.SetChain("public", status);
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_chain_height{chain=\"public\"} 7"));
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_chain_sync_gap_blocks{chain=\"public\"} 3"));
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_chain_halted{chain=\"public\"} 0"));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("talentd_consensus_view{")));

  status.best_peer_height = Height(5);
  status.halted = "diverged";
  status.replica.emplace();
  status.replica->view = View(4);
  status.replica->view_changes = 9;
  status.replica->dropped[static_cast<std::size_t>(consensus::DropReason::kView)] = 5;
  status.evidence = 2;
  status.refused[{"consensus", "bad_signature"}] = 6;
  metrics.SetChain("public", status);
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_chain_sync_gap_blocks{chain=\"public\"} 0"));
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_chain_halted{chain=\"public\"} 1"));
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_consensus_view{chain=\"public\"} 4"));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("talentd_consensus_view_changes_total{chain=\"public\"} 9"));
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_consensus_evidence{chain=\"public\"} 2"));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("dropped_messages_total{chain=\"public\",reason=\"view\"} 5"));
  EXPECT_THAT(metrics.Text(), HasSubstr("reason=\"bad_signature\",what=\"consensus\"} 6"));
}

TEST(Metrics, TotalsOfOthersBecomeCountersThatOnlyGrow) {
  Metrics metrics;
  PeerNetwork::Totals totals;
  totals.frames_in = 5;
  metrics.SetPeers(2, totals);
  totals.frames_in = 8;
  metrics.SetPeers(1, totals);
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_p2p_peers 1"));
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_p2p_frames_total{direction=\"in\"} 8"));
}

TEST(Metrics, ShowsPromotionByPriorityAndSyncTimes) {
  Metrics metrics;
  tiers::Promoter::Stats stats;
  stats.waiting_by_priority[2] = 6;
  stats.oldest_age_by_priority[2] = Millis(1500);
  stats.delivered = 40;
  stats.skipped = 17;
  metrics.SetPromotion("private-a", "consortium", stats);
  metrics.Synced(std::chrono::microseconds(300));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("talentd_promotion_waiting{from=\"private-a\",priority=\"2\",to="
                              "\"consortium\"} 6"));
  EXPECT_THAT(text, HasSubstr("talentd_promotion_oldest_seconds{from=\"private-a\",priority="
                              "\"2\",to=\"consortium\"} 1.5"));
  EXPECT_THAT(text, HasSubstr("talentd_promotion_delivered_total{from=\"private-a\",to="
                              "\"consortium\"} 40"));
  EXPECT_THAT(text, HasSubstr("talentd_promotion_skipped_heights_total{from=\"private-a\",to="
                              "\"consortium\"} 17"));
  EXPECT_THAT(text, HasSubstr("talentd_storage_sync_seconds_bucket{le=\"0.0005\"} 1"));
}

}  // namespace
}  // namespace talent::node
