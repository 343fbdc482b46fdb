#include "node/cli/submit.h"

#include <nlohmann/json.hpp>

namespace talent::node::cli {

void AddSubmitOptions(CLI::App* command, SubmitOptions& options) {
  AddChainOption(command, "--chain", options.chain);
  command->add_option("--valid-for", options.valid_for, "Blocks it may wait for before it expires")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}))
      ->capture_default_str();
  command->add_option("--key", options.key, "Key file of the author")->required();
  AddPassphraseOptions(command, options.passphrase);
  AddConnectionOptions(command, options.connection);
  AddOutputOption(command, options.output);
}

Result<Author> ConnectToSign(const SubmitOptions& options) {
  auto key = TRY(ReadKey(options.key, options.passphrase));
  auto connection = TRY(ConnectToChain(options.connection, options.chain));
  TRY(connection.node.client->Login(connection.chain, key));
  return Author{std::move(connection), std::move(key)};
}

Result<Submitted> SignAndSubmit(const SubmitOptions& options, const ChainConnection& connection,
                                const crypto::KeyPair& key, const std::string& kind, Bytes payload,
                                ledger::pb::Disclosure disclosure) {
  crypto::SystemRandom random;
  const auto tx =
      ledger::MakeTransaction(connection.chain, kind, std::move(payload), disclosure,
                              Height(connection.state.height() + options.valid_for), key, random);
  return connection.node.client->SubmitAndWait(connection.chain, ledger::Serialize(tx),
                                               kSubmitWait);
}

int ReportSubmitted(const Submitted& submitted, Output output) {
  const auto& state = submitted.state;
  if (output == Output::kJson) {
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
                                  kSubmitWait.value / 1000, submitted.id.Hex())});
  }
}

}  // namespace talent::node::cli
