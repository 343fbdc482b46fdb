#include "ledger/light_client.h"

#include <gmock/gmock.h>

#include "test_chain.h"

namespace talent::ledger {
namespace {

using ::testing::StartsWith;

class LightClient : public ::testing::Test {
 protected:
  LightClient() {
    std::vector<Transaction> batch;
    for (int i = 0; i < 5; ++i) {
      batch.push_back(node.Put("k" + std::to_string(i), std::to_string(i)));
    }
    tx = batch[3];
    node.Commit(batch);
    node.Commit({node.Put("k3", "new"), node.Make("Delete", "k1")});
  }

  pb::TransactionProof Proof() const { return BuildTransactionProof(*node.chain, tx.id).value(); }
  pb::StateStatement Statement(const Bytes& key, std::uint64_t at) const {
    pb::StateStatement statement;
    *statement.mutable_header() = node.chain->GetHeader(Height(at)).value();
    *statement.mutable_proof() = node.chain->ProveState(key, Height(at)).value();
    return statement;
  }
  std::string ErrorWith(const std::function<void(pb::TransactionProof&)>& change) const {
    pb::TransactionProof proof = Proof();
    *proof.add_statements() = Statement("kv/k3", 2);
    change(proof);
    const auto proven = VerifyTransactionProof(node.genesis(), proof);
    return proven ? "was accepted" : proven.error().message;
  }
  Hash RootAt(std::uint64_t height) const {
    const auto header = node.chain->GetHeader(Height(height)).value();
    return Hash::FromBytes(Decode<pb::BlockHeader>(header.header())->state_root()).value();
  }

  TestChain node;
  Transaction tx;
};

TEST_F(LightClient, TransactionProof_HoldsFromTheGenesisAlone) {
  const auto proven = VerifyTransactionProof(node.genesis(), Proof());
  ASSERT_TRUE(proven) << proven.error().ToString();
  EXPECT_EQ(proven->transaction.id, tx.id);
  EXPECT_EQ(proven->transaction.payload, tx.payload);
  EXPECT_EQ(proven->header.header.height(), 1u);
  EXPECT_EQ(proven->receipt.code(), pb::RECEIPT_CODE_OK);
}

TEST_F(LightClient, TransactionProof_HoldsWithoutItsPayload) {
  pb::TransactionProof proof = Proof();
  proof.clear_payload();
  const auto proven = VerifyTransactionProof(node.genesis(), proof);
  ASSERT_TRUE(proven) << proven.error().ToString();
  EXPECT_FALSE(proven->transaction.has_payload());
}

// The proof with one statement of presence; a statement of absence about another key may hold too.
TEST_F(LightClient, EveryFlippedByteOfAProof_IsRefused) {
  pb::TransactionProof whole = Proof();
  *whole.add_statements() = Statement("kv/k3", 2);
  const Bytes good = Encode(whole);
  ASSERT_TRUE(VerifyTransactionProof(node.genesis(), Decode<pb::TransactionProof>(good).value()));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int mask : {0x01, 0x08, 0x80}) {
      Bytes bad = good;
      bad[i] = static_cast<char>(bad[i] ^ mask);
      const auto proof = Decode<pb::TransactionProof>(bad);
      EXPECT_FALSE(proof && VerifyTransactionProof(node.genesis(), *proof))
          << "byte " << i << " of " << good.size() << ", mask " << mask;
    }
  }
}

TEST_F(LightClient, Errors_BeginWithTheStepThatFailed) {
  EXPECT_THAT(ErrorWith([](auto&) {}), StartsWith("was accepted"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.mutable_header()->mutable_header()->append("x"); }),
              StartsWith("header"));
  EXPECT_THAT(ErrorWith([](auto& p) {
                p.mutable_header()->mutable_certificate()->mutable_seals()->RemoveLast();
              }),
              StartsWith("certificate"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.mutable_header()->mutable_certificate()->set_epoch(1); }),
              StartsWith("certificate"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.mutable_transaction()->mutable_envelope()->append("x"); }),
              StartsWith("envelope"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.mutable_transaction()->mutable_signature()->back() ^= 1; }),
              StartsWith("author signature"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.mutable_payload()->set_data("other"); }),
              StartsWith("payload hash"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.mutable_path()->set_index(2); }),
              StartsWith("transaction path"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.mutable_path()->mutable_receipt_path(0)->back() ^= 1; }),
              StartsWith("receipt path"));
  EXPECT_THAT(
      ErrorWith([](auto& p) { p.mutable_statements(0)->mutable_proof()->set_value("other"); }),
      StartsWith("statement 1: state proof"));
  EXPECT_THAT(ErrorWith([](auto& p) { p.add_epochs(); }), StartsWith("epoch 1"));
}

TEST_F(LightClient, StatementAboutAnEarlierHeight_IsRefused) {
  const TxId later = TransactionId(node.chain->GetBlock(Height(2))->transactions(0).envelope());
  pb::TransactionProof proof = BuildTransactionProof(*node.chain, later).value();
  *proof.add_statements() = Statement("kv/k3", 1);
  EXPECT_THAT(VerifyTransactionProof(node.genesis(), proof).error().message,
              StartsWith("statement 1"));
}

