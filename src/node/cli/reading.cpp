#include "node/cli/reading.h"

namespace talent::node::cli {

void AddReadOptions(CLI::App* command, ReadOptions& options, const std::string& chain_name) {
  AddChainOption(command, chain_name, options.chain);
  command->add_option("--key", options.key, "Key file of a party, to log in with");
  AddPassphraseOptions(command, options.passphrase);
  AddConnectionOptions(command, options.connection);
  AddOutputOption(command, options.output);
}

Result<ChainConnection> ConnectToRead(const ReadOptions& options) {
  auto connection = TRY(ConnectToChain(options.connection, options.chain));
  if (!options.key.empty()) {
    const auto key = TRY(ReadKey(options.key, options.passphrase));
    TRY(connection.node.client->Login(connection.chain, key));
  }
  return connection;
}

}  // namespace talent::node::cli
