#include "private_fixture.h"
#include "talent/tiers/v1/contest.pb.h"

namespace talent::tiers {
namespace {

TEST_F(Private, Registration_MakesTheCentreCustodian) {
  const TxId id = Register();
  EXPECT_EQ(chain_.Read(kSubjects, Id("li"))->custodian(), "centre-a");
  const auto record = chain_.Read(kPrivateRecords, id.View());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind(), "SubjectRegistered");
  EXPECT_EQ(record->content_kind(), "SubjectRegistered");
  EXPECT_EQ(record->author(), "centre-a");
  EXPECT_EQ(record->disclosure(), ledger::pb::DISCLOSURE_FULL);
  EXPECT_EQ(record->height(), 1u);
}

TEST_F(Private, Registration_IsForCentresOnce) {
  EXPECT_EQ(CodeOf(chain_.Write("acme", Registration())), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("stranger", Registration())), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Registration())), Code::kUnauthorized);
  Register();
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Registration())), Code::kDuplicate);
}

TEST_F(Private, Registration_NamesItsBadField) {
  const auto error_of = [&](auto change) {
    auto message = Registration();
    change(message);
    const auto result = chain_.Write("centre-a", message);
    EXPECT_EQ(CodeOf(result), Code::kInvalidArgument);
    return result ? "" : result.error().message;
  };
  EXPECT_THAT(error_of([](auto& m) { m.set_subject_id("short"); }),
              ::testing::HasSubstr("subject_id"));
  EXPECT_THAT(error_of([](auto& m) { m.clear_commitment(); }), ::testing::HasSubstr("commitment"));
  EXPECT_THAT(error_of([](auto& m) { m.clear_consent_version(); }),
              ::testing::HasSubstr("consent_version"));
  EXPECT_THAT(error_of([](auto& m) { m.set_subject_key("k"); }),
              ::testing::HasSubstr("subject_key"));
  EXPECT_THAT(error_of([](auto& m) { m.set_subject_key(KeyOf("acme").public_key().ToBytes()); }),
              ::testing::HasSubstr("subject_key"));
}

TEST_F(Private, UnknownKindClassAndPayload_AreRefused) {
  const auto message = Registration();
  EXPECT_EQ(CodeOf(chain_.Submit(
                chain_.Make("centre-a", "Nonsense", message, ledger::pb::DISCLOSURE_FULL))),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(chain_.Submit(chain_.Make("centre-a", "SubjectRegistered", message,
                                             ledger::pb::DISCLOSURE_UNSPECIFIED))),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(chain_.Submit(chain_.Make("centre-a", "AbilityAssessed", ConsentToAll(),
                                             ledger::pb::DISCLOSURE_FULL))),
            Code::kInvalidArgument);
}

// Whoever submits learns from the answer whether the person may be known to it, and nothing else.
TEST_F(Private, WhoMayNotKnowOfAPerson_IsAnsweredAsIfThereWereNone) {
  Register("li");
  auto wang = Registration("wang");
  wang.set_subject_key(KeyOf("wang").public_key().ToBytes());
  Must(chain_.Write("centre-a", wang));
  const TxId record = Assess();
  const auto answers = [&](std::string_view author, std::string_view person) {
    pb::WillDeclared will;
    will.set_subject_id(Id(person));
    pb::RecordContested contest;
    contest.set_subject_id(Id(person));
    contest.set_record_id(record.ToBytes());
    pb::SupervisionOpened opened;
    opened.set_subject_id(Id(person));
    std::string all;
    const auto add = [&](const Result<TxId>& result) {
      std::string text = result ? "accepted" : result.error().ToString();
      const std::string id = ToHex(Id(person));
      if (const auto at = text.find(id); at != std::string::npos) text.replace(at, id.size(), "ID");
      all += text + "\n";
    };
    add(chain_.Write(author, Assessment(7000, person)));
    add(chain_.Write(author, ConsentToAll(person)));
    add(chain_.Write(author, will));
    add(chain_.Write(author, contest));
    add(chain_.Write(author, opened));
    pb::CustodyStatement custody;
    custody.set_subject_id(Id(person));
    custody.set_until_ms(kStart + kYear);
    custody.set_from("centre-a");
    custody.set_to(std::string(author));
    custody.set_reference(Id("custody"));
    add(chain_.Write(author, SignCustody(chain_.genesis().chain_id(), custody, KeyOf(author))));
    return all;
  };
  for (const char* author : {"centre-b", "acme", "wang's neighbour"}) {
    const std::string unknown = answers(author, "nobody");
    EXPECT_EQ(answers(author, "li"), unknown) << author;
    EXPECT_EQ(answers(author, "wang"), unknown) << author;
  }
  EXPECT_EQ(answers("wang", "li"), answers("wang", "nobody")) << "another person";
}

