// Of the situations of README.md: a node that comes by a snapshot.
#include <gtest/gtest.h>

#include "base/canonical.h"
#include "node/chain/snapshot_fetch.h"
#include "node/chain/snapshot_server.h"
#include "sim/byzantine.h"
#include "sim/story.h"
#include "tiers/application.h"

namespace talent::sim {
namespace {

/// A node that comes back with an empty disk and takes a snapshot of the peers; `answer` is what
/// peer number so and so makes of a good answer.
using Answer = std::function<std::optional<node::v1::SnapshotResponse>(
    std::size_t peer, const node::v1::SnapshotRequest& request, node::v1::SnapshotResponse good)>;
std::map<std::size_t, int> RejoinBySnapshot(Story& story, std::size_t joining,
                                            const Answer& answer) {
  Cluster& cluster = story.cluster;
  std::map<std::size_t, int> bad;
  const Height at = cluster.node(1).sealed();
  const auto serve = [&](std::size_t peer, const node::v1::SnapshotRequest& request) {
    return answer(
        peer, request,
        node::SnapshotServer::Answer(cluster.node(peer).database(), cluster.genesis, request, at));
  };
  const auto restore_from_peers = [&](ledger::Database& database) {
    const auto application = tiers::MakeApplication(cluster.genesis).value();
    const auto offer = node::SnapshotServer::Answer(cluster.node(1).database(), cluster.genesis,
                                                    node::v1::SnapshotRequest(), at);
    auto restore =
        ledger::SnapshotRestore::Begin(database, cluster.genesis, *application,
                                       Decode<ledger::pb::SnapshotHead>(offer.head()).value())
            .value();
    node::SnapshotFetch fetch(restore);
    for (std::uint32_t peer = 0; peer < joining; ++peer) fetch.OnPeer(cluster.node_key(peer), true);
    Timestamp now(1);
    for (int turn = 0; turn < 1000 && !fetch.done(); ++turn) {
      now = now + Millis(100);
      for (const auto& request : fetch.Next(now)) {
        const std::size_t peer = cluster.IdentityOf(request.to);
        const auto said = serve(peer, request.message);
        if (!said) continue;
        const Status taken =
            fetch.OnResponse(request.to, *said, now, [&](const Error& /*why*/) { ++bad[peer]; });
        EXPECT_TRUE(taken.has_value());
      }
    }
    EXPECT_TRUE(fetch.done());
    EXPECT_TRUE(restore.Finish().has_value());
    return restore.height();
  };
  cluster.node(joining).Rejoin(restore_from_peers);
  return bad;
}

// 21: what a liar offers once more is a repetition to a node that never saw it, too.
TEST(Scenario, DedupeThroughSnapshot) {
  // Seven: a quorum without the liar, which votes for what it did not offer, and the one that
  // joins.
  LiarStory story(kRepeatBatches, 7);
  story.Want(1);
  story.ExpectSealed(20 * kTimeout);
  ASSERT_TRUE(story.RunUntil(20 * kTimeout, [&] { return story.cluster.AllSealed(); }));
  const auto honest = [](std::size_t, const auto&, auto good) { return std::optional(good); };
  EXPECT_TRUE(RejoinBySnapshot(story, 6, honest).empty());
  const std::uint64_t before = story.cluster.counters.times["duplicate sealed as such"];
  story.Want(4, 50);
  story.ExpectSealed(20 * kTimeout);
  EXPECT_GT(story.cluster.counters.times["duplicate sealed as such"], before);
  story.ExpectRecovery();
}

// 29
TEST(Scenario, ByzantineSnapshotServer) {
  Config config = Of(7);
  config.batch_transactions = 1;
  Story story(config);
  story.Want(16, 5);
  story.ExpectSealed(20 * kTimeout);
  ASSERT_TRUE(story.RunUntil(20 * kTimeout, [&] { return story.cluster.AllSealed(); }));
  const auto bad = RejoinBySnapshot(
      story, 6,
      [](std::size_t peer, const auto& request,
         auto good) -> std::optional<node::v1::SnapshotResponse> {
        if (!good.has_chunk()) return good;
        if (peer == 1) good.mutable_chunk()->resize(good.chunk().size() / 2);  // truncated
        if (peer == 2) good.mutable_chunk()->back() ^= 1;
        if (peer == 3) good.set_chunk(ledger::PackChunk(Bytes(ledger::kMaxInflatedChunk + 1, 'x')));
        if (peer == 4) return std::nullopt;  // silent
        if (peer == 5 && request.window() == 0) good.set_chunk(ledger::PackChunk("another"));
        return good;
      });
  EXPECT_FALSE(bad.empty());
  EXPECT_FALSE(bad.contains(0));
  story.Want(2);
  story.ExpectSealed(20 * kTimeout);
  story.ExpectRecovery();
}

}  // namespace
}  // namespace talent::sim
