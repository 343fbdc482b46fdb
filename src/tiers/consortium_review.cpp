// Review by commit and reveal: nobody can read a verdict, and so copy it, before commits close.

#include <algorithm>
#include <set>

#include "tiers/consortium_rules.h"
#include "tiers/points.h"
#include "tiers/signing.h"

namespace talent::tiers {
namespace {

// A correction is published with every dispute of its record in one transaction: kMaxReviews
// verdicts of this size leave it more than 32 KiB for both records within 256 KiB, the usual limit.
constexpr int kMaxFields = 16;
constexpr std::size_t kMaxFieldName = 64;

Bytes ReviewKey(BytesView record_id, const pb::Party& member) {
  return Concat({record_id, member.id()});
}

Status MayReview(const Call& call, const pb::Party& member, const pb::ConsortiumRecord& record) {
  if (record.centre() == member.id()) {
    return Fail(Code::kUnauthorized, "'{}' cannot review its own records", member.id());
  }
  const auto policy = PolicyOf(call.state);
  const std::int64_t points = PointsOf(call.state, policy, member.id(), call.block.time);
  if (points < -static_cast<std::int64_t>(policy.max_debt())) {
    return Fail(Code::kUnauthorized, "'{}' has {} points; who has less than -{} may not review",
                member.id(), points, policy.max_debt());
  }
  return {};
}

Status Commit(const pb::ReviewCommitted& message, const Call& call) {
  const pb::Party member = TRY(RequireParty(call));
  auto record = TRY(RequireRecord(call, message.record_id()));
  if (const auto hash = Hash::FromBytes(message.commitment()); !hash) {
    return Within("commitment", hash.error());
  }
  TRY(MayReview(call, member, record));
  // A correction decides the points of what it corrects: its centre does not end its review by
  // another.
  const bool is_moot = !record.superseded_by().empty() && record.supersedes().empty();
  if (record.status() != pb::RECORD_STATUS_IN_REVIEW || is_moot ||
      call.block.time.value >= record.commits_close_ms()) {
    return Fail(Code::kPrecondition, "commits to record {} are closed", ToHex(message.record_id()));
  }
  const Bytes key = ReviewKey(message.record_id(), member);
  if (kReviews.Has(call.state, key)) {
    return Fail(Code::kDuplicate, "'{}' has committed to this record before", member.id());
  }
  if (record.commits() >= kMaxReviews) {
    return Fail(Code::kPrecondition, "the record has {} reviews, which is the most", kMaxReviews);
  }
  pb::Review review;
  review.set_commitment(message.commitment());
  review.set_commit_tx(call.tx.id.ToBytes());
  kReviews.Put(call.state, key, review);
  record.set_commits(record.commits() + 1);
  kConsortiumRecords.Put(call.state, message.record_id(), record);
  return {};
}

Status ValidateField(const pb::FieldReview& field) {
  if (field.field().empty() || field.field().size() > kMaxFieldName) {
    return Fail(Code::kInvalidArgument, "verdict.fields has a name of {} bytes, 1 to {} expected",
                field.field().size(), kMaxFieldName);
  }
  if (field.verdict() == pb::FIELD_VERDICT_CONFIRM) {
    if (field.proposed_value_hash().empty() && field.evidence_hash().empty()) return {};
    return Fail(Code::kInvalidArgument, "verdict.{} confirms and yet proposes or proves something",
                field.field());
  }
  if (field.verdict() != pb::FIELD_VERDICT_DISPUTE) {
    return Fail(Code::kInvalidArgument, "verdict.{} neither confirms nor disputes", field.field());
  }
  if (field.proposed_value_hash().size() != Hash::kSize ||
      field.evidence_hash().size() != Hash::kSize) {
    return Fail(Code::kInvalidArgument,
                "verdict.{} disputes without proposed_value_hash and evidence_hash of {} bytes",
                field.field(), Hash::kSize);
  }
  return {};
}

Status ValidateVerdict(const pb::ReviewVerdict& verdict) {
  if (verdict.fields().empty() || verdict.fields_size() > kMaxFields) {
    return Fail(Code::kInvalidArgument, "verdict has {} fields where 1 to {} are expected",
                verdict.fields_size(), kMaxFields);
  }
  std::set<std::string_view> seen;
  for (const pb::FieldReview& field : verdict.fields()) {
    TRY(ValidateField(field));
    if (!seen.insert(field.field()).second) {
      return Fail(Code::kInvalidArgument, "verdict has field '{}' twice", field.field());
    }
  }
  return {};
}

Status RequireOpening(const pb::ReviewRevealed& message, const Call& call, const pb::Party& member,
                      const pb::Review& review) {
  if (const auto salt = Hash::FromBytes(message.salt()); !salt) return Within("salt", salt.error());
  pb::ReviewOpening opening;
  opening.set_chain_id(call.block.chain.ToBytes());
  opening.set_record_id(message.record_id());
  opening.set_member(member.id());
  *opening.mutable_verdict() = message.verdict();
  opening.set_salt(message.salt());
  if (ReviewCommitment(opening).View() != review.commitment()) {
    return Fail(Code::kBadSignature, "the reveal does not match the commitment of '{}'",
                member.id());
  }
  return {};
}

void Count(pb::ConsortiumRecord& record, const pb::Party& member, bool disputes) {
  const bool party = IsPartyTo(record, member.id());
  if (disputes) {
    party ? record.set_party_disputes(record.party_disputes() + 1)
          : record.set_disputes(record.disputes() + 1);
  } else {
    party ? record.set_party_confirmations(record.party_confirmations() + 1)
          : record.set_confirmations(record.confirmations() + 1);
  }
}

Status Reveal(const pb::ReviewRevealed& message, const Call& call) {
  const pb::Party member = TRY(RequireParty(call));
  auto record = TRY(RequireRecord(call, message.record_id()));
  TRY(ValidateVerdict(message.verdict()));
  const Bytes key = ReviewKey(message.record_id(), member);
  auto review = kReviews.Get(call.state, key);
  if (!review) {
    return Fail(Code::kNotFound, "'{}' has not committed to record {}", member.id(),
                ToHex(message.record_id()));
  }
  if (!review->reveal_tx().empty()) {
    return Fail(Code::kDuplicate, "'{}' has revealed its review before", member.id());
  }
  const std::uint64_t now = call.block.time.value;
  if (record.status() != pb::RECORD_STATUS_IN_REVIEW || now < record.commits_close_ms() ||
      now >= record.reveals_close_ms()) {
    return Fail(Code::kPrecondition, "reveals of record {} are open from {} until before {} ms",
                ToHex(message.record_id()), record.commits_close_ms(), record.reveals_close_ms());
  }
  TRY(RequireOpening(message, call, member, *review));
  const bool disputes = std::ranges::any_of(message.verdict().fields(), [](const auto& field) {
    return field.verdict() == pb::FIELD_VERDICT_DISPUTE;
  });
  review->set_reveal_tx(call.tx.id.ToBytes());
  review->set_disputes(disputes);
  kReviews.Put(call.state, key, *review);
  Count(record, member, disputes);
  if (disputes) AddStep(record, call.tx.id);
  kConsortiumRecords.Put(call.state, message.record_id(), record);
  return {};
}

constexpr Kind kReviewKinds[] = {
    {"ReviewCommitted", Run<pb::ReviewCommitted, Commit>, Lane<1>},
    {"ReviewRevealed", Run<pb::ReviewRevealed, Reveal>, Lane<1>},
};

}  // namespace

std::span<const Kind> ReviewKinds() { return kReviewKinds; }

}  // namespace talent::tiers
