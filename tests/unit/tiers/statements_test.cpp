// What parties sign outside of transactions: no statement stands for one of another kind.

#include "records.h"
#include "talent/tiers/v1/career.pb.h"
#include "tiers/governance.h"

namespace talent::tiers {
namespace {

template <class M>
bool Reads(const Bytes& bytes) {
  return Decode<M>(bytes).has_value();
}

struct Statements {
  Bytes investment, transfer, flow, leaving, custody, party, node, follower;
};

Statements Whole() {
  Statements out;
  out.investment = Encode(Statement());
  pb::TransferStatement transfer;
  transfer.set_token(Id("token"));
  transfer.set_seller("acme");
  transfer.set_buyer("globex");
  transfer.set_units(1);
  transfer.set_unit_price(1);
  transfer.set_reference(Id("t"));
  out.transfer = Encode(transfer);
  pb::FlowStatement flow;
  flow.set_subject_id(Id("li"));
  flow.set_placement(std::string(32, 'p'));  // reads as text, too
  flow.set_from("acme");
  flow.set_to("globex");
  flow.set_reference(Id("f"));
  out.flow = Encode(flow);
  flow.clear_to();
  out.leaving = Encode(flow);
  pb::CustodyStatement custody;
  custody.set_subject_id(Id("li"));
  custody.set_until_ms(1);
  custody.set_from("centre-a");
  custody.set_to("centre-b");
  custody.set_reference(Id("c"));
  out.custody = Encode(custody);
  const crypto::KeyPair keys[] = {KeyOf("acme")};
  out.party = MakePartyOffer(ChainId(), "acme", pb::PARTY_ROLE_ENTERPRISE, keys).statement();
  const auto vote = KeyOf("vote");
  out.node = MakeOffer(ChainId(), "acme", &vote, KeyOf("acme")).statement();
  out.follower = MakeOffer(ChainId(), "acme", nullptr, KeyOf("acme")).statement();
  return out;
}

TEST(Statements, EachReadsAsItsOwnKind) {
  const Statements s = Whole();
  for (const Bytes& other :
       {s.investment, s.transfer, s.flow, s.leaving, s.party, s.node, s.follower}) {
    EXPECT_FALSE(Reads<pb::CustodyStatement>(other)) << ToHex(other);
  }
  for (const Bytes& other : {s.transfer, s.flow, s.custody, s.party, s.node, s.follower}) {
    EXPECT_FALSE(Reads<pb::InvestmentStatement>(other)) << ToHex(other);
  }
  for (const Bytes& other :
       {s.investment, s.flow, s.leaving, s.custody, s.party, s.node, s.follower}) {
    EXPECT_FALSE(Reads<pb::TransferStatement>(other)) << ToHex(other);
  }
  for (const Bytes& other : {s.investment, s.transfer, s.custody, s.party}) {
    EXPECT_FALSE(Reads<pb::FlowStatement>(other)) << ToHex(other);
  }
  for (const Bytes& other : {s.investment, s.transfer, s.flow, s.leaving, s.custody, s.node}) {
    EXPECT_FALSE(Reads<pb::PartyStatement>(other)) << ToHex(other);
  }
  for (const Bytes& other : {s.investment, s.transfer, s.flow, s.leaving, s.custody, s.party}) {
    EXPECT_FALSE(Reads<pb::NodeStatement>(other)) << ToHex(other);
  }
}

// A follower has no vote key and a party no role: both read as id and key, and both are signed with
// one tag.
TEST(Statements, AFollowersOfferIsNoPartys) {
  const ChainId chain;
  const auto node = MakeOffer(chain, "acme", nullptr, KeyOf("acme"));
  EXPECT_TRUE(VerifyOffer(chain, node));
  ASSERT_TRUE(Reads<pb::PartyStatement>(node.statement()));
  pb::PartyOffer as_party;
  as_party.set_statement(node.statement());
  as_party.add_signatures(node.node_signature());
  EXPECT_EQ(CodeOf(VerifyPartyOffer(chain, as_party)), Code::kInvalidArgument);

  const crypto::KeyPair keys[] = {KeyOf("acme")};
  const auto party = MakePartyOffer(chain, "acme", pb::PARTY_ROLE_ENTERPRISE, keys);
  EXPECT_TRUE(VerifyPartyOffer(chain, party));
  pb::NodeOffer as_node;
  as_node.set_statement(party.statement());
  as_node.set_node_signature(party.signatures(0));
  EXPECT_EQ(CodeOf(VerifyOffer(chain, as_node)), Code::kInvalidArgument);
}

/// A chain on which acme has signed one thing or another.
class SignedStatements : public ::testing::Test {
 protected:
  SignedStatements()
      : database_(
            ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kScratch).value()),
        chain_(*database_, PrivateGenesis()) {
    EXPECT_TRUE(chain_.Write("centre-a", Registration()));
  }
  Bytes Sign(const crypto::Domain domain, const Bytes& statement) const {
    return KeyOf("acme").Sign(domain, chain_.genesis().chain_id(), statement).ToBytes();
  }
  Code CodeOfInvestment(const Bytes& statement, crypto::Domain domain) {
    pb::InvestmentConfirmed message;
    message.set_statement(statement);
    message.set_enterprise_key(KeyOf("acme").public_key().ToBytes());
    message.set_enterprise_signature(Sign(domain, statement));
    return CodeOf(chain_.Write("centre-a", message));
  }

  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
  TestTier chain_;
};

TEST_F(SignedStatements, LeavingIsNoInvestment) {
  const Bytes leaving = Whole().leaving;
  ASSERT_TRUE(Reads<pb::InvestmentStatement>(leaving)) << "of amount 0, and of no centre";
  EXPECT_EQ(CodeOfInvestment(leaving, crypto::Domain::kConsentSignature), Code::kUnauthorized);
}

TEST_F(SignedStatements, AnOffersSignatureStandsUnderNothingElse) {
  EXPECT_EQ(CodeOfInvestment(Whole().investment, crypto::Domain::kOfferSignature),
            Code::kBadSignature);
}

}  // namespace
}  // namespace talent::tiers
