// How reviews end: what is due when, which status follows, who gets which points.

#include <algorithm>
#include <optional>
#include <vector>

#include "tiers/consortium_rules.h"
#include "tiers/points.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

/// Whom the outcome bears out.
enum class Verdict { kStands, kWrong };

struct Settling {
  const ledger::BlockContext& block;
  ledger::StateOverlay& state;
  BytesView record_id;
  pb::ConsortiumRecord& record;

  void Save() const { kConsortiumRecords.Put(state, record_id, record); }
};

/// When the record's status ends by itself, where it does.
std::optional<std::uint64_t> DeadlineOf(const pb::ConsortiumRecord& record) {
  switch (record.status()) {
    case pb::RECORD_STATUS_IN_REVIEW:
      return record.reveals_close_ms();
    case pb::RECORD_STATUS_DISPUTED:
    case pb::RECORD_STATUS_ANSWERED:
      return record.answer_by_ms();
    case pb::RECORD_STATUS_REFUSED:
    case pb::RECORD_STATUS_ARBITRATION:
      return record.arbitration_by_ms();
    default:
      return std::nullopt;
  }
}

Bytes DueKey(const Settling& s) { return Concat({BigEndian(*DeadlineOf(s.record)), s.record_id}); }

/// The record waits in its present status until its deadline.
void Await(const Settling& s) {
  pb::DueWork work;
  work.set_status(s.record.status());
  kDueWork.Put(s.state, DueKey(s), work);
  s.Save();
}

/// Before its status changes ahead of the deadline.
void Unschedule(const Settling& s) {
  if (DeadlineOf(s.record)) kDueWork.Delete(s.state, DueKey(s));
}

pb::ConsortiumPolicy PolicyOf(const Settling& s) { return tiers::PolicyOf(s.state, s.record); }

// From the block's time, not from when a window closed: an idle chain must not eat anybody's time.
void AwaitAnswer(const Settling& s, pb::RecordStatus status) {
  s.record.set_status(status);
  s.record.set_answer_by_ms(s.block.time.value + PolicyOf(s).answer_window_ms());
  Await(s);
}

template <class Visit>
void ForEachReview(const Settling& s, const Visit& visit) {
  std::vector<std::pair<std::string, pb::Review>> reviews;  // bounded by kMaxReviews
  kReviews.Scan(s.state, s.record_id, {}, [&](BytesView member, const pb::Review& review) {
    reviews.emplace_back(member, review);
    return true;
  });
  for (const auto& [member, review] : reviews) visit(member, review);
}

/// Of a member's points, and of what waits to be paid out to it.
struct Booking {
  std::int64_t delta = 0;
  pb::PointsReason reason = pb::POINTS_REASON_UNSPECIFIED;
  std::int64_t waiting = 0;
};

// What a review is worth follows the policy of its record; caps and decay, which are about the
// member, the one in force.
bool Book(const Settling& s, const std::string& member, const Booking& change,
          const Bytes& review) {
  if (change.delta == 0 && change.waiting == 0) return true;
  return BookPoints(s.state, tiers::PolicyOf(s.state), s.block.time,
                    {member, change.delta, change.reason, Bytes(s.record_id), review,
                     change.waiting, s.record.policy_version()});
}

std::int64_t WaitingOf(const Settling& s, const std::string& member) {
  return tiers::WaitingOf(s.state, tiers::PolicyOf(s.state), member, s.block.time);
}

std::int64_t Weight(const Settling& s) {
  return PolicyOf(s).class_weights(static_cast<int>(s.record.value_class()));
}

// Who vouches for what it has not checked, or hides its word, loses what its confirmations wait
// for.
void Forfeit(const Settling& s, const std::string& member, const pb::Review& review,
             std::int64_t taken, pb::PointsReason reason) {
  Book(s, member, {-taken * Weight(s), reason, -WaitingOf(s, member)}, review.commit_tx());
}

