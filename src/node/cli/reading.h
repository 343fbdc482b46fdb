// Reading a chain's state, for the commands that do.
#pragma once

#include "node/cli/command.h"
#include "node/cli/connect.h"
#include "node/cli/passphrase.h"

namespace talent::node::cli {

struct ReadOptions {
  ConnectionOptions connection;
  std::string chain;
  std::filesystem::path key;  // empty: not logged in
  PassphraseOptions passphrase;
  Output output = Output::kTable;
};
/// --chain, --key and those of the connection, the passphrase and the output. With `chain_name`
/// the chain is that option or argument instead; it has to be given
/// unless options.chain names one already.
void AddReadOptions(CLI::App* command, ReadOptions& options,
                    const std::string& chain_name = "--chain");

/// A node that hosts the chain, logged in where there is a key. Errors: those of ConnectToChain, of
/// the key file and of the login.
Result<ChainConnection> ConnectToRead(const ReadOptions& options);

}  // namespace talent::node::cli
