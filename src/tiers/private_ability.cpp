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

Result<RecordFacts> ValidateAssessment(const pb::AbilityAssessed& message,
                                       const pb::Party& centre) {
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

Result<RecordFacts> ValidateTraining(const pb::TrainingCompleted& message, const Call& call,
                                     const pb::Party& centre) {
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
  RecordFacts facts = FactsOf(message.subject_id(), centre);
  facts.entry.set_plan(message.plan());
  return facts;
}

// The open plan is decided by its newest after-training assessment. A correction takes the place of
// what it corrects, and of nothing newer.
void NoteAssessment(const Call& call, const RecordFacts& facts, BytesView supersedes) {
  const bool after = facts.entry.phase() == pb::ASSESSMENT_PHASE_AFTER_TRAINING;
  if (!after && supersedes.empty()) return;
  auto career = kCareers.Get(call.state, facts.entry.subject_id());
  if (!career || career->stage() != pb::CAREER_STAGE_IN_TRAINING) return;
  if (!supersedes.empty() && career->after_assessment() != supersedes) return;
  // One that turns out to be of another phase decides nothing: another has to be made.
  career->set_after_assessment(after ? call.tx.id.ToBytes() : Bytes());
  kCareers.Put(call.state, facts.entry.subject_id(), *career);
}

Status SetTraining(const Call& call, const pb::TrainingCompleted& message, pb::Career& career) {
  if (message.budget_class() != career.budget_class()) {
    return Fail(Code::kInvalidArgument, "budget_class is {}, the plan's is {}",
                pb::BudgetClass_Name(message.budget_class()),
                pb::BudgetClass_Name(career.budget_class()));
  }
  career.set_training(call.tx.id.ToBytes());
  career.set_outcome(message.outcome());
  kCareers.Put(call.state, message.subject_id(), career);
  return {};
}

// A training that carries out a plan: the open one, once, with the class it was given.
Status NoteTraining(const Call& call, const pb::TrainingCompleted& message) {
  if (message.plan().empty()) return {};
  TRY(RequireId("plan", message.plan()));
  auto career = kCareers.Get(call.state, message.subject_id());
  if (!career || career->stage() != pb::CAREER_STAGE_IN_TRAINING ||
      career->plan() != message.plan()) {
    return Fail(Code::kPrecondition, "plan {} is not the subject's open plan",
                ToHex(message.plan()));
  }
  if (!career->training().empty()) {
    return Fail(Code::kDuplicate, "training {} has carried out this plan; correct that one",
                ToHex(career->training()));
  }
  return SetTraining(call, message, *career);
}

Status Assess(const pb::AbilityAssessed& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubjectOrConsent(call, message.subject_id(), centre, "AbilityAssessed"));
  RecordFacts facts = TRY(ValidateAssessment(message, centre));
  NoteAssessment(call, facts, {});
  return WriteRecord(call, std::move(facts));
}

Status CompleteTraining(const pb::TrainingCompleted& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  TRY(RequireSubjectOrConsent(call, message.subject_id(), centre, "TrainingCompleted"));
  RecordFacts facts = TRY(ValidateTraining(message, call, centre));
  TRY(NoteTraining(call, message));
  return WriteRecord(call, std::move(facts));
}

constexpr Kind kAbilityKinds[] = {
    {"AbilityAssessed", Run<pb::AbilityAssessed, Assess>},
    {"TrainingCompleted", Run<pb::TrainingCompleted, CompleteTraining>},
};

}  // namespace

std::span<const Kind> AbilityKinds() { return kAbilityKinds; }

Result<RecordFacts> CorrectAssessment(const Call& call, BytesView content, const pb::Party& centre,
                                      BytesView supersedes) {
  const auto message = TRY(Decode<pb::AbilityAssessed>(content));
  RecordFacts facts = TRY(ValidateAssessment(message, centre));
  NoteAssessment(call, facts, supersedes);
  return facts;
}

Result<RecordFacts> CorrectTraining(const Call& call, BytesView content, const pb::Party& centre,
                                    BytesView supersedes) {
  const auto message = TRY(Decode<pb::TrainingCompleted>(content));
  RecordFacts facts = TRY(ValidateTraining(message, call, centre));
  const auto original = kPrivateRecords.Get(call.state, supersedes);
  CHECK(original.has_value(), "a correction names a record of this chain");
  if (original->plan() != message.plan()) {
    return Fail(Code::kPrecondition, "plan is not that of the corrected training");
  }
  auto career = kCareers.Get(call.state, message.subject_id());
  if (career && career->stage() == pb::CAREER_STAGE_IN_TRAINING &&
      career->training() == supersedes) {
    TRY(SetTraining(call, message, *career));
  }
  return facts;
}

}  // namespace talent::tiers
