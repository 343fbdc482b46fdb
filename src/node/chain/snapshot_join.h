// Begins a chain from a snapshot of its peers, before the node hosts it.
#pragma once

#include <spdlog/logger.h>

#include <memory>

#include "base/env.h"
#include "ledger/application.h"
#include "ledger/database.h"
#include "ledger/pinned_block.h"
#include "node/peers/p2p.h"

namespace talent::node {

struct SnapshotJoin {
  ledger::Database* database = nullptr;
  const ledger::Genesis* genesis = nullptr;
  const ledger::Application* application = nullptr;
  const Clock* clock = nullptr;
  const crypto::KeyPair* node_key = nullptr;
  std::vector<PeerNetwork::Peer> peers;  // to dial
  /// Only where the chain is this many blocks or more behind what the peers offer.
  std::uint64_t behind = 0;
  std::optional<ledger::PinnedBlock> pinned;
  std::shared_ptr<spdlog::logger> log;
  std::function<bool()> stopped;  // asked now and then; true: give up, what is done stays
};

/// Fetches a snapshot, checks it and makes it the chain's state; goes on with one that an earlier
/// start left unfinished. Nothing happens, and it is no error, where the chain is not so far behind
/// or no peer offers a snapshot that will do. Uses the calling thread and a network of its own. Of
/// peers nothing is believed unchecked, and a snapshot of another history than the pinned block's
/// or this node's is passed over before anything here is dropped. Errors: kUnavailable (stopped; or
/// an unfinished restore cannot go on, and the chain does not open), kIo, kCorruption.
Status JoinBySnapshot(const SnapshotJoin& join);

}  // namespace talent::node
