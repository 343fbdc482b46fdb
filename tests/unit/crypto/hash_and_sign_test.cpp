#include <gtest/gtest.h>

#include <set>

#include "crypto/ed25519.h"
#include "crypto/sha256.h"
#include "unit/crypto/vectors.h"

namespace talent::crypto {
namespace {

KeyPair Key(char fill) {
  return KeyPair::FromSeed(Seed::FromBytes(Bytes(Seed::kSize, fill)).value());
}

ChainId Chain(char fill) { return ChainId::FromBytes(Bytes(ChainId::kSize, fill)).value(); }

TEST(Sha256, AgreesWithFips180) {
  const auto file = ReadVectors("fips180-sha256.json");
  for (const auto& vector : file.at("vectors")) {
    Bytes message;
    for (int i = 0; i < vector.at("times").get<int>(); ++i) message += vector.at("text");
    EXPECT_EQ(Sha256(message).Hex(), vector.at("digest").get<std::string>());
  }
}

TEST(Sha256, PartsHashAsTheirConcatenation) {
  EXPECT_EQ(Sha256({"ab", "", "c"}), Sha256("abc"));
  EXPECT_EQ(TaggedHash(Domain::kHeader, {"ab", "c"}),
            Sha256(Bytes("talent/header/v1") + Bytes(16, '\0') + "abc"));
}

TEST(Sha256, HmacAgreesWithRfc4231) {
  EXPECT_EQ(HmacSha256("Jefe", "what do ya want for nothing?").Hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Domain, TagsAre32BytesAndDistinct) {
  std::set<Bytes> tags;
  const int domains = static_cast<int>(Domain::kAddressSignature) + 1;
  for (int d = 0; d < domains; ++d) tags.insert(Bytes(DomainTag(static_cast<Domain>(d))));
  EXPECT_EQ(tags.size(), static_cast<std::size_t>(domains));
  for (const Bytes& tag : tags) EXPECT_EQ(tag.size(), 32U);
}

TEST(Ed25519, AgreesWithRfc8032) {
  const nlohmann::json file = ReadVectors("rfc8032-ed25519.json");
  ASSERT_EQ(file.at("vectors").size(), 5U);
  for (const auto& vector : file.at("vectors")) {
    const KeyPair key = KeyPair::FromSeed(Seed::FromBytes(HexField(vector, "secret_key")).value());
    const Bytes message = HexField(vector, "message");
    EXPECT_EQ(key.public_key().Hex(), vector.at("public_key").get<std::string>());
    const Signature signature = key.SignRaw(message);
    EXPECT_EQ(signature.Hex(), vector.at("signature").get<std::string>()) << vector.at("name");
    EXPECT_TRUE(VerifyRaw(key.public_key(), message, signature));
  }
}

TEST(Ed25519, AgreesWithWycheproof) {
  int checked = 0;
  const nlohmann::json file = ReadVectors("wycheproof-ed25519.json");
  for (const auto& group : file.at("testGroups")) {
    const PublicKey key = PublicKey::FromBytes(HexField(group.at("publicKey"), "pk")).value();
    for (const auto& test : group.at("tests")) {
      // A signature of another length is refused by its type.
      const Result<Signature> signature = Signature::FromBytes(HexField(test, "sig"));
      const bool ok = signature && VerifyRaw(key, HexField(test, "msg"), *signature);
      EXPECT_EQ(ok, test.at("result") == "valid") << test.at("tcId") << test.at("comment");
      ++checked;
    }
  }
  EXPECT_EQ(checked, file.at("numberOfTests").get<int>());
}

TEST(Ed25519, RefusesKeysOfSmallOrder) {
  // With the neutral element as the key, R = neutral and S = 0 satisfy the equation for any
  // message.
  PublicKey neutral;
  neutral.data()[0] = 1;
  Signature signature;
  signature.data()[0] = 1;
  EXPECT_FALSE(VerifyRaw(neutral, "anything", signature));
}

TEST(Ed25519, SignatureHoldsForItsPurposeChainAndBodyOnly) {
  const KeyPair key = Key('k');
  const Signature signature = key.Sign(Domain::kTxSignature, Chain('a'), "body");
  const PublicKey& pk = key.public_key();
  EXPECT_TRUE(Verify(pk, Domain::kTxSignature, Chain('a'), "body", signature));
  EXPECT_FALSE(Verify(pk, Domain::kPbftSignature, Chain('a'), "body", signature));
  EXPECT_FALSE(Verify(pk, Domain::kTxSignature, Chain('b'), "body", signature));
  EXPECT_FALSE(Verify(pk, Domain::kTxSignature, Chain('a'), "bode", signature));
  EXPECT_FALSE(Verify(Key('l').public_key(), Domain::kTxSignature, Chain('a'), "body", signature));
}

TEST(Ed25519, MovedKeySignsTheSame) {
  KeyPair key = Key('k');
  const Signature before = key.SignRaw("m");
  KeyPair moved = std::move(key);
  EXPECT_EQ(moved.SignRaw("m"), before);
  KeyPair assigned = Key('x');
  assigned = std::move(moved);
  EXPECT_EQ(assigned.SignRaw("m"), before);
  EXPECT_EQ(assigned.seed().View(), Bytes(Seed::kSize, 'k'));
}

TEST(SystemRandom, DrawsWhatIsAskedForAndNeverTheSame) {
  SystemRandom random;
  EXPECT_EQ(random.Draw(0).size(), 0U);
  EXPECT_EQ(random.Draw(33).size(), 33U);
  EXPECT_NE(random.Draw(32), random.Draw(32));
  EXPECT_NE(KeyPair::Generate(random).public_key(), KeyPair::Generate(random).public_key());
}

}  // namespace
}  // namespace talent::crypto
