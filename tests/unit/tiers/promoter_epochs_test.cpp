// Promotion from a chain whose validators change.

#include "network.h"

namespace talent::tiers {
namespace {

/// Rotates the key of the chain's only validator whenever it is told to.
class RotatesKeys final : public ledger::Application {
 public:
  RotatesKeys(const ledger::Genesis& genesis, const bool& now)
      : rules_(MakeApplication(genesis).value()), tier_(genesis.tier()), now_(now) {}

  Status InitGenesis(const ledger::Genesis& genesis, ledger::StateOverlay& state) const override {
    return rules_->InitGenesis(genesis, state);
  }
  Status Check(const ledger::Transaction& tx, const ledger::BlockContext& next,
               const ledger::StateReader& state) const override {
    return rules_->Check(tx, next, state);
  }
  Status Execute(const ledger::Transaction& tx, const ledger::BlockContext& block,
                 ledger::StateOverlay& state) const override {
    return rules_->Execute(tx, block, state);
  }
  void BeginBlock(const ledger::BlockContext& block, ledger::StateOverlay& state) const override {
    rules_->BeginBlock(block, state);
    if (!now_) return;
    const auto epoch = ledger::ReadEpoch(state).value();
    auto next = epoch.validators.validators();
    next[0].vote_key = VoteKeyOf(tier_, epoch.number() + 1).public_key();
    const Status ended = ledger::EndEpoch(state, block, block.height + block.window, next);
    EXPECT_TRUE(ended) << ended.error().ToString();
  }
  bool HasDueWork(Timestamp time, const ledger::StateReader& state) const override {
    return rules_->HasDueWork(time, state);
  }

 private:
  std::unique_ptr<ledger::Application> rules_;
  ledger::Tier tier_;
  const bool& now_;
};

class CarryingAcrossEpochs : public ::testing::Test {
 protected:
  CarryingAcrossEpochs() {
    Network::Must(source.Write("centre-a", Registration()));
    Network::Must(source.Write("centre-a", ConsentToAll()));
  }

  void RotateSourceKey() {
    rotate = true;
    source.Commit({});
    rotate = false;
    const Epoch before = source.chain().epoch()->number();
    while (source.chain().epoch()->number() == before) source.Commit({});
  }
  std::vector<ledger::Transaction> Offers() {
    auto promoter =
        Promoter::Open(*database,
                       {.source = &source.chain(), .target = &target.chain(), .author = &key})
            .value();
    return promoter->Step(target.chain().head().time).value();
  }
  void CarryAll() {
    for (auto offers = Offers(); !offers.empty(); offers = Offers()) {
      EXPECT_THAT(target.Commit(offers), ::testing::Each(ledger::pb::RECEIPT_CODE_OK));
    }
  }
  bool HasArrived(const TxId& record) const {
    return target.Read(kConsortiumRecords, record.View()).has_value();
  }
  std::uint64_t KnownEpoch() const {
    return target.Read(kSources, source.chain().id().View())->epoch();
  }

  TempDir dir;
  bool rotate = false;
  std::unique_ptr<ledger::Database> database =
      ledger::Database::Open(dir.path() / "db", ledger::Database::Mode::kScratch).value();
  ledger::Genesis genesis = PrivateGenesis();
  TestTier source{*database, genesis, std::make_unique<RotatesKeys>(genesis, rotate)};
  TestTier target{*database, ConsortiumGenesis(genesis)};
  crypto::KeyPair key = KeyOf("centre-a");
};

TEST_F(CarryingAcrossEpochs, RecordsOfBothEpochs_Arrive) {
  const TxId before = Network::Must(source.Write("centre-a", Assessment(1)));
  RotateSourceKey();
  const TxId after = Network::Must(source.Write("centre-a", Assessment(2)));
  CarryAll();
  EXPECT_TRUE(HasArrived(before));
  EXPECT_TRUE(HasArrived(after));
  EXPECT_EQ(KnownEpoch(), 1u);
}

TEST_F(CarryingAcrossEpochs, SeveralEpochsAtOnce_AreCaughtUpWithInOrder) {
  CarryAll();
  for (int i = 0; i < 3; ++i) RotateSourceKey();
  const TxId record = Network::Must(source.Write("centre-a", Assessment(1)));
  CarryAll();
  EXPECT_TRUE(HasArrived(record));
  EXPECT_EQ(KnownEpoch(), 3u);
}

TEST_F(CarryingAcrossEpochs, AnEndIsToldEvenWhereNothingIsPromoted) {
  CarryAll();
  RotateSourceKey();
  EXPECT_EQ(KnownEpoch(), 0u);
  const auto offers = Offers();
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].kind, "SourceHeaderAccepted");
  CarryAll();
  EXPECT_EQ(KnownEpoch(), 1u);
}

}  // namespace
}  // namespace talent::tiers
