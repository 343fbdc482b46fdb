#include "consensus/evidence.h"

#include <nlohmann/json.hpp>

#include "ledger/genesis.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/connect.h"
#include "node/records/payload_json.h"

namespace talent::node::cli {
namespace {

struct EvidenceOptions {
  ConnectionOptions connection;
  std::filesystem::path genesis;
  Output output = Output::kTable;
};

// "" where it holds, else what is wrong with it.
std::string Verify(const ledger::Genesis& genesis, const v1::Evidence& evidence) {
  const auto facts = consensus::VerifyEvidence(genesis.chain_id(), genesis.validators(),
                                               evidence.first(), evidence.second());
  if (!facts) return facts.error().ToString();
  return facts->culprit.value == evidence.validator() ? "" : "it convicts another validator";
}

Result<int> ShowEvidence(const EvidenceOptions& options) {
  std::optional<ledger::Genesis> genesis;
  if (!options.genesis.empty()) genesis = TRY(ledger::Genesis::Load(options.genesis));
  std::vector<std::vector<std::string>> rows;
  auto json = nlohmann::json::array();
  bool all_hold = true;
  for (const auto& attempt : TRY(ConnectAll(options.connection))) {
    if (!attempt.connection) return tl::unexpected(attempt.connection.error());
    for (const auto& chain : attempt.connection->status.chains()) {
      const ChainId id = TRY(ChainId::FromBytes(chain.chain_id()));
      if (genesis && genesis->chain_id() != id) continue;
      const auto list = TRY(attempt.connection->client->ListEvidence(id));
      for (const auto& evidence : list.evidence()) {
        const std::string wrong = genesis ? Verify(*genesis, evidence) : "";
        all_hold = all_hold && wrong.empty();
        rows.push_back({attempt.node, chain.name(), evidence.name(), evidence.kind(),
                        std::to_string(evidence.epoch()), std::to_string(evidence.view()),
                        std::to_string(evidence.height()),
                        !genesis        ? "not checked"
                        : wrong.empty() ? "holds"
                                        : wrong});
        auto entry = TRY(MessageToJson(evidence));
        entry["node"] = attempt.node;
        entry["chain"] = chain.name();
        json.push_back(std::move(entry));
      }
    }
  }
  if (options.output == Output::kJson) {
    PrintJson(json);
  } else {
    PrintTable({"NODE", "CHAIN", "VALIDATOR", "KIND", "EPOCH", "VIEW", "HEIGHT", "PROOF"}, rows);
  }
  return all_hold ? kGood : kRefused;
}

}  // namespace

void AddEvidenceCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EvidenceOptions>();
  auto* evidence =
      app.add_subcommand("evidence", "Signed messages by which validators convict themselves");
  evidence->footer(
      "Examples:\n"
      "  talentd evidence --endpoints .devnet/endpoints.json\n"
      "  talentd evidence --genesis private-a.genesis.json --endpoints .devnet/endpoints.json\n"
      "\n"
      "With a genesis only that chain's, each pair checked against its validators: 1 where one "
      "does\n"
      "not hold. --output json has the messages themselves.");
  AddConnectionOptions(evidence, options->connection);
  evidence->add_option("--genesis", options->genesis,
                       "Check against this chain's first validators");
  AddOutputOption(evidence, options->output);
  OnRun(evidence, exit_code, [options] { return ShowEvidence(*options); });
}

}  // namespace talent::node::cli
