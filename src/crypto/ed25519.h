// Ed25519 (RFC 8032) by libsodium.
#pragma once

#include "base/bytes.h"
#include "base/env.h"
#include "base/result.h"
#include "crypto/domain.h"

namespace talent::crypto {

/// Also the key's id wherever a key is named.
using PublicKey = FixedBytes<struct PublicKeyTag, 32>;
using Signature = FixedBytes<struct SignatureTag, 64>;
/// The 32 secret bytes a key pair is made from.
using Seed = FixedBytes<struct SeedTag, 32>;

/// A key pair. Wipes its secret when it goes; movable, not copyable. Signing is thread-safe.
class KeyPair {
 public:
  static KeyPair FromSeed(const Seed& seed);
  static KeyPair Generate(Random& random);

  KeyPair(KeyPair&& other) noexcept;
  KeyPair& operator=(KeyPair&& other) noexcept;
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair();

  const PublicKey& public_key() const { return public_key_; }
  /// For writing a key file and for nothing else.
  Seed seed() const;

  Signature SignRaw(BytesView message) const;
  /// Signs SigningInput(domain, chain, body).
  Signature Sign(Domain domain, const ChainId& chain, BytesView body) const;

 private:
  KeyPair() = default;
  PublicKey public_key_;
  std::array<std::uint8_t, 64> secret_{};
};

/// True where `signature` is a valid signature of `key`. Non-canonical S, small-order keys and
/// everything else libsodium calls invalid is false. Thread-safe.
bool VerifyRaw(const PublicKey& key, BytesView message, const Signature& signature);
bool Verify(const PublicKey& key, Domain domain, const ChainId& chain, BytesView body,
            const Signature& signature);

/// Random of the operating system, by libsodium.
class SystemRandom final : public Random {
 public:
  Bytes Draw(std::size_t n) override;
};

}  // namespace talent::crypto
