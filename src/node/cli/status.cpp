#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/connect.h"
#include "node/ops/held_text.h"
#include "node/records/payload_json.h"

namespace talent::node::cli {
namespace {

struct StatusOptions {
  ConnectionOptions connection;
  Output output = Output::kTable;
};

std::string Condition(const v1::ChainState& chain) {
  if (!chain.halted().empty()) return "halted: " + chain.halted();
  if (chain.erased_ahead_height() != 0) {
    return fmt::format("block {} holds erased payloads: restart it, it needs a snapshot",
                       chain.erased_ahead_height());
  }
  if (!chain.synced()) return "catching up";
  if (chain.held_blocks() > 0) {
    return HeldText(chain.held_blocks(), Timestamp(chain.held_until_ms()));
  }
  if (chain.observer()) return "votes lost: watching only";
  if (chain.epoch_end() != 0) return fmt::format("epoch ends at {}", chain.epoch_end());
  if (chain.evidence() > 0) return "synced; a validator equivocates: talentd evidence";
  const bool waits = chain.vote_key() && chain.role() == "follower";
  return waits ? "synced; its vote key is in no set" : "synced";
}

std::vector<std::string> Row(const std::string& node, const v1::ChainState& chain) {
  return {node,
          chain.name(),
          chain.tier(),
          chain.role(),
          std::to_string(chain.epoch()),
          std::to_string(chain.height()),
          ToHex(chain.head_hash()).substr(0, 16),
          std::to_string(chain.view()),
          chain.primary(),
          std::to_string(chain.mempool_transactions()),
          std::to_string(chain.outbox()),
          Condition(chain)};
}

Result<int> ShowStatus(const StatusOptions& options) {
  const auto attempts = TRY(ConnectAll(options.connection));
  std::vector<std::vector<std::string>> rows;
  auto json = nlohmann::json::array();
  bool all_answer = true;
  for (const auto& attempt : attempts) {
    if (!attempt.connection) {
      all_answer = false;
      json.push_back({{"name", attempt.node}, {"error", attempt.connection.error().ToString()}});
      rows.push_back({attempt.node, "-", "-", "-", "-", "-", "-", "-", "-", "-", "-",
                      attempt.connection.error().ToString()});
      continue;
    }
    const auto& status = attempt.connection->status;
    json.push_back(TRY(MessageToJson(status)));
    for (const auto& chain : status.chains()) rows.push_back(Row(attempt.node, chain));
  }
  if (options.output == Output::kJson) {
    PrintJson(json);
  } else {
    PrintTable({"NODE", "CHAIN", "TIER", "ROLE", "EPOCH", "HEIGHT", "HEAD", "VIEW", "PRIMARY",
                "MEMPOOL", "OUTBOX", "CONDITION"},
               rows);
  }
  return all_answer ? kGood : kRefused;
}

}  // namespace

void AddStatusCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<StatusOptions>();
  auto* status = app.add_subcommand("status", "Where nodes stand on each of their chains");
  status->footer(
      "Examples:\n"
      "  talentd status --endpoints .devnet/endpoints.json\n"
      "  talentd status --home /var/lib/talentd\n"
      "  talentd status --address 127.0.0.1:9001 --tls-ca home/grpc.crt --output json\n"
      "\n"
      "Exits with 1 when a node does not answer.");
  AddConnectionOptions(status, options->connection);
  AddOutputOption(status, options->output);
  OnRun(status, exit_code, [options] { return ShowStatus(*options); });
}

}  // namespace talent::node::cli
