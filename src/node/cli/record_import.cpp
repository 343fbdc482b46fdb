#include "node/cli/record_import.h"

#include <unistd.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "node/cli/command.h"
#include "node/cli/connect.h"
#include "node/cli/passphrase.h"
#include "node/records/import_run.h"

namespace talent::node::cli {
namespace {

struct RecordImportOptions {
  ConnectionOptions connection;
  std::string chain = "private";
  std::filesystem::path key;
  PassphraseOptions passphrase;
  ImportOptions import;
  Output output = Output::kTable;
};

/// Every validator of the chain that answers, logged in.
struct Importers {
  ChainId chain;
  std::vector<std::unique_ptr<Client>> clients;
};

Result<Importers> LogIn(const RecordImportOptions& options, const crypto::KeyPair& key) {
  const ChainId chain = TRY(ConnectToChain(options.connection, options.chain)).chain;
  Importers out{chain, {}};
  for (auto& attempt : TRY(ConnectAll(options.connection))) {
    if (!attempt.connection) continue;
    for (const auto& state : attempt.connection->status.chains()) {
      if (state.chain_id() != chain.View() || state.role() != "validator") continue;
      TRY(attempt.connection->client->Login(chain, key));
      out.clients.push_back(std::move(attempt.connection->client));
      break;
    }
  }
  if (out.clients.empty()) {
    return Fail(Code::kUnavailable, "no validator of chain {} answers", chain.Hex());
  }
  return out;
}

void ShowProgress(const ImportCounts& counts) {
  const char* begin = isatty(STDERR_FILENO) != 0 ? "\r" : "";
  const char* end = isatty(STDERR_FILENO) != 0 ? "" : "\n";
  fmt::print(stderr,
             "{}{} rows read, {} people done, {} records sealed, {} refused, {} failed; waited {} "
             "times for room; {} wait for the next chain{}{}",
             begin, counts.rows, counts.people, counts.sealed, counts.refused, counts.failed,
             counts.no_room, counts.outbox, counts.held ? ": no new people meanwhile" : "", end);
}

void Print(const RecordImportOptions& options, const ImportCounts& counts, double seconds) {
  if (options.output == Output::kJson) {
    PrintJson({{"rows", counts.rows},
               {"people", counts.people},
               {"sealed", counts.sealed},
               {"already_there", counts.already_there},
               {"refused", counts.refused},
               {"failed", counts.failed},
               {"no_room", counts.no_room},
               {"seconds", seconds},
               {"rejects", options.import.rejects.string()}});
    return;
  }
  PrintTable(
      {"ROWS", "PEOPLE", "SEALED", "ALREADY THERE", "REFUSED", "FAILED", "SECONDS"},
      {{std::to_string(counts.rows), std::to_string(counts.people), std::to_string(counts.sealed),
        std::to_string(counts.already_there), std::to_string(counts.refused),
        std::to_string(counts.failed), fmt::format("{:.1f}", seconds)}});
  if (counts.refused + counts.failed > 0) {
    fmt::print("{} says which rows and why\n", options.import.rejects.string());
  }
}

Result<int> Import(RecordImportOptions options) {
  const auto key = TRY(ReadKey(options.key, options.passphrase));
  if (options.import.salt_file.empty()) {
    options.import.salt_file = options.key.parent_path() / "import-salt";
  }
  if (options.import.rejects.empty()) {
    options.import.rejects = options.import.csv.string() + ".rejects.csv";
  }
  const auto importers = TRY(LogIn(options, key));
  options.import.chain = importers.chain;
  options.import.progress = [last = ImportCounts()](const ImportCounts& counts) mutable {
    if (counts != std::exchange(last, counts)) ShowProgress(counts);
  };
  const auto start = std::chrono::steady_clock::now();
  const auto counts = TRY(RunImport(options.import, key, importers.clients));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\n");
  Print(options, counts, taken.count());
  return counts.refused + counts.failed == 0 ? kGood : kRefused;
}

}  // namespace

void AddRecordImportCommand(CLI::App& record, int& exit_code) {
  static const std::map<std::string, ledger::pb::Disclosure> kDisclosures{
      {"private", ledger::pb::DISCLOSURE_PRIVATE},
      {"commitment", ledger::pb::DISCLOSURE_COMMITMENT},
      {"full", ledger::pb::DISCLOSURE_FULL}};
  auto options = std::make_shared<RecordImportOptions>();
  auto* import = record.add_subcommand("import", "Import a CSV file of people as signed records");
  import->footer(
      "Example:\n"
      "  talentd record import --mapping data/hr-mapping.toml --csv data/hr-sample.csv \\\n"
      "    --chain private-a --key centre.key --endpoints .devnet/endpoints.json\n"
      "\n"
      "Each row becomes a registration, a consent, an assessment and a training, as the mapping\n"
      "says. May be run again: what is on the chain is left alone. Exits with 1 when a row was\n"
      "refused; the rejects file then names row, column and reason.");
  import->add_option("--mapping", options->import.mapping, "Mapping of columns to records, TOML")
      ->required();
  import->add_option("--csv", options->import.csv, "File to import")->required();
  import->add_option("--custodian", options->import.custodian,
                     "Party id of the centre that signs, in place of the mapping's");
  import->add_option("--chain", options->chain, "Chain by name, tier or id")->capture_default_str();
  import->add_option("--key", options->key, "Key file of the centre")->required();
  import->add_option("--rejects", options->import.rejects,
                     "Where to list refused rows (default: beside the CSV file)");
  import->add_option("--salt-file", options->import.salt_file,
                     "The centre's secret behind subject ids, made when missing (default: "
                     "import-salt beside the key); keep it");
  import
      ->add_option("--disclosure", options->import.disclosure,
                   "Of assessments and trainings: private, commitment, full (default)")
      ->transform(CLI::CheckedTransformer(kDisclosures))
      ->option_text("private|commitment|full");
  import->add_option("--in-flight", options->import.in_flight, "People at a time")
      ->check(CLI::Range(std::size_t{1}, std::size_t{4096}))
      ->capture_default_str();
  import
      ->add_option("--max-outbox", options->import.max_outbox,
                   "No new people while more records than these wait for the next chain")
      ->capture_default_str();
  AddPassphraseOptions(import, options->passphrase);
  AddConnectionOptions(import, options->connection);
  AddOutputOption(import, options->output);
  OnRun(import, exit_code, [options] { return Import(*options); });
}

}  // namespace talent::node::cli
