// Erasure on every tier: what goes, what stays, and who may not ask for it.

#include "tiers/erasure.h"

#include "career_fixture.h"
#include "network.h"
#include "support/sweep.h"
#include "tiers/release.h"

namespace talent::tiers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kCommitment = ledger::pb::DISCLOSURE_COMMITMENT;

pb::Erased ErasureOf(std::vector<TxId> records, pb::ErasureGround ground) {
  pb::Erased message;
  message.set_subject_id(Id("li"));
  message.set_ground(ground);
  message.set_reference("R-1");
  std::ranges::sort(records);
  for (const TxId& record : records) message.add_records(record.ToBytes());
  return message;
}
pb::Erased Requested(std::vector<TxId> records = {}) {
  return ErasureOf(std::move(records), pb::ERASURE_GROUND_SUBJECT_REQUEST);
}

Result<TxId> WriteErasure(TestTier& chain, const pb::Erased& message,
                          std::string_view author = "centre-a",
                          ledger::pb::Disclosure disclosure = kCommitment) {
  return chain.Submit(chain.Make(author, "Erased", message, disclosure));
}
bool HasPayload(const TestTier& chain, BytesView id) {
  return chain.chain().GetTransaction(TxId::FromBytes(id).value())->has_payload();
}
bool HasPayload(const TestTier& chain, const TxId& id) { return HasPayload(chain, id.View()); }

class PrivateErasure : public CareerTest {
 protected:
  Result<TxId> Erase(const pb::Erased& message, std::string_view author = "centre-a") {
    return WriteErasure(chain_, message, author);
  }
};

TEST_F(PrivateErasure, Record_LosesItsContent_AndKeepsItsPlace) {
  const TxId other = Assess(5000);
  const TxId erasure = Must(Erase(Requested({entry_})));
  EXPECT_FALSE(HasPayload(chain_, entry_));
  EXPECT_TRUE(HasPayload(chain_, other));
  const auto entry = chain_.Read(kPrivateRecords, entry_.View());
  EXPECT_EQ(entry->erased_by(), erasure.View());
  EXPECT_EQ(entry->kind(), "AbilityAssessed");
  EXPECT_EQ(entry->mean_score(), 0u);
  EXPECT_FALSE(chain_.Read(kAbout, Id("li") + entry_.ToBytes()));
  // Nothing is built on it any more.
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Training(entry_))), Code::kPruned);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(entry_, Assessment(8000)))), Code::kPruned);
  EXPECT_TRUE(chain_.Write("centre-a", Training(other)));
}

TEST_F(PrivateErasure, WhatMayNotBeErased_IsRefusedWithItsReason) {
  const auto named = [](const TxId& id) { return Requested({id}); };
  const TxId registration = TxId::FromBytes(chain_.Read(kSubjects, Id("li"))->record()).value();
  const TxId wang = Register("wang");
  EXPECT_EQ(CodeOf(Erase(named(TxId()))), Code::kNotFound);
  EXPECT_EQ(CodeOf(Erase(named(wang))), Code::kNotFound) << "another person's";
  EXPECT_EQ(CodeOf(Erase(named(registration))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(Erase(named(entry_), "centre-b")), Code::kNotFound);
  EXPECT_EQ(CodeOf(Erase(named(entry_), "acme")), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(WriteErasure(chain_, named(entry_), "centre-a", ledger::pb::DISCLOSURE_FULL)),
            Code::kInvalidArgument);
  pb::Erased bad = named(entry_);
  bad.clear_ground();
  EXPECT_EQ(CodeOf(Erase(bad)), Code::kInvalidArgument);
  bad = named(entry_);
  bad.clear_reference();
  EXPECT_EQ(CodeOf(Erase(bad)), Code::kInvalidArgument);
  bad = named(entry_);
  bad.add_records(bad.records(0));
  EXPECT_EQ(CodeOf(Erase(bad)), Code::kInvalidArgument) << "twice";
  bad = named(entry_);
  bad.set_subject_id(Id("nobody"));
  EXPECT_EQ(CodeOf(Erase(bad)), Code::kNotFound);
  EXPECT_TRUE(HasPayload(chain_, entry_));
  Must(Erase(named(entry_)));
  EXPECT_EQ(CodeOf(Erase(named(entry_))), Code::kDuplicate);
}

TEST_F(PrivateErasure, PersonWithAKey_AsksItself_AndItsCentreNeedsAnotherGround) {
  auto registration = Registration("wang");
  registration.set_subject_key(KeyOf("wang").public_key().ToBytes());
  Must(chain_.Write("centre-a", registration));
  const TxId first = Assess(7000, "wang");
  const TxId second = Assess(7100, "wang");
  const auto of_wang = [](const TxId& id, pb::ErasureGround ground) {
    pb::Erased message = ErasureOf({id}, ground);
    message.set_subject_id(Id("wang"));
    return message;
  };
  EXPECT_EQ(CodeOf(Erase(of_wang(first, pb::ERASURE_GROUND_SUBJECT_REQUEST))), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Erase(of_wang(first, pb::ERASURE_GROUND_ORDER), "wang")), Code::kUnauthorized);
  Must(Erase(of_wang(first, pb::ERASURE_GROUND_SUBJECT_REQUEST), "wang"));
  Must(Erase(of_wang(second, pb::ERASURE_GROUND_ORDER)));
}

