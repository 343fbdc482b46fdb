// The promoter between real chains: from a talent's record to its publication, whatever is killed
// on the way.

#include <rocksdb/db.h>

#include "network.h"
#include "tiers/outbox.h"
#include "tiers/private_state.h"

namespace talent::tiers {
namespace {

class Carrying : public ::testing::Test, protected Network {
 protected:
  Carrying() { Enrol(); }

  Promoter::Options UpOptions() const {
    return {.source = &source.chain(), .target = &consortium.chain(), .author = &key_};
  }
  std::unique_ptr<Promoter> Open(const Promoter::Options& options) {
    return Promoter::Open(*database, options).value();
  }
  std::unique_ptr<Promoter> OpenUp() { return Open(UpOptions()); }
  std::unique_ptr<Promoter> OpenOut() {
    return Open({.source = &consortium.chain(), .target = &outlet.chain(), .author = &key_});
  }
  std::vector<ledger::Transaction> Offers(Promoter& promoter, std::uint64_t now = 0) const {
    return promoter.Step(Timestamp(now != 0 ? now : Now())).value();
  }
  static std::vector<std::string> Kinds(const std::vector<ledger::Transaction>& offers) {
    std::vector<std::string> out;
    for (const auto& tx : offers) out.push_back(tx.kind);
    return out;
  }
  /// Runs both promoters, each opened anew for every step, until they have nothing to offer.
  void CarryAll() {
    for (bool busy = true; busy;) {
      busy = false;
      for (TestTier* const target : {&consortium, &outlet}) {
        const auto offers = Offers(target == &consortium ? *OpenUp() : *OpenOut());
        if (offers.empty()) continue;
        busy = true;
        EXPECT_THAT(target->Commit(offers), ::testing::Each(ledger::pb::RECEIPT_CODE_OK));
      }
    }
  }
  std::size_t CountOf(const TestTier& tier, std::string_view kind) const {
    std::size_t count = 0;
    for (Height h(1); h <= tier.chain().head().height; ++h) {
      const auto block = tier.chain().GetBlock(h).value();
      for (const auto& envelope : block.transactions()) {
        count += ledger::ParseTransaction(envelope, nullptr)->kind == kind;
      }
    }
    return count;
  }

  crypto::KeyPair key_ = KeyOf("centre-a");
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(Carrying, Record_GoesThroughReviewDisputeAndCorrectionToThePublic) {
  const TxId record = Must(source.Write("centre-a", Assessment(7000)));
  const ledger::Transaction signed_record = *source.chain().GetTransaction(record);
  CarryAll();
  Network::Review(record, {{"acme", true}, {"globex", false}});
  CarryAll();
  EXPECT_FALSE(outlet.Read(kPublished, record.View())) << "published while disputed";

  auto content = Correction(record, Assessment(8000));
  content.set_reason(pb::CORRECTION_REASON_DISPUTE);
  content.add_disputes(StateOf(record).path(1));
  const TxId correction = Must(source.Write("centre-a", content));
  Must(AnswerWith(record, correction));
  CarryAll();

  const auto published = outlet.Read(kPublished, record.View());
  ASSERT_TRUE(published);
  EXPECT_EQ(published->status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(published->superseded_by(), correction.View());
  EXPECT_EQ(outlet.Read(kPublished, correction.View())->status(), pb::RECORD_STATUS_CORRECTION);
  EXPECT_EQ(CountOf(consortium, "RecordPromoted"), 3u);  // with the consent
  EXPECT_EQ(CountOf(outlet, "CorrectionPublished"), 1u);

  const auto tx =
      outlet.chain().GetTransaction(TxId::FromBytes(published->correction_tx()).value());
  const auto message = Decode<pb::CorrectionPublished>(tx->payload).value();
  EXPECT_EQ(message.original().record().envelope(), signed_record.envelope_bytes);
  EXPECT_EQ(message.original().record().signature(), signed_record.signature.View());
  EXPECT_EQ(message.original().payload().data(), signed_record.payload);
  ASSERT_EQ(message.steps_size(), 4);  // promotion, dispute, answer, promotion of the correction
  EXPECT_EQ(OpenUp()->stats().waiting, 0u);
  EXPECT_EQ(OpenOut()->stats().waiting, 0u);
}

TEST_F(Carrying, VerifiedRecord_IsPublishedAndALaterCorrectionSupersedesIt) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  Network::Review(record, {{"acme", false}, {"globex", false}});
  CarryAll();
  EXPECT_EQ(outlet.Read(kPublished, record.View())->status(), pb::RECORD_STATUS_VERIFIED);
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(1))));
  CarryAll();
  const auto published = outlet.Read(kPublished, record.View());
  EXPECT_EQ(published->status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(published->superseded_by(), correction.View());
  EXPECT_NE(published->publication_tx(), published->correction_tx());
  EXPECT_EQ(CountOf(outlet, "RecordPublished"), 1u);
}

TEST_F(Carrying, CorrectionSettledBeforePublication_PublishesOnlyTheCorrection) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  Promote(record);
  Network::Review(record, {{"acme", false}, {"globex", false}});
  Promote(Must(source.Write("centre-a", Correction(record, Assessment(1)))));
  CarryAll();
  EXPECT_EQ(outlet.Read(kPublished, record.View())->status(), pb::RECORD_STATUS_CORRECTED);
  EXPECT_EQ(CountOf(outlet, "RecordPublished"), 0u);
  EXPECT_EQ(OpenOut()->stats().waiting, 0u);
}

