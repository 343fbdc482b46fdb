// When what is promoted opens to whom.

#include "tiers/release.h"

#include "network.h"
#include "tiers/points.h"

namespace talent::tiers {
namespace {

constexpr std::uint64_t kHour = 3'600'000;

class Releases : public ::testing::Test, protected Network {
 protected:
  Releases() {
    Enrol();
    record_ = Must(source.Write("centre-a", Assessment()));  // value class 1
    promotion_ = *consortium.chain().GetTransaction(Promote(record_));
    promoted_ = StateOf(record_).promoted_ms();
  }
  std::optional<Timestamp> OpensTo(std::string_view party, const ledger::Transaction& tx,
                                   const ledger::StateReader& state) const {
    return Release(consortium.genesis(), state, Timestamp(promoted_), std::string(party))
        .OpensAt(tx);
  }
  std::optional<Timestamp> OpensTo(std::string_view party) const {
    return OpensTo(party, promotion_, *consortium.chain().SealedState());
  }

  TxId record_;
  ledger::Transaction promotion_;
  std::uint64_t promoted_ = 0;
};

TEST_F(Releases, APromotion_OpensByWhoAsks) {
  EXPECT_EQ(OpensTo("centre-b"), Timestamp());
  EXPECT_EQ(OpensTo("acme"), Timestamp(promoted_ + 24 * kHour));
  EXPECT_EQ(OpensTo("nobody"), Timestamp(promoted_ + 24 * kHour)) << "as to a party without points";
  EXPECT_EQ(OpensTo(""), Timestamp(promoted_ + 24 * kHour));
}

TEST_F(Releases, WithPoints_ItOpensEarlier) {
  const auto sealed = consortium.chain().SealedState();
  ledger::StateOverlay state(*sealed);
  BookPoints(state, PolicyOf(state), Timestamp(promoted_),
             {"acme", 50, pb::POINTS_REASON_DISPUTE_UPHELD, {}, {}});
  EXPECT_EQ(OpensTo("acme", promotion_, state), Timestamp(promoted_ + 6 * kHour));
  const Release release(consortium.genesis(), state, Timestamp(promoted_), "acme");
  EXPECT_EQ(release.longest(), Millis(72 * kHour));
}

TEST_F(Releases, WhatTookNoEffect_NeverOpensToReaders) {
  const TxId other = Must(source.Write("centre-a", Assessment(1)));
  const auto refused = consortium.Make("centre-a", PromotionOf(other));  // its header is not known
  EXPECT_EQ(consortium.Commit({refused}).at(0), ledger::pb::RECEIPT_CODE_NOT_FOUND);
  const auto state = consortium.chain().SealedState();
  EXPECT_EQ(OpensTo("acme", refused, *state), std::nullopt);
  EXPECT_EQ(OpensTo("centre-b", refused, *state), Timestamp());
}

TEST_F(Releases, WhatIsNoPromotion_IsOpen) {
  const auto tx = consortium.Make("acme", pb::ReviewCommitted());
  EXPECT_EQ(OpensTo("globex", tx, *consortium.chain().SealedState()), Timestamp());
}

TEST_F(Releases, OnOtherTiers_NothingOpensWithTime) {
  for (const TestTier* const tier : {&source, &outlet}) {
    const auto state = tier->chain().SealedState();
    EXPECT_TRUE(Release(tier->genesis(), *state, Timestamp(promoted_), "acme").everything());
  }
}

// What nodes give each other without asking for whom it is open: snapshots are made of this.
TEST_F(Releases, TheState_HoldsNoPayload) {
  const auto record = *source.chain().GetTransaction(record_);
  ASSERT_NE(promotion_.payload.find(record.payload), Bytes::npos);
  consortium.chain().SealedState()->Scan({}, {}, [&](BytesView key, BytesView value) {
    for (const Bytes& secret : {record.payload, record.salt, promotion_.salt}) {
      EXPECT_EQ(value.find(secret), Bytes::npos) << key;
    }
    return true;
  });
}

}  // namespace
}  // namespace talent::tiers
