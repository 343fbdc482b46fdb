#include "ledger/executor.h"

#include <unordered_set>

namespace talent::ledger {
namespace {

class Run {
 public:
  Run(const Application& application, const ConsensusRules& rules, const BlockContext& block,
      const SeenBefore& seen, StateOverlay& state)
      : application_(application), rules_(rules), block_(block), seen_(seen), state_(state) {}

  Result<ExecutedTransaction> Execute(const OrderedTransaction& ordered) {
    ExecutedTransaction done;
    done.id = ordered.id();
    if (!here_.insert(done.id).second) {
      done.code = pb::RECEIPT_CODE_DUPLICATE;
      return done;
    }
    if (ordered.tx == nullptr) {
      done.code = pb::RECEIPT_CODE_INVALID;
      return done;
    }
    const Transaction& tx = *ordered.tx;
    done.code = CheckEnvelope(tx);
    done.timely = done.code == pb::RECEIPT_CODE_OK;
    if (done.timely && TRY(SeenInRange(tx))) done.code = pb::RECEIPT_CODE_DUPLICATE;
    if (done.code != pb::RECEIPT_CODE_OK) return done;
    if (!tx.has_payload()) {
      return Fail(Code::kPrecondition,
                  "payload of transaction {} is missing or another one; fetch it and try again",
                  done.id.Hex());
    }
    StateOverlay writes = state_.Nested();
    const Status outcome = application_.Execute(tx, block_, writes);
    if (outcome) {
      writes.CommitTo(state_);
    } else {
      done.code = ReceiptCodeOf(outcome.error().code);
      application_.NoteRefused(tx, block_, state_);
    }
    return done;
  }

 private:
  pb::ReceiptCode CheckEnvelope(const Transaction& tx) const {
    if (tx.chain != block_.chain) return pb::RECEIPT_CODE_INVALID;
    if (block_.height > tx.valid_until) return pb::RECEIPT_CODE_EXPIRED;
    if (!InRange(tx, block_.height)) return pb::RECEIPT_CODE_INVALID;
    return pb::RECEIPT_CODE_OK;
  }

  /// Asked of timely transactions only, which can repeat nothing but blocks within max_valid_for
  /// heights of this one: a node without older blocks comes to the same receipt.
  Result<bool> SeenInRange(const Transaction& tx) const {
    const std::optional<Height> before = TRY(seen_(tx.id));
    return before && InRange(tx, *before);
  }

  /// Could it take effect in a block at `height`, which is not above its valid_until?
  bool InRange(const Transaction& tx, Height height) const {
    return tx.valid_until - height <= rules_.max_valid_for;
  }

  const Application& application_;
  const ConsensusRules& rules_;
  const BlockContext& block_;
  const SeenBefore& seen_;
  StateOverlay& state_;
  std::unordered_set<TxId> here_;
};

}  // namespace

OrderedTransaction OrderedTransaction::Read(const pb::SignedEnvelope& envelope,
                                            const pb::Payload* payload) {
  OrderedTransaction out;
  auto tx = ParseTransaction(envelope, nullptr);
  if (!tx) {
    out.malformed = envelope;
    return out;
  }
  if (payload != nullptr) (void)AttachPayload(*tx, *payload);  // another one is as good as none
  out.tx = std::make_shared<const Transaction>(std::move(*tx));
  return out;
}

pb::SignedEnvelope OrderedTransaction::Envelope() const {
  if (tx == nullptr) return malformed;
  pb::SignedEnvelope out;
  out.set_envelope(tx->envelope_bytes);
  out.set_signature(tx->signature.ToBytes());
  return out;
}

Result<std::vector<ExecutedTransaction>> ExecuteTransactions(
    const Application& application, const ConsensusRules& rules, const BlockContext& block,
    const std::vector<OrderedTransaction>& ordered, const SeenBefore& seen, StateOverlay& state) {
  application.BeginBlock(block, state);
  Run run(application, rules, block, seen, state);
  std::vector<ExecutedTransaction> out;
  out.reserve(ordered.size());
  for (const OrderedTransaction& one : ordered) out.push_back(TRY(run.Execute(one)));
  TRY(state.status());
  return out;
}

pb::ReceiptCode ReceiptCodeOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kTooLarge:
    case Code::kWrongChain:
    case Code::kFormatVersion:
      return pb::RECEIPT_CODE_INVALID;
    case Code::kUnauthorized:
      return pb::RECEIPT_CODE_UNAUTHORIZED;
    case Code::kNotFound:
      return pb::RECEIPT_CODE_NOT_FOUND;
    case Code::kBadSignature:
    case Code::kCorruption:
    case Code::kDiverged:
    case Code::kWrongGenesis:
      return pb::RECEIPT_CODE_BAD_EVIDENCE;
    // EXPIRED and DUPLICATE are said of the transaction itself, by the ledger; from an application
    // these codes speak of a window or a record in the state.
    case Code::kExpired:
    case Code::kDuplicate:
    case Code::kPruned:
    case Code::kPrecondition:
    case Code::kExhausted:
    case Code::kUnavailable:
      return pb::RECEIPT_CODE_PRECONDITION;
    case Code::kIo:
    case Code::kInternal:
      break;
  }
  return pb::RECEIPT_CODE_INVALID;
}

}  // namespace talent::ledger
