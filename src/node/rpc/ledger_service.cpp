#include "node/rpc/ledger_service.h"

#include <algorithm>

#include "node/rpc/answer.h"
#include "node/rpc/state_scan.h"
#include "node/rpc/submit_call.h"

namespace talent::node {
namespace {

using Unary = grpc::ServerUnaryReactor;

Result<TxId> ParseTxId(BytesView bytes) {
  auto id = TxId::FromBytes(bytes);
  if (!id) return Within("tx_id", id.error());
  return id;
}

Status ReadState(const ChainAccess& access, const ChainRunner& runner, const Caller& caller,
                 const v1::GetStateRequest& request, v1::GetStateResponse& response) {
  TRY(CheckStateKey("key", request.key()));
  const ledger::Chain& chain = runner.chain();
  const auto snapshot = ChainAccess::Snapshot(chain);
  if (!access.EntriesFor(runner, *snapshot.state, caller).MayRead(request.key())) {
    return Fail(Code::kUnauthorized,
                "key: this entry is about a person whose records you may not read");
  }
  if (!request.prove()) {
    auto value = snapshot.state->Get(request.key());
    response.set_present(value.has_value());
    if (value) response.set_value(std::move(*value));
    response.set_as_of_height(snapshot.head.height.value);
    return {};
  }
  const Height at = chain.head().height;
  if (at == Height(0)) {
    return Fail(Code::kPrecondition, "chain {} has no sealed block yet to prove its state under",
                chain.genesis().name());
  }
  auto proof = TRY(chain.ProveState(request.key(), at));
  *response.mutable_statement()->mutable_header() = TRY(chain.GetHeader(at));
  response.set_present(proof.present());
  response.set_value(proof.value());
  response.set_as_of_height(at.value);
  *response.mutable_statement()->mutable_proof() = std::move(proof);
  return {};
}

}  // namespace

Unary* LedgerService::Submit(grpc::CallbackServerContext* context, const v1::SubmitRequest* request,
                             v1::SubmitResponse* response) {
  const auto runner = access_.Find(request->chain_id());
  if (!runner) return Finish(*context, ToGrpcStatus(runner.error(), "chain_id"));
  return StartSubmit(**runner, request->transaction(), *response);
}

Unary* LedgerService::SubmitAndWait(grpc::CallbackServerContext* context,
                                    const v1::SubmitAndWaitRequest* request,
                                    v1::SubmitAndWaitResponse* response) {
  const auto runner = access_.Find(request->chain_id());
  if (!runner) return Finish(*context, ToGrpcStatus(runner.error(), "chain_id"));
  return StartSubmitAndWait(**runner, request->transaction(), context->deadline(), *response);
}

Unary* LedgerService::SubmitAllAndWait(grpc::CallbackServerContext* context,
                                       const v1::SubmitAllAndWaitRequest* request,
                                       v1::SubmitAllAndWaitResponse* response) {
  const auto runner = access_.Find(request->chain_id());
  if (!runner) return Finish(*context, ToGrpcStatus(runner.error(), "chain_id"));
  const int count = request->transactions_size();
  if (count == 0 || count > kMaxSubmittedTogether) {
    const Error error{
        Code::kInvalidArgument,
        fmt::format("transactions: {} where 1 to {} are expected", count, kMaxSubmittedTogether)};
    return Finish(*context, ToGrpcStatus(error, "transactions"));
  }
  return StartSubmitAllAndWait(**runner, *request, context->deadline(), *response);
}

Unary* LedgerService::GetTransaction(grpc::CallbackServerContext* context,
                                     const v1::GetTransactionRequest* request,
                                     v1::GetTransactionResponse* response) {
  return Answer(
      access_, *context, *request, [&](const ChainRunner& runner, const Caller& caller) -> Status {
        *response = TRY(access_.ReadTransaction(runner, TRY(ParseTxId(request->tx_id())), caller));
        return {};
      });
}

Unary* LedgerService::GetBlock(grpc::CallbackServerContext* context,
                               const v1::GetBlockRequest* request, v1::GetBlockResponse* response) {
  return Answer(access_, *context, *request,
                [&](const ChainRunner& runner, const Caller& caller) -> Status {
                  *response = TRY(access_.ReadBlock(runner, Height(request->height()), caller));
                  return {};
                });
}

grpc::ServerWriteReactor<v1::StreamBlocksResponse>* LedgerService::StreamBlocks(
    grpc::CallbackServerContext* context, const v1::StreamBlocksRequest* request) {
  return streams_.Open(context->client_metadata(), *request);
}

Unary* LedgerService::GetState(grpc::CallbackServerContext* context,
                               const v1::GetStateRequest* request, v1::GetStateResponse* response) {
  return Answer(access_, *context, *request,
                [&](const ChainRunner& runner, const Caller& caller) -> Status {
                  TRY(ChainAccess::MayReadState(runner, caller));
                  return ReadState(access_, runner, caller, *request, *response);
                });
}

Unary* LedgerService::ScanState(grpc::CallbackServerContext* context,
                                const v1::ScanStateRequest* request,
                                v1::ScanStateResponse* response) {
  return Answer(
      access_, *context, *request, [&](const ChainRunner& runner, const Caller& caller) -> Status {
        TRY(ChainAccess::MayReadState(runner, caller));
        return node::ScanState(access_, runner, caller, ChainAccess::Snapshot(runner.chain()),
                               *request, *response);
      });
}

Unary* LedgerService::GetProof(grpc::CallbackServerContext* context,
                               const v1::GetProofRequest* request, v1::GetProofResponse* response) {
  return Answer(access_, *context, *request,
                [&](const ChainRunner& runner, const Caller& caller) -> Status {
                  *response->mutable_proof() =
                      TRY(access_.ReadProof(runner, TRY(ParseTxId(request->tx_id())), caller));
                  return {};
                });
}

}  // namespace talent::node
