// Evidence at the consortium's door: headers and promoted records.

#include "network.h"
#include "talent/tiers/v1/erasure.pb.h"
#include "tiers/private_state.h"

namespace talent::tiers {
namespace {

class Promotion : public ::testing::Test, protected Network {
 protected:
  Promotion() {
    Enrol();
    record_ = Must(source.Write("centre-a", Assessment()));
  }
  TxId record_;
};

TEST_F(Promotion, Header_IsAcceptedOnceAndAgain) {
  const auto message = HeaderOf(source, Height(1));
  EXPECT_EQ(CodeOf(consortium.Write("acme", message)), Code::kUnauthorized);
  Must(consortium.Write("centre-a", message));
  const Hash root = consortium.chain().head().state_root;
  Must(consortium.Write("centre-b", message));
  EXPECT_EQ(consortium.chain().head().state_root, root);
  EXPECT_EQ(consortium.Read(kSources, source.genesis().chain_id().View())->height(), 1u);
}

TEST_F(Promotion, Header_OfAStrangerOrWithoutItsSealsIsRefused) {
  auto foreign = HeaderOf(source, Height(1));
  auto header = Decode<ledger::pb::BlockHeader>(foreign.header().header()).value();
  header.set_chain_id(Id("nowhere"));
  foreign.mutable_header()->set_header(Encode(header));
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", foreign)), Code::kNotFound);

  auto unsealed = HeaderOf(source, Height(1));
  unsealed.mutable_header()->mutable_certificate()->clear_seals();
  EXPECT_FALSE(consortium.Write("centre-a", unsealed));

  auto changed = HeaderOf(source, Height(1));
  header = Decode<ledger::pb::BlockHeader>(changed.header().header()).value();
  header.set_state_root(Id("root"));
  changed.mutable_header()->set_header(Encode(header));
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", changed)), Code::kBadSignature);
  EXPECT_FALSE(consortium.Read(kHeaders, HeaderKey(source.genesis().chain_id().View(), Height(1))));
}

TEST_F(Promotion, Record_ArrivesOnceWithItsBytesUnchanged) {
  const TxId promotion = Promote(record_);
  const auto state = StateOf(record_);
  EXPECT_EQ(state.status(), pb::RECORD_STATUS_IN_REVIEW);
  EXPECT_EQ(state.centre(), "centre-a");
  EXPECT_EQ(state.kind(), "AbilityAssessed");
  EXPECT_EQ(state.commits_close_ms(), Now() + kCommitWindow);
  EXPECT_EQ(state.promotion_tx(), promotion.View());
  const auto carried =
      Decode<pb::RecordPromoted>(consortium.chain().GetTransaction(promotion)->payload);
  const auto original = *source.chain().GetTransaction(record_);
  EXPECT_EQ(carried->record().envelope(), original.envelope_bytes);
  EXPECT_EQ(carried->record().signature(), original.signature.View());
  EXPECT_EQ(carried->payload().data(), original.payload);
  EXPECT_EQ(CodeOf(consortium.Write("centre-b", PromotionOf(record_))), Code::kDuplicate);
}

TEST_F(Promotion, UncitedHeader_IsToleratedByTheMempoolOnly) {
  const auto tx = consortium.Make("centre-a", PromotionOf(record_));
  const ledger::BlockContext next{consortium.genesis().chain_id(), Height(1), Timestamp(kStart),
                                  consortium.genesis().consensus().window};
  EXPECT_TRUE(consortium.application().Check(tx, next, consortium.chain().tip_state()));
  EXPECT_EQ(consortium.Commit({tx}).at(0), ledger::pb::RECEIPT_CODE_NOT_FOUND);
  const auto header = consortium.Make("centre-a", HeaderOf(source, Height(3)));
  const auto again = consortium.Make("centre-a", PromotionOf(record_));
  EXPECT_THAT(consortium.Commit({header, again}), ::testing::Each(ledger::pb::RECEIPT_CODE_OK));
}

TEST_F(Promotion, EveryPartOfTheEvidenceIsChecked) {
  AcceptHeaderOf(record_);
  const auto code_of = [&](auto change) {
    auto message = PromotionOf(record_);
    change(message);
    return CodeOf(consortium.Write("centre-a", message));
  };
  EXPECT_EQ(CodeOf(consortium.Write("acme", PromotionOf(record_))), Code::kUnauthorized);
  EXPECT_EQ(code_of([](auto& m) { (*m.mutable_payload()->mutable_data())[5] ^= 1; }),
            Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { m.clear_payload(); }), Code::kInvalidArgument);
  EXPECT_EQ(code_of([](auto& m) { (*m.mutable_record()->mutable_signature())[0] ^= 1; }),
            Code::kBadSignature);
  EXPECT_EQ(code_of([](auto& m) { m.set_source_chain(Id("other")); }), Code::kWrongChain);
  EXPECT_EQ(code_of([](auto& m) { m.mutable_path()->set_receipt("x"); }), Code::kBadSignature);
  EXPECT_EQ(code_of([](auto& m) { m.mutable_path()->set_index(1); }), Code::kBadSignature);
  EXPECT_EQ(code_of([](auto& m) { m.clear_decision(); }), Code::kBadSignature);
  EXPECT_EQ(code_of([](auto& m) {
              auto decision = Decode<pb::PromotionDecision>(m.decision().value()).value();
              decision.set_value_class(3);
              m.mutable_decision()->set_value(Encode(decision));
            }),
            Code::kBadSignature);
  EXPECT_EQ(StateOf(record_).status(), pb::RECORD_STATUS_UNSPECIFIED);
}

TEST_F(Promotion, RefusedRecordOfTheSource_IsNoRecord) {
  const auto refused = source.Make("centre-b", Assessment());
  EXPECT_EQ(CodeOf(source.Submit(refused)), Code::kNotFound);
  auto message = PromotionOf(record_);
  message.mutable_record()->set_envelope(refused.envelope_bytes);
  message.mutable_record()->set_signature(refused.signature.ToBytes());
  message.mutable_payload()->set_salt(refused.salt);
  message.mutable_payload()->set_data(refused.payload);
  const auto at = source.chain().FindTransaction(refused.id).value().value();
  message.set_height(at.height.value);
  *message.mutable_path() = *source.chain().ProveTransaction(at);
  Must(consortium.Write("centre-a", HeaderOf(source, at.height)));
  Must(consortium.Write("centre-a", HeaderOf(source, Height(3))));
  const auto result = consortium.Write("centre-a", message);
  EXPECT_EQ(CodeOf(result), Code::kBadSignature);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("took no effect"));
}

