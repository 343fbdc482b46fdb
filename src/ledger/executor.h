// Runs an ordered block through the application: the same block and state give the same writes and
// receipts on every node, for ever.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ledger/application.h"

namespace talent::ledger {

/// What is executed, whether it came from consensus or as somebody's sealed block.
struct OrderedTransaction {
  TxPtr tx;  // with its payload where that is at hand and the envelope's; nullptr: malformed
  pb::SignedEnvelope malformed;  // what then stands in its place

  /// Reads one; `payload` nullptr: not at hand.
  static OrderedTransaction Read(const pb::SignedEnvelope& envelope, const pb::Payload* payload);
  pb::SignedEnvelope Envelope() const;
  TxId id() const { return tx ? tx->id : TransactionId(malformed.envelope()); }
};

struct ExecutedTransaction {
  TxId id;
  pb::ReceiptCode code = pb::RECEIPT_CODE_OK;
  bool timely = false;  // neither malformed nor too early nor too late for this block
};

/// Height of the block below this one where `id` stood; of several, the one at which it could have
/// taken effect (valid_until no further away than max_valid_for).
using SeenBefore = std::function<Result<std::optional<Height>>(const TxId& id)>;

/// Executes due work, then every transaction in order, writing to `state`. A transaction that is
/// malformed, expired, valid for too long, a duplicate or refused by the application leaves no
/// write, only its code; the checks are made in this order. Errors: kPrecondition (a payload that
/// execution needs is missing or another one), those of `seen` and of the state's storage; `state`
/// is then worthless.
Result<std::vector<ExecutedTransaction>> ExecuteTransactions(
    const Application& application, const ConsensusRules& rules, const BlockContext& block,
    const std::vector<OrderedTransaction>& ordered, const SeenBefore& seen, StateOverlay& state);

/// The receipt of a refused transaction.
pb::ReceiptCode ReceiptCodeOf(Code code);

}  // namespace talent::ledger
