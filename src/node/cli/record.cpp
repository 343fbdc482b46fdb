#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/record_import.h"
#include "node/cli/submit.h"
#include "node/records/payload_json.h"

namespace talent::node::cli {
namespace {

struct RecordOptions {
  SubmitOptions submit;
  std::string kind;
  std::string payload;  // JSON, @file or -
  ledger::pb::Disclosure disclosure = ledger::pb::DISCLOSURE_PRIVATE;
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

Result<int> SubmitRecord(const RecordOptions& options) {
  Bytes payload = TRY(PayloadFromJson(options.kind, TRY(ReadPayload(options.payload))));
  const auto key = TRY(ReadKey(options.submit.key, options.submit.passphrase));
  const auto connection = TRY(ConnectToChain(options.submit.connection, options.submit.chain));
  const auto submitted = SignAndSubmit(options.submit, connection, key, options.kind,
                                       std::move(payload), options.disclosure);
  if (!submitted) return Refused(submitted.error());
  return ReportSubmitted(*submitted, options.submit.output);
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
  auto options = std::make_shared<RecordOptions>();
  options->submit.chain = "private";
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
  submit
      ->add_option("--disclosure", options->disclosure,
                   "How far it may travel: private (default), commitment, full; none where the "
                   "kind is no record")
      ->transform(CLI::CheckedTransformer(kDisclosures))
      ->option_text("none|private|commitment|full");
  AddSubmitOptions(submit, options->submit);
  OnRun(submit, exit_code, [options] { return SubmitRecord(*options); });
  AddRecordImportCommand(*record, exit_code);
}

}  // namespace talent::node::cli
