#include "node/rpc/ledger_service.h"

#include <algorithm>

#include "node/rpc/rpc_error.h"
#include "node/rpc/submit_call.h"

namespace talent::node {
namespace {

constexpr std::uint32_t kDefaultScanEntries = 100;
constexpr std::uint32_t kMaxScanEntries = 1000;
constexpr std::size_t kMaxScanBytes = 1u << 20;  // a page ends before it holds more
/// No state key of any tier is longer: a table's name and a few 32-byte ids.
constexpr std::size_t kMaxStateKeyBytes = 1024;

/// With answers about a chain that has halted here: others may be further.
constexpr const char* kStaleMetadata = "talent-stale";

using Unary = grpc::ServerUnaryReactor;

Unary* Finish(grpc::CallbackServerContext& context, const grpc::Status& status) {
  Unary* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

/// Finds chain and caller of a request, and runs `read(runner, caller)` → Status.
template <class Request, class Read>
Unary* Answer(const ChainAccess& access, grpc::CallbackServerContext& context,
              const Request& request, Read read) {
  const auto runner = access.Find(request.chain_id());
  if (!runner) return Finish(context, ToGrpcStatus(runner.error(), "chain_id"));
  const auto caller = access.Identify(**runner, context.client_metadata());
  if (!caller) return Finish(context, UnauthenticatedStatus(caller.error()));
  if ((*runner)->status().halted) context.AddTrailingMetadata(kStaleMetadata, "halted");
  const Status status = read(**runner, *caller);
  return Finish(context, status ? grpc::Status::OK : ToGrpcStatus(status.error()));
}

Result<TxId> ParseTxId(BytesView bytes) {
  auto id = TxId::FromBytes(bytes);
  if (!id) return Within("tx_id", id.error());
  return id;
}

Status CheckKey(std::string_view field, BytesView key) {
  if (key.size() > kMaxStateKeyBytes) {
    return Fail(Code::kTooLarge, "{}: {} bytes where {} are the most", field, key.size(),
                kMaxStateKeyBytes);
  }
  return {};
}

Status ReadState(const ChainRunner& runner, const v1::GetStateRequest& request,
                 v1::GetStateResponse& response) {
  TRY(CheckKey("key", request.key()));
  const ledger::Chain& chain = runner.chain();
  if (!request.prove()) {
    const auto snapshot = ChainAccess::Snapshot(chain);
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

Status Scan(const ChainRunner& runner, const v1::ScanStateRequest& request,
            v1::ScanStateResponse& response) {
  TRY(CheckKey("prefix", request.prefix()));
  TRY(CheckKey("from", request.from()));
  if (request.limit() > kMaxScanEntries) {
    return Fail(Code::kTooLarge, "limit: {} entries where {} are the most", request.limit(),
                kMaxScanEntries);
  }
  const std::uint32_t limit = request.limit() == 0 ? kDefaultScanEntries : request.limit();
  const auto snapshot = ChainAccess::Snapshot(runner.chain());
  response.set_as_of_height(snapshot.head.height.value);
  std::size_t bytes = 0;
  snapshot.state->Scan(request.prefix(), request.from(), [&](BytesView key, BytesView value) {
    bytes += key.size() + value.size();
    const auto taken = static_cast<std::uint32_t>(response.entries_size());
    if (taken == limit || (taken > 0 && bytes > kMaxScanBytes)) {
      response.set_next_key(Bytes(key));
      return false;
    }
    auto& entry = *response.add_entries();
    entry.set_key(Bytes(key));
    entry.set_value(Bytes(value));
    return true;
  });
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
                  return ReadState(runner, *request, *response);
                });
}

Unary* LedgerService::ScanState(grpc::CallbackServerContext* context,
                                const v1::ScanStateRequest* request,
                                v1::ScanStateResponse* response) {
  return Answer(access_, *context, *request,
                [&](const ChainRunner& runner, const Caller& caller) -> Status {
                  TRY(ChainAccess::MayReadState(runner, caller));
                  return Scan(runner, *request, *response);
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
