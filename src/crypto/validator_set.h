// The validators of one epoch, and certificates: a quorum of their signatures over a block hash.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/strong.h"
#include "crypto/ed25519.h"
#include "crypto/quorum.h"

namespace talent::crypto {

struct Validator {
  std::string name;    // of the node, for people: "centre-1"
  PublicKey vote_key;  // signs PBFT messages and seals, on this chain only
  PublicKey node_key;  // identifies the node's TLS connections
};

/// Immutable; safe to share between threads.
class ValidatorSet {
 public:
  /// Errors: kInvalidArgument (empty, over kMaxValidators, a key twice, a name empty or twice).
  static Result<ValidatorSet> Create(Epoch epoch, std::vector<Validator> validators);

  static constexpr std::size_t kMaxValidators = 100;

  Epoch epoch() const { return epoch_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(validators_.size()); }
  std::uint32_t quorum() const { return Quorum(size()); }
  std::uint32_t max_faulty() const { return MaxFaulty(size()); }
  const std::vector<Validator>& validators() const { return validators_; }
  /// Requires index < size(); checked.
  const Validator& at(ValidatorIndex index) const;
  std::optional<ValidatorIndex> FindVoteKey(const PublicKey& key) const;
  std::optional<ValidatorIndex> FindNodeKey(const PublicKey& key) const;
  ValidatorIndex Primary(View view) const {
    return ValidatorIndex(static_cast<std::uint32_t>(view.value % size()));
  }

  /// Hash over epoch and members (docs/protocol.md, "Validator set"); headers carry it.
  const Hash& hash() const { return hash_; }

 private:
  ValidatorSet() = default;
  Epoch epoch_;
  std::vector<Validator> validators_;
  Hash hash_;
};

/// Signatures of distinct validators over one block hash, by validator index.
struct Certificate {
  Epoch epoch;
  std::map<ValidatorIndex, Signature> seals;
};

/// A seal is Ed25519 over SigningInput(kSealSignature, chain, block_hash).
Signature SignSeal(const KeyPair& vote_key, const ChainId& chain, const Hash& block_hash);
bool VerifySeal(const ValidatorSet& set, const ChainId& chain, ValidatorIndex who,
                const Hash& block_hash, const Signature& seal);

/// Errors: kInvalidArgument (another epoch, an
/// index outside the set), kPrecondition (fewer seals than the quorum), kBadSignature (names
/// whose).
Status VerifyCertificate(const ValidatorSet& set, const ChainId& chain, const Hash& block_hash,
                         const Certificate& certificate);

}  // namespace talent::crypto
