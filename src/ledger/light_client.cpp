#include "ledger/light_client.h"

#include <limits>

#include "base/canonical.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "ledger/epochs.h"
#include "ledger/state_tree.h"

namespace talent::ledger {
namespace {

constexpr int kMaxPath = 64;              // siblings over up to 2^32 leaves, with room
constexpr int kMaxEpochChanges = 10'000;  // a proof with more would be larger than any message

Result<std::vector<Hash>> ReadPath(const google::protobuf::RepeatedPtrField<std::string>& path,
                                   int max) {
  if (path.size() > max) {
    return Fail(Code::kInvalidArgument, "{} siblings; at most {} make sense", path.size(), max);
  }
  std::vector<Hash> out;
  out.reserve(static_cast<std::size_t>(path.size()));
  for (const std::string& sibling : path) out.push_back(TRY(Hash::FromBytes(sibling)));
  return out;
}

/// `result`, its error beginning with the name of the step.
template <class T>
Result<T> Step(std::string_view name, Result<T> result) {
  if (!result) return Within(name, std::move(result).error());
  return result;
}

Status CheckInclusion(std::string_view what, BytesView leaf, const pb::BlockHeader& header,
                      std::uint32_t index,
                      const google::protobuf::RepeatedPtrField<std::string>& path,
                      const std::string& root) {
  const auto siblings = TRY(Step(what, ReadPath(path, kMaxPath)));
  return Step(what,
              crypto::VerifyInclusion(crypto::MerkleLeaf(leaf), index, header.transaction_count(),
                                      siblings, TRY(Step(what, Hash::FromBytes(root)))));
}

/// The set that follows `current`, from the last header of its epoch.
Result<crypto::ValidatorSet> NextValidators(const ChainId& chain,
                                            const crypto::ValidatorSet& current,
                                            const pb::EpochChange& change) {
  const TrustedHeader last = TRY(VerifyHeader(chain, current, change.header()));
  if (last.header.next_validators_hash() == last.header.validators_hash()) {
    return Fail(Code::kInvalidArgument, "height {} is not the last of epoch {}",
                last.header.height(), current.epoch());
  }
  auto next = TRY(ReadValidators(current.epoch() + 1, change.next_validators()));
  if (next.hash().View() != last.header.next_validators_hash()) {
    return Fail(Code::kCorruption, "the validators given for epoch {} are not those announced",
                next.epoch());
  }
  return next;
}

/// An epoch's validators and the heights they seal.
struct EpochSet {
  crypto::ValidatorSet validators;
  Height first, last;
};
constexpr Height kNoEnd(std::numeric_limits<std::uint64_t>::max());

/// The epochs' sets from the genesis on, by epoch.
Result<std::vector<EpochSet>> WalkEpochs(
    const Genesis& genesis, const google::protobuf::RepeatedPtrField<pb::EpochChange>& epochs) {
  if (epochs.size() > kMaxEpochChanges) {
    return Fail(Code::kTooLarge, "epochs: {} changes; at most {} are read", epochs.size(),
                kMaxEpochChanges);
  }
  std::vector<EpochSet> sets = {{genesis.validators(), Height(1), kNoEnd}};
  for (const pb::EpochChange& change : epochs) {
    const std::string name = fmt::format("epoch {}", sets.size());
    EpochSet& current = sets.back();
    const auto next =
        TRY(Step(name, NextValidators(genesis.chain_id(), current.validators, change)));
    const auto last = TRY(Step(name, Decode<pb::BlockHeader>(change.header().header())));
    if (Height(last.height()) < current.first) {
      return Fail(Code::kInvalidArgument, "{}: ends at height {}, before it began at {}", name,
                  last.height(), current.first);
    }
    current.last = Height(last.height());
    sets.push_back({next, current.last + 1, kNoEnd});
  }
  return sets;
}

/// Verifies a header of any of the epochs walked, within the heights its epoch had: keys that have
/// left seal nothing new.
Result<TrustedHeader> VerifyAny(const ChainId& chain, const std::vector<EpochSet>& sets,
                                const pb::CertifiedHeader& header) {
  const std::uint64_t epoch = header.certificate().epoch();
  if (epoch >= sets.size()) {
    return Fail(Code::kInvalidArgument, "certificate: epoch {}; the proof leads to epoch {}", epoch,
                sets.size() - 1);
  }
  auto verified = TRY(VerifyHeader(chain, sets[epoch].validators, header));
  const Height height(verified.header.height());
  if (height < sets[epoch].first || height > sets[epoch].last) {
    return Fail(Code::kInvalidArgument, "header: height {} outside epoch {}, which had {} to {}",
                height, epoch, sets[epoch].first, sets[epoch].last);
  }
  return verified;
}

Result<Transaction> VerifyContent(const Genesis& genesis, const pb::TransactionProof& proof) {
  Transaction tx = TRY(Step("envelope", ParseTransaction(proof.transaction(), nullptr)));
  TRY(Step("author signature", VerifySignature(tx, genesis.chain_id())));
  if (!proof.has_payload()) return tx;
  auto with_payload = ParseTransaction(proof.transaction(), &proof.payload());
  return Step("payload hash", std::move(with_payload));
}

Status VerifyStatements(const Genesis& genesis, const std::vector<EpochSet>& sets,
                        const pb::BlockHeader& proven, const pb::TransactionProof& proof) {
  if (proof.statements_size() > kMaxStatements) {
    return Fail(Code::kTooLarge, "statements: {}; at most {} are read", proof.statements_size(),
                kMaxStatements);
  }
  for (int i = 0; i < proof.statements_size(); ++i) {
    const pb::StateStatement& statement = proof.statements(i);
    const std::string name = fmt::format("statement {}", i + 1);
    const auto header = TRY(Step(name, VerifyAny(genesis.chain_id(), sets, statement.header())));
    if (header.header.height() < proven.height()) {
      return Fail(Code::kInvalidArgument, "{}: about height {}, before the transaction's {}", name,
                  header.header.height(), proven.height());
    }
    const Hash root = TRY(Step(name, Hash::FromBytes(header.header.state_root())));
    TRY(Step(name + ": state proof", VerifyStateProof(root, statement.proof())));
  }
  return {};
}

}  // namespace

Hash BlockHash(BytesView header) { return crypto::TaggedHash(crypto::Domain::kHeader, {header}); }

Result<TrustedHeader> VerifyHeader(const ChainId& chain, const crypto::ValidatorSet& validators,
                                   const pb::CertifiedHeader& certified) {
  TrustedHeader out;
  out.header = TRY(Step("header", Decode<pb::BlockHeader>(certified.header())));
  if (out.header.format() != kHeaderFormat || out.header.suite() != kSuite) {
    return Fail(Code::kFormatVersion, "header: format {} and suite {}; this program reads 1 and 1",
                out.header.format(), out.header.suite());
  }
  if (out.header.chain_id() != chain.View()) {
    return Fail(Code::kWrongChain, "header: of chain {}, not {}", ToHex(out.header.chain_id()),
                chain.Hex());
  }
  if (out.header.height() == 0) return Fail(Code::kInvalidArgument, "header: height 0");
  if (out.header.epoch() != validators.epoch().value) {
    return Fail(Code::kInvalidArgument, "header: epoch {} where {} is in force", out.header.epoch(),
                validators.epoch());
  }
  if (out.header.validators_hash() != validators.hash().View()) {
    return Fail(Code::kCorruption, "header: another validator set than that of epoch {}",
                validators.epoch());
  }
  out.hash = BlockHash(certified.header());
  const auto certificate = TRY(Step("certificate", FromProto(certified.certificate())));
  TRY(Step("certificate", crypto::VerifyCertificate(validators, chain, out.hash, certificate)));
  return out;
}

Result<TrustedHeader> VerifyThroughEpochs(
    const Genesis& genesis, const google::protobuf::RepeatedPtrField<pb::EpochChange>& epochs,
    const pb::CertifiedHeader& header) {
  return VerifyAny(genesis.chain_id(), TRY(WalkEpochs(genesis, epochs)), header);
}

Result<pb::Receipt> VerifyTransactionPath(const pb::BlockHeader& header, const TxId& tx_id,
                                          const pb::TransactionPath& path) {
  TRY(CheckInclusion("transaction path", tx_id.View(), header, path.index(),
                     path.transaction_path(), header.transactions_root()));
  TRY(CheckInclusion("receipt path", path.receipt(), header, path.index(), path.receipt_path(),
                     header.receipts_root()));
  auto receipt = TRY(Step("receipt", Decode<pb::Receipt>(path.receipt())));
  if (receipt.tx_id() != tx_id.View()) {
    return Fail(Code::kCorruption, "receipt: of transaction {}, not {}", ToHex(receipt.tx_id()),
                tx_id.Hex());
  }
  return receipt;
}

Status VerifyStateProof(const Hash& state_root, const pb::StateProof& proof) {
  const auto siblings =
      TRY(Step("siblings", ReadPath(proof.siblings(), static_cast<int>(kStateTreeDepth))));
  const Hash path = StatePath(proof.key());
  Hash hash;  // of the subtree where the walk ends: empty, unless one of the cases below
  const bool other = !proof.other_path().empty() || !proof.other_value_hash().empty();
  if (proof.present()) {
    if (other) return Fail(Code::kInvalidArgument, "a proof of presence names another leaf");
    hash = StateLeafHash(path, StateValueHash(proof.value()));
  } else {
    if (!proof.value().empty()) {
      return Fail(Code::kInvalidArgument, "a proof of absence has a value");
    }
    if (other) {
      const Hash other_path = TRY(Step("other_path", Hash::FromBytes(proof.other_path())));
      const Hash value = TRY(Step("other_value_hash", Hash::FromBytes(proof.other_value_hash())));
      if (other_path == path) {
        return Fail(Code::kInvalidArgument, "a proof of absence names the key's own leaf");
      }
      for (std::size_t i = 0; i < siblings.size(); ++i) {
        if (StatePathBit(other_path, i) != StatePathBit(path, i)) {
          return Fail(Code::kInvalidArgument, "the other leaf is not on the key's path");
        }
      }
      hash = StateLeafHash(other_path, value);
    }
  }
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    const bool right = StatePathBit(path, siblings.size() - 1 - i);
    hash = right ? StateNodeHash(siblings[i], hash) : StateNodeHash(hash, siblings[i]);
  }
  if (hash != state_root) {
    return Fail(Code::kCorruption, "the proof leads to root {}, not {}", hash.Hex(),
                state_root.Hex());
  }
  return {};
}

