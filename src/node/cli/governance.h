// Proposals of centres and votes on them, for the commands that make them.
#pragma once

#include <google/protobuf/message.h>

#include <optional>

#include "node/cli/submit.h"

namespace talent::node::cli {

struct ProposeOptions {
  SubmitOptions submit;
  std::uint64_t open_for = 10'000;
};
/// --open-for and those of AddSubmitOptions.
void AddProposeOptions(CLI::App* command, ProposeOptions& options);
/// The last height at which votes on a proposal made now count.
std::uint64_t OpenUntil(const ProposeOptions& options, const ChainConnection& connection);

/// Signs and submits a proposal, or a vote on `proposal`, and says where the proposal stands then.
Result<int> SubmitToVote(const SubmitOptions& options, const Author& author,
                         const google::protobuf::Message& message,
                         const std::optional<TxId>& proposal = std::nullopt);

}  // namespace talent::node::cli
