// Serves the chunks of a chain's snapshots to peers, made from the chain's tree as they are asked
// for.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "ledger/snapshot.h"
#include "node/peers/p2p.h"

namespace talent::node {

/// Thread-safe. One chunk is made at a time, one request of a peer waits, no peer gets more than
/// kChunksPerSecond and all together no more than kAllChunksPerSecond; others are told to come
/// again later.
class SnapshotServer : public std::enable_shared_from_this<SnapshotServer> {
 public:
  static constexpr std::size_t kMaxWaiting = 16;
  /// 32 MiB/s at most, and as many times 20 ms of one core.
  static constexpr std::uint64_t kChunksPerSecond = 32;
  /// Of the uplink and of the disk, whose other users are blocks and votes.
  static constexpr std::uint64_t kAllChunksPerSecond = 64;
  /// Of the head's bytes: a hundred and more changes of a hundred validators. Who is offered no
  /// head fetches blocks.
  static constexpr std::size_t kMaxHeadBytes = 2u << 20;

  using Send = std::function<void(const NodeKey&, v1::SnapshotResponse&&)>;
  /// Told why a request was refused; not of chunks to be asked for in halves.
  using Refused = std::function<void(const Error&)>;
  /// `executor` is not that of the chains: what is made here takes its time. `database` must
  /// outlive its work.
  SnapshotServer(const boost::asio::any_io_executor& executor, const ledger::Database& database,
                 ledger::Genesis genesis, const Clock& clock, Send send, Refused refused)
      : strand_(boost::asio::make_strand(executor)),
        database_(database),
        genesis_(std::move(genesis)),
        clock_(clock),
        send_(std::move(send)),
        refused_(std::move(refused)) {}

  /// `head` is the chain's sealed height.
  void OnRequest(const NodeKey& from, const v1::SnapshotRequest& request, Height head);
  void OnPeerDown(const NodeKey& peer);
  /// Nothing is posted to the executor any more, and what waits there ends soon.
  void Stop();

  /// The answer to a request, as it is. For OnRequest and for tests.
  static v1::SnapshotResponse Answer(const ledger::Database& database,
                                     const ledger::Genesis& genesis,
                                     const v1::SnapshotRequest& request, Height head,
                                     const Refused& refused = {});

 private:
  struct Peer {
    bool waiting = false;
    bool gone = false;         // down while it waited
    std::uint64_t second = 0;  // of the clock
    std::uint64_t chunks = 0;  // in that second
  };
  bool Admit(const NodeKey& from);  // with mutex_ held
  bool IsStopped();
  /// False: nobody is there to be answered.
  bool Served(const NodeKey& from);

  boost::asio::strand<boost::asio::any_io_executor> strand_;
  const ledger::Database& database_;
  const ledger::Genesis genesis_;
  const Clock& clock_;
  const Send send_;
  const Refused refused_;
  std::mutex mutex_;  // guards the rest
  std::map<NodeKey, Peer> peers_;
  std::size_t waiting_ = 0;
  std::uint64_t second_ = 0;  // of the clock
  std::uint64_t chunks_ = 0;  // of all peers in that second
  bool stopped_ = false;
};

}  // namespace talent::node