TEST_F(Private, Consent_OfASubjectWithAKeyIsItsOwnAlone) {
  auto registration = Registration();
  registration.set_subject_key(KeyOf("li").public_key().ToBytes());
  Must(chain_.Write("centre-a", registration));
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", ConsentToAll())), Code::kNotFound);
  EXPECT_EQ(CodeOf(chain_.Write("acme", ConsentToAll())), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", ConsentToAll("nobody"))), Code::kNotFound);
  const TxId own = Must(chain_.Write("li", ConsentToAll()));
  EXPECT_EQ(chain_.Read(kPrivateRecords, own.View())->author(), "");
  EXPECT_EQ(chain_.Read(kPrivateRecords, own.View())->centre(), "centre-a");
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", ConsentToAll())), Code::kUnauthorized);
  EXPECT_EQ(chain_.Read(kConsents, Id("li"))->record(), own.View());
}

TEST_F(Private, Consent_OfASubjectWithoutAKeyIsTheCustodians) {
  Register();
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", ConsentToAll())), Code::kNotFound);
  EXPECT_EQ(CodeOf(chain_.Write("acme", ConsentToAll())), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("li", ConsentToAll())), Code::kUnauthorized);
  const TxId consent = Must(chain_.Write("centre-a", ConsentToAll()));
  EXPECT_EQ(chain_.Read(kPrivateRecords, consent.View())->author(), "centre-a");
  EXPECT_EQ(chain_.Read(kConsents, Id("li"))->record(), consent.View());
}

TEST_F(Private, Consent_RefusesAScopeThatMeansNothing) {
  Register();
  const auto code_of = [&](auto change) {
    auto message = ConsentToAll();
    change(message);
    return CodeOf(chain_.Write("centre-a", message));
  };
  EXPECT_EQ(code_of([](auto& m) { m.add_kinds("Nonsense"); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.clear_tiers(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.add_tiers(pb::CONSENT_TIER_CONSORTIUM); }),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.set_until_ms(kStart); }), Code::kPrecondition);
}

TEST_F(Private, Assessment_IsTheCustodiansOfARegisteredSubject) {
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Assessment())), Code::kNotFound);
  Register();
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Assessment())), Code::kNotFound);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Assessment())), Code::kUnauthorized);
  Assess();
}

TEST_F(Private, Assessment_BoundsEveryField) {
  Register();
  Assess(10000);
  const auto code_of = [&](auto change) {
    auto message = Assessment();
    change(message);
    return CodeOf(chain_.Write("centre-a", message));
  };
  EXPECT_EQ(code_of([](auto& m) { m.mutable_scores(0)->set_value(10001); }),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.clear_scores(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { *m.add_scores() = m.scores(0); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.clear_phase(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.clear_method(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.add_tags()->set_industry("steel"); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.add_attributes()->set_name("city"); }), Code::kInvalidArgument);
}

TEST_F(Private, Training_CitesStandingAssessmentsOfItsSubject) {
  Register();
  Register("wang");
  const TxId before = Assess();
  const TxId after = Assess(8000, "li", pb::ASSESSMENT_PHASE_AFTER_TRAINING);
  const TxId other = Assess(7000, "wang");
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Training(other))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Training(after))), Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Training(TxId()))), Code::kNotFound);
  auto message = Training(before);
  message.set_after_assessment(before.ToBytes());
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", message)), Code::kPrecondition);
  message.set_after_assessment(after.ToBytes());
  Must(chain_.Write("centre-a", message));
  const TxId correction = Must(chain_.Write("centre-a", Correction(before, Assessment(7500))));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Training(before))), Code::kPrecondition);
  Must(chain_.Write("centre-a", Training(correction)));
}

