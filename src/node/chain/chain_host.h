// What runs a chain: the daemon's threads and sockets, or a simulation.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/strong.h"
#include "ledger/chain.h"
#include "node/peers/p2p.h"

namespace talent::node {

/// One chain's strand, workers, clock and links. What is not said to be for the strand only is
/// thread-safe. No member runs the work it is given before it returns.
class ChainHost {
 public:
  /// Used on the strand only. Destroying it cancels it.
  class Timer {
   public:
    virtual ~Timer() = default;
    /// Runs `work` on the strand after `delay`, instead of what was set before. Work that was due
    /// already when it was replaced or cancelled may still run.
    virtual void Set(Millis delay, std::function<void()> work) = 0;
    virtual void Cancel() = 0;
  };

  virtual ~ChainHost() = default;

  /// Runs `work` on the strand: one piece at a time, in the order posted.
  virtual void Post(std::function<void()> work) = 0;
  virtual std::unique_ptr<Timer> MakeTimer() = 0;
  /// Runs `job` off the strand, in no particular order. False, and not run, where too many wait.
  virtual bool TryVerify(std::function<void()> job) = 0;
  /// The same for what anyone may send: leaves room to the others.
  virtual bool TryVerifyBulk(std::function<void()> job) = 0;
  /// Runs `job`, which waits for the disk, off the strand; jobs run in the order posted.
  virtual void Store(std::function<void()> job) = 0;

  /// Wall time; may jump. For what others see or execution depends on.
  virtual Timestamp Now() const = 0;
  /// Time since some moment, as it passes; for timeouts of our own.
  virtual Timestamp Steady() const = 0;
  /// False where the peer is not connected or takes no more.
  virtual bool Send(const NodeKey& to, const v1::Frame& frame) = 0;
  virtual void SendToAll(const std::vector<NodeKey>& to, const v1::Frame& frame) = 0;

  /// A block with these receipts was sealed.
  virtual void BlockSealed(std::span<const ledger::pb::ReceiptCode> receipts) = 0;
  /// The vote log cannot be written: the process must not go on, since what it promised may be
  /// gone. Called within a job of Store. Where it returns, the chain does nothing any more.
  virtual void VotesLost(const Error& error) = 0;
};

}  // namespace talent::node
