// The frame of every call about one chain: who calls, which chain, what became of it.
#pragma once

#include <grpcpp/grpcpp.h>

#include "node/rpc/chain_access.h"
#include "node/rpc/rpc_error.h"

namespace talent::node {

/// With answers about a chain that has halted here: others may be further.
inline constexpr const char* kStaleMetadata = "talent-stale";

inline grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext& context,
                                        const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

/// Finds chain and caller of a request, and runs `read(runner, caller)` → Status.
template <class Request, class Read>
grpc::ServerUnaryReactor* Answer(const ChainAccess& access, grpc::CallbackServerContext& context,
                                 const Request& request, Read read) {
  const auto runner = access.Find(request.chain_id());
  if (!runner) return Finish(context, ToGrpcStatus(runner.error(), "chain_id"));
  const auto caller = access.Identify(**runner, context.client_metadata());
  if (!caller) return Finish(context, UnauthenticatedStatus(caller.error()));
  if ((*runner)->status().halted) context.AddTrailingMetadata(kStaleMetadata, "halted");
  const Status status = read(**runner, *caller);
  return Finish(context, status ? grpc::Status::OK : ToGrpcStatus(status.error()));
}

}  // namespace talent::node
