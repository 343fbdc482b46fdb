// Chains of the three tiers with one validator each, and the people who write on them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "crypto/sha256.h"
#include "ledger/chain.h"
#include "ledger/light_client.h"
#include "support/temp_dir.h"
#include "talent/tiers/v1/governance.pb.h"
#include "tiers/application.h"
#include "tiers/signing.h"
#include "tiers/tables.h"
#include "unit/ledger/ledger_fixture.h"

namespace talent::tiers {

using ledger::CountingRandom;
using ledger::KeyOf;

inline constexpr std::uint64_t kStart = 1700000000000;
inline constexpr std::uint64_t kYear = 365ull * 86400 * 1000;

inline Bytes Id(std::string_view name) { return crypto::Sha256({"id ", name}).ToBytes(); }

inline nlohmann::json PartyJson(const std::string& id, const std::string& role) {
  return {
      {"id", id}, {"role", role}, {"name", "The " + id}, {"keys", {KeyOf(id).public_key().Hex()}}};
}

inline nlohmann::json TierGenesis(const std::string& tier) {
  nlohmann::json genesis = ledger::GenesisJson(1);
  genesis["tier"] = tier;
  genesis["name"] = tier + "-chain";
  genesis["consensus"]["max_transaction_bytes"] = 1 << 18;
  genesis["consensus"]["max_batch_bytes"] = 4 << 20;
  genesis["validators"][0]["vote_key"] = KeyOf("vote " + tier).public_key().Hex();
  genesis["validators"][0]["node_key"] = KeyOf("node " + tier).public_key().Hex();
  genesis["app"]["parties"] = {PartyJson("centre-a", "centre"), PartyJson("centre-b", "centre")};
  if (tier == "public") return genesis;
  for (const char* id : {"acme", "globex", "initech"}) {
    genesis["app"]["parties"].push_back(PartyJson(id, "enterprise"));
  }
  return genesis;
}

inline nlohmann::json SourceJson(const ledger::Genesis& source) {
  nlohmann::json json = {{"name", source.name()},
                         {"tier", ledger::TierName(source.tier())},
                         {"chain_id", source.chain_id().Hex()},
                         {"validators", nlohmann::json::array()}};
  if (source.tier() == ledger::Tier::kPrivate) json["centres"] = {"centre-a"};
  const auto& validator = source.validators().at(ValidatorIndex(0));
  json["validators"].push_back({{"name", validator.name},
                                {"vote_key", validator.vote_key.Hex()},
                                {"node_key", validator.node_key.Hex()}});
  return json;
}

inline ledger::Genesis PrivateGenesis() {
  return ledger::Genesis::Parse(TierGenesis("private").dump()).value();
}

inline ledger::Genesis ConsortiumGenesis(const ledger::Genesis& source,
                                         const std::vector<std::string>& more_centres = {}) {
  nlohmann::json genesis = TierGenesis("consortium");
  for (const auto& id : more_centres) {
    genesis["app"]["parties"].push_back(PartyJson(id, "centre"));
  }
  genesis["app"]["sources"] = nlohmann::json::array({SourceJson(source)});
  genesis["app"]["policy"] = {{"commit_window_ms", 10000},      {"reveal_window_ms", 5000},
                              {"answer_window_ms", 20000},      {"appeal_window_ms", 8000},
                              {"arbitration_window_ms", 12000}, {"min_reviews", 2}};
  return ledger::Genesis::Parse(genesis.dump()).value();
}

inline ledger::Genesis PublicGenesis(const ledger::Genesis& source) {
  nlohmann::json genesis = TierGenesis("public");
  genesis["app"]["sources"] = nlohmann::json::array({SourceJson(source)});
  return ledger::Genesis::Parse(genesis.dump()).value();
}

/// Of the only validator of a chain.
inline crypto::KeyPair VoteKeyOf(ledger::Tier tier, Epoch epoch) {
  const std::string name = fmt::format("vote {}", ledger::TierName(tier));
  return KeyOf(epoch == Epoch(0) ? name : fmt::format("{} {}", name, epoch));
}

/// A chain that seals what it is given at once.
class TestTier {
 public:
  TestTier(ledger::Database& database, const ledger::Genesis& genesis)
      : TestTier(database, genesis, MakeApplication(genesis).value()) {}
  /// A chain whose validators run something else.
  TestTier(ledger::Database& database, ledger::Genesis genesis,
           std::unique_ptr<ledger::Application> application)
      : genesis_(std::move(genesis)), application_(std::move(application)) {
    chain_ = ledger::Chain::Open(database, genesis_, *application_).value();
  }

  const ledger::Genesis& genesis() const { return genesis_; }
  const ledger::Application& application() const { return *application_; }
  const ledger::Chain& chain() const { return *chain_; }

