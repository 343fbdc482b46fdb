// Erasure of a person's records, or of all about it.

#include <algorithm>
#include <map>

#include "base/canonical.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/submit.h"
#include "talent/tiers/v1/erasure.pb.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;

struct EraseOptions {
  SubmitOptions submit;
  std::string subject;
  std::vector<std::string> records;
  bool all = false;
  pb::ErasureGround ground = pb::ERASURE_GROUND_UNSPECIFIED;
  std::string reference;
};

const std::map<std::string, pb::ErasureGround> kGrounds = {
    {"request", pb::ERASURE_GROUND_SUBJECT_REQUEST},
    {"duty", pb::ERASURE_GROUND_LEGAL_DUTY},
    {"order", pb::ERASURE_GROUND_ORDER}};

Result<pb::Erased> MessageOf(const EraseOptions& options) {
  if (options.all == !options.records.empty()) {
    return Fail(Code::kInvalidArgument, "give --record, again for each, or --all");
  }
  const auto subject = Hash::FromHexString(options.subject);
  if (!subject) return Within("SUBJECT", subject.error());
  pb::Erased message;
  message.set_subject_id(subject->ToBytes());
  message.set_ground(options.ground);
  message.set_reference(options.reference);
  for (const std::string& text : options.records) {
    const auto record = RecordId::FromHexString(text);
    if (!record) return Within("--record", record.error());
    message.add_records(record->ToBytes());
  }
  std::sort(message.mutable_records()->begin(), message.mutable_records()->end());
  return message;
}

Result<int> Erase(const EraseOptions& options) {
  const pb::Erased message = TRY(MessageOf(options));
  const auto [connection, key] = TRY(ConnectToSign(options.submit));
  const auto submitted = SignAndSubmit(options.submit, connection, key, "Erased", Encode(message),
                                       ledger::pb::DISCLOSURE_COMMITMENT);
  if (!submitted) return Refused(submitted.error());
  return ReportSubmitted(*submitted, options.submit.output);
}

}  // namespace

void AddEraseCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EraseOptions>();
  options->submit.chain = "private";
  auto* erase = app.add_subcommand(
      "erase", "Erase records of a person, or all about it, on every tier 删除个人数据");
  erase->footer(
      "Examples:\n"
      "  talentd erase 5e1f… --record 77aa… --ground request --reference R-2026-114 \\\n"
      "    --key person.key --endpoints .devnet/endpoints.json\n"
      "  talentd erase 5e1f… --all --ground duty --reference D-88 --key centre.key --endpoints …\n"
      "\n"
      "Signed with the person's own key, or by its custodian centre: on a request where the "
      "person\n"
      "has no key, else on a duty or an order. From the block on no client is shown a payload; "
      "ten\n"
      "minutes later, and a minute at most, no file of a node's database holds it. What has been\n"
      "promoted or published follows. Envelopes, ids and proofs stay. There is no way back. Exits "
      "with 1 when refused.");
  erase->add_option("SUBJECT", options->subject, "Subject id, hexadecimal")->required();
  erase->add_option("--record", options->records, "Transaction to erase; again for each")
      ->allow_extra_args(false);
  erase->add_flag("--all", options->all,
                  "Everything about the person, and what the chain derived from it");
  erase->add_option("--ground", options->ground, "request, duty or order 依据")
      ->required()
      ->transform(CLI::CheckedTransformer(kGrounds));
  erase->add_option("--reference", options->reference, "File number; nothing about the person 案号")
      ->required();
  AddSubmitOptions(erase, options->submit);
  OnRun(erase, exit_code, [options] { return Erase(*options); });
}

}  // namespace talent::node::cli
