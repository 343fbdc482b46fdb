#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/connect.h"
#include "node/cli/passphrase.h"
#include "node/cli/record_import.h"
#include "node/records/payload_json.h"

namespace talent::node::cli {
namespace {

constexpr Millis kWait{30'000};

struct SubmitOptions {
  ConnectionOptions connection;
  std::string chain = "private";
  std::string kind;
  std::string payload;  // JSON, @file or -
  ledger::pb::Disclosure disclosure = ledger::pb::DISCLOSURE_PRIVATE;
  std::uint64_t valid_for = 1000;
  std::filesystem::path key;
  PassphraseOptions passphrase;
  Output output = Output::kTable;
};

Result<std::string> ReadPayload(const std::string& argument) {
  if (argument.starts_with('@')) return ReadFile(argument.substr(1), kMaxPayloadJsonBytes);
  if (argument != "-") return argument;
  std::string text;
  char buffer[4096];
  while (text.size() <= kMaxPayloadJsonBytes) {
    std::cin.read(buffer, sizeof(buffer));
    if (std::cin.gcount() == 0) return text;
    text.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
  }
  return Fail(Code::kTooLarge, "standard input: more than {} bytes", kMaxPayloadJsonBytes);
}

int Print(const SubmitOptions& options, const Submitted& submitted) {
  const auto& state = submitted.state;
  if (options.output == Output::kJson) {
    PrintJson({{"id", submitted.id.Hex()},
               {"status", v1::TransactionStatus_Name(state.status())},
               {"height", state.height()},
               {"receipt", ledger::pb::ReceiptCode_Name(state.receipt())}});
  } else {
    PrintTable({"ID", "STATUS", "HEIGHT", "RECEIPT"},
               {{submitted.id.Hex(), v1::TransactionStatus_Name(state.status()),
                 std::to_string(state.height()), ledger::pb::ReceiptCode_Name(state.receipt())}});
  }
  switch (state.status()) {
    case v1::TRANSACTION_STATUS_SEALED:
      return kGood;
    case v1::TRANSACTION_STATUS_REJECTED:
      return Refused(
          {Code::kPrecondition, fmt::format("the chain sealed it without effect: {}",
                                            ledger::pb::ReceiptCode_Name(state.receipt()))});
    case v1::TRANSACTION_STATUS_EXPIRED:
      return Refused({Code::kExpired, "valid_until passed without it; submit it anew"});
    default:
      return Refused({Code::kUnavailable,
                      fmt::format("not sealed within {} s; 'talentd query tx {}' says what becomes "
                                  "of it",
                                  kWait.value / 1000, submitted.id.Hex())});
  }
}

Result<int> SubmitRecord(const SubmitOptions& options) {
  const Bytes payload = TRY(PayloadFromJson(options.kind, TRY(ReadPayload(options.payload))));
  const auto key = TRY(ReadKey(options.key, options.passphrase));
  const auto connection = TRY(ConnectToChain(options.connection, options.chain));
  crypto::SystemRandom random;
  const auto tx =
      ledger::MakeTransaction(connection.chain, options.kind, payload, options.disclosure,
                              Height(connection.state.height() + options.valid_for), key, random);
  const auto submitted =
      connection.node.client->SubmitAndWait(connection.chain, ledger::Serialize(tx), kWait);
  if (!submitted) return Refused(submitted.error());
  return Print(options, *submitted);
}

}  // namespace

void AddRecordCommand(CLI::App& app, int& exit_code) {
  static const std::map<std::string, ledger::pb::Disclosure> kDisclosures{
      {"none", ledger::pb::DISCLOSURE_UNSPECIFIED},
      {"private", ledger::pb::DISCLOSURE_PRIVATE},
      {"commitment", ledger::pb::DISCLOSURE_COMMITMENT},
      {"full", ledger::pb::DISCLOSURE_FULL}};
  auto* record = app.add_subcommand("record", "Sign records and put them on a chain");
  record->require_subcommand(1);
  auto options = std::make_shared<SubmitOptions>();
  auto* submit = record->add_subcommand("submit", "Sign one record and wait until it is sealed");
  submit->footer(
      "Examples:\n"
      "  talentd record submit TrainingCompleted @training.json --disclosure full \\\n"
      "    --chain private-a --key centre.key --endpoints .devnet/endpoints.json\n"
      "  talentd record submit ReviewCommitted '{\"record_id\":\"1f3a…\",\"commitment\":\"…\"}' "
      "\\\n"
      "    --disclosure none --chain consortium --key acme.key --endpoints …\n"
      "\n"
      "The payload is the kind's message (proto/talent/tiers/v1) as JSON; bytes are hexadecimal.\n"
      "Exits with 1 when the chain refuses it.");
  submit->add_option("KIND", options->kind, "Kind of the record: AbilityAssessed")->required();
  submit->add_option("PAYLOAD", options->payload, "JSON, @FILE, or - for standard input")
      ->required();
  submit->add_option("--chain", options->chain, "Chain by name, tier or id")->capture_default_str();
  submit
      ->add_option("--disclosure", options->disclosure,
                   "How far it may travel: private (default), commitment, full; none where the "
                   "kind is no record")
      ->transform(CLI::CheckedTransformer(kDisclosures))
      ->option_text("none|private|commitment|full");
  submit->add_option("--valid-for", options->valid_for, "Blocks it may wait for before it expires")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}))
      ->capture_default_str();
  submit->add_option("--key", options->key, "Key file of the author")->required();
  AddPassphraseOptions(submit, options->passphrase);
  AddConnectionOptions(submit, options->connection);
  AddOutputOption(submit, options->output);
  OnRun(submit, exit_code, [options] { return SubmitRecord(*options); });
  AddRecordImportCommand(*record, exit_code);
}

}  // namespace talent::node::cli
