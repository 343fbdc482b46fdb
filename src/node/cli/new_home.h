// What commands that make a node's home share: its directories, passphrase and keys.
#pragma once

#include <filesystem>
#include <string>

#include "crypto/key_file.h"

namespace talent::node::cli {

/// `home` with its folders, open to its user only. Errors: kIo.
Status MakeHomeDirectories(const std::filesystem::path& home);

/// `given`, or where that is empty a new random passphrase in the home. Errors: kPrecondition
/// (there is one already), kIo.
Result<std::filesystem::path> PassphraseFileOf(const std::filesystem::path& home,
                                               const std::filesystem::path& given);

/// keys/`purpose`.key of the home.
std::filesystem::path KeyFileOf(const std::filesystem::path& home, const std::string& purpose);

struct MadeKey {
  std::filesystem::path file;
  crypto::PublicKey key;
};
/// A new key in keys/`purpose`.key of the home. Errors: kPrecondition (there is one), kIo.
Result<MadeKey> MakeKey(const std::filesystem::path& home, const std::string& purpose,
                        const std::string& passphrase, crypto::KdfCost cost);

/// Purpose of the key that votes on the chain of this name.
std::string VoteKeyPurpose(const std::string& chain);
/// That key, and its log of no votes. Errors: as MakeKey; kUnavailable (the node runs).
Result<MadeKey> MakeVoteKey(const std::filesystem::path& home, const std::string& chain,
                            const std::string& passphrase, crypto::KdfCost cost);

}  // namespace talent::node::cli
