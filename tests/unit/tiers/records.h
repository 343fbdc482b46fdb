// Valid records to start from.
#pragma once

#include "talent/tiers/v1/private.pb.h"
#include "tier_fixture.h"

namespace talent::tiers {

inline pb::SubjectRegistered Registration(std::string_view name = "li") {
  pb::SubjectRegistered message;
  message.set_subject_id(Id(name));
  message.set_commitment(Id("file"));
  message.set_custodian("centre-a");
  message.set_consent_version(1);
  return message;
}

inline pb::ConsentGiven ConsentToAll(std::string_view name = "li") {
  pb::ConsentGiven message;
  message.set_subject_id(Id(name));
  message.add_tiers(pb::CONSENT_TIER_CONSORTIUM);
  message.add_tiers(pb::CONSENT_TIER_PUBLIC);
  message.set_purpose("placement");
  message.set_until_ms(kStart + kYear);
  return message;
}

inline pb::AbilityAssessed Assessment(std::uint32_t score = 7000, std::string_view name = "li",
                                      pb::AssessmentPhase phase = pb::ASSESSMENT_PHASE_ENTRY) {
  pb::AbilityAssessed message;
  message.set_subject_id(Id(name));
  auto* const value = message.add_scores();
  value->set_dimension("experience");
  value->set_value(score);
  message.set_method("interview");
  message.set_assessor("board-1");
  message.set_phase(phase);
  return message;
}

inline pb::TrainingCompleted Training(const TxId& before, std::string_view name = "li") {
  pb::TrainingCompleted message;
  message.set_subject_id(Id(name));
  message.set_course("welding");
  message.set_hours(36);
  message.set_budget_class(pb::BUDGET_CLASS_A);
  message.set_before_assessment(before.ToBytes());
  message.set_outcome(pb::TRAINING_OUTCOME_PASSED);
  return message;
}

inline pb::InvestmentStatement Statement(std::uint64_t amount = 1000,
                                         std::string_view reference = "r1") {
  pb::InvestmentStatement statement;
  statement.set_subject_id(Id("li"));
  statement.set_centre("centre-a");
  statement.set_enterprise("acme");
  statement.set_amount(amount);
  statement.set_reference(Id(reference));
  return statement;
}

inline pb::TokenIssued Issue(const TxId& investment, std::uint64_t supply = 100) {
  pb::TokenIssued message;
  message.set_investment(investment.ToBytes());
  message.set_subject_id(Id("li"));
  message.set_supply(supply);
  message.set_unit_price(7);
  return message;
}

inline pb::TokenPurchased Purchase(const TxId& token, std::uint64_t units) {
  pb::TokenPurchased message;
  message.set_token(token.ToBytes());
  message.set_units(units);
  message.set_unit_price(7);
  return message;
}

inline pb::Corrected Correction(const TxId& supersedes, const google::protobuf::Message& content) {
  pb::Corrected message;
  message.set_supersedes(supersedes.ToBytes());
  message.set_content_kind(std::string(content.GetDescriptor()->name()));
  message.set_content(Encode(content));
  message.set_reason(pb::CORRECTION_REASON_CLERICAL);
  return message;
}

}  // namespace talent::tiers