TEST_F(Carrying, Entry_StaysUntilTheTargetHasSealedIt) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  auto promoter = OpenUp();
  const std::uint64_t now = kStart + 1000;
  const auto first = Offers(*promoter, now);
  EXPECT_THAT(Kinds(first), ElementsAre("SourceHeaderAccepted", "RecordPromoted",
                                        "SourceHeaderAccepted", "RecordPromoted"));
  EXPECT_THAT(Offers(*promoter, now + 1), IsEmpty()) << "offered twice at once";
  EXPECT_EQ(promoter->stats().waiting, 2u);
  const auto again = Offers(*promoter, now + 10000);  // the first ones were lost
  EXPECT_EQ(again.size(), 4u);
  consortium.Commit(first);
  // Both copies reach a block: the second changes nothing.
  EXPECT_THAT(consortium.Commit(again),
              ElementsAre(ledger::pb::RECEIPT_CODE_OK, ledger::pb::RECEIPT_CODE_PRECONDITION,
                          ledger::pb::RECEIPT_CODE_OK, ledger::pb::RECEIPT_CODE_PRECONDITION));
  EXPECT_TRUE(StateOf(record).promotion_tx() == first[1].id.View() ||
              StateOf(record).promotion_tx() == first[3].id.View());
  EXPECT_THAT(Offers(*promoter, now + 10001), IsEmpty());
  EXPECT_EQ(promoter->stats().delivered, 2u);
  EXPECT_EQ(OpenUp()->stats().delivered, 2u) << "forgotten over a restart";
  EXPECT_THAT(Offers(*OpenUp(), now + 10002), IsEmpty());
}

TEST_F(Carrying, Urgent_GoesFirstAndBulkRisesWithAge) {
  CarryAll();
  const TxId bulk =
      Must(source.Write("centre-a", Training(Must(source.Write("centre-a", Assessment())))));
  const TxId investment = Must(source.Write(
      "centre-a", CosignInvestment(source.genesis().chain_id(), Statement(), KeyOf("acme"))));
  const auto order = [&](std::uint64_t now) {
    Promoter::Options options = UpOptions();
    options.max_in_flight = 1;
    std::vector<TxId> out;
    for (const auto& tx : Offers(*Open(options), now)) {
      if (tx.kind != "RecordPromoted") continue;
      const auto message = Decode<pb::RecordPromoted>(tx.payload);
      out.push_back(ledger::TransactionId(message->record().envelope()));
    }
    return out;
  };
  const std::uint64_t now = source.chain().head().time.value;
  EXPECT_THAT(order(now), ElementsAre(investment));
  const auto outbox =
      Outbox::Open(*database, source.genesis().chain_id(), consortium.genesis().chain_id());
  std::vector<std::uint32_t> priorities;
  const auto visit = [&](const OutboxItem& item) {
    priorities.push_back(item.priority);
    return true;
  };
  ASSERT_TRUE(outbox->Visit(Timestamp(now), Promoter::kAgeingStep, visit));
  EXPECT_THAT(priorities, ElementsAre(2, 5, 5));
  EXPECT_EQ(outbox->waiting()[5], 2u);
  (void)bulk;

  // Bulk that has waited five steps overtakes what is urgent and new.
  const std::uint64_t later = now + 5 * Promoter::kAgeingStep.value;
  Must(source.Write(
      "centre-a", CosignInvestment(source.genesis().chain_id(), Statement(5, "r2"), KeyOf("acme")),
      later));
  Offers(*OpenUp(), later);
  priorities.clear();
  ASSERT_TRUE(outbox->Visit(Timestamp(later), Promoter::kAgeingStep, visit));
  EXPECT_THAT(priorities, ElementsAre(2, 5, 5, 2));
}