TEST_F(PrivateErasure, WhatADecisionRestsOn_WaitsForIt) {
  ASSERT_TRUE(Buy("acme", 60));
  const TxId after = Train();
  const auto plan = TxId::FromBytes(CareerNow().plan()).value();
  EXPECT_EQ(CodeOf(Erase(Requested({after}))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(Erase(Requested({plan}))), Code::kPrecondition);
  const TxId placement = Must(chain_.Write("centre-a", Due().placed.value()));
  EXPECT_EQ(CodeOf(Erase(Requested({placement}))), Code::kPrecondition) << "supervised";
  Must(Erase(Requested({after, plan})));
}

// What one request has erased is about one person: the entries that name it are about it too.
TEST_F(PrivateErasure, WhatSaysByWhat_IsForThoseWhoMayReadThePerson) {
  ASSERT_TRUE(Buy("acme", 60));
  Must(Erase(Requested({entry_})));
  const Bytes entry_path =
      "erased/entry/" + ledger::StatePath(kPrivateRecords.Key(entry_.View())).ToBytes();
  const auto state = chain_.chain().SealedState();
  ASSERT_TRUE(state->Get(ledger::ErasedKey(entry_)));
  ASSERT_TRUE(state->Get(entry_path));
  const auto may = [&](std::string_view who, const Bytes& key) {
    return EntryAccess(chain_.genesis(), *state, Timestamp(kStart), KeyOf(who).public_key())
        .MayRead(key);
  };
  for (const char* const reader : {"centre-a", "acme"}) {
    EXPECT_TRUE(may(reader, ledger::ErasedKey(entry_))) << reader;
  }
  for (const char* const reader : {"centre-b", "initech", "stranger"}) {
    EXPECT_FALSE(may(reader, ledger::ErasedKey(entry_))) << reader;
    EXPECT_FALSE(may(reader, entry_path)) << reader;
  }
}

TEST_F(PrivateErasure, WholePerson_LeavesUnitsAndATombstone) {
  ASSERT_TRUE(Buy("acme", 60));
  Must(chain_.Write("centre-a", WillFor({"acme"})));
  Must(chain_.Write("centre-a", ConsentToAll()));
  PlaceNow();
  const auto before = *chain_.Read(kSubjects, Id("li"));
  const TxId erasure = Must(Erase(Requested()));

  std::vector<Bytes> left;
  kAbout.Scan(*chain_.chain().SealedState(), Id("li"), {}, [&](BytesView id, const auto&) {
    left.emplace_back(id);
    return true;
  });
  EXPECT_THAT(left, IsEmpty());
  for (Height height(1); height < chain_.chain().head().height; height = height + 1) {
    const auto block = chain_.chain().GetBlock(height).value();
    for (const auto& envelope : block.transactions()) {
      EXPECT_FALSE(HasPayload(chain_, ledger::TransactionId(envelope.envelope())));
    }
  }
  EXPECT_TRUE(HasPayload(chain_, erasure)) << "why it was done is kept";
  EXPECT_FALSE(chain_.Read(kConsents, Id("li")));
  EXPECT_FALSE(chain_.Read(kWills, Id("li")));
  EXPECT_FALSE(chain_.Read(kCareers, Id("li")));
  EXPECT_FALSE(chain_.Read(kConcerns, Id("li") + Bytes("acme")));
  const auto subject = *chain_.Read(kSubjects, Id("li"));
  EXPECT_EQ(subject.erased_by(), erasure.View());
  EXPECT_EQ(subject.record(), "");
  EXPECT_EQ(subject.supply(), before.supply());
  EXPECT_EQ(subject.sold(), 60u);
  EXPECT_EQ(chain_.Read(kHoldings, token_.ToBytes() + Bytes("acme"))->units(), 60u);

  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Registration())), Code::kDuplicate);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Assessment())), Code::kPruned);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", ConsentToAll())), Code::kPruned);
  EXPECT_EQ(Buy("acme", 1).error().code, Code::kNotFound);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Transferred(TransferOf(10)))), Code::kPruned);
  EXPECT_EQ(CodeOf(Erase(Requested())), Code::kPruned);
}