TEST_F(Private, Investment_NeedsTheEnterprisesOwnSignatureOnThisChain) {
  Register();
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Cosigned(Statement(), "globex"))), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Cosigned(Statement(), "centre-a"))),
            Code::kUnauthorized);
  auto tampered = Cosigned(Statement());
  tampered.set_statement(Encode(Statement(1001)));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", tampered)), Code::kBadSignature);
  const auto elsewhere = CosignInvestment(ChainId(), Statement(), KeyOf("acme"));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", elsewhere)), Code::kBadSignature);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Cosigned(Statement()))), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Cosigned(Statement(0)))), Code::kInvalidArgument);
  Invest();
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Cosigned(Statement()))), Code::kDuplicate);
}

TEST_F(Private, Token_IsIssuedOnceOnAConfirmedInvestment) {
  Register();
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Issue(TxId()))), Code::kNotFound);
  const TxId investment = Invest();
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Issue(investment, 0))), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Issue(investment))), Code::kNotFound);
  const TxId token = Must(chain_.Write("centre-a", Issue(investment)));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Issue(investment))), Code::kDuplicate);
  EXPECT_EQ(chain_.Read(kTokens, token.View())->unsold(), 100u);
  EXPECT_EQ(chain_.Read(kInvestments, investment.View())->token(), token.View());
}

TEST_F(Private, Purchase_TakesUnsoldUnitsAtTheFixedPrice) {
  Register();
  const TxId token = Must(chain_.Write("centre-a", Issue(Invest())));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Purchase(token, 1))), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Purchase(TxId(), 1))), Code::kNotFound);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Purchase(token, 0))), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(chain_.Write("acme", Purchase(token, 101))), Code::kPrecondition);
  auto cheap = Purchase(token, 1);
  cheap.set_unit_price(6);
  EXPECT_EQ(CodeOf(chain_.Write("acme", cheap)), Code::kPrecondition);
  const TxId bought = Must(chain_.Write("globex", Purchase(token, 100)));
  EXPECT_EQ(chain_.Read(kPrivateRecords, bought.View())->author(), "globex");
  EXPECT_EQ(chain_.Read(kPrivateRecords, bought.View())->centre(), "centre-a");
  EXPECT_EQ(CodeOf(chain_.Write("acme", Purchase(token, 1))), Code::kPrecondition);
}

TEST_F(Private, RefusedPurchase_TellsPriceAndUnitsToThoseWhoMayReadThem) {
  Register();
  const TxId token = Must(chain_.Write("centre-a", Issue(Invest())));
  auto dear = Purchase(token, 1);
  dear.set_unit_price(8);
  const auto error_of = [&](const char* buyer, const pb::TokenPurchased& purchase) {
    const auto refused = chain_.Write(buyer, purchase);
    EXPECT_FALSE(refused);
    return refused ? "" : refused.error().message;
  };
  EXPECT_THAT(error_of("acme", dear), ::testing::HasSubstr("the issue's price is 7"));
  EXPECT_THAT(error_of("acme", Purchase(token, 101)), ::testing::HasSubstr("100 unsold"));
  const std::string told = error_of("globex", dear);
  EXPECT_THAT(told, ::testing::Not(::testing::HasSubstr("7")));
  EXPECT_EQ(told, error_of("globex", Purchase(token, 101))) << "not even which of the two it is";
}

// Whatever is bought by whom, accepted or refused.
TEST_F(Private, Units_AreConserved) {
  Register();
  const std::uint64_t supply = 1000;
  const TxId token = Must(chain_.Write("centre-a", Issue(Invest(), supply)));
  const std::string buyers[] = {"acme", "globex", "initech", "centre-a"};
  std::uint64_t seed = 42;
  for (int i = 0; i < 60; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    std::vector<ledger::Transaction> block;
    for (int k = 0; k < 3; ++k) {
      block.push_back(
          chain_.Make(buyers[(seed >> 33) % 4 ^ k % 2], Purchase(token, (seed >> 40) % 64 + k)));
    }
    chain_.Commit(block);
    std::uint64_t held = 0;
    kHoldings.Scan(*chain_.chain().SealedState(), token.View(), {},
                   [&](BytesView, const pb::Holding& holding) {
                     held += holding.units();
                     return true;
                   });
    ASSERT_EQ(held + chain_.Read(kTokens, token.View())->unsold(), supply);
  }
  EXPECT_LT(chain_.Read(kTokens, token.View())->unsold(), supply);
}

