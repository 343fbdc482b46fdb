// A client of a node's gRPC services: what the commands, the benchmark and tests speak.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/strong.h"
#include "crypto/ed25519.h"
#include "ledger/transaction.h"
#include "talent/node/v1/market_service.grpc.pb.h"
#include "talent/node/v1/node_service.grpc.pb.h"

namespace talent::node {

/// Where a transaction stands, as a node answered.
/// How long to wait for a transaction's outcome: longer than any view change of a healthy chain.
inline constexpr Millis kOutcomeWait{10'000};

struct Submitted {
  TxId id;
  v1::TransactionState state;
};

/// One connection to one node. Thread-safe. Errors are the node's own, code and message; where the
/// node did not answer, kUnavailable, or kTooLarge for a message over a limit.
class Client {
 public:
  /// Longest a call takes, those that wait for an outcome apart.
  static constexpr Millis kCallTimeout{10'000};
  /// Largest answer taken: a block with its payloads is at most some MiB.
  static constexpr int kMaxAnswerBytes = 64 << 20;

  /// Connects to "host:port", trusting `ca_pem` (the node's own certificate) alone. Errors:
  /// kUnavailable (nobody there within `timeout`, or another certificate).
  static Result<std::unique_ptr<Client>> Connect(const std::string& address,
                                                 const std::string& ca_pem,
                                                 Millis timeout = Millis(5000));
  ~Client();

  /// Logs in on `chain`; calls about that chain carry the token from then on.
  Status Login(const ChainId& chain, const crypto::KeyPair& key);

  /// `transaction` is ledger::Serialize's bytes.
  Result<TxId> Submit(const ChainId& chain, Bytes transaction);
  /// Waits for a definite outcome, at most `wait`; what is still pending then says so.
  Result<Submitted> SubmitAndWait(const ChainId& chain, Bytes transaction, Millis wait);
  /// The same without waiting: `done` is called once, on a thread of gRPC; it must not block. The
  /// client must live until then; its destructor, which `done` must not run, waits for the rest of
  /// the call.
  void SubmitAndWait(const ChainId& chain, Bytes transaction, Millis wait,
                     std::function<void(Result<Submitted>)> done);
  /// The same for up to 256 transactions in one call: a result for each, in order, or the error of
  /// the call.
  using SubmittedAll = std::vector<Result<Submitted>>;
  void SubmitAllAndWait(const ChainId& chain, std::vector<Bytes> transactions, Millis wait,
                        std::function<void(Result<SubmittedAll>)> done);

  Result<v1::GetTransactionResponse> GetTransaction(const ChainId& chain, const TxId& id);
  Result<v1::GetBlockResponse> GetBlock(const ChainId& chain, Height height);
  Result<v1::GetStateResponse> GetState(const ChainId& chain, BytesView key, bool prove = false);
  /// One page; pass its next_key as `from` for the next. `limit` 0: the node's default.
  Result<v1::ScanStateResponse> ScanState(const ChainId& chain, BytesView prefix, BytesView from,
                                          std::uint32_t limit = 0);
  Result<ledger::pb::TransactionProof> GetProof(const ChainId& chain, const TxId& id);
  /// Where a person of a private chain stands, and the decision due.
  Result<v1::GetCareerResponse> GetCareer(const ChainId& chain, BytesView subject_id);
  /// `flow` with what the rules find of it.
  Result<tiers::v1::FlowRecorded> JudgeMove(const ChainId& chain,
                                            const tiers::v1::FlowRecorded& flow);
  Result<v1::GetStatusResponse> GetStatus();
  Result<v1::ListEvidenceResponse> ListEvidence(const ChainId& chain);

  /// Calls `visit` for every block from `from` on, as they are sealed, until it returns false (then
  /// the result is good), the stream breaks, or `timeout` passes (kUnavailable).
  Status StreamBlocks(const ChainId& chain, Height from, Millis timeout,
                      const std::function<bool(const v1::StreamBlocksResponse&)>& visit);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::node
