#include "crypto/key_file.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "support/temp_dir.h"

namespace talent::crypto {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 4096;
constexpr char kPassphrase[] = "correct horse";

KeyPair Key() { return KeyPair::FromSeed(Seed::FromBytes(Bytes(Seed::kSize, 's')).value()); }

// A key file at the least cost Argon2id knows, made from the description of the format in
// key_file.h and not by its code, so that hundreds of readings take no time.
std::string CheapFile(std::string_view ops = "1", std::string_view memory = "8192") {
  const Bytes salt(crypto_pwhash_argon2id_SALTBYTES, '\1');
  const Bytes nonce(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, '\2');
  const KeyPair key = Key();
  const std::string header =
      R"({"format":1,"purpose":"vote:private-a","public_key":")" + key.public_key().Hex() +
      R"(","kdf":{"name":"argon2id","ops":)" + std::string(ops) + R"(,"memory_bytes":)" +
      std::string(memory) + R"(,"salt":")" + ToHex(salt) +
      R"("},"cipher":"xchacha20poly1305","nonce":")" + ToHex(nonce) + R"("})";
  std::array<unsigned char, 32> box_key{};
  CHECK(crypto_pwhash_argon2id(box_key.data(), box_key.size(), kPassphrase,
                               std::strlen(kPassphrase),
                               reinterpret_cast<const unsigned char*>(salt.data()), 1, 8192,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0);
  std::array<unsigned char, 48> box{};
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      box.data(), nullptr, key.seed().data(), Seed::kSize,
      reinterpret_cast<const unsigned char*>(header.data()), header.size(), nullptr,
      reinterpret_cast<const unsigned char*>(nonce.data()), box_key.data());
  auto document = nlohmann::ordered_json::parse(header);
  document["box"] = ToHex({reinterpret_cast<const char*>(box.data()), box.size()});
  return document.dump(2) + "\n";
}

class KeyFileTest : public testing::Test {
 protected:
  fs::path path() const { return dir_.path() / "vote.key"; }
  void Put(const std::string& text) {
    std::ofstream(path(), std::ios::binary) << text;
    fs::permissions(path(), fs::perms::owner_read | fs::perms::owner_write);
  }
  Code Refusal(std::string_view passphrase = kPassphrase) {
    const Result<KeyPair> key = ReadKeyFile(path(), passphrase);
    EXPECT_FALSE(key);
    return key ? Code::kInternal : key.error().code;
  }

  TempDir dir_;
  SystemRandom random_;
};

TEST_F(KeyFileTest, WrittenKeyIsReadBackWithItsPassphraseOnly) {
  const KeyPair key = KeyPair::Generate(random_);
  ASSERT_TRUE(WriteKeyFile(path(), key, "party:acme", kPassphrase, KdfCost::kInteractive, random_));
  const Result<KeyPair> read = ReadKeyFile(path(), kPassphrase);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->seed(), key.seed());
  EXPECT_EQ(Refusal("correct horsf"), Code::kUnauthorized);
  const Result<KeyFileInfo> info = InspectKeyFile(path());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->purpose, "party:acme");
  EXPECT_EQ(info->public_key, key.public_key());
}

TEST_F(KeyFileTest, WrittenFileIsTheOwnersAloneAndHoldsNoSecretInClear) {
  const KeyPair key = KeyPair::Generate(random_);
  ASSERT_TRUE(WriteKeyFile(path(), key, "node", kPassphrase, KdfCost::kInteractive, random_));
  EXPECT_EQ(fs::status(path()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 1);  // no temporary file left
  const Bytes text = ReadFile(path(), kMaxFile).value();
  EXPECT_EQ(text.find(key.seed().Hex()), Bytes::npos);
}

TEST_F(KeyFileTest, ExistingFileIsNeverOverwritten) {
  Put("precious");
  const Status status =
      WriteKeyFile(path(), Key(), "node", kPassphrase, KdfCost::kInteractive, random_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kPrecondition);
  EXPECT_EQ(ReadFile(path(), kMaxFile), "precious");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 1);
}