TEST_F(Promotion, Commitment_LeavesItsPayloadBehind) {
  nlohmann::json json = TierGenesis("private");
  json["name"] = "hidden";
  json["app"]["policy"]["promotion"] = {
      {"version", 7},
      {"rules",
       {{{"kind", "*"}, {"disclosure", "commitment"}, {"priority", 8}, {"value_class", 0}}}}};
  TestTier hidden(*database, ledger::Genesis::Parse(json.dump()).value());
  nlohmann::json other = TierGenesis("consortium");
  other["name"] = "other";
  other["app"]["sources"] = nlohmann::json::array({SourceJson(hidden.genesis())});
  TestTier target(*database, ledger::Genesis::Parse(other.dump()).value());
  Must(hidden.Write("centre-a", Registration()));
  Must(hidden.Write("centre-a", ConsentToAll()));
  const auto tx =
      hidden.Make("centre-a", "AbilityAssessed", Assessment(), ledger::pb::DISCLOSURE_COMMITMENT);
  Must(hidden.Submit(tx));
  pb::OutboxEntry entry;
  entry.set_record_id(tx.id.ToBytes());
  auto message = Decode<pb::RecordPromoted>(PromoteRecord(hidden.chain(), entry)->payload).value();
  EXPECT_FALSE(message.has_payload());
  EXPECT_EQ(Encode(message).find(Id("li")), Bytes::npos) << "the subject left with it";
  Must(target.Write("centre-a", HeaderOf(hidden, Height(3))));
  auto leaking = message;
  leaking.mutable_payload()->set_salt(tx.salt);
  leaking.mutable_payload()->set_data(tx.payload);
  EXPECT_EQ(CodeOf(target.Write("centre-a", leaking)), Code::kInvalidArgument);
  Must(target.Write("centre-a", message));
  EXPECT_EQ(target.Read(kConsortiumRecords, tx.id.View())->status(), pb::RECORD_STATUS_COMMITMENT);
}

