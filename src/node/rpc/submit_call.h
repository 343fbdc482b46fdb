// Submit and its waiting forms: calls answered later, by a chain's callback, or before it by their
// end.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "node/chain/chain_runner.h"
#include "talent/node/v1/node_service.pb.h"

namespace talent::node {

/// Longest a SubmitAndWait waits, whatever its deadline: a client that wants more asks again.
inline constexpr Millis kMaxWait{60'000};

/// Most transactions of one call.
inline constexpr int kMaxSubmittedTogether = 256;

/// The reactor answering the call; owned by gRPC until its OnDone. A call that is cancelled or past
/// its deadline ends at once; the transaction goes its way all the same.
grpc::ServerUnaryReactor* StartSubmit(ChainRunner& runner, const Bytes& transaction,
                                      v1::SubmitResponse& response);
grpc::ServerUnaryReactor* StartSubmitAndWait(ChainRunner& runner, const Bytes& transaction,
                                             std::chrono::system_clock::time_point deadline,
                                             v1::SubmitAndWaitResponse& response);
/// Requires at most kMaxSubmittedTogether transactions, and one.
grpc::ServerUnaryReactor* StartSubmitAllAndWait(ChainRunner& runner,
                                                const v1::SubmitAllAndWaitRequest& request,
                                                std::chrono::system_clock::time_point deadline,
                                                v1::SubmitAllAndWaitResponse& response);

}  // namespace talent::node
