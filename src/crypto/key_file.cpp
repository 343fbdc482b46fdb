#include "crypto/key_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json_fields.h"
#include "crypto/sodium.h"

namespace talent::crypto {
namespace {

using Json = nlohmann::ordered_json;  // keeps the order of fields, which is part of the format

constexpr std::uint64_t kFormat = 1;
constexpr std::string_view kKdf = "argon2id";
constexpr std::string_view kCipher = "xchacha20poly1305";
constexpr std::size_t kMaxFileBytes = 4096;  // a key file has about 600
constexpr std::size_t kMaxPurpose = 100;
constexpr mode_t kMode = 0600;

using Salt = FixedBytes<struct SaltTag, crypto_pwhash_argon2id_SALTBYTES>;
using Nonce = FixedBytes<struct NonceTag, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES>;
using Box = FixedBytes<struct BoxTag, Seed::kSize + crypto_aead_xchacha20poly1305_ietf_ABYTES>;

struct Kdf {
  std::uint64_t ops = 0;
  std::uint64_t memory_bytes = 0;
  Salt salt;
};

struct Header {
  std::string purpose;
  PublicKey public_key;
  Kdf kdf;
  Nonce nonce;
};

struct KeyFile {
  Header header;
  Box box;
};

// The key of the box; wiped when it goes.
struct BoxKey {
  std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_KEYBYTES> bytes{};
  BoxKey() = default;
  BoxKey(const BoxKey&) = delete;
  BoxKey& operator=(const BoxKey&) = delete;
  ~BoxKey() { sodium_memzero(bytes.data(), bytes.size()); }
};

Kdf CostOf(KdfCost cost) {
  switch (cost) {
    case KdfCost::kInteractive:
      return {crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
              crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE,
              {}};
    case KdfCost::kModerate:
      return {
          crypto_pwhash_argon2id_OPSLIMIT_MODERATE, crypto_pwhash_argon2id_MEMLIMIT_MODERATE, {}};
    case KdfCost::kSensitive:
      break;
  }
  return {crypto_pwhash_argon2id_OPSLIMIT_SENSITIVE, crypto_pwhash_argon2id_MEMLIMIT_SENSITIVE, {}};
}

Json ToJson(const Header& header) {
  return {{"format", kFormat},
          {"purpose", header.purpose},
          {"public_key", header.public_key.Hex()},
          {"kdf",
           {{"name", kKdf},
            {"ops", header.kdf.ops},
            {"memory_bytes", header.kdf.memory_bytes},
            {"salt", header.kdf.salt.Hex()}}},
          {"cipher", kCipher},
          {"nonce", header.nonce.Hex()}};
}

Bytes AssociatedData(const Header& header) { return ToJson(header).dump(); }

std::string Render(const KeyFile& file) {
  Json document = ToJson(file.header);
  document["box"] = file.box.Hex();
  return document.dump(2) + "\n";
}

Status DeriveKey(const Kdf& kdf, std::string_view passphrase, BoxKey& out) {
  if (crypto_pwhash_argon2id(out.bytes.data(), out.bytes.size(), passphrase.data(),
                             passphrase.size(), kdf.salt.data(), kdf.ops, kdf.memory_bytes,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return Fail(Code::kExhausted, "cannot get the {} bytes of memory that the key file's kdf needs",
                kdf.memory_bytes);
  }
  return {};
}

Status ExpectText(JsonFields& object, const std::string& name, std::string_view expected) {
  if (TRY(object.Text(name, kMaxFileBytes)) != expected) {
    return Fail(Code::kInvalidArgument, "{}: only '{}' is known", object.PathOf(name), expected);
  }
  return {};
}

// Bounded by the dearest cost we write, so that a hostile file takes neither memory nor hours.
Result<Kdf> ParseKdf(JsonFields object) {
  const Kdf most = CostOf(KdfCost::kSensitive);
  TRY(ExpectText(object, "name", kKdf));
  Kdf kdf;
  kdf.ops = TRY(object.Number("ops", crypto_pwhash_argon2id_OPSLIMIT_MIN, most.ops));
  kdf.memory_bytes =
      TRY(object.Number("memory_bytes", crypto_pwhash_argon2id_MEMLIMIT_MIN, most.memory_bytes));
  kdf.salt = TRY(object.Hex<Salt>("salt"));
  TRY(object.Finish());
  return kdf;
}

Status CheckPurpose(std::string_view purpose) {
  const bool printable = std::ranges::all_of(purpose, [](char c) { return c >= ' ' && c <= '~'; });
  if (purpose.empty() || purpose.size() > kMaxPurpose || !printable) {
    return Fail(Code::kInvalidArgument, "a key's purpose is 1 to {} printable ASCII characters",
                kMaxPurpose);
  }
  return {};
}

Result<KeyFile> Parse(const std::string& text) {
  const nlohmann::json document = TRY(ParseJson(text));
  JsonFields fields = TRY(JsonFields::Of(document, ""));
  const std::uint64_t format = TRY(fields.Number("format", 0, UINT64_MAX));
  if (format != kFormat) {
    return Fail(Code::kFormatVersion, "format {}; this program reads format {}", format, kFormat);
  }
  TRY(ExpectText(fields, "cipher", kCipher));
  KeyFile file;
  Header& header = file.header;
  header.purpose = TRY(fields.Text("purpose", kMaxPurpose));
  header.public_key = TRY(fields.Hex<PublicKey>("public_key"));
  header.kdf = TRY(ParseKdf(TRY(fields.Object("kdf"))));
  header.nonce = TRY(fields.Hex<Nonce>("nonce"));
  file.box = TRY(fields.Hex<Box>("box"));
  TRY(fields.Finish());
  TRY(CheckPurpose(header.purpose));
  if (Render(file) != text) {
    return Fail(Code::kInvalidArgument, "not laid out as this program writes key files");
  }
  return file;
}

Result<KeyFile> Load(const std::filesystem::path& path) {
  Result<KeyFile> file = Parse(TRY(ReadFile(path, kMaxFileBytes)));
  if (!file) return Within(fmt::format("key file {}", path.string()), file.error());
  return file;
}

}  // namespace

Status WriteKeyFile(const std::filesystem::path& path, const KeyPair& key, std::string_view purpose,
                    std::string_view passphrase, KdfCost cost, Random& random) {
  TRY(CheckPurpose(purpose));
  EnsureSodium();
  KeyFile file{.header = {.purpose = std::string(purpose),
                          .public_key = key.public_key(),
                          .kdf = CostOf(cost),
                          .nonce = Nonce::FromBytes(random.Draw(Nonce::kSize)).value()},
               .box = {}};
  file.header.kdf.salt = Salt::FromBytes(random.Draw(Salt::kSize)).value();
  BoxKey box_key;
  TRY(DeriveKey(file.header.kdf, passphrase, box_key));
  const Bytes header = AssociatedData(file.header);
  Seed seed = key.seed();
  crypto_aead_xchacha20poly1305_ietf_encrypt(file.box.data(), nullptr, seed.data(), Seed::kSize,
                                             Raw(header), header.size(), nullptr,
                                             file.header.nonce.data(), box_key.bytes.data());
  sodium_memzero(seed.data(), Seed::kSize);
  return WriteFile(path, Render(file), kMode, IfExists::kFail);
}

Result<KeyPair> ReadKeyFile(const std::filesystem::path& path, std::string_view passphrase) {
  EnsureSodium();
  const KeyFile file = TRY(Load(path));
  std::error_code error;
  const auto permissions = std::filesystem::status(path, error).permissions();
  using std::filesystem::perms;
  if (error || (permissions & (perms::group_all | perms::others_all)) != perms::none) {
    return Fail(Code::kPrecondition,
                "key file {} is open to others than its owner; set its mode to 0600",
                path.string());
  }
  BoxKey box_key;
  TRY(DeriveKey(file.header.kdf, passphrase, box_key));
  const Bytes header = AssociatedData(file.header);
  Seed seed;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          seed.data(), nullptr, nullptr, file.box.data(), Box::kSize, Raw(header), header.size(),
          file.header.nonce.data(), box_key.bytes.data()) != 0) {
    return Fail(Code::kUnauthorized, "key file {}: wrong passphrase, or the file is damaged",
                path.string());
  }
  KeyPair pair = KeyPair::FromSeed(seed);
  sodium_memzero(seed.data(), Seed::kSize);
  if (pair.public_key() != file.header.public_key) {
    return Fail(Code::kUnauthorized, "key file {}: its public key is not that of its secret",
                path.string());
  }
  return pair;
}

Result<KeyFileInfo> InspectKeyFile(const std::filesystem::path& path) {
  KeyFile file = TRY(Load(path));
  return KeyFileInfo{.purpose = std::move(file.header.purpose),
                     .public_key = file.header.public_key};
}

}  // namespace talent::crypto
