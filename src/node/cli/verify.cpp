#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/file.h"
#include "ledger/light_client.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/verify_home.h"
#include "node/records/payload_json.h"
#include "talent/tiers/v1/public.pb.h"

namespace talent::node::cli {
namespace {

/// A proof holds one transaction, and an epoch change for every change of validators before it.
constexpr std::size_t kMaxProofBytes = 64u << 20;

struct VerifyOptions {
  std::filesystem::path proof;
  std::filesystem::path genesis;
  std::filesystem::path home;
};

template <class... Args>
void Passed(std::string_view step, fmt::format_string<Args...> format, Args&&... args) {
  fmt::print("OK      {:<18} {}\n", step, fmt::format(format, std::forward<Args>(args)...));
}

int Failed(std::string_view step, const Error& error) {
  fmt::print("FAILED  {:<18} {}\n", step, error.ToString());
  return Refused(error);
}

/// The record inside a publication, whose id is on every tier the same.
std::string DescribeRecord(std::string_view role, const tiers::v1::RecordEvidence& evidence) {
  const auto record = ledger::ParseTransaction(
      evidence.record(), evidence.has_payload() ? &evidence.payload() : nullptr);
  if (!record) return fmt::format("{}: {}", role, record.error().ToString());
  return fmt::format("{} {} of chain {}, kind {}", role, record->id.Hex(),
                     record->chain.Hex().substr(0, 16), record->kind);
}

void PrintContent(const ledger::Transaction& tx) {
  if (!tx.has_payload()) return;
  if (tx.kind == "RecordPublished") {
    if (const auto published = Decode<tiers::v1::RecordPublished>(tx.payload)) {
      fmt::print("publishes {}\n", DescribeRecord("record", published->record()));
    }
  } else if (tx.kind == "CorrectionPublished") {
    if (const auto published = Decode<tiers::v1::CorrectionPublished>(tx.payload)) {
      fmt::print("supersedes {}\n", DescribeRecord("record", published->original()));
      fmt::print("by {}\n", DescribeRecord("correction", published->correction()));
    }
  } else if (const auto content = DecodeToJson(tx.kind, tx.payload)) {
    PrintJson(*content);
  }
}

Result<int> VerifyProof(const VerifyOptions& options) {
  const Bytes bytes = TRY(ReadFile(options.proof, kMaxProofBytes));
  const auto genesis = TRY(ledger::Genesis::Load(options.genesis));
  Passed("genesis", "{} chain {} {}", ledger::TierName(genesis.tier()), genesis.name(),
         genesis.chain_id().Hex());
  const auto proof = Decode<ledger::pb::TransactionProof>(bytes);
  if (!proof) return Failed("encoding", proof.error());
  Passed("encoding", "{} bytes, canonical", bytes.size());
  const auto proven = ledger::VerifyTransactionProof(genesis, *proof);
  if (!proven) {
    // The message begins with the step: "certificate: …".
    const std::string& message = proven.error().message;
    return Failed(message.substr(0, message.find(':')), proven.error());
  }
  const auto& tx = proven->transaction;
  Passed("certificate", "block {} {}, sealed by {} of the chain's validators",
         proven->header.header.height(), proven->header.hash.Hex(),
         proof->header().certificate().seals_size());
  Passed("transaction path", "{} at place {} of {}, receipt {}", tx.id.Hex(), proof->path().index(),
         proven->header.header.transaction_count(),
         ledger::pb::ReceiptCode_Name(proven->receipt.code()));
  Passed("author signature", "kind {}, key {}", tx.kind, tx.author.Hex());
  if (tx.has_payload()) {
    Passed("payload hash", "{} bytes", tx.payload.size());
  } else {
    fmt::print("--      {:<18} the proof carries no payload\n", "payload hash");
  }
  for (int i = 0; i < proof->statements_size(); ++i) {
    const auto& state = proof->statements(i).proof();
    Passed(fmt::format("statement {}", i + 1), "state {}: {}", state.present() ? "has" : "lacks",
           ToHex(state.key()));
  }
  PrintContent(tx);
  if (proven->receipt.code() != ledger::pb::RECEIPT_CODE_OK) {
    return Refused(
        {Code::kPrecondition, fmt::format("the chain sealed this transaction without effect: {}",
                                          ledger::pb::ReceiptCode_Name(proven->receipt.code()))});
  }
  fmt::print("the proof holds\n");
  return kGood;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<VerifyOptions>();
  auto* verify = app.add_subcommand("verify", "Check a proof offline, or all that a node stores");
  verify->footer(
      "Examples:\n"
      "  talentd verify --proof proof --genesis public.genesis.json\n"
      "  talentd verify --home .devnet/nodes/centre-1\n"
      "\n"
      "A proof is checked from the chain's genesis file alone, step by step: certificate, paths,\n"
      "signature, payload, statements about the state. A home is checked by walking every chain\n"
      "from its genesis, executing each block again, beside the running node if it runs.\n"
      "Exits with 1 and names the step when something does not hold.");
  auto* proof = verify->add_option("--proof", options->proof, "Proof file, from 'talentd proof'");
  auto* genesis = verify->add_option("--genesis", options->genesis, "The chain's genesis file");
  auto* home = verify->add_option("--home", options->home, "A node's directory");
  proof->needs(genesis)->excludes(home);
  genesis->needs(proof);
  OnRun(verify, exit_code, [options]() -> Result<int> {
    if (!options->home.empty()) return VerifyHome(options->home);
    if (!options->proof.empty()) return VerifyProof(*options);
    return Fail(Code::kInvalidArgument, "give --proof FILE with --genesis FILE, or --home DIR");
  });
}

}  // namespace talent::node::cli
