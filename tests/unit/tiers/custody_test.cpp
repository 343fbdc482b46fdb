// Custody changes hands.

#include "private_fixture.h"
#include "talent/tiers/v1/erasure.pb.h"

namespace talent::tiers {
namespace {

class Custody : public Private {
 protected:
  void Enrol(bool with_key) {
    auto registration = Registration();
    if (with_key) registration.set_subject_key(KeyOf("li").public_key().ToBytes());
    Must(chain_.Write("centre-a", registration));
  }
  pb::CustodyStatement StatementOf(const std::string& from, const std::string& to,
                                   std::string_view reference = "c1") const {
    pb::CustodyStatement statement;
    statement.set_subject_id(Id("li"));
    statement.set_until_ms(kStart + kYear);
    statement.set_from(from);
    statement.set_to(to);
    statement.set_reference(Id(reference));
    return statement;
  }
  pb::CustodyTransferred Released(const pb::CustodyStatement& statement,
                                  std::string_view by) const {
    return SignCustody(chain_.genesis().chain_id(), statement, KeyOf(by));
  }
  Result<TxId> Take(std::string_view by, const pb::CustodyStatement& statement,
                    std::string_view author = "centre-b") {
    return chain_.Write(author, Released(statement, by));
  }
  std::string Custodian() const { return chain_.Read(kSubjects, Id("li"))->custodian(); }
  bool MayRead(std::string_view who) const {
    const auto state = chain_.chain().SealedState();
    return EntryAccess(chain_.genesis(), *state, Timestamp(kStart), KeyOf(who).public_key())
        .MayRead(kSubjects.Key(Id("li")));
  }
};

TEST_F(Custody, APersonWithoutAKey_IsHandedOverByBothCentres) {
  Enrol(false);
  const TxId taken = Must(Take("centre-a", StatementOf("centre-a", "centre-b")));
  EXPECT_EQ(Custodian(), "centre-b");
  const auto record = chain_.Read(kPrivateRecords, taken.View());
  EXPECT_EQ(record->centre(), "centre-b");
  EXPECT_TRUE(MayRead("centre-b"));
  EXPECT_FALSE(MayRead("centre-a"));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Assessment())), Code::kNotFound);
  EXPECT_TRUE(chain_.Write("centre-b", Assessment()));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", ConsentToAll())), Code::kNotFound);
  EXPECT_TRUE(chain_.Write("centre-b", ConsentToAll())) << "the voice of a person without a key";
}

TEST_F(Custody, APersonWithAKey_LetsItselfBeTaken_AndNobodyElseDoes) {
  Enrol(true);
  const auto statement = StatementOf("centre-a", "centre-b");
  EXPECT_EQ(CodeOf(Take("centre-a", statement)), Code::kNotFound);
  EXPECT_EQ(CodeOf(Take("acme", statement)), Code::kNotFound);
  EXPECT_EQ(CodeOf(Take("centre-b", statement)), Code::kNotFound);
  Must(Take("li", statement));
  EXPECT_EQ(Custodian(), "centre-b");
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", ConsentToAll())), Code::kUnauthorized);
  EXPECT_TRUE(chain_.Write("li", ConsentToAll())) << "the person speaks for itself as before";
}

TEST_F(Custody, WhoIsNotNamed_DoesNotTake) {
  Enrol(false);
  EXPECT_EQ(CodeOf(Take("centre-a", StatementOf("centre-a", "centre-b"), "centre-a")),
            Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Take("centre-a", StatementOf("centre-a", "acme"), "acme")), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(Take("centre-b", StatementOf("centre-a", "centre-b"))), Code::kNotFound)
      << "nobody takes a person by its own word";
  EXPECT_EQ(Custodian(), "centre-a");
}

