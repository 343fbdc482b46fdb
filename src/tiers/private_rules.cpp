#include "tiers/private_rules.h"

#include "tiers/promotion_policy.h"

namespace talent::tiers {

void WriteRecord(const Call& call, RecordFacts facts) {
  pb::PrivateRecord& entry = facts.entry;
  entry.set_kind(call.tx.kind);
  if (entry.content_kind().empty()) entry.set_content_kind(call.tx.kind);
  entry.set_disclosure(call.tx.disclosure);
  entry.set_height(call.block.height.value);
  kPrivateRecords.Put(call.state, call.tx.id.View(), entry);
  if (const auto decision = Decide(call, facts)) {
    kDecisions.Put(call.state, call.tx.id.View(), *decision);
  }
}

Result<pb::Subject> RequireSubject(const Call& call, BytesView subject_id,
                                   const pb::Party& centre) {
  TRY(RequireId("subject_id", subject_id));
  auto subject = kSubjects.Get(call.state, subject_id);
  if (!subject) return Fail(Code::kNotFound, "subject {} is not registered", ToHex(subject_id));
  if (subject->custodian() != centre.id()) {
    return Fail(Code::kUnauthorized, "subject {} is in the custody of '{}', not of '{}'",
                ToHex(subject_id), subject->custodian(), centre.id());
  }
  return *std::move(subject);
}

RecordFacts FactsOf(BytesView subject_id, const pb::Party& centre) {
  RecordFacts facts;
  facts.entry.set_subject_id(Bytes(subject_id));
  facts.entry.set_author(centre.id());
  facts.entry.set_centre(centre.id());
  return facts;
}

Status RequireId(std::string_view field, BytesView id) {
  if (const auto hash = Hash::FromBytes(id); !hash) return Within(field, hash.error());
  return {};
}

Status RequireText(std::string_view field, std::string_view text, std::size_t max_size) {
  if (text.empty() || text.size() > max_size) {
    return Fail(Code::kInvalidArgument, "{} has {} bytes where 1 to {} are expected", field,
                text.size(), max_size);
  }
  return {};
}

}  // namespace talent::tiers