TEST_F(Private, Correction_SupersedesOnceAndKeepsTheOldBytes) {
  Register();
  const TxId original = Assess();
  const auto before = chain_.chain().GetTransaction(original);
  const TxId correction = Must(chain_.Write("centre-a", Correction(original, Assessment(8000))));
  EXPECT_EQ(chain_.Read(kPrivateRecords, original.View())->superseded_by(), correction.View());
  const auto record = chain_.Read(kPrivateRecords, correction.View());
  EXPECT_EQ(record->kind(), "Corrected");
  EXPECT_EQ(record->content_kind(), "AbilityAssessed");
  EXPECT_EQ(ledger::Serialize(*chain_.chain().GetTransaction(original)),
            ledger::Serialize(*before));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(original, Assessment(8001)))),
            Code::kPrecondition);
  Must(chain_.Write("centre-a", Correction(correction, Assessment(8002))));
}

TEST_F(Private, Correction_IsTheSameCentresSameKindSameSubject) {
  Register();
  Register("wang");
  const TxId original = Assess();
  EXPECT_EQ(CodeOf(chain_.Write("centre-b", Correction(original, Assessment()))),
            Code::kUnauthorized);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(original, Training(original)))),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(original, Assessment(1, "wang")))),
            Code::kPrecondition);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(original, Assessment(10001)))),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(TxId(), Assessment()))), Code::kNotFound);
  auto message = Correction(original, Assessment(8000));
  message.clear_reason();
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", message)), Code::kInvalidArgument);
  message.set_reason(pb::CORRECTION_REASON_DISPUTE);
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", message)), Code::kInvalidArgument);
  message.add_disputes(Id("dispute"));
  Must(chain_.Write("centre-a", message));
}

TEST_F(Private, Correction_OfTokensIsRefusedAndOfInvestmentsKeepsTheToken) {
  Register();
  const TxId investment = Invest();
  const TxId token = Must(chain_.Write("centre-a", Issue(investment)));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Correction(token, Issue(investment, 200)))),
            Code::kPrecondition);
  const TxId corrected =
      Must(chain_.Write("centre-a", Correction(investment, Cosigned(Statement(1500, "r2")))));
  EXPECT_FALSE(chain_.Read(kInvestments, investment.View()));
  const auto entry = chain_.Read(kInvestments, corrected.View());
  EXPECT_EQ(entry->amount(), 1500u);
  EXPECT_EQ(entry->token(), token.View());
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", Issue(corrected))), Code::kDuplicate);
}

TEST_F(Private, Decision_NeedsClassConsentAndARule) {
  const TxId unconsented = Register();
  EXPECT_FALSE(chain_.Read(kDecisions, unconsented.View()));
  EXPECT_FALSE(chain_.Read(kDecisions, Assess().View()));
  Must(chain_.Write("centre-a", ConsentToAll()));
  const auto classed = [&](ledger::pb::Disclosure disclosure) {
    return Must(
        chain_.Submit(chain_.Make("centre-a", "AbilityAssessed", Assessment(), disclosure)));
  };
  EXPECT_FALSE(chain_.Read(kDecisions, classed(ledger::pb::DISCLOSURE_PRIVATE).View()));
  EXPECT_FALSE(chain_.Read(kDecisions, classed(ledger::pb::DISCLOSURE_COMMITMENT).View()));
  const auto decision = chain_.Read(kDecisions, classed(ledger::pb::DISCLOSURE_FULL).View());
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->kind(), "AbilityAssessed");
  EXPECT_EQ(decision->priority(), 5u);
  EXPECT_EQ(decision->value_class(), 1u);
  EXPECT_TRUE(decision->publish());
  auto tagged = Assessment();
  auto* const tag = tagged.add_tags();
  tag->set_industry("steel");
  tag->set_match(pb::TAG_MATCH_MATCHED);
  EXPECT_EQ(chain_.Read(kDecisions, Must(chain_.Write("centre-a", tagged)).View())->priority(), 3u);
  EXPECT_FALSE(
      chain_.Read(kDecisions, Must(chain_.Write("centre-a", Assessment(), kStart + kYear)).View()))
      << "the consent has run out";
}