// Confirming costs no work and is mostly right; finding an error takes checking. So confirmations
// are paid by the errors their reviewer has found.
void RewardDispute(const Settling& s, const std::string& member, const pb::Review& review) {
  const auto policy = PolicyOf(s);
  const std::int64_t given = policy.points_dispute_upheld() * Weight(s);
  if (!Book(s, member, {given, pb::POINTS_REASON_DISPUTE_UPHELD}, review.commit_tx())) return;
  const std::int64_t most = static_cast<std::int64_t>(policy.confirmations_paid()) *
                            policy.points_confirmation_stands() * Weight(s);
  const std::int64_t paid = std::min(WaitingOf(s, member), most);
  Book(s, member, {paid, pb::POINTS_REASON_CONFIRMATIONS_PAID, -paid}, review.commit_tx());
}

// Points of all who revealed. Parties to the record are not rewarded; their mistakes still cost.
void BookVerdict(const Settling& s, Verdict verdict) {
  const auto policy = PolicyOf(s);
  ForEachReview(s, [&](const std::string& member, const pb::Review& review) {
    if (review.reveal_tx().empty()) return;
    const bool rewarded = !IsPartyTo(s.record, member);
    if (verdict == Verdict::kStands && review.disputes()) {
      const std::int64_t taken = policy.points_dispute_false() * Weight(s);
      Book(s, member, {-taken, pb::POINTS_REASON_DISPUTE_FALSE}, review.commit_tx());
    } else if (verdict == Verdict::kStands && rewarded) {
      const std::int64_t given = policy.points_confirmation_stands() * Weight(s);
      Book(s, member, {0, pb::POINTS_REASON_CONFIRMATION_STANDS, given}, review.commit_tx());
    } else if (verdict == Verdict::kWrong && !review.disputes()) {
      Forfeit(s, member, review, policy.points_confirmed_wrong(),
              pb::POINTS_REASON_CONFIRMED_WRONG);
    } else if (verdict == Verdict::kWrong && rewarded) {
      RewardDispute(s, member, review);
    }
  });
}

// Who could hide a wrong word for less than it costs would reveal by what the others say. Who is
// suspended cannot reveal, and pays for nothing it may not do.
void BookMissingReveals(const Settling& s) {
  const auto policy = PolicyOf(s);
  ForEachReview(s, [&](const std::string& member, const pb::Review& review) {
    if (!review.reveal_tx().empty() || IsSuspended(s.state, member)) return;
    Forfeit(s, member, review, policy.points_not_revealed(), pb::POINTS_REASON_NOT_REVEALED);
  });
}

// For the public chain, where the consent reaches that far. A correction needs both its records.
void AppendSettled(const Settling& s) {
  const auto may_publish = [](const pb::ConsortiumRecord& record) {
    return record.publish() && record.disclosure() == ledger::pb::DISCLOSURE_FULL;
  };
  if (!may_publish(s.record)) return;
  if (s.record.status() == pb::RECORD_STATUS_CORRECTED) {
    const auto correction = kConsortiumRecords.Get(s.state, s.record.superseded_by());
    CHECK(correction.has_value(), "a correction is written before it is linked");
    if (!may_publish(*correction)) return;
  }
  auto count = kSettledCount.Get(s.state, {}).value_or(pb::SettledCount());
  count.set_count(count.count() + 1);
  kSettledCount.Put(s.state, {}, count);
  pb::Settled settled;
  settled.set_record_id(Bytes(s.record_id));
  settled.set_status(s.record.status());
  settled.set_height(s.block.height.value);
  settled.set_time_ms(s.block.time.value);
  kSettled.Put(s.state, BigEndian(count.count()), settled);
}

// A party's dispute asks for an answer like any other.
bool IsDisputed(const pb::ConsortiumRecord& record) {
  return record.disputes() + record.party_disputes() > 0;
}

// Nobody is wrong about a record that nobody disputed: what was confirmed in good faith and is
// corrected afterwards costs nothing.
void Uphold(const Settling& s) {
  if (s.record.upheld() || !IsDisputed(s.record)) return;
  s.record.set_upheld(true);
  BookVerdict(s, Verdict::kWrong);
}

