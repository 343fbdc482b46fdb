// Key files: an Ed25519 seed encrypted under a passphrase.
//
// JSON: {"format":1,"purpose","public_key","kdf":{"name":"argon2id","ops","memory_bytes","salt"},
// "cipher":"xchacha20poly1305","nonce","box"}, bytes in hexadecimal. All fields before the box, as
// JSON without white space, are authenticated with it; no other spelling of the file is accepted.
#pragma once

#include <filesystem>
#include <string>

#include "crypto/ed25519.h"

namespace talent::crypto {

/// Cost of Argon2id (RFC 9106). Interactive: tenths of a second, for a devnet and for tests.
/// Sensitive: seconds and 1 GiB, for keys that matter.
enum class KdfCost { kInteractive, kModerate, kSensitive };

/// Writes `key` to `path` with mode 0600, through a temporary file and fsync; never overwrites.
/// `purpose` says what the key is for ("vote:private-a", "node", "party:acme"), in clear: up to 100
/// printable ASCII characters.
/// Errors: kInvalidArgument (purpose), kPrecondition (the file exists), kExhausted (no memory for
/// the cost), kIo.
Status WriteKeyFile(const std::filesystem::path& path, const KeyPair& key, std::string_view purpose,
                    std::string_view passphrase, KdfCost cost, Random& random);

/// Errors: kNotFound, kIo, kInvalidArgument (no key file, or a cost above kSensitive; names the
/// field), kFormatVersion, kUnauthorized (wrong passphrase or damaged file; one cannot be told from
/// the other), kPrecondition (others may read or change the file), kExhausted (no memory for the
/// cost).
Result<KeyPair> ReadKeyFile(const std::filesystem::path& path, std::string_view passphrase);

struct KeyFileInfo {
  std::string purpose;
  PublicKey public_key;
};
/// What can be known without the passphrase; not authenticated.
Result<KeyFileInfo> InspectKeyFile(const std::filesystem::path& path);

}  // namespace talent::crypto
