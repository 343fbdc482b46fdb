#include "base/canonical.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/reading.h"

namespace talent::node::cli {
namespace {

struct ProofOptions : ReadOptions {
  std::string record;
  std::filesystem::path out;
};

Result<int> WriteProof(const ProofOptions& options) {
  const auto id = TRY(RecordId::FromHexString(options.record));
  const auto connection = TRY(ConnectToRead(options));
  const auto proof = connection.node.client->GetProof(connection.chain, id);
  if (!proof) return Refused(proof.error());
  const Bytes bytes = Encode(*proof);
  TRY(WriteOut(options.out, bytes));
  fmt::print(stderr, "{} bytes of proof from {} on chain {}\n", bytes.size(), connection.node.node,
             connection.state.name());
  return kGood;
}

}  // namespace

void AddProofCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ProofOptions>();
  options->chain = "public";
  auto* proof = app.add_subcommand(
      "proof", "Fetch the proof of a record or transaction, for 'talentd verify --proof'");
  proof->footer(
      "Examples:\n"
      "  talentd proof 1f3a… --endpoints .devnet/endpoints.json > proof\n"
      "  talentd verify --proof proof --genesis public.genesis.json\n"
      "\n"
      "The proof is a talent.ledger.v1.TransactionProof. It is checked offline from the chain's\n"
      "genesis file alone: nothing in it has to be believed. On the public chain the id of a\n"
      "record finds the transaction that published it, on the consortium the one that promoted\n"
      "it, with what these chains say of it today and the headers that its way is checked with.");
  proof->add_option("RECORD", options->record, "Record or transaction id, 64 hex digits")
      ->required();
  proof->add_option("--chain", options->chain, "Chain to prove it on")->capture_default_str();
  proof->add_option("--out", options->out, "File to write (default: standard output)");
  proof->add_option("--key", options->key, "Key file of a party, to have a payload included");
  AddPassphraseOptions(proof, options->passphrase);
  AddConnectionOptions(proof, options->connection);
  OnRun(proof, exit_code, [options] { return WriteProof(*options); });
}

}  // namespace talent::node::cli
