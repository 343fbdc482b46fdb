// Clients of a soak: each writes records, submits again what it knows nothing of, and reads, on
// whatever node answers, and keeps a history.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "crypto/ed25519.h"
#include "soak/cluster.h"
#include "soak/history.h"

namespace talent::soak {

/// People whose records the clients write; made before the faults begin.
struct People {
  std::vector<Bytes> subjects;
};

class Load {
 public:
  struct Totals {
    std::uint64_t acknowledged = 0, unknown = 0, refused = 0, reads = 0;
  };

  /// Registers `subjects` people, with consents, on private-a. Errors: the node's.
  static Result<People> Prepare(const Cluster& cluster, std::size_t subjects);

  /// Starts `clients` threads at once. Cluster and people must outlive it.
  Load(const Cluster& cluster, const People& people, std::uint32_t clients, std::uint64_t seed);
  ~Load();

  /// Ends all threads and waits.
  void Stop();

  Totals totals() const;
  /// When the latest of the transactions that were acknowledged was submitted.
  Instant acknowledged_from() const { return Instant(acknowledged_from_.load()); }
  const History& history() const { return history_; }
  /// Time since the load began.
  Instant Now() const;

 private:
  class ClientLoop;
  void AcknowledgedFrom(Instant invoked);

  const Cluster& cluster_;
  const People& people_;
  const crypto::KeyPair key_;
  const ChainId chain_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  History history_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> acknowledged_{0}, unknown_{0}, refused_{0}, reads_{0};
  std::atomic<Instant::rep> acknowledged_from_{-1};
  std::vector<std::thread> threads_;
};

/// What a node says of a transaction.
Result<std::pair<Answer, std::uint64_t>> Ask(node::Client& client, const ChainId& chain,
                                             const TxId& id);

}  // namespace talent::soak
