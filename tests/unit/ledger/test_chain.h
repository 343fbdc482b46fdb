// A node's chain with its validators' keys at hand, and a key-value application.
#pragma once

#include <memory>
#include <sstream>

#include "base/canonical.h"
#include "ledger/chain.h"
#include "ledger/erasure.h"
#include "ledger/light_client.h"
#include "ledger_fixture.h"

namespace talent::ledger {

inline std::vector<crypto::Validator> ValidatorsNamed(const std::vector<std::string>& names) {
  std::vector<crypto::Validator> out;
  for (const std::string& name : names) {
    out.push_back({name, KeyOf("vote " + name).public_key(), KeyOf("node " + name).public_key()});
  }
  return out;
}

/// "Put" with payload "key=value", "Delete" with payload "key", "Refuse" writes and then fails,
/// "EndEpoch" with payload "last height=name,name,…" of the next validators, "Erase" with payload
/// of a transaction's 32 bytes, "EraseKey" with payload "key". What is refused with a value
/// "secret…" is erased at once. Counts blocks under "blocks".
class KeyValueApp final : public Application {
 public:
  Status InitGenesis(const Genesis& genesis, StateOverlay& state) const override {
    state.Put("genesis", genesis.name());
    return {};
  }
  Status Check(const Transaction& /*tx*/, const BlockContext& /*next*/,
               const StateReader& /*state*/) const override {
    return {};
  }
  Status Execute(const Transaction& tx, const BlockContext& block,
                 StateOverlay& state) const override {
    const std::size_t equals = tx.payload.find('=');
    if (tx.kind == "EndEpoch") {
      std::vector<std::string> names;
      std::istringstream list(tx.payload.substr(equals + 1));
      for (std::string name; std::getline(list, name, ',');) names.push_back(name);
      return EndEpoch(state, block, Height(std::stoull(tx.payload.substr(0, equals))),
                      ValidatorsNamed(names));
    }
    if (tx.kind == "Erase") {
      ErasePayload(state, block, TRY(TxId::FromBytes(tx.payload)), tx.id.View());
      return {};
    }
    const Bytes key = "kv/" + tx.payload.substr(0, equals);
    if (tx.kind == "EraseKey") {
      EraseEntry(state, block, key);
      return {};
    }
    if (tx.kind == "Delete") {
      if (!state.Get(key)) return Fail(Code::kNotFound, "nothing to delete");
      state.Delete(key);
      return {};
    }
    if (equals == Bytes::npos) return Fail(Code::kInvalidArgument, "no value");
    state.Put(key, tx.payload.substr(equals + 1));
    if (tx.kind == "Refuse") return Fail(Code::kUnauthorized, "refused");
    return {};
  }
  void NoteRefused(const Transaction& tx, const BlockContext& block,
                   StateOverlay& state) const override {
    if (tx.payload.find("=secret") != Bytes::npos) ErasePayload(state, block, tx.id, tx.id.View());
  }
  void BeginBlock(const BlockContext& block, StateOverlay& state) const override {
    state.Put("blocks", std::to_string(block.height.value) + salt);
  }
  bool HasDueWork(Timestamp /*time*/, const StateReader& /*state*/) const override { return false; }

  Bytes salt;  // another one makes another application
};

class TestChain {
 public:
  explicit TestChain(int validators = 4, const Bytes& genesis = {})
      : genesis_(
            Genesis::Parse(genesis.empty() ? GenesisJson(validators).dump() : genesis).value()) {
    Reopen();
  }

  void Reopen() {
    chain.reset();
    database.reset();
    auto opened = Database::Open(dir.path() / "db", Database::Mode::kReadWrite);
    ASSERT_TRUE(opened) << opened.error().ToString();
    database = std::move(*opened);
    auto made = Chain::Open(*database, genesis_, app);
    ASSERT_TRUE(made) << made.error().ToString();
    chain = std::move(*made);
  }

  const Genesis& genesis() const { return genesis_; }

  Transaction Make(std::string_view kind, Bytes payload, std::uint64_t valid_until = 100) {
    return MakeTransaction(genesis_.chain_id(), kind, std::move(payload), pb::DISCLOSURE_FULL,
                           Height(valid_until), KeyOf("author"), random);
  }
  Transaction Put(const Bytes& key, const Bytes& value) { return Make("Put", key + "=" + value); }

  static Bytes BatchOf(const std::vector<Transaction>& transactions,
                       std::uint64_t time = 1700000001000) {
    pb::Batch batch;
    batch.set_time_ms(time);
    batch.set_view(2);
    batch.set_proposer(1);
    for (const Transaction& tx : transactions) {
      auto& envelope = *batch.add_transactions();
      envelope.set_envelope(tx.envelope_bytes);
      envelope.set_signature(tx.signature.ToBytes());
    }
    return Encode(batch);
  }
  static Bytes PayloadsOf(const std::vector<Transaction>& transactions) {
    pb::Payloads payloads;
    for (const Transaction& tx : transactions) {
      auto& payload = *payloads.add_payloads();
      payload.set_salt(tx.salt);
      payload.set_data(tx.payload);
    }
    return Encode(payloads);
  }

  ExecutedBlock Execute(const std::vector<Transaction>& transactions,
                        std::uint64_t time = 1700000001000) {
    auto block = chain->Execute(BatchOf(transactions, time), PayloadsOf(transactions));
    CHECK(block.has_value(), "{}", block.error().ToString());
    return std::move(*block);
  }

  /// Seals of validators 0…n-1 of the next block's epoch.
  crypto::Certificate Certify(const Hash& block, std::uint32_t seals) const {
    return Certify(block, *chain->validators(), seals);
  }
  crypto::Certificate Certify(const Hash& block, const crypto::ValidatorSet& validators,
                              std::uint32_t seals) const {
    crypto::Certificate certificate;
    certificate.epoch = validators.epoch();
    for (std::uint32_t i = 0; i < seals; ++i) {
      certificate.seals[ValidatorIndex(i)] = crypto::SignSeal(
          KeyOf("vote " + validators.at(ValidatorIndex(i)).name), genesis_.chain_id(), block);
    }
    return certificate;
  }
  crypto::Certificate Certify(const Hash& block) const {
    return Certify(block, chain->validators()->quorum());
  }

  void Seal(const ExecutedBlock& block) {
    const Status sealed = chain->Seal(block.height, Certify(block.hash));
    ASSERT_TRUE(sealed) << sealed.error().ToString();
  }
  ExecutedBlock Commit(const std::vector<Transaction>& transactions,
                       std::uint64_t time = 1700000001000) {
    ExecutedBlock block = Execute(transactions, time);
    Seal(block);
    return block;
  }

  TempDir dir;
  KeyValueApp app;
  CountingRandom random;
  std::unique_ptr<Database> database;
  std::unique_ptr<Chain> chain;

 private:
  Genesis genesis_;
};

}  // namespace talent::ledger
