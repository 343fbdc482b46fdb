// What a tier is to the ledger: a deterministic state machine fed by blocks.
#pragma once

#include "ledger/genesis.h"
#include "ledger/state.h"
#include "ledger/transaction.h"

namespace talent::ledger {

/// What execution may know besides the state: the block it is part of, and nothing else.
struct BlockContext {
  ChainId chain;
  Height height;
  Timestamp time;        // block time
  std::uint32_t window;  // heights that may be ordered above the last sealed one
};

/// Implementations are stateless apart from what the genesis fixed, and so thread-safe; no method
/// reads a clock, a locale, a float, a random number or anything outside its arguments.
class Application {
 public:
  virtual ~Application() = default;

  /// Writes the state of height 0 from the genesis. Errors: kInvalidArgument (names the field).
  virtual Status InitGenesis(const Genesis& genesis, StateOverlay& state) const = 0;

  /// May `tx` (well-formed, signature verified, not expired, payload at hand) enter the mempool?
  /// Says why not, for a person. Passing is no promise: the state may change before it executes.
  virtual Status Check(const Transaction& tx, const BlockContext& next,
                       const StateReader& state) const = 0;

  /// How urgent it is: lower lanes of the mempool are served first. Bulk is the default.
  virtual std::uint32_t Lane(const Transaction& tx) const {
    (void)tx;
    return kBulkLane;
  }
  static constexpr std::uint32_t kUrgentLane = 0;
  static constexpr std::uint32_t kBulkLane = 9;

  /// Executes `tx`. On error the caller drops every write made to `state` and keeps the error's
  /// code as the receipt.
  virtual Status Execute(const Transaction& tx, const BlockContext& block,
                         StateOverlay& state) const = 0;

  /// `tx` was refused, and its writes are gone: what remains to be noted of a payload
  /// that is in the block all the same, so that it can be erased with what it is about.
  virtual void NoteRefused(const Transaction& tx, const BlockContext& block,
                           StateOverlay& state) const {
    (void)tx, (void)block, (void)state;
  }

  /// Due work at the start of a block: windows that close, releases; at most a stated number of
  /// items.
  virtual void BeginBlock(const BlockContext& block, StateOverlay& state) const = 0;

  /// Would BeginBlock at `time` have something to do? An idle chain then proposes an empty batch.
  virtual bool HasDueWork(Timestamp time, const StateReader& state) const = 0;
};

}  // namespace talent::ledger