TEST_F(Carrying, WhatTheTargetRefuses_DoesNotHoldUpTheRest) {
  CarryAll();
  const TxId stuck = Must(source.Write("centre-a", Assessment()));
  Promoter::Options options = UpOptions();
  options.max_in_flight = 1;
  const auto promoter = Open(options);
  const std::uint64_t now = source.chain().head().time.value + 1;
  EXPECT_EQ(Offers(*promoter, now).size(), 2u);
  const TxId next = Must(source.Write("centre-a", Training(stuck), now + 10));
  EXPECT_THAT(Offers(*promoter, now + 9999), IsEmpty());
  EXPECT_EQ(Offers(*promoter, now + 10000).size(), 2u) << "the second time";
  const auto other = Offers(*promoter, now + 20000);
  ASSERT_EQ(other.size(), 2u) << "the first rests for twenty seconds now";
  consortium.Commit(other);
  EXPECT_EQ(StateOf(next).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(Carrying, Correction_TakesItsOriginalAlong) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(1))));
  CarryAll();
  EXPECT_EQ(StateOf(record).superseded_by(), correction.View());
  EXPECT_EQ(OpenUp()->stats().dropped, 0u);
}

TEST_F(Carrying, WithheldRecords_NeverReachTheOutbox) {
  CarryAll();
  Must(source.Submit(
      source.Make("centre-a", "AbilityAssessed", Assessment(), ledger::pb::DISCLOSURE_PRIVATE)));
  auto promoter = OpenUp();
  EXPECT_THAT(Offers(*promoter), IsEmpty());
  EXPECT_EQ(promoter->stats().waiting, 0u);
  EXPECT_EQ(promoter->stats().scanned, source.chain().head().height);
}

