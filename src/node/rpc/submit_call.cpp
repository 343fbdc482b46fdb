#include "node/rpc/submit_call.h"

#include <atomic>
#include <memory>

#include "node/rpc/chain_access.h"
#include "node/rpc/rpc_error.h"

namespace talent::node {
namespace {

/// Kept before the deadline so that the answer arrives in time.
constexpr std::chrono::milliseconds kAnswerMargin{100};

Millis WaitUntil(std::chrono::system_clock::time_point deadline) {
  const auto now = std::chrono::system_clock::now();
  if (deadline <= now + kAnswerMargin) return Millis(0);
  // Compared before subtracting: "no deadline" is the largest time point there is.
  if (deadline >= now + std::chrono::milliseconds(kMaxWait.value)) return kMaxWait;
  const auto left = deadline - now - kAnswerMargin;
  return Millis(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
}

/// Finished by whoever comes first, the chain or the end of the call. The chain's callbacks share
/// it, since they may come after the call is over.
class PendingCall final : public grpc::ServerUnaryReactor,
                          public std::enable_shared_from_this<PendingCall> {
 public:
  /// gRPC's share, until OnDone.
  void HoldForGrpc() { self_ = shared_from_this(); }

  /// Runs `fill` (which may write to the response, alive until then) and answers with its status.
  template <class Fill>
  void Complete(Fill fill) {
    if (!over_.exchange(true)) Finish(fill());
  }

  void OnCancel() override {
    Complete([] { return grpc::Status::CANCELLED; });
  }
  void OnDone() override { self_.reset(); }

 private:
  std::atomic<bool> over_ = false;
  std::shared_ptr<PendingCall> self_;
};

std::shared_ptr<PendingCall> MakeCall() {
  auto call = std::make_shared<PendingCall>();
  call->HoldForGrpc();
  return call;
}

/// Results of one call's transactions, each set once and by any thread; the last one answers it.
class PendingResults {
 public:
  PendingResults(std::shared_ptr<PendingCall> call, int count,
                 v1::SubmitAllAndWaitResponse& response)
      : call_(std::move(call)), left_(count), response_(response) {
    for (int i = 0; i < count; ++i) results_.add_results();
  }

  void Refuse(int at, const Error& error) {
    const grpc::Status status = ToGrpcStatus(error, "transactions");
    results_.mutable_results(at)->mutable_refused()->ParseFromString(status.error_details());
    CountOne();
  }
  void Set(int at, const TxId& id, const TxOutcome& outcome) {
    v1::SubmitResult& result = *results_.mutable_results(at);
    result.set_tx_id(id.ToBytes());
    *result.mutable_state() = ToProto(outcome);
    CountOne();
  }

 private:
  void CountOne() {
    if (--left_ > 0) return;
    call_->Complete([this] {
      response_.Swap(&results_);
      return grpc::Status::OK;
    });
  }

  const std::shared_ptr<PendingCall> call_;
  std::atomic<int> left_;
  v1::SubmitAllAndWaitResponse results_;
  v1::SubmitAllAndWaitResponse& response_;  // alive until the call is over
};

}  // namespace

grpc::ServerUnaryReactor* StartSubmit(ChainRunner& runner, const Bytes& transaction,
                                      v1::SubmitResponse& response) {
  const auto call = MakeCall();
  runner.Submit(transaction, [call, &response](const Result<Admitted>& tx) {
    call->Complete([&] {
      if (!tx) return ToGrpcStatus(tx.error(), "transaction");
      response.set_tx_id(tx->id.ToBytes());
      return grpc::Status::OK;
    });
  });
  return call.get();
}

grpc::ServerUnaryReactor* StartSubmitAndWait(ChainRunner& runner, const Bytes& transaction,
                                             std::chrono::system_clock::time_point deadline,
                                             v1::SubmitAndWaitResponse& response) {
  const auto call = MakeCall();
  runner.Submit(transaction, [call, &runner, deadline, &response](const Result<Admitted>& tx) {
    if (!tx) {
      call->Complete([&] { return ToGrpcStatus(tx.error(), "transaction"); });
      return;
    }
    runner.AwaitOutcome(*tx, WaitUntil(deadline),
                        [call, &response, tx_id = tx->id](const TxOutcome& outcome) {
                          call->Complete([&] {
                            response.set_tx_id(tx_id.ToBytes());
                            *response.mutable_state() = ToProto(outcome);
                            return grpc::Status::OK;
                          });
                        });
  });
  return call.get();
}

grpc::ServerUnaryReactor* StartSubmitAllAndWait(ChainRunner& runner,
                                                const v1::SubmitAllAndWaitRequest& request,
                                                std::chrono::system_clock::time_point deadline,
                                                v1::SubmitAllAndWaitResponse& response) {
  const auto call = MakeCall();
  const int count = request.transactions_size();
  const auto results = std::make_shared<PendingResults>(call, count, response);
  for (int i = 0; i < count; ++i) {
    runner.Submit(request.transactions(i),
                  [results, &runner, deadline, i](const Result<Admitted>& tx) {
                    if (!tx) return results->Refuse(i, tx.error());
                    runner.AwaitOutcome(*tx, WaitUntil(deadline),
                                        [results, i, tx_id = tx->id](const TxOutcome& outcome) {
                                          results->Set(i, tx_id, outcome);
                                        });
                  });
  }
  return call.get();
}

}  // namespace talent::node
