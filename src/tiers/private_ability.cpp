// What a person can do: assessments and trainings.

#include <set>

#include "tiers/ability_limits.h"
#include "tiers/private_rules.h"

namespace talent::tiers {
namespace {

Status ValidateScores(const pb::AbilityAssessed& message) {
  if (message.scores().empty() || message.scores_size() > kMaxScores) {
    return Fail(Code::kInvalidArgument, "{} scores where 1 to {} are expected",
                message.scores_size(), kMaxScores);
  }
  std::set<std::string_view> seen;
  for (const pb::Score& score : message.scores()) {
    TRY(RequireText("scores.dimension", score.dimension(), kMaxName));
    if (!seen.insert(score.dimension()).second) {
      return Fail(Code::kInvalidArgument, "scores has dimension '{}' twice", score.dimension());
    }
    if (score.value() > kFullScore) {
      return Fail(Code::kInvalidArgument, "scores.{} is {}, the most is {}", score.dimension(),
                  score.value(), kFullScore);
    }
  }
  return {};
}

Status ValidateTags(const pb::AbilityAssessed& message) {
  if (message.tags_size() > kMaxTags) {
    return Fail(Code::kInvalidArgument, "{} tags, the most is {}", message.tags_size(), kMaxTags);
  }
  std::set<std::string_view> seen;
  for (const pb::IndustryTag& tag : message.tags()) {
    TRY(RequireText("tags.industry", tag.industry(), kMaxName));
    const bool match =
        tag.match() == pb::TAG_MATCH_MATCHED || tag.match() == pb::TAG_MATCH_MATCHABLE;
    if (!match || tag.weight() > kFullScore || !seen.insert(tag.industry()).second) {
      return Fail(Code::kInvalidArgument,
                  "tags.{} is named twice, neither matched nor matchable, or weighs more than {}",
                  tag.industry(), kFullScore);
    }
  }
  return {};
}

Status ValidateAttributes(const pb::AbilityAssessed& message) {
  if (message.attributes_size() > kMaxAttributes) {
    return Fail(Code::kInvalidArgument, "{} attributes, the most is {}", message.attributes_size(),
                kMaxAttributes);
  }
  std::set<std::string_view> seen;
  for (const pb::Attribute& attribute : message.attributes()) {
    TRY(RequireText("attributes.name", attribute.name(), kMaxName));
    TRY(RequireText("attributes.value", attribute.value(), kMaxText));
    if (!seen.insert(attribute.name()).second) {
      return Fail(Code::kInvalidArgument, "attributes has '{}' twice", attribute.name());
    }
  }
  return {};
}

Result<RecordFacts> ValidateAssessment(const pb::AbilityAssessed& message, const Call& call,
                                       const pb::Party& centre) {
  TRY(RequireSubject(call, message.subject_id(), centre));
  TRY(ValidateScores(message));
  TRY(RequireText("method", message.method(), kMaxName));
  TRY(RequireText("assessor", message.assessor(), kMaxName));
  if (message.phase() == pb::ASSESSMENT_PHASE_UNSPECIFIED ||
      !pb::AssessmentPhase_IsValid(message.phase())) {
    return Fail(Code::kInvalidArgument, "phase is missing or unknown");
  }
  TRY(ValidateTags(message));
  TRY(ValidateAttributes(message));
  RecordFacts facts = FactsOf(message.subject_id(), centre);
  facts.entry.set_phase(message.phase());
  facts.tags.assign(message.tags().begin(), message.tags().end());
  std::uint64_t sum = 0;
  for (const pb::Score& score : message.scores()) sum += score.value();
  facts.mean_score =
      static_cast<std::uint32_t>(sum / static_cast<std::uint64_t>(message.scores_size()));
  return facts;
}

// A reference to an assessment of the same person that stands, made in one of two phases.
Status RequireAssessment(const Call& call, std::string_view field, BytesView id,
                         BytesView subject_id, pb::AssessmentPhase phase,
                         pb::AssessmentPhase or_phase) {
  TRY(RequireId(field, id));
  const auto record = kPrivateRecords.Get(call.state, id);
  if (!record || record->content_kind() != "AbilityAssessed") {
    return Fail(Code::kNotFound, "{} names no assessment of this chain", field);
  }
  if (record->subject_id() != subject_id) {
    return Fail(Code::kPrecondition, "{} is an assessment of another subject", field);
  }
  if (!record->superseded_by().empty()) {
    return Fail(Code::kPrecondition, "{} was superseded by record {}; name that one", field,
                ToHex(record->superseded_by()));
  }
  if (record->phase() != phase && record->phase() != or_phase) {
    return Fail(Code::kPrecondition, "{} is an assessment of another phase ({})", field,
                pb::AssessmentPhase_Name(record->phase()));
  }
  return {};
}

Result<RecordFacts> ValidateTraining(const pb::TrainingCompleted& message, const Call& call,
                                     const pb::Party& centre) {
  TRY(RequireSubject(call, message.subject_id(), centre));
  TRY(RequireText("course", message.course(), kMaxText));
  if (message.hours() == 0 || message.hours() > kMaxHours) {
    return Fail(Code::kInvalidArgument, "hours is {}, 1 to {} are expected", message.hours(),
                kMaxHours);
  }
  if (message.budget_class() == pb::BUDGET_CLASS_UNSPECIFIED ||
      !pb::BudgetClass_IsValid(message.budget_class())) {
    return Fail(Code::kInvalidArgument, "budget_class is missing or unknown");
  }
  if (message.outcome() == pb::TRAINING_OUTCOME_UNSPECIFIED ||
      !pb::TrainingOutcome_IsValid(message.outcome())) {
    return Fail(Code::kInvalidArgument, "outcome is missing or unknown");
  }
  TRY(RequireAssessment(call, "before_assessment", message.before_assessment(),
                        message.subject_id(), pb::ASSESSMENT_PHASE_ENTRY,
                        pb::ASSESSMENT_PHASE_BEFORE_TRAINING));
  if (!message.after_assessment().empty()) {
    TRY(RequireAssessment(call, "after_assessment", message.after_assessment(),
                          message.subject_id(), pb::ASSESSMENT_PHASE_AFTER_TRAINING,
                          pb::ASSESSMENT_PHASE_AFTER_TRAINING));
  }
  return FactsOf(message.subject_id(), centre);
}

Status Assess(const pb::AbilityAssessed& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  WriteRecord(call, TRY(ValidateAssessment(message, call, centre)));
  return {};
}

Status CompleteTraining(const pb::TrainingCompleted& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  WriteRecord(call, TRY(ValidateTraining(message, call, centre)));
  return {};
}

constexpr Kind kKinds[] = {
    {"AbilityAssessed", Run<pb::AbilityAssessed, Assess>},
    {"TrainingCompleted", Run<pb::TrainingCompleted, CompleteTraining>},
};

}  // namespace

std::span<const Kind> AbilityKinds() { return kKinds; }

Result<RecordFacts> CorrectAssessment(const Call& call, BytesView content, const pb::Party& centre,
                                      BytesView) {
  return ValidateAssessment(TRY(Decode<pb::AbilityAssessed>(content)), call, centre);
}

Result<RecordFacts> CorrectTraining(const Call& call, BytesView content, const pb::Party& centre,
                                    BytesView) {
  return ValidateTraining(TRY(Decode<pb::TrainingCompleted>(content)), call, centre);
}

}  // namespace talent::tiers