// A person's contest is not one: its centre may have made it for that person, or hold the key.
bool IsDisputedByMember(const Settling& s) {
  bool disputed = false;
  ForEachReview(
      s, [&](const std::string&, const pb::Review& review) { disputed |= review.disputes(); });
  return disputed;
}

// A centre's correction is its word against those of the reviewers of what it corrects. Who loses
// by it disputes the correction; where no member has, or in vain, the record was wrong. That the
// centre has put another one in its place takes nothing back.
bool HasStood(const Settling& correction) {
  const auto status = correction.record.status();
  if (status == pb::RECORD_STATUS_VERIFIED) return true;
  const bool is_over =
      status == pb::RECORD_STATUS_UNVERIFIED || status == pb::RECORD_STATUS_CORRECTED;
  return is_over && !correction.record.upheld() && !IsDisputedByMember(correction);
}

// A centre alone, which contests for a person and corrects what was right, moves no points.
void UpholdByCorrection(const Settling& s) {
  if (IsDisputedByMember(s)) Uphold(s);
}

// After a record's review has ended: that of a correction decides the points of what it corrects.
void JudgeCorrected(const Settling& s) {
  if (s.record.supersedes().empty() || !HasStood(s)) return;
  auto original = kConsortiumRecords.Get(s.state, s.record.supersedes());
  CHECK(original.has_value(), "a correction comes after what it corrects");
  if (original->status() != pb::RECORD_STATUS_CORRECTED) return;  // erased, or still in review
  const Settling corrected{s.block, s.state, s.record.supersedes(), *original};
  UpholdByCorrection(corrected);
  corrected.Save();
}

void Verify(const Settling& s) {
  s.record.set_status(pb::RECORD_STATUS_VERIFIED);
  BookVerdict(s, Verdict::kStands);
  s.Save();
  JudgeCorrected(s);
  // A correction is published with what it corrects.
  if (s.record.supersedes().empty()) AppendSettled(s);
}

void FinishCorrected(const Settling& s) {
  auto correction = kConsortiumRecords.Get(s.state, s.record.superseded_by());
  CHECK(correction.has_value(), "a correction is written before it is linked");
  if (HasStood({s.block, s.state, s.record.superseded_by(), *correction})) UpholdByCorrection(s);
  s.record.set_status(pb::RECORD_STATUS_CORRECTED);
  s.Save();
  JudgeCorrected(s);
  AppendSettled(s);
}

void LeaveUnverified(const Settling& s) {
  s.record.set_status(pb::RECORD_STATUS_UNVERIFIED);
  s.Save();
  JudgeCorrected(s);
}

void CloseReview(const Settling& s) {
  BookMissingReveals(s);
  if (!s.record.superseded_by().empty()) return FinishCorrected(s);
  if (IsDisputed(s.record)) {
    return AwaitAnswer(s, pb::RECORD_STATUS_DISPUTED);
  }
  if (s.record.confirmations() >= PolicyOf(s).min_reviews()) return Verify(s);
  LeaveUnverified(s);
}

void ChargeSilence(const Settling& s, const std::string& centre) {
  const std::int64_t taken = PolicyOf(s).points_centre_silent();
  Book(s, centre, {-taken, pb::POINTS_REASON_CENTRE_SILENT}, {});
}

// Two thirds of the reviewers, and enough of them: for the record where the centre refused, for the
// dispute where it did not answer.
void TakeReviewersWord(const Settling& s) {
  const bool silent = s.record.silent();
  const std::uint32_t agree = silent ? s.record.disputes() : s.record.confirmations();
  const std::uint32_t others = silent ? s.record.confirmations() : s.record.disputes();
  const bool borne_out = agree >= 2 * others && agree >= PolicyOf(s).min_reviews();
  if (borne_out && !silent) return Verify(s);
  if (borne_out) Uphold(s);
  LeaveUnverified(s);
}

