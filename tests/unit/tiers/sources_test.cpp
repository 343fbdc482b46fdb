// The light client of a source chain through a change of its validators.

#include "network.h"

namespace talent::tiers {
namespace {

constexpr std::uint64_t kLastHeight = 10;

class Epochs : public ::testing::Test, protected Network {
 protected:
  static crypto::ValidatorSet SetOf(std::uint64_t epoch, const std::string& key) {
    return crypto::ValidatorSet::Create(Epoch(epoch), {{"v0", KeyOf("vote " + key).public_key(),
                                                        KeyOf("node " + key).public_key()}})
        .value();
  }
  /// A header of `epoch`, sealed by the validator called `key`.
  pb::SourceHeaderAccepted Header(std::uint64_t height, const crypto::ValidatorSet& set,
                                  const crypto::ValidatorSet& next, const std::string& key) const {
    const ChainId chain = source.genesis().chain_id();
    ledger::pb::BlockHeader header;
    header.set_format(1);
    header.set_suite(1);
    header.set_chain_id(chain.ToBytes());
    header.set_height(height);
    header.set_time_ms(kStart + height);
    for (auto* const field : {header.mutable_previous_hash(), header.mutable_transactions_root(),
                              header.mutable_receipts_root(), header.mutable_state_root()}) {
      *field = Id("some root");
    }
    header.set_epoch(set.epoch().value);
    header.set_validators_hash(set.hash().ToBytes());
    header.set_next_validators_hash(next.hash().ToBytes());
    pb::SourceHeaderAccepted message;
    message.mutable_header()->set_header(Encode(header));
    auto* const certificate = message.mutable_header()->mutable_certificate();
    certificate->set_epoch(set.epoch().value);
    certificate->add_seals()->set_signature(
        crypto::SignSeal(KeyOf("vote " + key), chain, ledger::BlockHash(message.header().header()))
            .ToBytes());
    return message;
  }
  pb::SourceHeaderAccepted Change() const {
    auto message = Header(kLastHeight, first_, second_, "private");
    auto* const info = message.add_next_validators();
    info->set_name("v0");
    info->set_vote_key(KeyOf("vote next").public_key().ToBytes());
    info->set_node_key(KeyOf("node next").public_key().ToBytes());
    return message;
  }

  const crypto::ValidatorSet first_ = SetOf(0, "private");
  const crypto::ValidatorSet second_ = SetOf(1, "next");
};

TEST_F(Epochs, NewSet_SealsFromTheChangeOn) {
  const auto later = Header(kLastHeight + 1, second_, second_, "next");
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", later)), Code::kPrecondition);
  Must(consortium.Write("centre-a", Change()));
  EXPECT_EQ(consortium.Read(kSources, source.genesis().chain_id().View())->epoch(), 1u);
  Must(consortium.Write("centre-a", later));
  // A header of before the change that was not needed until now.
  Must(consortium.Write("centre-a", Header(3, first_, first_, "private")));
}

TEST_F(Epochs, OldSet_CannotSealPastItsEnd) {
  Must(consortium.Write("centre-a", Change()));
  const auto forged = Header(kLastHeight + 1, first_, first_, "private");
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", forged)), Code::kBadSignature);
  const auto early = Header(kLastHeight, second_, second_, "next");
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", early)), Code::kPrecondition);
}

TEST_F(Epochs, Change_NamesTheSetTheHeaderAnnounces) {
  auto message = Change();
  message.mutable_next_validators(0)->set_vote_key(KeyOf("vote other").public_key().ToBytes());
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", message)), Code::kBadSignature);
  message.clear_next_validators();
  EXPECT_FALSE(consortium.Write("centre-a", message));
  auto needless = Header(3, first_, first_, "private");
  *needless.mutable_next_validators() = Change().next_validators();
  EXPECT_EQ(CodeOf(consortium.Write("centre-a", needless)), Code::kInvalidArgument);
}

}  // namespace
}  // namespace talent::tiers
