// The rule files of the private chain, and what they share.
#pragma once

#include "tiers/parties.h"
#include "tiers/private_state.h"

namespace talent::tiers {

std::span<const Kind> TalentKinds();   // private_talent.cpp: SubjectRegistered, ConsentGiven
std::span<const Kind> AbilityKinds();  // private_ability.cpp: AbilityAssessed, TrainingCompleted
std::span<const Kind> TokenKinds();    // private_tokens.cpp: InvestmentConfirmed, TokenIssued, …
std::span<const Kind> CorrectionKinds();  // private_correction.cpp: Corrected

/// What a rule found out about a record: its state entry, and what the promotion policy looks at.
struct RecordFacts {
  pb::PrivateRecord entry;
  std::vector<pb::IndustryTag> tags;
  std::optional<std::uint32_t> mean_score;
  Bytes supersedes;  // of a correction
};

/// Ends every rule: writes "rec/<id>" and, where policy, disclosure and consent let the record
/// leave, "promote/<id>". `facts.entry` names subject, author, centre and content kind; the rest is
/// filled in.
void WriteRecord(const Call& call, RecordFacts facts);

/// A subject in the custody of `centre`. Errors: kNotFound, kUnauthorized.
Result<pb::Subject> RequireSubject(const Call& call, BytesView subject_id, const pb::Party& centre);

/// Facts of a record about `subject_id` that `centre` wrote.
RecordFacts FactsOf(BytesView subject_id, const pb::Party& centre);

/// Errors: kInvalidArgument (names the field).
Status RequireId(std::string_view field, BytesView id);
Status RequireText(std::string_view field, std::string_view text, std::size_t max_size);

/// A kind whose records can be corrected. `correct` checks the new content as if it were a record
/// of `centre`, and moves what state was derived from the record it supersedes.
struct Correctable {
  std::string_view kind;
  Result<RecordFacts> (*correct)(const Call& call, BytesView content, const pb::Party& centre,
                                 BytesView supersedes);
};
Result<RecordFacts> CorrectAssessment(const Call&, BytesView, const pb::Party&, BytesView);
Result<RecordFacts> CorrectTraining(const Call&, BytesView, const pb::Party&, BytesView);
Result<RecordFacts> CorrectInvestment(const Call&, BytesView, const pb::Party&, BytesView);

}  // namespace talent::tiers