  ledger::Transaction Make(std::string_view author, std::string_view kind,
                           const google::protobuf::Message& message,
                           ledger::pb::Disclosure disclosure) {
    return ledger::MakeTransaction(genesis_.chain_id(), kind, Encode(message), disclosure,
                                   chain_->head().height + 50, KeyOf(author), random_);
  }
  /// A record of a private chain (FULL), or a transaction of another tier.
  template <class M>
  ledger::Transaction Make(std::string_view author, const M& message) {
    const bool record = genesis_.tier() == ledger::Tier::kPrivate;
    return Make(author, message.GetDescriptor()->name(), message,
                record ? ledger::pb::DISCLOSURE_FULL : ledger::pb::DISCLOSURE_UNSPECIFIED);
  }

  /// Seals a block at `time`; the receipts.
  std::vector<ledger::pb::ReceiptCode> Commit(const std::vector<ledger::Transaction>& transactions,
                                              std::uint64_t time = 0) {
    ledger::pb::Batch batch;
    ledger::pb::Payloads payloads;
    batch.set_time_ms(time != 0 ? time : chain_->head().time.value + 1);
    for (const auto& tx : transactions) {
      auto& envelope = *batch.add_transactions();
      envelope.set_envelope(tx.envelope_bytes);
      envelope.set_signature(tx.signature.ToBytes());
      auto& payload = *payloads.add_payloads();
      payload.set_salt(tx.salt);
      payload.set_data(tx.payload);
    }
    auto block = chain_->Execute(Encode(batch), Encode(payloads));
    CHECK(block.has_value(), "{}", block.error().ToString());
    crypto::Certificate certificate;
    certificate.epoch = chain_->epoch()->number();
    certificate.seals[ValidatorIndex(0)] = crypto::SignSeal(
        VoteKeyOf(genesis_.tier(), certificate.epoch), genesis_.chain_id(), block->hash);
    const Status sealed = chain_->Seal(block->height, certificate);
    CHECK(sealed.has_value(), "{}", sealed.error().ToString());
    return block->receipts;
  }

  /// Takes over a block that another node has sealed.
  void Replay(const ledger::pb::BlockWithPayloads& block) {
    const Status applied = chain_->Apply(block);
    EXPECT_TRUE(applied) << applied.error().ToString();
  }

  /// Why the mempool refuses `tx` (or OK), and the same from execution in a block of its own.
  Result<TxId> Submit(const ledger::Transaction& tx, std::uint64_t time = 0) {
    const std::uint64_t at = time != 0 ? time : chain_->head().time.value + 1;
    const ledger::BlockContext next{genesis_.chain_id(), chain_->head().height + 1, Timestamp(at),
                                    genesis_.consensus().window};
    ledger::StateOverlay state(chain_->tip_state());
    application_->BeginBlock(next, state);
    const Status checked = application_->Check(tx, next, state);
    const auto receipts = Commit({tx}, at);
    EXPECT_EQ(checked.has_value(), receipts.at(0) == ledger::pb::RECEIPT_CODE_OK)
        << (checked ? "checked" : checked.error().ToString());
    if (!checked) return tl::unexpected<Error>(checked.error());
    return tx.id;
  }
  template <class M>
  Result<TxId> Write(std::string_view author, const M& message, std::uint64_t time = 0) {
    return Submit(Make(author, message), time);
  }

  template <class M>
  std::optional<M> Read(const Table<M>& table, BytesView key) const {
    return table.Get(*chain_->SealedState(), key);
  }

 private:
  ledger::Genesis genesis_;
  std::unique_ptr<ledger::Application> application_;
  std::unique_ptr<ledger::Chain> chain_;
  CountingRandom random_;
};

/// Both centres of a chain vote to suspend a party.
inline void SuspendOn(TestTier& tier, const std::string& party) {
  const auto disclosure = ledger::pb::DISCLOSURE_UNSPECIFIED;
  pb::MemberProposed suspension;
  suspension.mutable_change()->set_suspend(party);
  suspension.set_open_until(tier.chain().head().height.value + 50);
  const auto proposed =
      tier.Submit(tier.Make("centre-b", "MemberProposed", suspension, disclosure));
  ASSERT_TRUE(proposed) << proposed.error().ToString();
  pb::ProposalVoted vote;
  vote.set_proposal(proposed->ToBytes());
  vote.set_approve(true);
  ASSERT_TRUE(tier.Submit(tier.Make("centre-a", "ProposalVoted", vote, disclosure)));
}

/// The code of an error, for EXPECT_EQ; kInternal where there was none.
template <class T>
Code CodeOf(const Result<T>& result) {
  EXPECT_FALSE(result.has_value()) << "was accepted";
  return result ? Code::kInternal : result.error().code;
}

}  // namespace talent::tiers
