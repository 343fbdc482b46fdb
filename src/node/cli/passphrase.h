// Key files on the command line: their passphrase and what guessing it costs.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "crypto/key_file.h"

namespace talent::node::cli {

/// --passphrase-file FILE, else the environment's TALENT_PASSPHRASE, else asked for on the
/// terminal.
struct PassphraseOptions {
  std::filesystem::path file;
};
void AddPassphraseOptions(CLI::App* command, PassphraseOptions& options);

/// Without a line break at its end. `twice` asks again on a terminal, for a new passphrase. Errors:
/// kIo, kInvalidArgument (empty, or typed two ways), kPrecondition (no source at all).
Result<std::string> ReadPassphrase(const PassphraseOptions& options, bool twice);

/// Reads the passphrase, then the key file.
Result<crypto::KeyPair> ReadKey(const std::filesystem::path& key_file,
                                const PassphraseOptions& options);

/// --kdf interactive|moderate|sensitive, for new key files.
void AddKdfOption(CLI::App* command, crypto::KdfCost& cost);

}  // namespace talent::node::cli