TEST_F(Custody, AStatement_IsOfItsCustodianItsTimeAndItsSignature) {
  Enrol(false);
  EXPECT_EQ(CodeOf(Take("centre-a", StatementOf("centre-b", "centre-b"))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(Take("centre-a", StatementOf("centre-a", "centre-a"), "centre-a")),
            Code::kPrecondition);
  auto late = StatementOf("centre-a", "centre-b");
  late.set_until_ms(kStart);
  EXPECT_EQ(CodeOf(Take("centre-a", late)), Code::kPrecondition);
  auto message = Released(StatementOf("centre-a", "centre-b"), "centre-a");
  message.set_statement(Encode(StatementOf("centre-a", "centre-b", "another")));
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", message)), Code::kBadSignature);
  auto stranger = StatementOf("centre-a", "centre-b");
  stranger.set_subject_id(Id("wang"));
  EXPECT_EQ(CodeOf(Take("centre-a", stranger)), Code::kNotFound);
}

TEST_F(Custody, AStatement_CountsOnce) {
  Enrol(false);
  const auto there = StatementOf("centre-a", "centre-b");
  Must(Take("centre-a", there));
  Must(Take("centre-b", StatementOf("centre-b", "centre-a", "back"), "centre-a"));
  EXPECT_EQ(CodeOf(Take("centre-a", there)), Code::kDuplicate);
  EXPECT_EQ(Custodian(), "centre-a");
}

TEST_F(Custody, ASuspendedCustodian_LetsNobodyGo_ForWhomItSpeaks) {
  Enrol(false);
  auto with_key = Registration("wang");
  with_key.set_subject_key(KeyOf("wang").public_key().ToBytes());
  Must(chain_.Write("centre-a", with_key));
  SuspendOn(chain_, "centre-a");
  EXPECT_EQ(CodeOf(Take("centre-a", StatementOf("centre-a", "centre-b"))), Code::kUnauthorized);
  auto wang = StatementOf("centre-a", "centre-b", "wang goes");
  wang.set_subject_id(Id("wang"));
  Must(Take("wang", wang));
  EXPECT_EQ(chain_.Read(kSubjects, Id("wang"))->custodian(), "centre-b");
}

TEST_F(Custody, ASuspendedCentre_TakesNobody) {
  Enrol(false);
  SuspendOn(chain_, "centre-b");
  EXPECT_EQ(CodeOf(Take("centre-a", StatementOf("centre-a", "centre-b"))), Code::kUnauthorized);
  EXPECT_EQ(Custodian(), "centre-a");
}

TEST_F(Custody, Erasure_TakesTheTransferAlong_AndOnesThatTookNoEffect) {
  Enrol(false);
  const auto statement = StatementOf("centre-a", "centre-b");
  const auto refused = chain_.Make("centre-b", Released(statement, "acme"));
  chain_.Commit({refused});
  const TxId taken = Must(Take("centre-a", statement));
  pb::Erased all;
  all.set_subject_id(Id("li"));
  all.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
  all.set_reference("R-1");
  const auto erasure = chain_.Make("centre-b", "Erased", all, ledger::pb::DISCLOSURE_COMMITMENT);
  Must(chain_.Submit(erasure));
  for (const TxId& id : {refused.id, taken}) {
    EXPECT_FALSE(chain_.chain().GetTransaction(id)->has_payload()) << id.Hex();
  }
  EXPECT_EQ(CodeOf(Take("centre-b", StatementOf("centre-b", "centre-a"), "centre-a")),
            Code::kPruned);
}

TEST_F(Custody, WhoWroteARecord_CorrectsIt_AlsoAfterwards) {
  Enrol(false);
  const TxId assessed = Assess();
  const TxId invested = Invest();
  Must(Take("centre-a", StatementOf("centre-a", "centre-b")));
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Correction(assessed, Assessment(8000)))),
            Code::kUnauthorized);
  EXPECT_TRUE(chain_.Write("centre-a", Correction(assessed, Assessment(8000))));
  EXPECT_TRUE(
      chain_.Write("centre-a", Correction(invested, Cosigned(Statement(2000, "corrected")))));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Cosigned(Statement(1000, "new")))), Code::kNotFound);
}

TEST_F(Custody, TheNextCustodian_GoesOnWhereTheFirstStopped) {
  Enrol(false);
  const TxId invested = Invest();
  Must(Take("centre-a", StatementOf("centre-a", "centre-b")));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Issue(invested))), Code::kNotFound);
  const TxId token = Must(chain_.Write("centre-b", Issue(invested)));
  EXPECT_TRUE(chain_.Write("acme", Purchase(token, 10)));
}

}  // namespace
}  // namespace talent::tiers