Result<ProvenTransaction> VerifyTransactionProof(const Genesis& genesis,
                                                 const pb::TransactionProof& proof) {
  const auto sets = TRY(WalkEpochs(genesis, proof.epochs()));
  TrustedHeader header = TRY(VerifyAny(genesis.chain_id(), sets, proof.header()));
  Transaction tx = TRY(VerifyContent(genesis, proof));
  pb::Receipt receipt = TRY(VerifyTransactionPath(header.header, tx.id, proof.path()));
  TRY(VerifyStatements(genesis, sets, header.header, proof));
  return ProvenTransaction{std::move(header), std::move(tx), std::move(receipt)};
}

Result<crypto::Certificate> FromProto(const pb::Certificate& certificate) {
  crypto::Certificate out;
  out.epoch = Epoch(certificate.epoch());
  for (const pb::Seal& seal : certificate.seals()) {
    const ValidatorIndex who(seal.validator());
    if (!out.seals.empty() && out.seals.rbegin()->first >= who) {
      return Fail(Code::kInvalidArgument, "seals do not ascend by validator");
    }
    out.seals.emplace(who, TRY(crypto::Signature::FromBytes(seal.signature())));
  }
  return out;
}

pb::Certificate ToProto(const crypto::Certificate& certificate) {
  pb::Certificate out;
  out.set_epoch(certificate.epoch.value);
  for (const auto& [who, signature] : certificate.seals) {
    pb::Seal& seal = *out.add_seals();
    seal.set_validator(who.value);
    seal.set_signature(signature.ToBytes());
  }
  return out;
}

}  // namespace talent::ledger
