#include <nlohmann/json.hpp>

#include "crypto/key_file.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/passphrase.h"

namespace talent::node::cli {
namespace {

struct KeysOptions {
  std::filesystem::path path;
  std::string purpose;
  crypto::KdfCost cost = crypto::KdfCost::kSensitive;
  PassphraseOptions passphrase;
  Output output = Output::kTable;
};

void Print(const KeysOptions& options, const std::string& purpose, const crypto::PublicKey& key) {
  if (options.output == Output::kJson) {
    PrintJson({{"path", options.path.string()}, {"purpose", purpose}, {"public_key", key.Hex()}});
  } else {
    PrintTable({"PUBLIC KEY", "PURPOSE", "FILE"}, {{key.Hex(), purpose, options.path.string()}});
  }
}

Result<int> New(const KeysOptions& options) {
  const std::string passphrase = TRY(ReadPassphrase(options.passphrase, true));
  crypto::SystemRandom random;
  const auto key = crypto::KeyPair::Generate(random);
  TRY(crypto::WriteKeyFile(options.path, key, options.purpose, passphrase, options.cost, random));
  Print(options, options.purpose, key.public_key());
  return kGood;
}

Result<int> Show(const KeysOptions& options, bool check) {
  const auto info = TRY(crypto::InspectKeyFile(options.path));
  if (check) {
    const auto key = ReadKey(options.path, options.passphrase);
    if (!key) return Refused(key.error());
  }
  Print(options, info.purpose, info.public_key);
  return kGood;
}

}  // namespace

void AddKeysCommand(CLI::App& app, int& exit_code) {
  auto* keys = app.add_subcommand("keys", "Make key files and look at them");
  keys->require_subcommand(1);
  keys->footer(
      "Examples:\n"
      "  talentd keys new party.key --purpose party:acme\n"
      "  talentd keys show party.key --check --passphrase-file pass");

  auto options = std::make_shared<KeysOptions>();
  auto* make = keys->add_subcommand(
      "new", "Make an Ed25519 key and write it, encrypted under a passphrase; never overwrites");
  make->add_option("FILE", options->path, "Key file to write")->required();
  make->add_option("--purpose", options->purpose, "What it is for, kept in clear: party:acme")
      ->required();
  AddKdfOption(make, options->cost);
  AddPassphraseOptions(make, options->passphrase);
  AddOutputOption(make, options->output);
  OnRun(make, exit_code, [options] { return New(*options); });

  auto check = std::make_shared<bool>(false);
  auto* show = keys->add_subcommand("show", "Show a key file's public key and purpose");
  show->add_option("FILE", options->path, "Key file")->required();
  show->add_flag("--check", *check, "Also open it: is the passphrase right and the file whole?");
  AddPassphraseOptions(show, options->passphrase);
  AddOutputOption(show, options->output);
  OnRun(show, exit_code, [options, check] { return Show(*options, *check); });
}

}  // namespace talent::node::cli
