// Signing a transaction and putting it on a chain, for the commands that do.
#pragma once

#include "node/cli/command.h"
#include "node/cli/connect.h"
#include "node/cli/passphrase.h"

namespace talent::node::cli {

struct SubmitOptions {
  ConnectionOptions connection;
  std::string chain;
  std::uint64_t valid_for = 1000;
  std::filesystem::path key;
  PassphraseOptions passphrase;
  Output output = Output::kTable;
};
/// --chain, --valid-for, --key and those of the connection, the passphrase and the output.
void AddSubmitOptions(CLI::App* command, SubmitOptions& options);

/// A chain, and the key that signs for it, logged in with.
struct Author {
  ChainConnection connection;
  crypto::KeyPair key;
};
/// Errors: those of the key file, of ConnectToChain and of the login.
Result<Author> ConnectToSign(const SubmitOptions& options);

/// Longest wait for a transaction to be sealed.
inline constexpr Millis kSubmitWait{30'000};

/// Signs `payload` as a transaction of `kind` and waits until it is sealed. Errors: those of the
/// node.
Result<Submitted> SignAndSubmit(const SubmitOptions& options, const ChainConnection& connection,
                                const crypto::KeyPair& key, const std::string& kind, Bytes payload,
                                ledger::pb::Disclosure disclosure);

/// Prints what became of it; the exit code.
int ReportSubmitted(const Submitted& submitted, Output output);

}  // namespace talent::node::cli
