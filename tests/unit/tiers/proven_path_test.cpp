// The way of a record across the tiers, from one proof and one genesis.

#include "tiers/proven_path.h"

#include "network.h"

namespace talent::tiers {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class ProvenPath : public ::testing::Test, protected Network {
 protected:
  /// A record that acme disputed and its centre corrected; both on the public chain.
  ProvenPath() {
    Enrol();
    record_ = Must(source.Write("centre-a", Assessment()));
    promotion_ = Promote(record_);
    Review(record_, {{"acme", true}, {"globex", false}});
    const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(8000))));
    Must(AnswerWith(record_, correction));
    Promote(correction);
    publication_ = Publish();
  }

  TxId Publish() {
    EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_CORRECTED);
    pb::OutboxEntry entry;
    entry.set_record_id(record_.ToBytes());
    entry.set_status(pb::RECORD_STATUS_CORRECTED);
    consortium.Commit({});
    const auto delivery =
        PublishSettlement(consortium.chain(), entry, consortium.chain().head().height);
    for (const Height height : delivery.value().cites) {
      Must(outlet.Write("centre-a", HeaderOf(consortium, height)));
    }
    return Must(outlet.Write("centre-a", *Decode<pb::CorrectionPublished>(delivery->payload)));
  }

  /// As a node serves it; `more` state keys besides those that the evidence needs.
  static ledger::pb::TransactionProof ProofOf(const TestTier& tier, const TxId& id,
                                              const std::vector<Bytes>& more) {
    auto proof = ledger::BuildTransactionProof(tier.chain(), id).value();
    const auto tx = ledger::ParseTransaction(proof.transaction(), &proof.payload()).value();
    auto keys = EvidenceKeys(tx);
    keys.insert(keys.end(), more.begin(), more.end());
    for (const Bytes& key : keys) {
      EXPECT_TRUE(ledger::AddStatement(tier.chain(), key, tier.chain().head().height, proof));
    }
    return proof;
  }
  static Result<std::vector<PathFact>> Check(const TestTier& tier,
                                             const ledger::pb::TransactionProof& proof) {
    return CheckEvidence(ledger::VerifyTransactionProof(tier.genesis(), proof).value(), proof);
  }
  static std::vector<std::string> Sentences(const std::vector<PathFact>& facts) {
    std::vector<std::string> out;
    for (const PathFact& fact : facts) {
      EXPECT_TRUE(fact.checked) << fact.step;
      out.push_back(fact.step + ": " + fact.english + " / " + fact.chinese);
    }
    return out;
  }

  TxId record_, promotion_, publication_;
};

TEST_F(ProvenPath, OfACorrection_IsCheckedFromThePublicGenesisAlone) {
  const auto facts = Check(outlet, ProofOf(outlet, publication_, {kPublished.Key(record_.View())}));
  ASSERT_TRUE(facts) << facts.error().ToString();
  const auto said = Sentences(*facts);
  EXPECT_THAT(said, Contains(HasSubstr("original: AbilityAssessed " + record_.Hex())));
  EXPECT_THAT(said, Contains(HasSubstr("original state: corrected on the consortium after block")));
  EXPECT_THAT(said, Contains(HasSubstr("a member disputes scores.experience")));
  EXPECT_THAT(said, Contains(HasSubstr("成员对 scores.experience 提出异议")));
  EXPECT_THAT(said, Contains(HasSubstr("the centre answers with correction")));
  EXPECT_THAT(said, Contains(HasSubstr("standing: " + record_.Hex() + " is corrected")));
}

TEST_F(ProvenPath, OfAPromotion_ShowsTheBlockOfThePrivateChainAndItsDecision) {
  const auto facts =
      Check(consortium, ProofOf(consortium, promotion_, {kConsortiumRecords.Key(record_.View())}));
  ASSERT_TRUE(facts) << facts.error().ToString();
  const auto said = Sentences(*facts);
  EXPECT_THAT(said, Contains(HasSubstr("private block: sealed in block")));
  EXPECT_THAT(said, Contains(HasSubstr("decision: that chain's policy lets it leave")));
  EXPECT_THAT(said, Contains(HasSubstr("standing: corrected")));
}

TEST_F(ProvenPath, WithoutTheAcceptedHeaders_IsSaidNotToBeChecked) {
  const auto proof = ledger::BuildTransactionProof(outlet.chain(), publication_).value();
  const auto facts = Check(outlet, proof);
  ASSERT_TRUE(facts) << facts.error().ToString();
  for (const PathFact& fact : *facts) {
    EXPECT_EQ(fact.checked, fact.step == "original" || fact.step == "correction") << fact.step;
  }
}

// What a chain whose quorum is faulty could have sealed: the evidence still shows it.
TEST_F(ProvenPath, EvidenceThatDoesNotHold_IsRefusedAndNamed) {
  const auto proof = ProofOf(outlet, publication_, {});
  auto proven = ledger::VerifyTransactionProof(outlet.genesis(), proof).value();
  const auto honest = Decode<pb::CorrectionPublished>(proven.transaction.payload).value();
  const auto refused = [&](const std::string& step, const auto& change) {
    auto message = honest;
    change(message);
    proven.transaction.payload = Encode(message);
    const auto facts = CheckEvidence(proven, proof);
    ASSERT_FALSE(facts) << step;
    EXPECT_THAT(facts.error().message, HasSubstr(step));
  };
  refused("original state", [](auto& m) {
    auto state = Decode<pb::ConsortiumRecord>(m.original().state().value()).value();
    state.set_confirmations(9);
    m.mutable_original()->mutable_state()->set_value(Encode(state));
  });
  refused("correction",
          [](auto& m) { m.mutable_correction()->mutable_record()->set_signature("x"); });
  refused("steps", [](auto& m) { m.mutable_steps()->RemoveLast(); });
  refused("step 1", [](auto& m) { m.mutable_steps()->SwapElements(0, 1); });
  refused("step 2", [](auto& m) { m.mutable_steps(1)->mutable_path()->set_index(77); });
}

TEST_F(ProvenPath, WhatIsNoHeaderOrNoPayload_IsNotReadAsOne) {
  auto proof = ProofOf(outlet, publication_, {});
  auto proven = ledger::VerifyTransactionProof(outlet.genesis(), proof).value();
  for (auto& statement : *proof.mutable_statements()) statement.mutable_proof()->set_value("\xff");
  const auto facts = CheckEvidence(proven, proof);
  ASSERT_TRUE(facts) << facts.error().ToString();
  EXPECT_FALSE(facts->back().checked);

  proven.transaction.payload = "\xff";
  const auto none = CheckEvidence(proven, proof);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, ::testing::StartsWith("payload: "));
}

}  // namespace
}  // namespace talent::tiers
