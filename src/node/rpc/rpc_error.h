// Errors of the project as gRPC statuses and back, so that a code survives the wire.
#pragma once

#include <grpcpp/support/status.h>

#include "base/result.h"
#include "talent/node/v1/rpc_status.pb.h"

namespace talent::node {

/// The gRPC status for `error`, with google.rpc.ErrorInfo{reason: code name, domain:
/// "talentchain"}, BadRequest where the request was malformed in `field`, and RetryInfo where
/// trying again later may help.
grpc::Status ToGrpcStatus(const Error& error, std::string_view field = {});

/// The same as UNAUTHENTICATED: the caller's token is missing, unknown or has ended.
grpc::Status UnauthenticatedStatus(const Error& error);

/// The error behind a failed call. A status made by gRPC itself (no connection, deadline, message
/// too large) gets the nearest code. Requires !status.ok(); checked.
Error FromGrpcStatus(const grpc::Status& status);

/// The same for one of several transactions of a call.
Error FromRpcStatus(const v1::RpcStatus& status);

}  // namespace talent::node