TEST_F(Carrying, WithdrawnConsent_StopsWhatStillWaits) {
  CarryAll();
  const TxId left = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  const TxId waiting = Must(source.Write("centre-a", Assessment(1)));
  pb::ConsentWithdrawn message;
  message.set_subject_id(Id("li"));
  message.set_consent(source.Read(kConsents, Id("li"))->record());
  Must(source.Write("centre-a", message));
  CarryAll();
  EXPECT_EQ(StateOf(left).status(), pb::RECORD_STATUS_IN_REVIEW);
  EXPECT_EQ(StateOf(waiting).status(), pb::RECORD_STATUS_UNSPECIFIED);
  Must(source.Write("centre-a", ConsentToAll()));  // a new consent brings nothing old back
  const TxId later = Must(source.Write("centre-a", Assessment(2)));
  CarryAll();
  EXPECT_EQ(StateOf(waiting).status(), pb::RECORD_STATUS_UNSPECIFIED);
  EXPECT_EQ(StateOf(later).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(Carrying, BlocksWithNothingToCarry_AreScannedAgainAfterACrashUpToABound) {
  CarryAll();
  std::uint64_t head = 0;
  {
    auto promoter = OpenUp();
    for (std::uint64_t i = 0; i < Outbox::kMaxUnwritten + 3; ++i) {
      source.Commit({});
      EXPECT_THAT(Offers(*promoter), IsEmpty());
      head = source.chain().head().height.value;
      EXPECT_EQ(promoter->stats().scanned, Height(head));
    }
  }
  EXPECT_LT(OpenUp()->stats().scanned, Height(head));
  EXPECT_GT(OpenUp()->stats().scanned + Outbox::kMaxUnwritten, Height(head));
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  EXPECT_EQ(OpenUp()->stats().scanned, source.chain().head().height);
  EXPECT_EQ(OpenUp()->stats().waiting, 0u);
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(Carrying, UnreadableStorage_LosesNoRecord) {
  CarryAll();
  const TxId record = Must(source.Write("centre-a", Assessment()));
  const Bytes chain = source.genesis().chain_id().Hex().substr(0, 16);
  const auto spoil = [&](const std::string& use, const Bytes& key) {
    auto* const family = database->Family(chain + "." + use).value();
    const Bytes good = database->Get(family, key).value().value();
    const auto put = [=, this](const Bytes& value) {
      EXPECT_TRUE(database->db().Put(rocksdb::WriteOptions(), family, key, value).ok());
    };
    put("spoilt");
    auto promoter = OpenUp();
    const auto offers = promoter->Step(Timestamp(Now()));
    EXPECT_FALSE(offers);
    EXPECT_EQ(promoter->stats().dropped, 0u);
    put(good);
  };
  spoil("bodies", BigEndian(source.chain().FindTransaction(record).value()->height.value));
  spoil("transactions", record.ToBytes());
  CarryAll();
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(Carrying, Backup_StepsInWhenItsPredecessorIsSilent) {
  CarryAll();
  const TxId record = Must(source.Write("centre-a", Assessment()));
  const auto height = source.chain().FindTransaction(record).value()->height.value;
  Promoter::Options options = UpOptions();
  options.promoters = 4;
  options.rank = static_cast<std::uint32_t>((height + 1) % 4);
  const std::uint64_t now = source.chain().head().time.value + 100;
  auto backup = Open(options);
  EXPECT_THAT(Offers(*backup, now), IsEmpty());
  EXPECT_THAT(Offers(*backup, now + 2999), IsEmpty());
  EXPECT_EQ(Offers(*backup, now + 3000).size(), 2u);
  options.rank = static_cast<std::uint32_t>(height % 4);
  EXPECT_EQ(Offers(*Open(options), now).size(), 2u) << "the first in line waits for nobody";
}

TEST_F(Carrying, TwoPromoters_DeliverOnce) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  Promoter::Options other = UpOptions();
  const auto first = Offers(*OpenUp());
  const auto second = Offers(*Open(other));
  consortium.Commit(first);
  consortium.Commit(second);
  CarryAll();
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_IN_REVIEW);
  EXPECT_EQ(OpenUp()->stats().waiting, 0u);
  EXPECT_EQ(OpenUp()->stats().delivered, 2u);
}

// Publications that claim what the consortium does not say.
TEST_F(Carrying, PublicChain_ChecksStateAndEveryStep) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  Network::Review(record, {{"acme", true}, {"globex", false}});
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(8000))));
  Must(AnswerWith(record, correction));
  Promote(correction);
  const auto offers = Offers(*OpenOut());
  std::vector<ledger::Transaction> headers(offers.begin(), offers.end() - 1);
  EXPECT_THAT(outlet.Commit(headers), ::testing::Each(ledger::pb::RECEIPT_CODE_OK));
  const auto good = Decode<pb::CorrectionPublished>(offers.back().payload).value();
  const auto error_of = [&](auto change) {
    auto message = good;
    change(message);
    const auto result = outlet.Write("centre-a", message);
    EXPECT_FALSE(result);
    return result ? Error() : result.error();
  };
  using ::testing::HasSubstr;
  EXPECT_EQ(error_of([](auto& m) { m.mutable_steps()->RemoveLast(); }).code,
            Code::kInvalidArgument);
  EXPECT_THAT(error_of([](auto& m) { m.mutable_steps()->SwapElements(1, 2); }).message,
              HasSubstr("steps[1]"));
  EXPECT_THAT(error_of([](auto& m) { m.mutable_steps(1)->clear_payload(); }).message,
              HasSubstr("steps[1]"));
  EXPECT_EQ(error_of([](auto& m) { m.mutable_steps(2)->mutable_path()->set_receipt("x"); }).code,
            Code::kBadSignature);
  auto uncited = good;
  uncited.mutable_steps(2)->set_height(999);
  EXPECT_THAT(outlet.Commit({outlet.Make("centre-a", uncited)}),
              ElementsAre(ledger::pb::RECEIPT_CODE_NOT_FOUND));
  EXPECT_EQ(error_of([](auto& m) { m.mutable_original()->Swap(m.mutable_correction()); }).code,
            Code::kPrecondition);
  EXPECT_EQ(error_of([](auto& m) {
              auto state = Decode<pb::ConsortiumRecord>(m.original().state().value()).value();
              state.clear_path();
              m.mutable_original()->mutable_state()->set_value(Encode(state));
              m.clear_steps();
            }).code,
            Code::kBadSignature);
  EXPECT_EQ(error_of([](auto& m) {
              (*m.mutable_original()->mutable_payload()->mutable_salt())[0] ^= 1;
            }).code,
            Code::kInvalidArgument);
  pb::RecordPublished claim;
  claim.set_source_chain(good.source_chain());
  claim.set_height(good.height());
  *claim.mutable_record() = good.original();
  EXPECT_EQ(CodeOf(outlet.Write("centre-a", claim)), Code::kPrecondition);
  EXPECT_EQ(CodeOf(outlet.Write("stranger", good)), Code::kUnauthorized);
  Must(outlet.Write("centre-b", good));
  EXPECT_EQ(CodeOf(outlet.Write("centre-a", good)), Code::kDuplicate);
}

