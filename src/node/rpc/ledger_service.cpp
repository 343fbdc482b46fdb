#include "node/rpc/ledger_service.h"

#include <algorithm>

#include "node/rpc/answer.h"
#include "node/rpc/submit_call.h"

namespace talent::node {
namespace {

constexpr std::uint32_t kDefaultScanEntries = 100;
constexpr std::uint32_t kMaxScanEntries = 1000;
constexpr std::size_t kMaxScanVisited = 10'000;
constexpr std::size_t kMaxScanBytes = 1u << 20;  // a page ends before it holds more
/// No state key of any tier is longer: a table's name and a few 32-byte ids.
constexpr std::size_t kMaxStateKeyBytes = 1024;

using Unary = grpc::ServerUnaryReactor;

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

Status ReadState(const ChainAccess& access, const ChainRunner& runner, const Caller& caller,
                 const v1::GetStateRequest& request, v1::GetStateResponse& response) {
  TRY(CheckKey("key", request.key()));
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

/// A key at or before `key` and after `from` that does not give away whose entry it is.
BytesView ShortKey(BytesView key, BytesView from) {
  const BytesView start = key.substr(0, key.find('/') + 1 + 4);
  return start > from ? start : key;
}

// Entries the caller may not read are passed over; a page has looked at so many at most, so that it
// can be empty and have a next key.
Status Scan(const ChainAccess& access, const ChainRunner& runner, const Caller& caller,
            const v1::ScanStateRequest& request, v1::ScanStateResponse& response) {
  TRY(CheckKey("prefix", request.prefix()));
  TRY(CheckKey("from", request.from()));
  if (request.limit() > kMaxScanEntries) {
    return Fail(Code::kTooLarge, "limit: {} entries where {} are the most", request.limit(),
                kMaxScanEntries);
  }
  const std::uint32_t limit = request.limit() == 0 ? kDefaultScanEntries : request.limit();
  const auto snapshot = ChainAccess::Snapshot(runner.chain());
  response.set_as_of_height(snapshot.head.height.value);
  const auto entries = access.EntriesFor(runner, *snapshot.state, caller);
  std::size_t bytes = 0;
  std::size_t visited = 0;
  snapshot.state->Scan(request.prefix(), request.from(), [&](BytesView key, BytesView value) {
    const bool readable = entries.MayRead(key);
    if (!readable && visited++ < kMaxScanVisited) return true;
    const auto taken = static_cast<std::uint32_t>(response.entries_size());
    if (!readable || taken == limit || (taken > 0 && bytes + value.size() > kMaxScanBytes)) {
      response.set_next_key(Bytes(readable ? key : ShortKey(key, request.from())));
      return false;
    }
    bytes += key.size() + value.size();
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
                  return ReadState(access_, runner, caller, *request, *response);
                });
}

Unary* LedgerService::ScanState(grpc::CallbackServerContext* context,
                                const v1::ScanStateRequest* request,
                                v1::ScanStateResponse* response) {
  return Answer(access_, *context, *request,
                [&](const ChainRunner& runner, const Caller& caller) -> Status {
                  TRY(ChainAccess::MayReadState(runner, caller));
                  return Scan(access_, runner, caller, *request, *response);
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