TEST_F(PrivateErasure, RefusedTransactions_GoWithThePerson) {
  const auto refused = chain_.Make("centre-b", Assessment(9999));  // of another centre's subject
  EXPECT_THAT(chain_.Commit({refused}), ElementsAre(ledger::pb::RECEIPT_CODE_NOT_FOUND));
  ASSERT_TRUE(HasPayload(chain_, refused.id));
  Must(Erase(Requested()));
  EXPECT_FALSE(HasPayload(chain_, refused.id));
  const auto late = chain_.Make("centre-a", Assessment(9998));
  EXPECT_THAT(chain_.Commit({late}), ElementsAre(ledger::pb::RECEIPT_CODE_PRECONDITION));
  EXPECT_FALSE(HasPayload(chain_, late.id)) << "never stored";
}

TEST_F(PrivateErasure, ChainVerifies_AndAReplicaThatWasThereAgrees) {
  const auto database =
      ledger::Database::Open(dir_.path() / "other", ledger::Database::Mode::kScratch).value();
  TestTier replica(*database, PrivateGenesis());
  const auto follow = [&] {
    for (Height height = replica.chain().head().height + 1; height <= chain_.chain().head().height;
         height = height + 1) {
      replica.Replay(chain_.chain().GetBlockWithPayloads(height).value());
    }
  };
  ASSERT_TRUE(Buy("acme", 60));
  PlaceNow();
  follow();
  Must(Erase(Requested()));
  follow();
  EXPECT_EQ(replica.chain().head().hash, chain_.chain().head().hash);
  EXPECT_FALSE(HasPayload(replica, entry_));
  ledger::SweepLater(*database_, chain_.genesis().chain_id());
  const auto report =
      ledger::VerifyStoredChain(*database_, chain_.genesis(), chain_.application(), nullptr);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->payloads_erased, chain_.chain().head().height.value - 1);
  EXPECT_EQ(report->payloads_missing, 0u);
}

/// The promoters between the three tiers, stepped by hand.
class ErasureOnItsWay : public ::testing::Test, protected Network {
 protected:
  ErasureOnItsWay() { Enrol(); }

  std::unique_ptr<Promoter> Up() {
    return Promoter::Open(
               *database,
               {.source = &source.chain(), .target = &consortium.chain(), .author = &key_})
        .value();
  }
  std::unique_ptr<Promoter> Out() {
    return Promoter::Open(
               *database,
               {.source = &consortium.chain(), .target = &outlet.chain(), .author = &key_})
        .value();
  }
  std::vector<ledger::Transaction> Offers(Promoter& promoter) const {
    return promoter.Step(Timestamp(Now())).value();
  }
  void CarryAll() {
    for (bool busy = true; busy;) {
      busy = false;
      for (TestTier* const target : {&consortium, &outlet}) {
        const auto offers = Offers(target == &consortium ? *Up() : *Out());
        if (offers.empty()) continue;
        busy = true;
        EXPECT_THAT(target->Commit(offers), ::testing::Each(ledger::pb::RECEIPT_CODE_OK));
      }
    }
  }
  TxId Erase(std::vector<TxId> records = {}) {
    return Must(WriteErasure(source, Requested(std::move(records))));
  }

  crypto::KeyPair key_ = KeyOf("centre-a");
};

TEST_F(ErasureOnItsWay, PublishedRecord_LosesItsPayloadOnEveryTier) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  Review(record, {{"acme", false}, {"globex", false}});
  CarryAll();
  const auto published = outlet.Read(kPublished, record.View());
  ASSERT_TRUE(published);
  const auto points = PointsOfMember("acme");
  const TxId erasure = Erase({record});
  CarryAll();
  const auto state = StateOf(record);
  EXPECT_EQ(state.status(), pb::RECORD_STATUS_ERASED);
  EXPECT_EQ(state.erased_by(), erasure.View());
  EXPECT_EQ(state.path(0), state.promotion_tx());
  EXPECT_FALSE(HasPayload(consortium, state.promotion_tx()));
  EXPECT_EQ(PointsOfMember("acme"), points);
  const auto gone = outlet.Read(kPublished, record.View());
  EXPECT_EQ(gone->status(), pb::RECORD_STATUS_ERASED);
  EXPECT_EQ(gone->erased_by(), erasure.View());
  EXPECT_EQ(gone->publication_tx(), published->publication_tx());
  EXPECT_FALSE(HasPayload(outlet, published->publication_tx()));
  for (TestTier* const tier : {&source, &consortium, &outlet}) {
    ledger::SweepLater(*database, tier->genesis().chain_id());
    const auto report =
        ledger::VerifyStoredChain(*database, tier->genesis(), tier->application(), nullptr);
    ASSERT_TRUE(report) << report.error().ToString();
    EXPECT_GT(report->payloads_erased, 0u);
    EXPECT_EQ(report->payloads_missing, 0u);
  }
}