// What is in a block stays readable, whether it took effect or not.
TEST_F(Carrying, UncitedPublication_ReachesNoBlockWithAPayloadThatMayNotLeave) {
  const TxId record = Must(source.Write("centre-a", Assessment()));
  CarryAll();
  Network::Review(record, {{"acme", false}, {"globex", false}});
  const TxId correction = Must(source.Write("centre-a", Correction(record, Assessment(8000))));
  Promote(correction);
  const auto good = Decode<pb::CorrectionPublished>(Offers(*OpenOut()).back().payload).value();
  const auto check = [&](const auto& message) {
    const ledger::Head head = outlet.chain().head();
    return outlet.application().Check(outlet.Make("centre-a", message),
                                      {outlet.genesis().chain_id(), head.height + 1,
                                       head.time + Millis(1), outlet.genesis().consensus().window},
                                      outlet.chain().tip_state());
  };
  EXPECT_TRUE(check(good)) << "the header may still be on its way";
  const auto codes_of = [&](auto change) {
    pb::RecordPublished publication;
    *publication.mutable_record() = good.original();
    auto original = good;
    auto corrected = good;
    change(*publication.mutable_record());
    change(*original.mutable_original());
    change(*corrected.mutable_correction());
    return std::vector<Code>{CodeOf(check(publication)), CodeOf(check(original)),
                             CodeOf(check(corrected))};
  };
  using ::testing::Each;
  const auto hidden =
      source.Make("centre-a", "AbilityAssessed", Assessment(1), ledger::pb::DISCLOSURE_COMMITMENT);
  EXPECT_THAT(codes_of([&](auto& evidence) {
                evidence.mutable_record()->set_envelope(hidden.envelope_bytes);
                evidence.mutable_record()->set_signature(hidden.signature.ToBytes());
                evidence.mutable_payload()->set_salt(hidden.salt);
                evidence.mutable_payload()->set_data(hidden.payload);
              }),
              Each(Code::kUnauthorized));
  EXPECT_THAT(codes_of([](auto& evidence) {
                auto state = Decode<pb::ConsortiumRecord>(evidence.state().value()).value();
                state.set_publish(false);
                evidence.mutable_state()->set_value(Encode(state));
              }),
              Each(Code::kUnauthorized));
  EXPECT_THAT(
      codes_of([](auto& evidence) { (*evidence.mutable_record()->mutable_signature())[0] ^= 1; }),
      Each(Code::kBadSignature));
  EXPECT_THAT(codes_of([](auto& evidence) { evidence.mutable_payload()->set_data("other"); }),
              Each(Code::kInvalidArgument));
}

// The same blocks lead to the same roots, on every tier.
TEST(TierDeterminism, BlocksReplayedElsewhere_AgreeOnEveryRoot) {
  Network net;
  net.Enrol();
  const TxId record = Network::Must(net.source.Write("centre-a", Assessment()));
  net.Promote(record);
  net.Review(record, {{"acme", true}, {"globex", false}});
  net.CloseAnswer(record);
  Network other;
  const auto replay = [](const TestTier& from, TestTier& to) {
    for (Height h(1); h <= from.chain().head().height; ++h) {
      to.Replay(*from.chain().GetBlockWithPayloads(h));
    }
    EXPECT_EQ(from.chain().head().state_root, to.chain().head().state_root);
  };
  replay(net.source, other.source);
  replay(net.consortium, other.consortium);
}

}  // namespace
}  // namespace talent::tiers
