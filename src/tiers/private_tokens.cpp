// Investment and talent tokens. Units are conserved: a token's supply is what is unsold plus what
// its holders hold, always.

#include "crypto/sha256.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

// Bounds that keep every sum and product of two amounts far inside 128 bits, and every amount
// inside the integers that JSON readers get right.
constexpr std::uint64_t kMaxAmount = 1'000'000'000'000'000;
constexpr std::uint64_t kMaxUnits = 1'000'000'000'000;

Status RequireCosignature(const pb::InvestmentConfirmed& message, const Call& call,
                          const std::string& enterprise) {
  const auto key = crypto::PublicKey::FromBytes(message.enterprise_key());
  if (!key) return Within("enterprise_key", key.error());
  const auto signature = crypto::Signature::FromBytes(message.enterprise_signature());
  if (!signature) return Within("enterprise_signature", signature.error());
  const auto party = FindPartyOf(call.state, *key);
  if (!party || party->id() != enterprise || party->role() != pb::PARTY_ROLE_ENTERPRISE) {
    return Fail(Code::kUnauthorized, "enterprise_key is no key of enterprise '{}'", enterprise);
  }
  if (!crypto::Verify(*key, crypto::Domain::kConsentSignature, call.block.chain,
                      message.statement(), *signature)) {
    return Fail(Code::kBadSignature,
                "enterprise_signature does not verify over the statement on this chain");
  }
  return {};
}

Result<pb::InvestmentStatement> ValidateStatement(const pb::InvestmentConfirmed& message,
                                                  const Call& call, const pb::Party& centre) {
  auto statement = TRY(Decode<pb::InvestmentStatement>(message.statement()));
  TRY(RequireSubject(call, statement.subject_id(), centre));
  TRY(RequireId("statement.reference", statement.reference()));
  if (statement.centre() != centre.id()) {
    return Fail(Code::kUnauthorized, "statement.centre is '{}', the author is '{}'",
                statement.centre(), centre.id());
  }
  if (statement.amount() == 0 || statement.amount() > kMaxAmount) {
    return Fail(Code::kInvalidArgument, "statement.amount is {}, 1 to {} are expected",
                statement.amount(), kMaxAmount);
  }
  TRY(RequireCosignature(message, call, statement.enterprise()));
  if (kStatements.Has(call.state, crypto::Sha256(message.statement()).View())) {
    return Fail(Code::kDuplicate, "this statement was confirmed before");
  }
  return statement;
}

void NoteConcern(const Call& call, BytesView subject_id, BytesView enterprise) {
  const Bytes key = Concat({subject_id, enterprise});
  if (kConcerns.Has(call.state, key)) return;
  pb::Concern concern;
  concern.set_since_ms(call.block.time.value);
  kConcerns.Put(call.state, key, concern);
}

void WriteInvestment(const Call& call, const pb::InvestmentConfirmed& message,
                     const pb::InvestmentStatement& statement, BytesView token) {
  pb::ConfirmedStatement confirmed;
  confirmed.set_record(call.tx.id.ToBytes());
  kStatements.Put(call.state, crypto::Sha256(message.statement()).View(), confirmed);
  pb::Investment investment;
  investment.set_subject_id(statement.subject_id());
  investment.set_enterprise(statement.enterprise());
  investment.set_amount(statement.amount());
  investment.set_token(Bytes(token));
  kInvestments.Put(call.state, call.tx.id.View(), investment);
}

Status Confirm(const pb::InvestmentConfirmed& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  const auto statement = TRY(ValidateStatement(message, call, centre));
  WriteInvestment(call, message, statement, {});
  NoteConcern(call, statement.subject_id(), statement.enterprise());
  WriteRecord(call, FactsOf(statement.subject_id(), centre));
  return {};
}

