// Serves the chunks of a chain's snapshots to peers, made from the chain's tree as they are asked
// for.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "ledger/snapshot.h"
#include "node/peers/p2p.h"

namespace talent::node {

/// Thread-safe. One chunk is made at a time, one request of a peer waits, and no peer gets more
/// than kChunksPerSecond; others are told to come again later.
class SnapshotServer : public std::enable_shared_from_this<SnapshotServer> {
 public:
  static constexpr std::size_t kMaxWaiting = 16;
  /// 32 MiB/s at most, and as many times 20 ms of one core.
  static constexpr std::uint64_t kChunksPerSecond = 32;

  using Send = std::function<void(const NodeKey&, v1::SnapshotResponse&&)>;
  /// `database` must outlive the executor's work.
  SnapshotServer(const boost::asio::any_io_executor& executor, const ledger::Database& database,
                 ledger::Genesis genesis, const Clock& clock, Send send)
      : strand_(boost::asio::make_strand(executor)),
        database_(database),
        genesis_(std::move(genesis)),
        clock_(clock),
        send_(std::move(send)) {}

  /// `head` is the chain's sealed height.
  void OnRequest(const NodeKey& from, const v1::SnapshotRequest& request, Height head);
  void OnPeerDown(const NodeKey& peer);

  /// The answer to a request, as it is. For OnRequest and for tests.
  static v1::SnapshotResponse Answer(const ledger::Database& database,
                                     const ledger::Genesis& genesis,
                                     const v1::SnapshotRequest& request, Height head);

 private:
  struct Served {
    bool waiting = false;
    std::uint64_t second = 0;  // of the clock
    std::uint64_t chunks = 0;  // in that second
  };
  bool Admit(const NodeKey& from);

  boost::asio::strand<boost::asio::any_io_executor> strand_;
  const ledger::Database& database_;
  const ledger::Genesis genesis_;
  const Clock& clock_;
  const Send send_;
  std::mutex mutex_;  // guards the rest
  std::map<NodeKey, Served> served_;
  std::size_t waiting_ = 0;
};

}  // namespace talent::node
