// Centres vote on the chains whose records they take.

#include "network.h"
#include "talent/tiers/v1/erasure.pb.h"
#include "tiers/governance.h"

namespace talent::tiers {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

ledger::Genesis SecondGenesis() {
  nlohmann::json genesis = TierGenesis("private");
  genesis["name"] = "second";
  return ledger::Genesis::Parse(genesis.dump()).value();
}

/// A second private chain, of which the consortium does not know yet.
class SourcesByVote : public ::testing::Test, protected Network {
 protected:
  SourcesByVote() : second_(*database, SecondGenesis()) {
    Must(second_.Write("centre-b", RegistrationOfB()));
  }

  static pb::SubjectRegistered RegistrationOfB() {
    auto message = Registration();
    message.set_custodian("centre-b");
    return message;
  }
  const ChainId& chain() const { return second_.genesis().chain_id(); }

  pb::SourceAdmission Admission(Height height = Height(1)) const {
    pb::SourceAdmission admission;
    admission.set_name("second");
    admission.set_chain_id(chain().ToBytes());
    admission.add_centres("centre-b");
    *admission.mutable_validators() = ledger::ToProto(*second_.chain().validators());
    *admission.mutable_header() = HeaderOf(second_, height).header();
    return admission;
  }
  static pb::SourceChange Admit(const pb::SourceAdmission& admission) {
    pb::SourceChange change;
    *change.mutable_admit() = admission;
    return change;
  }
  pb::SourceChange Close() const {
    pb::SourceChange change;
    change.set_close(chain().ToBytes());
    return change;
  }
  pb::SourceChange Reopen() const {
    pb::SourceChange change;
    change.set_reopen(chain().ToBytes());
    return change;
  }
  static Result<TxId> Propose(TestTier& on, const pb::SourceChange& change,
                              const std::string& author = "centre-a") {
    pb::SourceProposed message;
    *message.mutable_change() = change;
    message.set_open_until(on.chain().head().height.value + 20);
    return on.Write(author, message);
  }
  Code CodeOfProposal(const pb::SourceChange& change) {
    return CodeOf(Propose(consortium, change));
  }
  template <class Change>
  Code CodeOfAdmission(const Change& spoil) {
    auto admission = Admission();
    spoil(admission);
    return CodeOfProposal(Admit(admission));
  }
  /// By both centres.
  static void Decide(TestTier& on, const pb::SourceChange& change) {
    pb::ProposalVoted vote;
    vote.set_proposal(Must(Propose(on, change)).ToBytes());
    vote.set_approve(true);
    Must(on.Write("centre-b", vote));
  }
  std::optional<pb::Source> Stored() const { return consortium.Read(kSources, chain().View()); }
  Result<TxId> BringHeader(Height height) {
    return consortium.Write("centre-b", HeaderOf(second_, height));
  }
  std::unique_ptr<Promoter> OpenPromoter() {
    return Promoter::Open(
               *database,
               {.source = &second_.chain(), .target = &consortium.chain(), .author = &key_})
        .value();
  }
  /// A record of centre-b that may leave.
  TxId WriteRecord(std::uint32_t score) {
    return Must(second_.Write("centre-b", Assessment(score)));
  }
  void Consent() { Must(second_.Write("centre-b", ConsentToAll())); }
  /// Carries until nothing is offered.
  void Carry(Promoter& promoter) {
    for (;;) {
      const auto offers = promoter.Step(Timestamp(Now())).value();
      if (offers.empty()) return;
      EXPECT_THAT(consortium.Commit(offers), ::testing::Each(ledger::pb::RECEIPT_CODE_OK));
    }
  }

