#include "consensus/evidence.h"

#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/canonical.h"
#include "ledger/genesis.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/reading.h"
#include "node/cli/scan_table.h"
#include "node/cli/submit.h"
#include "node/records/payload_json.h"
#include "tiers/governance.h"

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

// On the chain.

Result<int> ListMisdeeds(const ReadOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  std::vector<std::vector<std::string>> rows;
  auto json = nlohmann::json::array();
  const auto misdeeds = ScanTable(connection, tiers::kMisdeeds);
  if (!misdeeds) return Refused(misdeeds.error());
  for (const auto& [key, misdeed] : *misdeeds) {
    rows.push_back({misdeed.name(), misdeed.kind(), std::to_string(misdeed.epoch()),
                    std::to_string(misdeed.view()), std::to_string(misdeed.height()),
                    misdeed.centre(), ToHex(misdeed.transaction())});
    json.push_back(TRY(MessageToJson(misdeed)));
  }
  if (options.output == Output::kJson) {
    PrintJson(json);
  } else {
    PrintTable({"VALIDATOR", "KIND", "EPOCH", "VIEW", "HEIGHT", "SUBMITTED BY", "TRANSACTION"},
               rows);
  }
  return kGood;
}

/// What the connected node holds and the chain does not.
Result<int> SubmitHeld(const SubmitOptions& options) {
  const auto [connection, key] = TRY(ConnectToSign(options));
  const auto held = TRY(connection.node.client->ListEvidence(connection.chain));
  std::set<std::tuple<std::uint64_t, std::string, std::string, std::uint64_t, std::uint64_t>> known;
  for (const auto& [at, m] : TRY(ScanTable(connection, tiers::kMisdeeds))) {
    known.emplace(m.epoch(), m.name(), m.kind(), m.view(), m.height());
  }
  int code = kGood;
  for (const auto& evidence : held.evidence()) {
    if (!known
             .emplace(evidence.epoch(), evidence.name(), evidence.kind(), evidence.view(),
                      evidence.height())
             .second) {
      continue;
    }
    tiers::pb::EvidenceSubmitted message;
    message.set_epoch(evidence.epoch());
    message.set_first(evidence.first());
    message.set_second(evidence.second());
    const auto submitted = SignAndSubmit(options, connection, key, message.GetDescriptor()->name(),
                                         Encode(message), ledger::pb::DISCLOSURE_UNSPECIFIED);
    code = std::max(
        code, submitted ? ReportSubmitted(*submitted, options.output) : Refused(submitted.error()));
  }
  return code;
}

void AddSubmit(CLI::App& evidence, int& exit_code) {
  auto options = std::make_shared<SubmitOptions>();
  auto* submit = evidence.add_subcommand(
      "submit",
      "As a centre, put on the chain what a node holds against its validators 提交违规证据");
  AddSubmitOptions(submit, *options);
  OnRun(submit, exit_code, [options] { return SubmitHeld(*options); });
}

void AddOnChain(CLI::App& evidence, int& exit_code) {
  auto options = std::make_shared<ReadOptions>();
  auto* list = evidence.add_subcommand("on-chain", "What was put on a chain 链上违规记录");
  AddReadOptions(list, *options);
  OnRun(list, exit_code, [options] { return ListMisdeeds(*options); });
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
      "  talentd evidence submit --chain private-a --key centre.key --endpoints …\n"
      "  talentd evidence on-chain --chain private-a --key centre.key --endpoints …\n"
      "\n"
      "With a genesis only that chain's, each pair checked against its validators: 1 where one "
      "does\n"
      "not hold. --output json has the messages themselves.");
  AddConnectionOptions(evidence, options->connection);
  evidence->add_option("--genesis", options->genesis,
                       "Check against this chain's first validators");
  AddOutputOption(evidence, options->output);
  OnRun(evidence, exit_code, [evidence, options, &exit_code]() -> Result<int> {
    if (!evidence->get_subcommands().empty()) return exit_code;  // that was what was asked
    return ShowEvidence(*options);
  });
  AddSubmit(*evidence, exit_code);
  AddOnChain(*evidence, exit_code);
}

}  // namespace talent::node::cli