// Neither a centre's word nor its silence, nor how many say the same, decides before whoever knows
// better could ask the other centres.
void AwaitAppeal(const Settling& s) {
  if (ArbitersOf(s.state, s.record_id, s.record).empty()) return TakeReviewersWord(s);
  s.record.set_status(pb::RECORD_STATUS_REFUSED);
  s.record.set_arbitration_by_ms(s.block.time.value + PolicyOf(s).appeal_window_ms());
  Await(s);
}

/// Whether the centre could not have answered by a correction: it may not write here, or its
/// chain's records are not taken any more.
bool IsMute(const Settling& s) {
  return IsSuspended(s.state, s.record.centre()) ||
         !RequireSource(s.state, s.record.source_chain()).has_value();
}

// Silence costs the centre; of one that could not speak it says nothing. A correction that was
// named and never came is silence as well: what nobody can read and dispute takes no points.
void EndUnanswered(const Settling& s) {
  if (IsMute(s)) return LeaveUnverified(s);
  ChargeSilence(s, s.record.centre());
  if (s.record.upheld()) return LeaveUnverified(s);  // the arbiters have decided
  s.record.set_silent(true);
  AwaitAppeal(s);
}

pb::Arbitration ArbitrationOf(const Settling& s) {
  auto arbitration = kArbitrations.Get(s.state, s.record_id);
  CHECK(arbitration.has_value(), "the opening wrote it");
  return *std::move(arbitration);
}

// Who had the other centres decide, and is not borne out, pays as for a false dispute. A person's
// contest opens it by itself and costs nothing.
void BookLostAppeal(const Settling& s, const std::string& opener, const pb::Review& review) {
  if (opener.empty()) return;
  const std::int64_t taken = PolicyOf(s).points_dispute_false() * Weight(s);
  Book(s, opener, {-taken, pb::POINTS_REASON_ARBITRATION_LOST}, review.commit_tx());
}

/// Of the party that opened the arbitration; a centre that did not review stands by its record.
pb::Review ReviewOf(const Settling& s, const std::string& opener) {
  return kReviews.Get(s.state, Concat({s.record_id, opener})).value_or(pb::Review());
}

// Who holds up a decision against those who have spoken pays for it, as who loses does. That not
// enough have spoken is not the opener's fault, and costs who has not.
void EndUndecided(const Settling& s) {
  const auto arbitration = ArbitrationOf(s);
  const auto& for_record = arbitration.for_record();
  const auto& for_dispute = arbitration.for_dispute();
  for (const std::string& arbiter : arbitration.arbiters()) {
    const bool voted = std::ranges::find(for_record, arbiter) != for_record.end() ||
                       std::ranges::find(for_dispute, arbiter) != for_dispute.end();
    if (!voted && !IsSuspended(s.state, arbiter)) ChargeSilence(s, arbiter);
  }
  const auto review = ReviewOf(s, arbitration.opened_by());
  const int lead = for_record.size() - for_dispute.size();
  if (review.disputes() ? lead > 0 : lead < 0) BookLostAppeal(s, arbitration.opened_by(), review);
  LeaveUnverified(s);
}

// A person is no party here and cannot ask: who has contested its record is heard without.
void EndAppeal(const Settling& s) {
  const bool contested = !s.record.contested_by().empty();
  if (contested && BeginArbitration(s.block, s.state, s.record_id, s.record, {})) return;
  TakeReviewersWord(s);
}

// What the deadline brings that nobody has forestalled.
void EndStatus(const Settling& s) {
  switch (s.record.status()) {
    case pb::RECORD_STATUS_IN_REVIEW:
      return CloseReview(s);
    case pb::RECORD_STATUS_DISPUTED:
    case pb::RECORD_STATUS_ANSWERED:
      return EndUnanswered(s);
    case pb::RECORD_STATUS_REFUSED:
      return EndAppeal(s);
    default:
      return EndUndecided(s);
  }
}

}  // namespace

bool IsOpen(const pb::ConsortiumRecord& record) { return DeadlineOf(record).has_value(); }

