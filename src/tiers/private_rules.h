// The rule files of the private chain, and what they share.
#pragma once

#include <algorithm>

#include "tiers/parties.h"
#include "tiers/private_state.h"

namespace talent::tiers {

std::span<const Kind> TalentKinds();   // private_talent.cpp: SubjectRegistered, ConsentGiven, …
std::span<const Kind> CustodyKinds();  // private_custody.cpp: CustodyTransferred
std::span<const Kind> AbilityKinds();  // private_ability.cpp: AbilityAssessed, TrainingCompleted
std::span<const Kind> TokenKinds();    // private_tokens.cpp: InvestmentConfirmed, TokenIssued, …
std::span<const Kind> PlanKinds();     // private_plan.cpp: TrainingPlanned, ContinuingEducation
std::span<const Kind> PlacementKinds();    // private_placement.cpp: Placed, RetrainingAssigned
std::span<const Kind> FlowKinds();         // private_flow.cpp: FlowRecorded
std::span<const Kind> SupervisionKinds();  // private_supervision.cpp: SupervisionOpened, …
std::span<const Kind> CorrectionKinds();   // private_correction.cpp: Corrected
std::span<const Kind> ErasureKinds();      // private_erasure.cpp: Erased

/// What a rule found out about a record: its state entry, and what the promotion policy looks at.
struct RecordFacts {
  pb::PrivateRecord entry;
  std::vector<pb::IndustryTag> tags;
  std::optional<std::uint32_t> mean_score;
  Bytes supersedes;           // of a correction
  Bytes contests;             // of a contest
  std::vector<Bytes> erases;  // of an Erased: records that were let go, ascending
};

/// Ends every rule: writes "rec/<id>" and, where policy, disclosure and consent let the record
/// leave, "promote/<id>". `facts.entry` names subject, author, centre and content kind; the rest is
/// filled in.
/// Errors: kPruned (all about the subject was erased: nothing new is written about it).
Status WriteRecord(const Call& call, RecordFacts facts);
/// The same of an Erased, which goes wherever what it erases was let go.
void WriteErasure(const Call& call, RecordFacts facts);

/// A registered subject about which not all was erased. Errors: kNotFound, kPruned.
Result<pb::Subject> FindSubject(const Call& call, BytesView subject_id);
/// That a record stands and has its content. Errors: kPruned.
Status RequireContent(std::string_view what, BytesView id, const pb::PrivateRecord& record);

/// A subject in the custody of `centre`. Errors: kNotFound (also where another centre has the
/// custody, who may not know of the person), kPruned.
Result<pb::Subject> RequireSubject(const Call& call, BytesView subject_id, const pb::Party& centre);

/// A subject in the custody of `centre`, or whose consent in force lets that centre write records
/// of `kind`. Errors: those of RequireSubject.
Status RequireSubjectOrConsent(const Call& call, BytesView subject_id, const pb::Party& centre,
                               std::string_view kind);

/// Who speaks for a person: the person, where it was registered with a key (`party` is then empty),
/// else the custodian centre.
struct Voice {
  pb::Subject subject;
  pb::Party party;
};
/// The author as the voice of the subject. Errors: those of RequireSubject, kUnauthorized.
Result<Voice> RequireVoice(const Call& call, BytesView subject_id);
/// Facts of a record that the subject's voice wrote.
RecordFacts FactsOf(BytesView subject_id, const Voice& voice);

/// Whether the newest consent is in force at `now` and covers records of `kind`.
bool Covers(const pb::Consent& consent, std::string_view kind, Timestamp now);
bool IsErased(const ledger::StateReader& state, BytesView record_id);
/// Whether it was erased, or a withdrawal of consent has stopped it: it must not be carried on.
bool IsStopped(const ledger::StateReader& state, BytesView record_id);

/// Facts of a record about `subject_id` that `centre` wrote.
RecordFacts FactsOf(BytesView subject_id, const pb::Party& centre);

/// Errors: kInvalidArgument (names the field).
Status RequireId(std::string_view field, BytesView id);
Status RequireText(std::string_view field, std::string_view text, std::size_t max_size);
/// A list that names each of its entries once, in order. Errors: kInvalidArgument.
template <class List>
Status RequireAscending(std::string_view field, const List& list, int max_size) {
  const bool ascends =
      std::adjacent_find(list.begin(), list.end(),
                         [](const auto& a, const auto& b) { return !(a < b); }) == list.end();
  if (list.size() <= max_size && ascends) return {};
  return Fail(Code::kInvalidArgument, "{} has {} entries, not in ascending order or more than {}",
              field, list.size(), max_size);
}
/// A party id that names an enterprise of this chain. Errors: kInvalidArgument, kNotFound.
Status RequireEnterpriseId(const Call& call, std::string_view field, const std::string& id);

/// An assessment of the subject that stands, of one of two phases. Errors: kInvalidArgument,
/// kNotFound, kPrecondition; they name `field`.
Status RequireAssessment(const Call& call, std::string_view field, BytesView id,
                         BytesView subject_id, pb::AssessmentPhase phase,
                         pb::AssessmentPhase or_phase);

/// A signature of `party` (an enterprise) under a statement on this chain. Errors: those of
/// the key and the signature (named by `field`), kUnauthorized, kBadSignature.
Status RequireCosignature(const Call& call, std::string_view field, BytesView statement,
                          BytesView key, BytesView signature, const std::string& party);
/// Notes that `statement` is used by this record. Errors: kDuplicate.
Status UseStatement(const Call& call, BytesView statement);
/// Notes that the enterprise has to do with the person, and `units` it gains or loses.
void NoteConcern(const Call& call, BytesView subject_id, BytesView enterprise, std::int64_t units);

/// That a record states what the rule computes. Errors: kPrecondition (says which field differs).
Status RequireComputed(std::string_view what, const google::protobuf::Message& stated,
                       const google::protobuf::Message& computed);

/// Clears what belongs to the plan a decision ends.
void EndPlan(pb::Career& career);

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
Result<RecordFacts> CorrectFlag(const Call&, BytesView, const pb::Party&, BytesView);

}  // namespace talent::tiers
