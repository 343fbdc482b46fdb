// How reviews end: what is due when, which status follows, who gets which points.

#include <optional>
#include <vector>

#include "tiers/consortium_rules.h"
#include "tiers/points.h"

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

// What a review is worth follows the policy of its record; caps and decay, which are about the
// member, the one in force.
void Book(const Settling& s, const std::string& member, std::int64_t delta, pb::PointsReason reason,
          const Bytes& review) {
  if (delta == 0) return;
  BookPoints(s.state, tiers::PolicyOf(s.state), s.block.time,
             {member, delta, reason, Bytes(s.record_id), review});
}

// Points of all who revealed. Parties to the record are not rewarded; their mistakes still cost.
void BookVerdict(const Settling& s, Verdict verdict) {
  const auto policy = PolicyOf(s);
  const std::int64_t weight = policy.class_weights(static_cast<int>(s.record.value_class()));
  const bool stands = verdict == Verdict::kStands;
  ForEachReview(s, [&](const std::string& member, const pb::Review& review) {
    if (review.reveal_tx().empty()) return;
    if (review.disputes() == stands) {
      const std::int64_t taken =
          stands ? policy.points_dispute_false() : policy.points_confirmed_wrong();
      Book(s, member, -taken * weight,
           stands ? pb::POINTS_REASON_DISPUTE_FALSE : pb::POINTS_REASON_CONFIRMED_WRONG,
           review.commit_tx());
    } else if (!IsPartyTo(s.record, member)) {
      const std::int64_t given =
          stands ? policy.points_confirmation_stands() : policy.points_dispute_upheld();
      Book(s, member, given * weight,
           stands ? pb::POINTS_REASON_CONFIRMATION_STANDS : pb::POINTS_REASON_DISPUTE_UPHELD,
           review.commit_tx());
    }
  });
}

// Who is suspended cannot reveal, and pays for nothing it may not do.
void BookMissingReveals(const Settling& s) {
  const auto policy = PolicyOf(s);
  ForEachReview(s, [&](const std::string& member, const pb::Review& review) {
    if (!review.reveal_tx().empty() || IsSuspended(s.state, member)) return;
    Book(s, member, -static_cast<std::int64_t>(policy.points_not_revealed()),
         pb::POINTS_REASON_NOT_REVEALED, review.commit_tx());
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

void Verify(const Settling& s) {
  s.record.set_status(pb::RECORD_STATUS_VERIFIED);
  BookVerdict(s, Verdict::kStands);
  s.Save();
  AppendSettled(s);
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

void FinishCorrected(const Settling& s) {
  Uphold(s);
  s.record.set_status(pb::RECORD_STATUS_CORRECTED);
  s.Save();
  AppendSettled(s);
}

void LeaveUnverified(const Settling& s) {
  s.record.set_status(pb::RECORD_STATUS_UNVERIFIED);
  s.Save();
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

// Silence counts as acceptance, and costs the centre; of one that may not speak it says nothing.
void SettleSilence(const Settling& s) {
  if (IsSuspended(s.state, s.record.centre())) return LeaveUnverified(s);
  Uphold(s);
  const auto policy = PolicyOf(s);
  Book(s, s.record.centre(), -static_cast<std::int64_t>(policy.points_centre_silent()),
       pb::POINTS_REASON_CENTRE_SILENT, {});
  LeaveUnverified(s);
}

// What the deadline brings that nobody has forestalled.
void EndStatus(const Settling& s) {
  switch (s.record.status()) {
    case pb::RECORD_STATUS_IN_REVIEW:
      return CloseReview(s);
    case pb::RECORD_STATUS_DISPUTED:
    case pb::RECORD_STATUS_ANSWERED:
      return SettleSilence(s);
    default:  // nobody opened an arbitration, or it came to no decision
      return LeaveUnverified(s);
  }
}

}  // namespace

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
  const auto policy = PolicyOf(s);
  const bool borne_out = record.confirmations() >= 2 * record.disputes() &&
                         record.confirmations() >= policy.min_reviews();
  if (borne_out) return Verify(s);
  if (ArbitersOf(state, record_id, record).empty()) return LeaveUnverified(s);
  record.set_status(pb::RECORD_STATUS_REFUSED);
  record.set_arbitration_by_ms(block.time.value + policy.appeal_window_ms());
  Await(s);
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
  if (stands) return Verify(s);
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
