#include "crypto/validator_set.h"

#include <set>

#include "crypto/sha256.h"

namespace talent::crypto {
namespace {

Bytes BigEndian(std::uint64_t value, int bytes) {
  Bytes out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return out;
}

}  // namespace

Result<ValidatorSet> ValidatorSet::Create(Epoch epoch, std::vector<Validator> validators) {
  if (validators.empty() || validators.size() > kMaxValidators) {
    return Fail(Code::kInvalidArgument, "a chain has 1 to {} validators, not {}", kMaxValidators,
                validators.size());
  }
  std::set<PublicKey> keys;
  std::set<std::string> names;
  Bytes members = BigEndian(epoch.value, 8);
  for (const Validator& v : validators) {
    if (v.name.empty() || !names.insert(v.name).second) {
      return Fail(Code::kInvalidArgument, "validator name '{}' is empty or used twice", v.name);
    }
    if (!keys.insert(v.vote_key).second || !keys.insert(v.node_key).second) {
      return Fail(Code::kInvalidArgument, "validator '{}' has a key that is used twice", v.name);
    }
    members.append(BigEndian(v.name.size(), 4)).append(v.name);
    members.append(v.vote_key.View()).append(v.node_key.View());
  }
  ValidatorSet set;
  set.epoch_ = epoch;
  set.validators_ = std::move(validators);
  set.hash_ = TaggedHash(Domain::kValidatorSet, {members});
  return set;
}

const Validator& ValidatorSet::at(ValidatorIndex index) const {
  CHECK(index.value < size(), "validator {} of {}", index, size());
  return validators_[index.value];
}

std::optional<ValidatorIndex> ValidatorSet::FindVoteKey(const PublicKey& key) const {
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (validators_[i].vote_key == key) return ValidatorIndex(i);
  }
  return std::nullopt;
}

std::optional<ValidatorIndex> ValidatorSet::FindNodeKey(const PublicKey& key) const {
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (validators_[i].node_key == key) return ValidatorIndex(i);
  }
  return std::nullopt;
}

Signature SignSeal(const KeyPair& vote_key, const ChainId& chain, const Hash& block_hash) {
  return vote_key.Sign(Domain::kSealSignature, chain, block_hash.View());
}

bool VerifySeal(const ValidatorSet& set, const ChainId& chain, ValidatorIndex who,
                const Hash& block_hash, const Signature& seal) {
  return who.value < set.size() &&
         Verify(set.at(who).vote_key, Domain::kSealSignature, chain, block_hash.View(), seal);
}

Status VerifyCertificate(const ValidatorSet& set, const ChainId& chain, const Hash& block_hash,
                         const Certificate& certificate) {
  if (certificate.epoch != set.epoch()) {
    return Fail(Code::kInvalidArgument, "certificate of epoch {} for a block of epoch {}",
                certificate.epoch, set.epoch());
  }
  if (certificate.seals.size() < set.quorum()) {
    return Fail(Code::kPrecondition, "certificate with {} seals where {} of {} validators decide",
                certificate.seals.size(), set.quorum(), set.size());
  }
  for (const auto& [who, seal] : certificate.seals) {
    if (who.value >= set.size()) {
      return Fail(Code::kInvalidArgument, "certificate names validator {} of {}", who, set.size());
    }
    if (!VerifySeal(set, chain, who, block_hash, seal)) {
      return Fail(Code::kBadSignature, "seal of validator {} ('{}') does not verify", who,
                  set.at(who).name);
    }
  }
  return {};
}

}  // namespace talent::crypto
