// Investment and talent tokens. Units are conserved: a token's supply is what is unsold plus what
// its holders hold, always.

#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

// Bounds that keep every sum and product of two amounts far inside 128 bits, and every amount
// inside the integers that JSON readers get right.
constexpr std::uint64_t kMaxAmount = 1'000'000'000'000'000;
constexpr std::uint64_t kMaxUnits = 1'000'000'000'000;
// Of one person, over all tokens: times 10000 basis points it still fits 64 bits.
constexpr std::uint64_t kMaxSupply = 1'000'000'000'000'000;

Result<pb::InvestmentStatement> ValidateStatement(const pb::InvestmentConfirmed& message,
                                                  const Call& call, const pb::Party& centre) {
  auto statement = TRY(Decode<pb::InvestmentStatement>(message.statement()));
  TRY(RequireId("statement.reference", statement.reference()));
  if (statement.centre() != centre.id()) {
    return Fail(Code::kUnauthorized, "statement.centre is '{}', the author is '{}'",
                statement.centre(), centre.id());
  }
  if (statement.amount() == 0 || statement.amount() > kMaxAmount) {
    return Fail(Code::kInvalidArgument, "statement.amount is {}, 1 to {} are expected",
                statement.amount(), kMaxAmount);
  }
  TRY(RequireCosignature(call, "enterprise", message.statement(), message.enterprise_key(),
                         message.enterprise_signature(), statement.enterprise()));
  TRY(UseStatement(call, message.statement()));
  return statement;
}

void WriteInvestment(const Call& call, const pb::InvestmentStatement& statement, BytesView token) {
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
  TRY(RequireSubject(call, statement.subject_id(), centre));
  WriteInvestment(call, statement, {});
  NoteConcern(call, statement.subject_id(), statement.enterprise(), 0);
  return WriteRecord(call, FactsOf(statement.subject_id(), centre));
}

Status Issue(const pb::TokenIssued& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireId("investment", message.investment()));
  pb::Subject subject = TRY(RequireSubject(call, message.subject_id(), centre));
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
  if (message.supply() > kMaxSupply - subject.supply()) {
    return Fail(Code::kExhausted, "supply {} makes more than {} units of one person",
                message.supply(), kMaxSupply);
  }
  subject.set_supply(subject.supply() + message.supply());
  kSubjects.Put(call.state, message.subject_id(), subject);
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
  return WriteRecord(call, FactsOf(message.subject_id(), centre));
}

void Credit(const Call& call, BytesView token_id, const pb::Token& token,
            const std::string& enterprise, std::uint64_t units) {
  const Bytes key = Concat({token_id, enterprise});
  auto holding = kHoldings.Get(call.state, key);
  if (!holding) {
    holding.emplace();
    holding->set_since_ms(call.block.time.value);
  }
  holding->set_units(holding->units() + units);
  CHECK(holding->units() <= token.supply(), "a holder holds more than was issued");
  kHoldings.Put(call.state, key, *holding);
  NoteConcern(call, token.subject_id(), enterprise, static_cast<std::int64_t>(units));
}

/// Whom the person concerns reads the token's entry, with price and unsold units.
bool MayKnow(const Call& call, const pb::Token& token, const pb::Party& enterprise) {
  return kConcerns.Has(call.state, Concat({token.subject_id(), enterprise.id()}));
}

// Whoever tries learns from the refusal no more than it may read: not how far off it is, nor by
// what.
Status CheckOffer(const pb::TokenPurchased& message, const pb::Token& token, bool may_know) {
  const bool price_fits = message.unit_price() == token.unit_price();
  if (price_fits && message.units() <= token.unsold()) return {};
  if (!may_know) {
    return Fail(
        Code::kPrecondition,
        "units or unit_price: the issue has another price, or fewer units unsold; the centre "
        "that issued it tells");
  }
  if (!price_fits) {
    return Fail(Code::kPrecondition, "unit_price is {}, the issue's price is {}",
                message.unit_price(), token.unit_price());
  }
  return Fail(Code::kPrecondition, "{} units wanted, {} unsold", message.units(), token.unsold());
}

// The same where the person was erased: whom the token was about is nobody's to learn.
tl::unexpected<Error> NoSuchToken(BytesView token) {
  return Fail(Code::kNotFound, "token {} was not issued, or is for sale no more", ToHex(token));
}