  crypto::KeyPair key_ = KeyOf("centre-b");
  TestTier second_;
};

TEST_F(SourcesByVote, AnAdmittedChain_BringsItsRecordsFromItsFirstBlockOn) {
  Consent();
  const TxId record = WriteRecord(7000);
  const auto promoter = OpenPromoter();
  EXPECT_THAT(promoter->Step(Timestamp(Now())).value(), IsEmpty())
      << "nothing is offered where nothing of it is taken";
  EXPECT_EQ(CodeOf(BringHeader(Height(1))), Code::kNotFound);
  Must(Propose(consortium, Admit(Admission())));
  EXPECT_FALSE(Stored()) << "one of two";
  Decide(consortium, Admit(Admission()));
  ASSERT_TRUE(Stored());
  EXPECT_EQ(Stored()->tier(), "private");
  EXPECT_EQ(Stored()->centres(0), "centre-b");
  Carry(*promoter);
  EXPECT_EQ(StateOf(record).source_chain(), chain().View());
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(SourcesByVote, WhatIsBelowTheHeaderThatProvedTheChain_StaysThere) {
  Consent();
  const TxId before = WriteRecord(1);
  const Height head = second_.chain().head().height;
  Decide(consortium, Admit(Admission(head)));
  EXPECT_EQ(CodeOf(BringHeader(Height(head.value - 1))), Code::kBadSignature);
  // At the head itself lies `before`; what is older is dropped and does not block what follows.
  const TxId after = WriteRecord(2);
  const auto promoter = OpenPromoter();
  Carry(*promoter);
  EXPECT_FALSE(StateOf(before).source_chain().empty());
  EXPECT_FALSE(StateOf(after).source_chain().empty());
  EXPECT_EQ(promoter->stats().dropped, 1u) << "the consent";
  EXPECT_THAT(promoter->stats().last_dropped, HasSubstr("from before"));
  EXPECT_EQ(promoter->stats().waiting, 0u);
}

TEST_F(SourcesByVote, Admission_NeedsAProofACentreAndFreeNames) {
  source.Commit({});
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.set_name("Second chain"); }), Code::kInvalidArgument);
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.set_chain_id("short"); }), Code::kInvalidArgument);
  EXPECT_EQ(
      CodeOfAdmission([&](auto& a) { a.set_chain_id(consortium.genesis().chain_id().ToBytes()); }),
      Code::kInvalidArgument);
  EXPECT_EQ(
      CodeOfAdmission([&](auto& a) { a.set_chain_id(source.genesis().chain_id().ToBytes()); }),
      Code::kDuplicate);
  EXPECT_EQ(CodeOfAdmission([&](auto& a) { a.set_name(source.genesis().name()); }),
            Code::kDuplicate);
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.clear_centres(); }), Code::kInvalidArgument);
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.add_centres("centre-a"); }), Code::kInvalidArgument)
      << "not ascending";
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.set_centres(0, "acme"); }), Code::kNotFound);
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.set_centres(0, "nobody"); }), Code::kNotFound);
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.clear_validators(); }), Code::kInvalidArgument);
  EXPECT_EQ(CodeOfAdmission([](auto& a) { a.clear_header(); }), Code::kFormatVersion);
  EXPECT_EQ(
      CodeOfAdmission([](auto& a) { a.mutable_header()->mutable_certificate()->clear_seals(); }),
      Code::kPrecondition);
  EXPECT_EQ(CodeOfAdmission([](auto& a) {
              a.mutable_validators(0)->set_vote_key(KeyOf("other").public_key().ToBytes());
            }),
            Code::kCorruption);
  EXPECT_EQ(
      CodeOfAdmission([&](auto& a) { *a.mutable_header() = HeaderOf(source, Height(1)).header(); }),
      Code::kWrongChain)
      << "sealed by another chain";
  EXPECT_EQ(CodeOfProposal({}), Code::kInvalidArgument) << "no change";
  EXPECT_EQ(CodeOf(Propose(consortium, Admit(Admission()), "acme")), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Propose(second_, Admit(Admission()))), Code::kInvalidArgument)
      << "a private chain takes nobody's records";
}

