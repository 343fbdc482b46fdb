// One chain in a running node: mempool, consensus (as validator) or sync (as follower), execution.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>

#include "consensus/replica.h"
#include "ledger/chain.h"
#include "node/peers/p2p.h"
#include "talent/node/v1/node_service.pb.h"

namespace talent::node {

/// What became of a transaction. Definite in the end: a kUnknown or kPending one becomes kSealed,
/// kRejected or kExpired.
enum class TxStatus { kUnknown, kPending, kSealed, kRejected, kExpired };

struct TxOutcome {
  TxStatus status = TxStatus::kUnknown;
  Height height;  // of the block, where sealed or rejected by execution
  std::uint32_t index = 0;
  ledger::pb::ReceiptCode receipt = ledger::pb::RECEIPT_CODE_OK;
};

/// What Submit has taken in.
struct Admitted {
  TxId id;
  Height valid_until;
};

struct ChainStatusInfo {
  ledger::Head head;
  Epoch epoch;                   // of the next block
  std::uint32_t validators = 0;  // of that epoch
  Height epoch_end;              // its last height; 0: none is decided
  bool validator = false;        // of that epoch
  bool vote_key = false;         // holds one: votes in the epochs whose set has it
  bool synced = false;           // within a window of the highest head any peer reports
  Height best_peer_height;
  std::size_t reporting_peers = 0;  // connected ones that said how far they are on this chain
  std::size_t mempool_transactions = 0;
  std::size_t mempool_bytes = 0;
  std::optional<consensus::ReplicaStatus> replica;
  std::optional<std::string> halted;  // why the chain stopped, if it did
  std::size_t evidence = 0;           // pieces against validators; EvidenceList() has them
  Height seals_differ;  // last height that f+1 others sealed otherwise than this node; 0: none
  /// The next block, where all peers lack payloads of it: it leads on from a snapshot only. 0:
  /// none.
  Height erased_ahead;
  /// Blocks that peers have and give to this node once their payloads are released to who runs it,
  /// and when that begins (0: they do not know yet).
  std::uint64_t held_blocks = 0;
  Timestamp held_until;
  bool votes_forgotten = false;  // others showed a vote of ours that our log does not have
  /// What was refused before consensus or sync saw it, by ("consensus" | "sync" | "transaction",
  /// reason).
  std::map<std::pair<std::string, std::string>, std::uint64_t> refused;
};

/// Thread-safe. All work runs on the chain's strand; readers use chain() directly.
class ChainRunner {
 public:
  virtual ~ChainRunner() = default;

  virtual const ledger::Chain& chain() const = 0;
  virtual const ledger::Application& application() const = 0;
  virtual ChainStatusInfo status() const = 0;
  /// What is held against validators.
  virtual std::vector<v1::Evidence> EvidenceList() const { return {}; }

  /// Checks and admits a transaction (canonical bytes) and relays it to the validators. `done` is
  /// called once, on any thread. Errors: every one of ParseTransaction, VerifySignature and
  /// Application::Check; kExpired, kDuplicate (already sealed; pending again is no error),
  /// kExhausted (mempool full; try later), kUnavailable.
  virtual void Submit(Bytes transaction, std::function<void(Result<Admitted>)> done) = 0;

  virtual TxOutcome Outcome(const TxId& id) const = 0;

  /// Calls `done` once: when `tx` is sealed, rejected or expired, or with kPending/kUnknown at
  /// `deadline` (steady time from now). Bounded; over the bound `done` gets what is known at once.
  virtual void AwaitOutcome(const Admitted& tx, Millis deadline,
                            std::function<void(TxOutcome)> done) = 0;

  /// Calls `on_change` after every new sealed block and when the chain halts, on the strand; must
  /// not block. Until the returned guard is destroyed.
  virtual std::shared_ptr<void> OnChange(std::function<void()> on_change) = 0;

  /// Records of this chain that this node is to carry on and that have not arrived yet.
  std::uint64_t outbox() const { return outbox_; }
  /// By whoever carries them: `waiting` now, `before` when it last said so.
  void SetOutbox(std::uint64_t before, std::uint64_t waiting) { outbox_ += waiting - before; }

 private:
  std::atomic<std::uint64_t> outbox_ = 0;
};

}  // namespace talent::node
