#include "node/peers/address_book.h"

#include <gtest/gtest.h>

#include "base/canonical.h"
#include "crypto/sha256.h"

namespace talent::node {
namespace {

crypto::KeyPair NamedKey(std::string_view name) {
  return crypto::KeyPair::FromSeed(
      crypto::Seed::FromBytes(crypto::Sha256({"key ", name}).View()).value());
}
ChainId ChainOf(std::string_view name) {
  return ChainId::FromBytes(crypto::Sha256({"chain ", name}).View()).value();
}

bool Anybody(const ChainId&, const NodeKey&) { return true; }

v1::SignedAddress Sign(const crypto::KeyPair& key, const ChainId& chain, const std::string& address,
                       std::uint64_t sequence) {
  v1::AddressStatement statement;
  statement.set_node_key(key.public_key().ToBytes());
  statement.set_address(address);
  statement.set_sequence(sequence);
  v1::SignedAddress out;
  out.set_statement(Encode(statement));
  out.set_signature(key.Sign(crypto::Domain::kAddressSignature, chain, out.statement()).ToBytes());
  return out;
}

class AddressBookTest : public ::testing::Test {
 protected:
  Result<bool> Learn(const std::string& address, std::uint64_t sequence) {
    return book_.Learn(chain_, Sign(key_, chain_, address, sequence), Anybody);
  }
  std::optional<std::string> Known() const { return book_.Find(chain_, key_.public_key()); }

  const ChainId chain_ = ChainOf("a");
  const crypto::KeyPair key_ = NamedKey("node");
  AddressBook book_;
};

TEST_F(AddressBookTest, NewerAnnouncement_Replaces) {
  EXPECT_EQ(Learn("10.0.0.1:7001", 5), true);
  book_.Settle();
  EXPECT_EQ(Learn("10.0.0.9:7001", 4), false);
  EXPECT_EQ(Learn("10.0.0.9:7001", 5), false);
  EXPECT_EQ(Known(), "10.0.0.1:7001");
  EXPECT_EQ(Learn("10.0.0.2:7001", 6), true);
  EXPECT_EQ(Known(), "10.0.0.2:7001");
}

TEST_F(AddressBookTest, Node_IsBelievedOneChangeUntilThingsSettle) {
  EXPECT_EQ(Learn("10.0.0.1:7001", 1), true);
  EXPECT_EQ(Learn("10.0.0.2:7001", 2), false);
  book_.Settle();
  EXPECT_EQ(Learn("10.0.0.2:7001", 2), true);
}

TEST_F(AddressBookTest, Misdirection_IsRefused) {
  auto forged = Sign(key_, chain_, "10.0.0.1:7001", 1);
  forged.set_signature(NamedKey("thief")
                           .Sign(crypto::Domain::kAddressSignature, chain_, forged.statement())
                           .ToBytes());
  EXPECT_EQ(book_.Learn(chain_, forged, Anybody).error().code, Code::kBadSignature);
  const auto elsewhere = Sign(key_, ChainOf("b"), "10.0.0.1:7001", 1);
  EXPECT_EQ(book_.Learn(chain_, elsewhere, Anybody).error().code, Code::kBadSignature);
  EXPECT_EQ(Known(), std::nullopt);
}

TEST_F(AddressBookTest, Garbage_IsRefused) {
  for (const std::string& address :
       {std::string("nowhere"), std::string("10.0.0.1:0"), std::string("10.0.0.1:07001"),
        std::string(300, 'a') + ":7001", std::string()}) {
    EXPECT_EQ(Learn(address, 1).error().code, Code::kInvalidArgument) << address;
  }
  v1::SignedAddress empty;
  EXPECT_EQ(book_.Learn(chain_, empty, Anybody).error().code, Code::kInvalidArgument);
}

TEST_F(AddressBookTest, Stranger_IsNotKept) {
  const auto nobody = [](const ChainId&, const NodeKey&) { return false; };
  const auto announced = Sign(key_, chain_, "10.0.0.1:7001", 1);
  EXPECT_EQ(book_.Learn(chain_, announced, nobody), false);
  EXPECT_EQ(Known(), std::nullopt);
  EXPECT_EQ(book_.Learn(chain_, announced, Anybody), true);
  EXPECT_TRUE(book_.Forget(nobody));
  EXPECT_EQ(Known(), std::nullopt);
  EXPECT_FALSE(book_.Forget(nobody));
}

TEST_F(AddressBookTest, Book_IsBounded) {
  for (std::size_t i = 0; i < AddressBook::kMaxPerChain; ++i) {
    const auto key = NamedKey(std::to_string(i));
    ASSERT_EQ(book_.Learn(chain_, Sign(key, chain_, "10.0.0.1:7001", 1), Anybody), true);
  }
  EXPECT_EQ(Learn("10.0.0.1:7001", 1), false);
  book_.Settle();
  EXPECT_EQ(book_.Learn(chain_, Sign(NamedKey("0"), chain_, "10.0.0.2:7001", 2), Anybody), true)
      << "those known may still move";
}

TEST_F(AddressBookTest, Book_SurvivesARestart) {
  ASSERT_EQ(Learn("node.example:7001", 3), true);
  book_.Announce(chain_, NamedKey("self"), "10.0.0.7:7001", Timestamp(1000));
  const auto again = AddressBook::Parse(book_.Serialize(), Anybody);
  ASSERT_TRUE(again) << again.error().ToString();
  EXPECT_EQ(again->Find(chain_, key_.public_key()), "node.example:7001");
  EXPECT_EQ(again->Find(chain_, NamedKey("self").public_key()), "10.0.0.7:7001");
  EXPECT_EQ(again->Of(chain_).size(), 2u);
  EXPECT_EQ(AddressBook::Parse("garbage", Anybody).error().code, Code::kInvalidArgument);
}

TEST_F(AddressBookTest, OwnAnnouncement_IsNewerThanTheLastWhateverTheClockSays) {
  const auto self = NamedKey("self");
  const auto first = book_.Announce(chain_, self, "10.0.0.7:7001", Timestamp(1000));
  const auto second = book_.Announce(chain_, self, "10.0.0.8:7001", Timestamp(5));
  AddressBook other;
  EXPECT_EQ(other.Learn(chain_, first, Anybody), true);
  other.Settle();
  EXPECT_EQ(other.Learn(chain_, second, Anybody), true);
  EXPECT_EQ(other.Find(chain_, self.public_key()), "10.0.0.8:7001");
}

}  // namespace
}  // namespace talent::node