TEST_F(SourcesByVote, AClosedSource_BringsNothingAndKeepsWhatIsThere) {
  Consent();
  const TxId record = WriteRecord(7000);
  Decide(consortium, Admit(Admission()));
  const auto promoter = OpenPromoter();
  Carry(*promoter);
  const TxId late = WriteRecord(8000);
  Decide(consortium, Close());
  EXPECT_TRUE(Stored()->closed());
  EXPECT_EQ(CodeOf(BringHeader(second_.chain().head().height)), Code::kPrecondition);
  pb::OutboxEntry entry;
  entry.set_record_id(record.ToBytes());
  const auto again =
      Decode<pb::RecordPromoted>(PromoteRecord(second_.chain(), entry)->payload).value();
  EXPECT_EQ(CodeOf(consortium.Write("centre-b", again)), Code::kPrecondition);
  EXPECT_THAT(promoter->Step(Timestamp(Now())).value(), IsEmpty());
  EXPECT_EQ(promoter->stats().waiting, 1u) << "it waits for better days";
  EXPECT_EQ(CodeOfProposal(Close()), Code::kPrecondition);
  EXPECT_EQ(CodeOfProposal(Admit(Admission())), Code::kDuplicate);

  // What is there lives on; its centre cannot answer by a correction, and pays nothing for it.
  Network::Review(record, {{"acme", true}, {"globex", true}});
  CloseAnswer(record);
  EXPECT_EQ(StateOf(record).status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(PointsOfMember("centre-b"), 0);

  Decide(consortium, Reopen());
  EXPECT_EQ(CodeOfProposal(Reopen()), Code::kPrecondition);
  Carry(*promoter);
  EXPECT_EQ(StateOf(late).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(SourcesByVote, ASource_SpeaksForTheCentresItWasGiven) {
  Consent();
  const TxId record = WriteRecord(7000);
  auto admission = Admission();
  admission.set_centres(0, "centre-a");
  Decide(consortium, Admit(admission));
  Must(BringHeader(second_.chain().FindTransaction(record).value()->height));
  pb::OutboxEntry entry;
  entry.set_record_id(record.ToBytes());
  const auto promotion =
      Decode<pb::RecordPromoted>(PromoteRecord(second_.chain(), entry)->payload).value();
  EXPECT_EQ(CodeOf(consortium.Write("centre-b", promotion)), Code::kUnauthorized);
  pb::SourceChange change;
  change.mutable_centres()->set_chain_id(chain().ToBytes());
  EXPECT_EQ(CodeOfProposal(change), Code::kInvalidArgument);
  change.mutable_centres()->add_centres("centre-a");
  change.mutable_centres()->add_centres("centre-b");
  Decide(consortium, change);
  Must(consortium.Write("centre-b", promotion));
  change.mutable_centres()->set_chain_id(Id("nobody's"));
  EXPECT_EQ(CodeOfProposal(change), Code::kNotFound);
}

TEST_F(SourcesByVote, ACentreThatLeft_FinishesWhatIsHere) {
  Consent();
  const TxId corrected = WriteRecord(7000);
  const TxId unanswered = WriteRecord(7100);
  const TxId erased = WriteRecord(7200);
  const TxId over = WriteRecord(7250);
  Decide(consortium, Admit(Admission()));
  Carry(*OpenPromoter());
  const TxId disputed[] = {corrected, unanswered};
  for (const TxId& record : disputed) Must(Commit(record, "acme", true));
  CloseCommits(unanswered);
  for (const TxId& record : disputed) Must(Reveal(record, "acme", true));
  CloseReveals(erased);
  pb::SourceChange change;
  change.mutable_centres()->set_chain_id(chain().ToBytes());
  change.mutable_centres()->add_centres("centre-a");
  Decide(consortium, change);

  const auto bring = [&](const TxId& record) {
    Must(BringHeader(second_.chain().FindTransaction(record).value()->height));
    pb::OutboxEntry entry;
    entry.set_record_id(record.ToBytes());
    const auto delivery = PromoteRecord(second_.chain(), entry);
    return consortium.Write("centre-a", *Decode<pb::RecordPromoted>(delivery->payload));
  };
  EXPECT_EQ(CodeOf(bring(WriteRecord(7300))), Code::kUnauthorized) << "nothing new";
  ASSERT_EQ(StateOf(over).status(), pb::RECORD_STATUS_UNVERIFIED);
  EXPECT_EQ(CodeOf(bring(Must(second_.Write("centre-b", Correction(over, Assessment(1)))))),
            Code::kUnauthorized)
      << "nothing that is over";
  Must(bring(Must(second_.Write("centre-b", Correction(corrected, Assessment(8000))))));
  EXPECT_EQ(StateOf(corrected).status(), pb::RECORD_STATUS_CORRECTED);
  pb::Erased erasure;
  erasure.set_subject_id(Id("li"));
  erasure.add_records(erased.ToBytes());
  erasure.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
  erasure.set_reference("R-1");
  Must(bring(Must(second_.Submit(
      second_.Make("centre-b", "Erased", erasure, ledger::pb::DISCLOSURE_COMMITMENT)))));
  EXPECT_EQ(StateOf(erased).status(), pb::RECORD_STATUS_ERASED);
  CloseAnswer(unanswered);
  EXPECT_EQ(StateOf(unanswered).status(), pb::RECORD_STATUS_REFUSED) << "silence, as of any centre";
  EXPECT_EQ(PointsOfMember("centre-b"), -10);
}

// A chain may take several consortia. None of them speaks about what another has brought.
TEST_F(SourcesByVote, APublicChain_LetsAConsortiumTakeBackWhatItBroughtAlone) {
  Enrol();
  const TxId record = Must(source.Write("centre-a", Assessment()));
  Promote(record);
  Network::Review(record, {{"acme", false}, {"globex", false}});
  Must(Publish(record));
  EXPECT_EQ(outlet.Read(kPublished, record.View())->consortium(),
            consortium.genesis().chain_id().View());

  auto genesis = TierGenesis("consortium");
  genesis["name"] = "other";
  genesis["app"]["sources"] = nlohmann::json::array({SourceJson(source.genesis())});
  TestTier other(*database, ledger::Genesis::Parse(genesis.dump()).value());
  const auto bring = [&](const TxId& id) {
    const Height height = source.chain().FindTransaction(id).value()->height;
    Must(other.Write("centre-a", HeaderOf(source, height)));
    Must(other.Write("centre-a", PromotionOf(id)));
  };
  bring(record);
  bring(Must(source.Write("centre-a", Correction(record, Assessment(1)))));
  other.Commit({}, other.Read(kConsortiumRecords, record.View())->reveals_close_ms());
  pb::SourceAdmission admission;
  admission.set_name("other");
  admission.set_chain_id(other.genesis().chain_id().ToBytes());
  *admission.mutable_validators() = ledger::ToProto(*other.chain().validators());
  *admission.mutable_header() = HeaderOf(other, Height(1)).header();
  Decide(outlet, Admit(admission));
  const auto deliver = [&](pb::RecordStatus status) {
    pb::OutboxEntry entry;
    entry.set_record_id(record.ToBytes());
    entry.set_status(status);
    other.Commit({});
    auto delivery = PublishSettlement(other.chain(), entry, other.chain().head().height);
    EXPECT_TRUE(delivery) << (delivery ? "" : delivery.error().ToString());
    for (const Height height : delivery->cites) {
      Must(outlet.Write("centre-a", HeaderOf(other, height)));
    }
    return delivery->payload;
  };
  const auto correction =
      Decode<pb::CorrectionPublished>(deliver(pb::RECORD_STATUS_CORRECTED)).value();
  EXPECT_EQ(CodeOf(outlet.Write("centre-a", correction)), Code::kUnauthorized);
  pb::Erased erased;
  erased.set_subject_id(Id("li"));
  erased.add_records(record.ToBytes());
  erased.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
  erased.set_reference("R-1");
  bring(Must(
      source.Submit(source.Make("centre-a", "Erased", erased, ledger::pb::DISCLOSURE_COMMITMENT))));
  const auto erasure = Decode<pb::ErasurePublished>(deliver(pb::RECORD_STATUS_ERASED)).value();
  EXPECT_EQ(CodeOf(outlet.Write("centre-a", erasure)), Code::kUnauthorized);
  EXPECT_EQ(outlet.Read(kPublished, record.View())->status(), pb::RECORD_STATUS_VERIFIED);

  const auto promoter =
      Promoter::Open(*database,
                     {.source = &other.chain(), .target = &outlet.chain(), .author = &key_})
          .value();
  EXPECT_THAT(promoter->Step(Timestamp(Now())).value(), IsEmpty()) << "it does not try for ever";
  EXPECT_EQ(promoter->stats().waiting, 0u);
  EXPECT_EQ(promoter->stats().delivered, 0u);
  EXPECT_EQ(promoter->stats().dropped, 2u) << "and says so";
  EXPECT_THAT(promoter->stats().last_dropped,
              HasSubstr(consortium.genesis().chain_id().Hex() + " has published"));
}

TEST_F(SourcesByVote, AClosedConsortium_ErasesNothingOnThePublicChain) {
  Enrol();
  const TxId record = Must(source.Write("centre-a", Assessment()));
  Promote(record);
  pb::Erased erased;
  erased.set_subject_id(Id("li"));
  erased.add_records(record.ToBytes());
  erased.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
  erased.set_reference("R-1");
  Promote(Must(
      source.Submit(source.Make("centre-a", "Erased", erased, ledger::pb::DISCLOSURE_COMMITMENT))));
  consortium.Commit({});
  pb::OutboxEntry entry;
  entry.set_record_id(record.ToBytes());
  entry.set_status(pb::RECORD_STATUS_ERASED);
  const Height head = consortium.chain().head().height;
  const auto delivery = PublishSettlement(consortium.chain(), entry, head);
  Must(outlet.Write("centre-a", HeaderOf(consortium, head)));
  pb::SourceChange close;
  close.set_close(consortium.genesis().chain_id().ToBytes());
  Decide(outlet, close);
  const auto erasure = Decode<pb::ErasurePublished>(delivery->payload).value();
  EXPECT_EQ(CodeOf(outlet.Write("centre-a", erasure)), Code::kPrecondition);
}

TEST_F(SourcesByVote, APublicChain_TakesAConsortium) {
  auto genesis = TierGenesis("consortium");
  genesis["name"] = "other";
  genesis["app"]["sources"] = nlohmann::json::array();
  TestTier other(*database, ledger::Genesis::Parse(genesis.dump()).value());
  other.Commit({});
  pb::SourceAdmission admission;
  admission.set_name("other");
  admission.set_chain_id(other.genesis().chain_id().ToBytes());
  *admission.mutable_validators() = ledger::ToProto(*other.chain().validators());
  *admission.mutable_header() = HeaderOf(other, Height(1)).header();
  admission.add_centres("centre-a");
  EXPECT_EQ(CodeOf(Propose(outlet, Admit(admission))), Code::kInvalidArgument);
  admission.clear_centres();
  Decide(outlet, Admit(admission));
  EXPECT_EQ(outlet.Read(kSources, other.genesis().chain_id().View())->tier(), "consortium");
  Must(outlet.Write("centre-a", HeaderOf(other, Height(1))));
  pb::SourceChange close;
  close.set_close(consortium.genesis().chain_id().ToBytes());
  Decide(outlet, close);
  consortium.Commit({});
  EXPECT_EQ(CodeOf(outlet.Write("centre-a", HeaderOf(consortium, Height(1)))), Code::kPrecondition);
}

}  // namespace
}  // namespace talent::tiers
