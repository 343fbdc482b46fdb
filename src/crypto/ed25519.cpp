#include "crypto/ed25519.h"

#include "crypto/sodium.h"

namespace talent::crypto {

KeyPair KeyPair::FromSeed(const Seed& seed) {
  EnsureSodium();
  KeyPair pair;
  CHECK(crypto_sign_seed_keypair(pair.public_key_.data(), pair.secret_.data(), seed.data()) == 0);
  return pair;
}

KeyPair KeyPair::Generate(Random& random) {
  Seed seed = Seed::FromBytes(random.Draw(Seed::kSize)).value();
  KeyPair pair = FromSeed(seed);
  sodium_memzero(seed.data(), Seed::kSize);
  return pair;
}

KeyPair::KeyPair(KeyPair&& other) noexcept
    : public_key_(other.public_key_), secret_(other.secret_) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

KeyPair& KeyPair::operator=(KeyPair&& other) noexcept {
  if (this != &other) {
    public_key_ = other.public_key_;
    secret_ = other.secret_;
    sodium_memzero(other.secret_.data(), other.secret_.size());
  }
  return *this;
}

KeyPair::~KeyPair() { sodium_memzero(secret_.data(), secret_.size()); }

Seed KeyPair::seed() const {
  Seed seed;
  CHECK(crypto_sign_ed25519_sk_to_seed(seed.data(), secret_.data()) == 0);
  return seed;
}

Signature KeyPair::SignRaw(BytesView message) const {
  Signature signature;
  CHECK(crypto_sign_detached(signature.data(), nullptr, Raw(message), message.size(),
                             secret_.data()) == 0);
  return signature;
}

Signature KeyPair::Sign(Domain domain, const ChainId& chain, BytesView body) const {
  return SignRaw(SigningInput(domain, chain, body));
}

bool VerifyRaw(const PublicKey& key, BytesView message, const Signature& signature) {
  EnsureSodium();
  return crypto_sign_verify_detached(signature.data(), Raw(message), message.size(), key.data()) ==
         0;
}

bool Verify(const PublicKey& key, Domain domain, const ChainId& chain, BytesView body,
            const Signature& signature) {
  return VerifyRaw(key, SigningInput(domain, chain, body), signature);
}

Bytes SystemRandom::Draw(std::size_t n) {
  EnsureSodium();
  Bytes out(n, '\0');
  randombytes_buf(out.data(), n);
  return out;
}

}  // namespace talent::crypto