void OpenReview(const ledger::BlockContext& block, ledger::StateOverlay& state, BytesView record_id,
                pb::ConsortiumRecord& record) {
  const auto policy = PolicyOf(state);
  record.set_policy_version(policy.version());
  record.set_status(pb::RECORD_STATUS_IN_REVIEW);
  record.set_commits_close_ms(block.time.value + policy.commit_window_ms());
  record.set_reveals_close_ms(record.commits_close_ms() + policy.reveal_window_ms());
  Await({block, state, record_id, record});
}

void AwaitCorrection(const ledger::BlockContext& block, ledger::StateOverlay& state,
                     BytesView record_id, pb::ConsortiumRecord& record) {
  const Settling s{block, state, record_id, record};
  Unschedule(s);
  AwaitAnswer(s, pb::RECORD_STATUS_ANSWERED);
}

void SettleRefusal(const ledger::BlockContext& block, ledger::StateOverlay& state,
                   BytesView record_id, pb::ConsortiumRecord& record) {
  const Settling s{block, state, record_id, record};
  Unschedule(s);
  AwaitAppeal(s);
}

void AwaitVotes(const ledger::BlockContext& block, ledger::StateOverlay& state, BytesView record_id,
                pb::ConsortiumRecord& record) {
  const Settling s{block, state, record_id, record};
  Unschedule(s);
  record.set_status(pb::RECORD_STATUS_ARBITRATION);
  record.set_arbitration_by_ms(block.time.value + PolicyOf(s).arbitration_window_ms());
  Await(s);
}

void SettleArbitration(const ledger::BlockContext& block, ledger::StateOverlay& state,
                       BytesView record_id, pb::ConsortiumRecord& record, bool stands) {
  const Settling s{block, state, record_id, record};
  Unschedule(s);
  const auto opener = ArbitrationOf(s).opened_by();
  const auto review = ReviewOf(s, opener);
  if (review.disputes() == stands) BookLostAppeal(s, opener, review);
  if (stands) return Verify(s);
  Uphold(s);
  AwaitAnswer(s, pb::RECORD_STATUS_ANSWERED);
}

void SettleCorrection(const ledger::BlockContext& block, ledger::StateOverlay& state,
                      BytesView record_id, pb::ConsortiumRecord& record) {
  const Settling s{block, state, record_id, record};
  const bool stays =
      record.status() == pb::RECORD_STATUS_IN_REVIEW || record.status() == pb::RECORD_STATUS_ERASED;
  if (stays) return s.Save();
  Unschedule(s);
  FinishCorrected(s);
}

void SettleErasure(const ledger::BlockContext& block, ledger::StateOverlay& state,
                   BytesView record_id, pb::ConsortiumRecord& record) {
  const Settling s{block, state, record_id, record};
  Unschedule(s);
  record.set_status(pb::RECORD_STATUS_ERASED);
  s.Save();
  AppendSettled(s);  // it may be published, or about to be
}

void DoDueWork(const ledger::BlockContext& block, ledger::StateOverlay& state) {
  std::vector<std::pair<Bytes, pb::DueWork>> due;  // by time ‖ record id
  kDueWork.Scan(state, {}, {}, [&](BytesView key, const pb::DueWork& work) {
    if (FromBigEndian(key.substr(0, 8)) > block.time.value) return false;
    due.emplace_back(key, work);
    return due.size() < kMaxDuePerBlock;
  });
  for (const auto& [key, work] : due) {
    const BytesView record_id = BytesView(key).substr(8);
    auto record = kConsortiumRecords.Get(state, record_id);
    CHECK(record && record->status() == work.status(), "due work of a record that moved on");
    kDueWork.Delete(state, key);
    EndStatus({block, state, record_id, *record});
  }
}

bool IsWorkDue(Timestamp time, const ledger::StateReader& state) {
  bool due = false;
  kDueWork.Scan(state, {}, {}, [&](BytesView key, const pb::DueWork&) {
    due = FromBigEndian(key.substr(0, 8)) <= time.value;
    return false;
  });
  return due;
}

}  // namespace talent::tiers