Status Purchase(const pb::TokenPurchased& message, const Call& call) {
  const pb::Party enterprise = TRY(RequireEnterprise(call));
  TRY(RequireId("token", message.token()));
  auto token = kTokens.Get(call.state, message.token());
  if (!token) return NoSuchToken(message.token());
  const bool may_know = MayKnow(call, *token, enterprise);
  auto subject = FindSubject(call, token->subject_id());
  if (!subject) return NoSuchToken(message.token());
  if (message.units() == 0) return Fail(Code::kInvalidArgument, "units is 0");
  TRY(CheckOffer(message, *token, may_know));
  Credit(call, message.token(), *token, enterprise.id(), message.units());
  token->set_unsold(token->unsold() - message.units());
  kTokens.Put(call.state, message.token(), *token);
  subject->set_sold(subject->sold() + message.units());
  CHECK(subject->sold() <= subject->supply(), "more is sold than was issued");
  kSubjects.Put(call.state, token->subject_id(), *subject);
  RecordFacts facts = FactsOf(token->subject_id(), enterprise);
  facts.entry.set_centre(token->centre());
  return WriteRecord(call, std::move(facts));
}

Status ValidateTransfer(const pb::TransferStatement& statement, const Call& call,
                        const pb::Party& seller) {
  TRY(RequireId("statement.token", statement.token()));
  TRY(RequireId("statement.reference", statement.reference()));
  if (statement.seller() != seller.id()) {
    return Fail(Code::kUnauthorized, "statement.seller is '{}', the author is '{}'",
                statement.seller(), seller.id());
  }
  TRY(RequireEnterpriseId(call, "statement.buyer", statement.buyer()));
  if (statement.buyer() == seller.id()) {
    return Fail(Code::kInvalidArgument, "statement.buyer is the seller");
  }
  if (statement.units() == 0) return Fail(Code::kInvalidArgument, "statement.units is 0");
  if (statement.unit_price() == 0 || statement.unit_price() > kMaxUnits) {
    return Fail(Code::kInvalidArgument, "statement.unit_price is {}, 1 to {} are expected",
                statement.unit_price(), kMaxUnits);
  }
  return {};
}

Status Sell(const pb::TokenTransferred& message, const Call& call) {
  const pb::Party seller = TRY(RequireEnterprise(call));
  const auto statement = TRY(Decode<pb::TransferStatement>(message.statement()));
  TRY(ValidateTransfer(statement, call, seller));
  const auto token = kTokens.Get(call.state, statement.token());
  if (!token) return Fail(Code::kNotFound, "token {} was not issued", ToHex(statement.token()));
  TRY(RequireCosignature(call, "buyer", message.statement(), message.buyer_key(),
                         message.buyer_signature(), statement.buyer()));
  TRY(UseStatement(call, message.statement()));
  const Bytes key = Concat({statement.token(), seller.id()});
  auto holding = kHoldings.Get(call.state, key);
  const std::uint64_t held = holding ? holding->units() : 0;
  if (statement.units() > held) {
    return Fail(Code::kPrecondition, "{} units offered, '{}' holds {}", statement.units(),
                seller.id(), held);
  }
  TRY(FindSubject(call, token->subject_id()));  // else nobody is there whose units they are
  holding->set_units(held - statement.units());
  if (holding->units() == 0) {
    kHoldings.Delete(call.state, key);
  } else {
    kHoldings.Put(call.state, key, *holding);
  }
  NoteConcern(call, token->subject_id(), seller.id(),
              -static_cast<std::int64_t>(statement.units()));
  Credit(call, statement.token(), *token, statement.buyer(), statement.units());
  pb::Transfer transfer;
  transfer.set_subject_id(token->subject_id());
  transfer.set_seller(seller.id());
  transfer.set_buyer(statement.buyer());
  transfer.set_time_ms(call.block.time.value);
  kTransfers.Put(call.state, call.tx.id.View(), transfer);
  RecordFacts facts = FactsOf(token->subject_id(), seller);
  facts.entry.set_centre(token->centre());
  return WriteRecord(call, std::move(facts));
}

constexpr Kind kTokenKinds[] = {
    {"InvestmentConfirmed", Run<pb::InvestmentConfirmed, Confirm>},
    {"TokenIssued", Run<pb::TokenIssued, Issue>},
    {"TokenPurchased", Run<pb::TokenPurchased, Purchase>},
    {"TokenTransferred", Run<pb::TokenTransferred, Sell>},
};

}  // namespace

std::span<const Kind> TokenKinds() { return kTokenKinds; }

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
  WriteInvestment(call, statement, old->token());
  return FactsOf(statement.subject_id(), centre);
}

}  // namespace talent::tiers