TEST_F(Private, Decision_CoversTheConsentedKindsAndNamesStakeholders) {
  Register();
  auto consent = ConsentToAll();
  consent.add_kinds("AbilityAssessed");
  consent.mutable_tiers()->RemoveLast();
  Must(chain_.Write("centre-a", consent));
  const TxId investment = Invest();
  EXPECT_FALSE(chain_.Read(kDecisions, investment.View()));
  Must(chain_.Write("globex", Purchase(Must(chain_.Write("centre-a", Issue(investment))), 5)));
  const auto decision = chain_.Read(kDecisions, Assess().View());
  ASSERT_TRUE(decision);
  EXPECT_FALSE(decision->publish());
  EXPECT_THAT(decision->parties(), ::testing::ElementsAre("acme", "globex"));
}

TEST_F(Private, Decision_OnACorrectionFollowsItsOriginal) {
  Register();
  const TxId hidden = Assess();
  Must(chain_.Write("centre-a", ConsentToAll()));
  const TxId shown = Assess();
  const TxId first = Must(chain_.Write("centre-a", Correction(hidden, Assessment(1))));
  const TxId second = Must(chain_.Write("centre-a", Correction(shown, Assessment(2))));
  EXPECT_FALSE(chain_.Read(kDecisions, first.View()));
  const auto decision = chain_.Read(kDecisions, second.View());
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->priority(), 0u);
  EXPECT_EQ(decision->supersedes(), shown.View());
}

TEST_F(Private, Payload_IsForThePersonItsCentreAndStakeholders) {
  auto registration = Registration();
  registration.set_subject_key(KeyOf("li").public_key().ToBytes());
  Must(chain_.Write("centre-a", registration));
  const auto tx = *chain_.chain().GetTransaction(Assess());
  const auto may = [&](std::string_view who) {
    return MayReadPayload(chain_.genesis(), *chain_.chain().SealedState(), Timestamp(kStart), tx,
                          KeyOf(who).public_key());
  };
  EXPECT_TRUE(may("centre-a"));
  EXPECT_FALSE(may("centre-b"));
  EXPECT_TRUE(may("li"));
  EXPECT_FALSE(may("stranger"));
  EXPECT_FALSE(may("acme"));
  Invest();
  EXPECT_TRUE(may("acme"));
  EXPECT_FALSE(may("globex"));
  EXPECT_FALSE(MayReadPayload(chain_.genesis(), *chain_.chain().SealedState(), Timestamp(kStart),
                              tx, std::nullopt));
  EXPECT_TRUE(MayLogIn(*chain_.chain().SealedState(), KeyOf("acme").public_key()));
  EXPECT_FALSE(MayLogIn(*chain_.chain().SealedState(), KeyOf("stranger").public_key()));
}

// Found in review: whoever asks names any key, and a short one threw.
TEST_F(Private, State_KeysOfAnyLength_AreAnswered) {
  const auto state = chain_.chain().SealedState();
  EntryAccess access(chain_.genesis(), *state, Timestamp(kStart), KeyOf("acme").public_key());
  for (const auto& table : {"rec/", "promote/", "contest/", "contest_due/", "holding/", "transfer/",
                            "flag/", "statement/", "subject/", "concern/", "key/", "about/",
                            "erased/payload/", "erased/entry/", "x"}) {
    for (std::size_t size = 0; size <= 80; ++size) {
      const Bytes key = table + Bytes(size, 'k');
      EXPECT_FALSE(state->Get(key));
      (void)access.MayRead(key);
    }
  }
}