TEST_F(ErasureOnItsWay, RunningReview_EndsWithoutPoints) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  Must(Commit(record, "acme", true));
  Must(Commit(record, "globex", false));
  CloseCommits(record);
  const TxId reveal = Must(Reveal(record, "acme", true));
  const auto closes = StateOf(record).reveals_close_ms();
  Erase({record});
  CarryAll();
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ERASED);
  EXPECT_FALSE(HasPayload(consortium, reveal)) << "its hash is of few possible values";
  EXPECT_EQ(CodeOf(Reveal(record, "globex", false)), Code::kPrecondition);
  WaitUntil(closes + 1);
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ERASED);
  EXPECT_EQ(PointsOfMember("acme"), 0);
  EXPECT_EQ(PointsOfMember("globex"), 0) << "a reveal nobody could make costs nothing";
  EXPECT_EQ(PointsOfMember("centre-a"), 0);
}

TEST_F(ErasureOnItsWay, ErasureThatOvertakesAPromotion_KeepsItOutForGood) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  AcceptHeaderOf(record);
  const pb::RecordPromoted late = PromotionOf(record);  // on its way
  Erase({record});
  CarryAll();
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ERASED);
  EXPECT_EQ(StateOf(record).promotion_tx(), "");
  const auto tx = consortium.Make("centre-a", late);
  EXPECT_EQ(CodeOf(consortium.Submit(tx)), Code::kPruned);
  EXPECT_FALSE(HasPayload(consortium, tx.id)) << "never stored";
  const auto state = consortium.chain().SealedState();
  const Release release(consortium.genesis(), *state, Timestamp(Now()), "acme");
  EXPECT_EQ(release.OpensAt(tx), std::nullopt) << "the entry that keeps it out has no time";
}

TEST_F(ErasureOnItsWay, CopiesThatTookNoEffect_AreErasedToo) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  Promote(record);
  const auto copy = consortium.Make("centre-b", PromotionOf(record));
  EXPECT_EQ(CodeOf(consortium.Submit(copy)), Code::kDuplicate);
  ASSERT_TRUE(HasPayload(consortium, copy.id));
  Erase({record});
  CarryAll();
  EXPECT_FALSE(HasPayload(consortium, copy.id));
}

TEST_F(ErasureOnItsWay, GoesFirst_WhateverConsentSays) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  pb::ConsentWithdrawn withdrawn;
  withdrawn.set_subject_id(Id("li"));
  withdrawn.set_consent(source.Read(kConsents, Id("li"))->record());
  Must(source.Write("centre-a", withdrawn));
  const TxId erasure = Erase({record});
  const auto decision = source.Read(kDecisions, erasure.View());
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->priority(), 0u);
  EXPECT_THAT(decision->erases(), ElementsAre(record.ToBytes()));
  CarryAll();
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ERASED);
  EXPECT_EQ(StateOf(erasure).status(), pb::RECORD_STATUS_COMMITMENT);
}

TEST_F(ErasureOnItsWay, WhatNeverLeft_StaysUnknownAbove) {
  auto registration = Registration("wang");
  Must(source.Write("centre-a", registration));
  const TxId record = Must(source.Write("centre-a", Assessment(7000, "wang")));
  pb::Erased message = Requested({record});
  message.set_subject_id(Id("wang"));
  const TxId erasure = Must(WriteErasure(source, message));
  EXPECT_FALSE(source.Read(kDecisions, erasure.View()));
  CarryAll();
  EXPECT_FALSE(consortium.Read(kConsortiumRecords, record.View()));
  EXPECT_FALSE(consortium.Read(kConsortiumRecords, erasure.View()));
}

TEST_F(ErasureOnItsWay, CorrectionOfAnErasedRecord_StillArrives) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(8000))));
  Erase({record});
  CarryAll();
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_ERASED);
  EXPECT_EQ(StateOf(record).superseded_by(), correction.View());
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(ErasureOnItsWay, PublishedCorrection_GoesWithWhatItCorrects) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(8000))));
  CarryAll();
  CloseReveals(record);
  CarryAll();
  const auto published = outlet.Read(kPublished, correction.View());
  ASSERT_TRUE(published);
  Erase({record, correction});
  CarryAll();
  EXPECT_FALSE(HasPayload(outlet, published->publication_tx()));
  for (const TxId& id : {record, correction}) {
    EXPECT_EQ(outlet.Read(kPublished, id.View())->status(), pb::RECORD_STATUS_ERASED);
  }
}

}  // namespace
}  // namespace talent::tiers