Status Issue(const pb::TokenIssued& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireId("investment", message.investment()));
  TRY(RequireSubject(call, message.subject_id(), centre));
  auto investment = kInvestments.Get(call.state, message.investment());
  if (!investment) {
    return Fail(Code::kNotFound, "investment {} is not confirmed (or was corrected)",
                ToHex(message.investment()));
  }
  if (investment->subject_id() != message.subject_id()) {
    return Fail(Code::kPrecondition, "the investment is in another subject");
  }
  if (!investment->token().empty()) {
    return Fail(Code::kDuplicate, "token {} was issued on this investment before",
                ToHex(investment->token()));
  }
  if (message.supply() == 0 || message.supply() > kMaxUnits || message.unit_price() == 0 ||
      message.unit_price() > kMaxUnits) {
    return Fail(Code::kInvalidArgument, "supply {} and unit_price {} are not both in 1 to {}",
                message.supply(), message.unit_price(), kMaxUnits);
  }
  investment->set_token(call.tx.id.ToBytes());
  kInvestments.Put(call.state, message.investment(), *investment);
  pb::Token token;
  token.set_subject_id(message.subject_id());
  token.set_investment(message.investment());
  token.set_centre(centre.id());
  token.set_supply(message.supply());
  token.set_unsold(message.supply());
  token.set_unit_price(message.unit_price());
  kTokens.Put(call.state, call.tx.id.View(), token);
  WriteRecord(call, FactsOf(message.subject_id(), centre));
  return {};
}

Status Purchase(const pb::TokenPurchased& message, const Call& call) {
  const pb::Party enterprise = TRY(RequireEnterprise(call));
  TRY(RequireId("token", message.token()));
  auto token = kTokens.Get(call.state, message.token());
  if (!token) return Fail(Code::kNotFound, "token {} was not issued", ToHex(message.token()));
  if (message.units() == 0) return Fail(Code::kInvalidArgument, "units is 0");
  if (message.unit_price() != token->unit_price()) {
    return Fail(Code::kPrecondition, "unit_price is {}, the issue's price is {}",
                message.unit_price(), token->unit_price());
  }
  if (message.units() > token->unsold()) {
    return Fail(Code::kPrecondition, "{} units wanted, {} unsold", message.units(),
                token->unsold());
  }
  const Bytes key = Concat({message.token(), enterprise.id()});
  auto holding = kHoldings.Get(call.state, key);
  if (!holding) {
    holding.emplace();
    holding->set_since_ms(call.block.time.value);
  }
  holding->set_units(holding->units() + message.units());
  CHECK(holding->units() <= token->supply(), "a holder holds more than was issued");
  kHoldings.Put(call.state, key, *holding);
  token->set_unsold(token->unsold() - message.units());
  kTokens.Put(call.state, message.token(), *token);
  NoteConcern(call, token->subject_id(), enterprise.id());
  RecordFacts facts = FactsOf(token->subject_id(), enterprise);
  facts.entry.set_centre(token->centre());
  WriteRecord(call, std::move(facts));
  return {};
}

constexpr Kind kKinds[] = {
    {"InvestmentConfirmed", Run<pb::InvestmentConfirmed, Confirm>},
    {"TokenIssued", Run<pb::TokenIssued, Issue>},
    {"TokenPurchased", Run<pb::TokenPurchased, Purchase>},
};

}  // namespace

std::span<const Kind> TokenKinds() { return kKinds; }

// The corrected statement needs a new signature of the same enterprise; a token issued on the
// investment stays with it.
Result<RecordFacts> CorrectInvestment(const Call& call, BytesView content, const pb::Party& centre,
                                      BytesView supersedes) {
  const auto message = TRY(Decode<pb::InvestmentConfirmed>(content));
  const auto statement = TRY(ValidateStatement(message, call, centre));
  const auto old = kInvestments.Get(call.state, supersedes);
  CHECK(old.has_value(), "an investment that stands has its entry");
  if (old->enterprise() != statement.enterprise()) {
    return Fail(Code::kPrecondition, "the corrected statement is of another enterprise");
  }
  kInvestments.Delete(call.state, supersedes);
  WriteInvestment(call, message, statement, old->token());
  return FactsOf(statement.subject_id(), centre);
}

}  // namespace talent::tiers