TEST_F(Private, State_AboutAPersonIsForThoseWhoMayReadItsRecords) {
  auto registration = Registration();
  registration.set_subject_key(KeyOf("li").public_key().ToBytes());
  Must(chain_.Write("centre-a", registration));
  Must(chain_.Write("li", ConsentToAll()));
  const TxId record = Assess();
  const TxId investment = Invest();
  const TxId token = Must(chain_.Write("centre-a", Issue(investment)));
  Must(chain_.Write("globex", Purchase(token, 1)));
  const auto may = [&](std::string_view who, const Bytes& key) {
    const auto state = chain_.chain().SealedState();
    return EntryAccess(chain_.genesis(), *state, Timestamp(kStart), KeyOf(who).public_key())
        .MayRead(key);
  };
  const Bytes holding = kHoldings.Key(Concat({token.View(), "globex"}));
  const Bytes statement = [&] {
    Bytes key;
    kStatements.Scan(*chain_.chain().SealedState(), {}, {}, [&](BytesView rest, const auto&) {
      key = kStatements.Key(rest);
      return true;
    });
    return key;
  }();
  for (const Bytes& key :
       {kSubjects.Key(Id("li")), kConsents.Key(Id("li")), kConcerns.Key(Concat({Id("li"), "acme"})),
        kPrivateRecords.Key(record.View()), kDecisions.Key(record.View()),
        kInvestments.Key(investment.View()), kTokens.Key(token.View()), holding, statement,
        kKeys.Key(KeyOf("li").public_key().View())}) {
    ASSERT_TRUE(chain_.chain().SealedState()->Get(key)) << key.substr(0, key.find('/'));
    for (const char* const reader : {"centre-a", "li", "acme", "globex"}) {
      EXPECT_TRUE(may(reader, key)) << reader << " " << key.substr(0, key.find('/'));
    }
    for (const char* const reader : {"centre-b", "initech", "stranger"}) {
      EXPECT_FALSE(may(reader, key)) << reader << " " << key.substr(0, key.find('/'));
    }
  }
  for (const char* const key : {"party/acme", "policy/market", "governance/open"}) {
    EXPECT_TRUE(may("initech", key));
    EXPECT_FALSE(may("stranger", key));
  }
}

TEST_F(Private, Payload_OfWhatTookNoEffectIsItsAuthorsAlone) {
  Register();
  const auto tx = chain_.Make("centre-a", Training(TxId()));  // cites nothing
  EXPECT_NE(chain_.Commit({tx}).at(0), ledger::pb::RECEIPT_CODE_OK);
  const auto may = [&](std::string_view who) {
    return MayReadPayload(chain_.genesis(), *chain_.chain().SealedState(), Timestamp(kStart), tx,
                          KeyOf(who).public_key());
  };
  EXPECT_TRUE(may("centre-a"));
  EXPECT_FALSE(may("centre-b"));
}

// Else one person's key could speak for another.
TEST_F(Private, SubjectKey_IsOnePersons) {
  auto registration = Registration();
  registration.set_subject_key(KeyOf("li").public_key().ToBytes());
  Must(chain_.Write("centre-a", registration));
  registration.set_subject_id(Id("wu"));
  EXPECT_EQ(CodeOf(chain_.Write("centre-a", registration)), Code::kInvalidArgument);
  EXPECT_TRUE(MayLogIn(*chain_.chain().SealedState(), KeyOf("li").public_key()));
}

// Who has read the record reads what takes its place.
TEST_F(Private, Correction_IsDisclosedNoLessThanWhatItCorrects) {
  Register();
  const auto write = [&](const google::protobuf::Message& message,
                         ledger::pb::Disclosure class_of) {
    return chain_.Submit(
        chain_.Make("centre-a", message.GetDescriptor()->name(), message, class_of));
  };
  const TxId open = Assess();
  for (const auto less : {ledger::pb::DISCLOSURE_PRIVATE, ledger::pb::DISCLOSURE_COMMITMENT}) {
    EXPECT_EQ(CodeOf(write(Correction(open, Assessment(8000)), less)), Code::kPrecondition);
  }
  const TxId kept = Must(write(Assessment(), ledger::pb::DISCLOSURE_PRIVATE));
  const TxId first =
      Must(write(Correction(kept, Assessment(8000)), ledger::pb::DISCLOSURE_COMMITMENT));
  EXPECT_EQ(CodeOf(write(Correction(first, Assessment(9000)), ledger::pb::DISCLOSURE_PRIVATE)),
            Code::kPrecondition);
  EXPECT_TRUE(write(Correction(first, Assessment(9000)), ledger::pb::DISCLOSURE_FULL));
}

}  // namespace
}  // namespace talent::tiers
