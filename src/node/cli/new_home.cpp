#include "node/cli/new_home.h"

#include "base/file.h"
#include "node/chain/vote_log.h"
#include "node/ops/config.h"

namespace talent::node::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPassphraseBytes = 16;  // 128 random bits, when we choose it

Status MakeDirectory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return Fail(Code::kIo, "{}: {}", path.string(), error.message());
  return {};
}

}  // namespace

Status MakeHomeDirectories(const fs::path& home) {
  for (const auto& dir : {home, home / "keys", home / "genesis"}) TRY(MakeDirectory(dir));
  return {};
}

Result<fs::path> PassphraseFileOf(const fs::path& home, const fs::path& given) {
  if (!given.empty()) return fs::absolute(given);
  fs::path file = home / "passphrase";
  crypto::SystemRandom random;
  TRY(WriteFile(file, ToHex(random.Draw(kPassphraseBytes)) + "\n", 0600, IfExists::kFail));
  return file;
}

fs::path KeyFileOf(const fs::path& home, const std::string& purpose) {
  return home / "keys" / (purpose + ".key");
}

Result<MadeKey> MakeKey(const fs::path& home, const std::string& purpose,
                        const std::string& passphrase, crypto::KdfCost cost) {
  crypto::SystemRandom random;
  const auto key = crypto::KeyPair::Generate(random);
  fs::path file = KeyFileOf(home, purpose);
  TRY(crypto::WriteKeyFile(file, key, purpose, passphrase, cost, random));
  return MadeKey{std::move(file), key.public_key()};
}

std::string VoteKeyPurpose(const std::string& chain) { return "vote-" + chain; }

Result<MadeKey> MakeVoteKey(const fs::path& home, const std::string& chain,
                            const std::string& passphrase, crypto::KdfCost cost) {
  auto made = TRY(MakeKey(home, VoteKeyPurpose(chain), passphrase, cost));
  TRY(VoteLog::Prepare(VoteLogFile(home, chain), made.key));
  return made;
}

}  // namespace talent::node::cli