TEST_F(LightClient, AnotherGenesis_VerifiesNothing) {
  nlohmann::json other = GenesisJson();
  other["time_ms"] = 1;
  const auto proven = VerifyTransactionProof(Genesis::Parse(other.dump()).value(), Proof());
  EXPECT_EQ(proven.error().code, Code::kWrongChain);
}

TEST_F(LightClient, StateProofs_HoldAtOldAndNewHeights) {
  const auto old_value = node.chain->ProveState("kv/k3", Height(1)).value();
  EXPECT_EQ(old_value.value(), "3");
  EXPECT_TRUE(VerifyStateProof(RootAt(1), old_value));
  EXPECT_FALSE(VerifyStateProof(RootAt(2), old_value));
  const auto new_value = node.chain->ProveState("kv/k3", Height(2)).value();
  EXPECT_EQ(new_value.value(), "new");
  EXPECT_TRUE(VerifyStateProof(RootAt(2), new_value));
  EXPECT_TRUE(node.chain->ProveState("kv/k1", Height(1))->present());
  const auto gone = node.chain->ProveState("kv/k1", Height(2)).value();
  EXPECT_FALSE(gone.present());
  EXPECT_TRUE(VerifyStateProof(RootAt(2), gone));
  EXPECT_FALSE(VerifyStateProof(RootAt(1), gone));
  EXPECT_TRUE(node.chain->ProveState("genesis", Height(0))->present());
  EXPECT_EQ(node.chain->ProveState("kv/k1", Height(3)).error().code, Code::kNotFound);
}

TEST_F(LightClient, ManyAbsentKeys_AreProvenAbsent) {
  for (int i = 0; i < 200; ++i) {
    const auto proof = node.chain->ProveState("absent" + std::to_string(i), Height(2)).value();
    EXPECT_FALSE(proof.present());
    EXPECT_TRUE(VerifyStateProof(RootAt(2), proof));
  }
}

TEST_F(LightClient, Certificate_SurvivesItsProtoAndKeepsItsOrder) {
  const crypto::Certificate certificate = node.Certify(node.chain->head().hash);
  const auto back = FromProto(ToProto(certificate));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->seals, certificate.seals);
  pb::Certificate doubled = ToProto(certificate);
  *doubled.add_seals() = doubled.seals(2);
  EXPECT_EQ(FromProto(doubled).error().code, Code::kInvalidArgument);
}

TEST(LightClientEpochs, ProofWalksFromSetToSet) {
  // A chain whose set changes after height 1, made by hand: the ledger's own stays in epoch 0.
  TestChain node;
  const auto seal = [](Epoch epoch, const std::string& prefix, const ChainId& chain,
                       const Hash& block) {
    crypto::Certificate certificate;
    certificate.epoch = epoch;
    for (std::uint32_t i = 0; i < 3; ++i) {
      certificate.seals[ValidatorIndex(i)] =
          crypto::SignSeal(KeyOf(prefix + std::to_string(i)), chain, block);
    }
    return certificate;
  };
  pb::EpochChange change;
  std::vector<crypto::Validator> next;
  for (int i = 0; i < 4; ++i) {
    const std::string name = "w" + std::to_string(i);
    next.push_back({name, KeyOf("vote " + name).public_key(), KeyOf("node " + name).public_key()});
    auto& info = *change.add_next_validators();
    info.set_name(name);
    info.set_vote_key(next.back().vote_key.ToBytes());
    info.set_node_key(next.back().node_key.ToBytes());
  }
  const auto set = crypto::ValidatorSet::Create(Epoch(1), next).value();
  const ChainId& chain = node.genesis().chain_id();

  const Transaction tx = node.Put("a", "1");
  const ExecutedBlock block = node.Commit({tx});
  pb::TransactionProof proof = BuildTransactionProof(*node.chain, tx.id).value();
  pb::BlockHeader last = Decode<pb::BlockHeader>(block.header).value();
  last.set_next_validators_hash(set.hash().ToBytes());
  const auto certify = [&](const pb::BlockHeader& header, Epoch epoch, const std::string& prefix) {
    pb::CertifiedHeader out;
    out.set_header(Encode(header));
    *out.mutable_certificate() = ToProto(seal(epoch, prefix, chain, BlockHash(out.header())));
    return out;
  };
  *change.mutable_header() = certify(last, Epoch(0), "vote v");
  *proof.add_epochs() = change;
  pb::BlockHeader proven = Decode<pb::BlockHeader>(block.header).value();
  proven.set_height(2);
  proven.set_epoch(1);
  proven.set_validators_hash(set.hash().ToBytes());
  proven.set_next_validators_hash(set.hash().ToBytes());
  *proof.mutable_header() = certify(proven, Epoch(1), "vote w");
  const auto verified = VerifyTransactionProof(node.genesis(), proof);
  ASSERT_TRUE(verified) << verified.error().ToString();

  pb::TransactionProof swapped = proof;
  swapped.mutable_epochs(0)->mutable_next_validators(0)->set_name("impostor");
  EXPECT_THAT(VerifyTransactionProof(node.genesis(), swapped).error().message,
              StartsWith("epoch 1"));
  pb::TransactionProof by_old_set = proof;
  *by_old_set.mutable_header() = certify(proven, Epoch(1), "vote v");
  EXPECT_THAT(VerifyTransactionProof(node.genesis(), by_old_set).error().message,
              StartsWith("certificate"));
}

}  // namespace
}  // namespace talent::ledger