TEST_F(Promotion, Correction_NeedsItsOriginalHere) {
  const TxId correction = Must(source.Write("centre-a", Correction(record_, Assessment(8000))));
  AcceptHeaderOf(correction);
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", PromotionOf(correction))), Code::kNotFound);
  Promote(record_);
  Must(consortium.Write("centre-a", PromotionOf(correction)));
  EXPECT_EQ(StateOf(record_).superseded_by(), correction.View());
  EXPECT_EQ(StateOf(correction).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST(PromotionSource, SpeaksForItsOwnCentresOnly) {
  TempDir dir;
  const auto database =
      ledger::Database::Open(dir.path() / "db", ledger::Database::Mode::kScratch).value();
  TestTier source(*database, PrivateGenesis());
  nlohmann::json json = TierGenesis("consortium");
  json["app"]["sources"] = nlohmann::json::array({SourceJson(source.genesis())});
  json["app"]["sources"][0]["centres"] = {"centre-b"};
  TestTier target(*database, ledger::Genesis::Parse(json.dump()).value());
  ASSERT_TRUE(source.Write("centre-a", Registration()));
  ASSERT_TRUE(source.Write("centre-a", ConsentToAll()));
  const auto record = source.Write("centre-a", Assessment());
  ASSERT_TRUE(record);
  ASSERT_TRUE(target.Write("centre-a", Network::HeaderOf(source, Height(3))));
  pb::OutboxEntry entry;
  entry.set_record_id(record->ToBytes());
  const auto delivery = PromoteRecord(source.chain(), entry);
  EXPECT_EQ(CodeOf(target.Write("centre-a", Decode<pb::RecordPromoted>(delivery->payload).value())),
            Code::kUnauthorized);
}

/// What a quorum of faulty validators can seal: decisions that no rule of theirs has made.
class LyingSource final : public ledger::Application {
 public:
  using Twist = std::function<void(pb::PromotionDecision&, const TxId&)>;
  LyingSource(std::unique_ptr<ledger::Application> honest, const Twist& twist)
      : honest_(std::move(honest)), twist_(twist) {}

  Status InitGenesis(const ledger::Genesis& genesis, ledger::StateOverlay& state) const override {
    return honest_->InitGenesis(genesis, state);
  }
  Status Check(const ledger::Transaction& tx, const ledger::BlockContext& next,
               const ledger::StateReader& state) const override {
    return honest_->Check(tx, next, state);
  }
  Status Execute(const ledger::Transaction& tx, const ledger::BlockContext& block,
                 ledger::StateOverlay& state) const override {
    TRY(honest_->Execute(tx, block, state));
    auto decision = kDecisions.Get(state, tx.id.View());
    if (!decision || !twist_) return {};
    twist_(*decision, tx.id);
    kDecisions.Put(state, tx.id.View(), *decision);
    return {};
  }
  void BeginBlock(const ledger::BlockContext& block, ledger::StateOverlay& state) const override {
    honest_->BeginBlock(block, state);
  }
  bool HasDueWork(Timestamp time, const ledger::StateReader& state) const override {
    return honest_->HasDueWork(time, state);
  }

 private:
  std::unique_ptr<ledger::Application> honest_;
  const Twist& twist_;
};

TEST(PromotionSource, ProvenDecision_IsHeldToTheRules) {
  TempDir dir;
  const auto database =
      ledger::Database::Open(dir.path() / "db", ledger::Database::Mode::kScratch).value();
  LyingSource::Twist twist;
  const auto genesis = PrivateGenesis();
  TestTier source(*database, genesis,
                  std::make_unique<LyingSource>(MakeApplication(genesis).value(), twist));
  TestTier target(*database, ConsortiumGenesis(genesis));
  Network::Must(source.Write("centre-a", Registration()));
  Network::Must(source.Write("centre-a", ConsentToAll()));
  const auto promote = [&](LyingSource::Twist lie) {
    twist = std::move(lie);
    pb::OutboxEntry entry;
    entry.set_record_id(Network::Must(source.Write("centre-a", Assessment())).ToBytes());
    const Height height = source.chain().head().height;
    Network::Must(target.Write("centre-a", Network::HeaderOf(source, height)));
    const auto delivery = PromoteRecord(source.chain(), entry);
    return target.Write("centre-a", Decode<pb::RecordPromoted>(delivery->payload).value());
  };
  const std::map<std::string, LyingSource::Twist> lies = {
      {"value class", [](auto& decision, auto&) { decision.set_value_class(4); }},
      {"priority", [](auto& decision, auto&) { decision.set_priority(10); }},
      {"order of parties",
       [](auto& decision, auto&) {
         decision.add_parties("globex");
         decision.add_parties("acme");
       }},
      {"party twice",
       [](auto& decision, auto&) {
         decision.add_parties("acme");
         decision.add_parties("acme");
       }},
      {"party id", [](auto& decision, auto&) { decision.add_parties("Li Wei, born 1990"); }},
      {"author", [](auto& decision, auto&) { decision.set_author("Li Wei, born 1990"); }},
      {"content kind", [](auto& decision, auto&) { decision.set_content_kind("Li Wei"); }},
      {"corrects itself",
       [](auto& decision, const TxId& id) { decision.set_supersedes(id.ToBytes()); }},
  };
  for (const auto& [name, lie] : lies) {
    SCOPED_TRACE(name);
    const auto result = promote(lie);
    EXPECT_EQ(CodeOf(result), Code::kBadSignature);
    EXPECT_THAT(result.error().message, ::testing::HasSubstr("breaks the rules"));
  }
  // The highest that the rules allow, so that it is the lie that is refused.
  Network::Must(promote([](auto& decision, auto&) {
    decision.set_value_class(3);
    decision.set_priority(9);
    decision.add_parties("acme");
    decision.add_parties("globex");
  }));
}

/// A source with faulty validators, beside an honest one, on a consortium that takes both.
class TwoSources : public ::testing::Test {
 protected:
  TwoSources()
      : database_(
            ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kScratch).value()),
        honest_(*database_, PrivateGenesis()),
        lying_(*database_, LyingGenesis(),
               std::make_unique<LyingSource>(MakeApplication(LyingGenesis()).value(), twist_)),
        target_(*database_, TargetGenesis()) {
    for (TestTier* const source : {&honest_, &lying_}) {
      Network::Must(source->Write("centre-a", Registration()));
      Network::Must(source->Write("centre-a", ConsentToAll()));
    }
  }
  static ledger::Genesis LyingGenesis() {
    nlohmann::json json = TierGenesis("private");
    json["name"] = "lying";
    const auto rule = [](const char* disclosure) {
      return nlohmann::json{
          {"kind", "*"}, {"disclosure", disclosure}, {"priority", 3}, {"value_class", 1}};
    };
    json["app"]["policy"]["promotion"] = {{"version", 1},
                                          {"rules", {rule("full"), rule("commitment")}}};
    return ledger::Genesis::Parse(json.dump()).value();
  }
  static ledger::Genesis TargetGenesis() {
    nlohmann::json json = TierGenesis("consortium");
    json["app"]["sources"] = {SourceJson(PrivateGenesis()), SourceJson(LyingGenesis())};
    return ledger::Genesis::Parse(json.dump()).value();
  }
  static pb::Erased ErasureOf(const TxId& record) {
    pb::Erased erased;
    erased.set_subject_id(Id("li"));
    erased.add_records(record.ToBytes());
    erased.set_ground(pb::ERASURE_GROUND_SUBJECT_REQUEST);
    erased.set_reference("R-1");
    return erased;
  }
  static TxId Erase(TestTier& source, const TxId& record) {
    return Network::Must(source.Submit(
        source.Make("centre-a", "Erased", ErasureOf(record), ledger::pb::DISCLOSURE_COMMITMENT)));
  }
  Result<TxId> Bring(const TestTier& source, const TxId& record) {
    pb::OutboxEntry entry;
    entry.set_record_id(record.ToBytes());
    const auto message =
        Decode<pb::RecordPromoted>(PromoteRecord(source.chain(), entry)->payload).value();
    for (const std::uint64_t height : {message.height(), message.decision_height()}) {
      Network::Must(target_.Write("centre-a", Network::HeaderOf(source, Height(height))));
    }
    return target_.Write("centre-a", message);
  }
  /// The faulty validators let an erasure of theirs name a record of the honest chain.
  void KeepOut(const TxId& record) {
    twist_ = nullptr;
    const TxId own = Network::Must(lying_.Write("centre-a", Assessment()));
    twist_ = [&](pb::PromotionDecision& decision, const TxId&) {
      decision.clear_erases();
      decision.add_erases(record.ToBytes());
    };
    Network::Must(Bring(lying_, Erase(lying_, own)));
    ASSERT_EQ(There(record).status(), pb::RECORD_STATUS_ERASED);
    ASSERT_EQ(There(record).source_chain(), lying_.genesis().chain_id().View());
  }
  pb::ConsortiumRecord There(const TxId& record) const {
    return target_.Read(kConsortiumRecords, record.View()).value_or(pb::ConsortiumRecord());
  }

  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
  LyingSource::Twist twist_;
  TestTier honest_, lying_, target_;
};

TEST_F(TwoSources, WhatTheOtherHasKeptOut_IsCarriedWithItsCorrection) {
  const TxId record = Network::Must(honest_.Write("centre-a", Assessment()));
  KeepOut(record);
  const TxId correction =
      Network::Must(honest_.Write("centre-a", Correction(record, Assessment(8000))));
  const auto key = KeyOf("centre-a");
  const auto promoter =
      Promoter::Open(*database_,
                     {.source = &honest_.chain(), .target = &target_.chain(), .author = &key})
          .value();
  for (;;) {
    const auto offers = promoter->Step(target_.chain().head().time).value();
    if (offers.empty()) break;
    EXPECT_THAT(target_.Commit(offers), ::testing::Each(ledger::pb::RECEIPT_CODE_OK));
  }
  EXPECT_EQ(promoter->stats().waiting, 0u);
  EXPECT_EQ(There(record).superseded_by(), correction.View());
  EXPECT_EQ(There(record).source_chain(), honest_.genesis().chain_id().View());
  EXPECT_EQ(There(correction).status(), pb::RECORD_STATUS_IN_REVIEW);
}

TEST_F(TwoSources, WhatTheOtherHasKeptOut_IsErasedByItsOwnChain) {
  const TxId record = Network::Must(honest_.Write("centre-a", Assessment()));
  pb::OutboxEntry entry;
  entry.set_record_id(record.ToBytes());
  const auto late =
      Decode<pb::RecordPromoted>(PromoteRecord(honest_.chain(), entry)->payload).value();
  KeepOut(record);
  const TxId erasure = Erase(honest_, record);
  Network::Must(Bring(honest_, erasure));
  EXPECT_EQ(There(record).erased_by(), erasure.View());
  Network::Must(target_.Write("centre-a", Network::HeaderOf(honest_, Height(late.height()))));
  EXPECT_EQ(CodeOf(target_.Write("centre-a", late)), Code::kPruned);
}

// A correction that nobody can read, of a record that was reviewed: it would decide the review.
TEST_F(TwoSources, CorrectionThatNobodyCanRead_DecidesNothing) {
  const TxId record = Network::Must(lying_.Write("centre-a", Assessment()));
  Network::Must(Bring(lying_, record));
  twist_ = [&](pb::PromotionDecision& decision, const TxId&) {
    decision.set_supersedes(record.ToBytes());
  };
  const auto hidden =
      lying_.Make("centre-a", "AbilityAssessed", Assessment(1), ledger::pb::DISCLOSURE_COMMITMENT);
  Network::Must(lying_.Submit(hidden));
  EXPECT_EQ(CodeOf(Bring(lying_, hidden.id)), Code::kPrecondition);
  EXPECT_EQ(There(record).superseded_by(), "");
}

}  // namespace
}  // namespace talent::tiers