TEST_F(KeyFileTest, FileMadeFromTheDescriptionOfTheFormatIsRead) {
  Put(CheapFile());
  const Result<KeyPair> key = ReadKeyFile(path(), kPassphrase);
  ASSERT_TRUE(key) << key.error().ToString();
  EXPECT_EQ(key->seed(), Key().seed());
}

TEST_F(KeyFileTest, EveryDamagedByteIsRefused) {
  const std::string good = CheapFile();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    Put(bad);
    EXPECT_FALSE(ReadKeyFile(path(), kPassphrase)) << "byte " << i << ": " << bad;
  }
  for (std::size_t size = 0; size < good.size(); size += 7) {
    Put(good.substr(0, size));
    EXPECT_EQ(Refusal(), Code::kInvalidArgument) << size;
  }
}

TEST_F(KeyFileTest, HostileCostsAreRefusedBeforeTheyAreSpent) {
  Put(CheapFile("5"));
  EXPECT_EQ(Refusal(), Code::kInvalidArgument);
  Put(CheapFile("1", "1073741825"));
  EXPECT_EQ(Refusal(), Code::kInvalidArgument);
  Put(CheapFile("18446744073709551615", "18446744073709551616"));
  EXPECT_EQ(Refusal(), Code::kInvalidArgument);
  Put(CheapFile("0"));
  EXPECT_EQ(Refusal(), Code::kInvalidArgument);
}

TEST_F(KeyFileTest, ErrorNamesTheFieldAndTheFile) {
  std::string text = CheapFile();
  text.replace(text.find("argon2id"), 8, "argon2i_");
  Put(text);
  const std::string message = ReadKeyFile(path(), kPassphrase).error().message;
  EXPECT_NE(message.find("kdf.name"), std::string::npos) << message;
  EXPECT_NE(message.find("vote.key"), std::string::npos) << message;
}

TEST_F(KeyFileTest, FutureFormatIsToldFromDamage) {
  std::string text = CheapFile();
  text.replace(text.find("\"format\": 1"), 11, "\"format\": 2");
  Put(text);
  EXPECT_EQ(Refusal(), Code::kFormatVersion);
}

TEST_F(KeyFileTest, FileOpenToOthersIsRefused) {
  Put(CheapFile());
  for (const fs::perms open : {fs::perms::group_read, fs::perms::others_read,
                               fs::perms::group_write, fs::perms::others_exec}) {
    fs::permissions(path(), fs::perms::owner_read | open);
    EXPECT_EQ(Refusal(), Code::kPrecondition);
  }
  fs::permissions(path(), fs::perms::owner_read);
  EXPECT_TRUE(ReadKeyFile(path(), kPassphrase));
}

TEST_F(KeyFileTest, MissingOversizedAndOddFilesAreRefused) {
  EXPECT_EQ(Refusal(), Code::kNotFound);
  Put(std::string(1 << 20, '{'));
  EXPECT_EQ(Refusal(), Code::kTooLarge);
  Put("[]");
  EXPECT_EQ(Refusal(), Code::kInvalidArgument);
  EXPECT_EQ(InspectKeyFile(dir_.path()).error().code, Code::kIo);
}

TEST_F(KeyFileTest, PurposeIsShortPrintableText) {
  for (const std::string& purpose :
       {std::string(), std::string(101, 'x'), std::string("line\nbreak"), std::string("\xff")}) {
    EXPECT_EQ(WriteKeyFile(path(), Key(), purpose, kPassphrase, KdfCost::kInteractive, random_)
                  .error()
                  .code,
              Code::kInvalidArgument);
  }
  EXPECT_FALSE(fs::exists(path()));
}

}  // namespace
}  // namespace talent::crypto
