#include "market/strategy.h"

namespace talent::market {
namespace {

constexpr unsigned kMiss = 5;  // percent of the errors a careful reviewer overlooks
constexpr unsigned kAlarm = 1;

Verdict Honest(Member& member, const Item& item) {
  return member.Check(item, kCheckEffort, kMiss, kAlarm);
}

// Careful, with worse eyes.
Verdict Noisy(Member& member, const Item& item) { return member.Check(item, kCheckEffort, 15, 3); }

// Reads half of the record, and vouches for all of it.
Verdict Lazy(Member& member, const Item& item) { return member.Check(item, kGlanceEffort, 50, 1); }

// Checks every fourth record and confirms the others unseen.
Verdict Sampling(Member& member, const Item& item) {
  return member.rng.Percent(25) ? Honest(member, item) : Verdict::kConfirm;
}

Verdict ValuableOnly(Member& member, const Item& item) {
  return item.value_class == 3 ? Honest(member, item) : Verdict::kNone;
}

// Checks everything and says so only where it disputes.
Verdict ErrorsOnly(Member& member, const Item& item) {
  return Honest(member, item) == Verdict::kDispute ? Verdict::kDispute : Verdict::kNone;
}

// Three who trust each other: the first checks, the others say the same.
std::function<Verdict(Member&, const Item&)> Ring() {
  return [told = std::map<TxId, Verdict>()](Member& member, const Item& item) mutable {
    const auto heard = told.find(item.id);
    if (heard != told.end()) return heard->second;
    return told[item.id] = Honest(member, item);
  };
}

Verdict ConfirmAll(Member&, const Item&) { return Verdict::kConfirm; }
Verdict DisputeAll(Member&, const Item&) { return Verdict::kDispute; }

// Confirms unseen whatever comes from the most reliable centre.
Verdict ConfirmReliable(Member&, const Item& item) {
  return item.centre == kAnswering[0] ? Verdict::kConfirm : Verdict::kNone;
}

// Without the work: confirms, and disputes where nobody will answer.
Verdict DisputeUnanswered(Member&, const Item& item) {
  return item.centre == kSilentCentre ? Verdict::kDispute : Verdict::kConfirm;
}

// Two identities of one owner: one commits to each side, and the one that is right is opened.
Verdict BothSides(Member& member, const Item&) {
  return member.place % 2 == 0 ? Verdict::kConfirm : Verdict::kDispute;
}

// Friends of the centre that refuses everything else: they say what gives it a reason to correct.
Verdict ForACentre(Member&, const Item& item) {
  if (item.centre != kStubbornCentre) return Verdict::kNone;
  return item.correction ? Verdict::kConfirm : Verdict::kDispute;
}

// With what the others have revealed: the most that can be copied is whether to open.
bool WithTheOthers(Verdict mine, const Seen& seen) {
  return (mine == Verdict::kDispute) == (seen.disputes > 0);
}

}  // namespace

Verdict Member::Check(const Item& item, std::uint64_t effort_of_it, unsigned miss, unsigned alarm) {
  effort += effort_of_it;
  knows[item.id] = true;
  const bool finds = item.wrong ? !rng.Percent(miss) : rng.Percent(alarm);
  return finds ? Verdict::kDispute : Verdict::kConfirm;
}

std::vector<Strategy> WithFriendsOfACentre() {
  return {
      {.name = "honest", .members = 8, .judge = Honest, .reveals = {}, .honest = true},
      {.name = "rubber-stamp", .members = 2, .judge = ConfirmAll, .reveals = {}},
      {.name = "centres-friend", .members = 5, .judge = ForACentre, .reveals = {}},
  };
}

std::vector<Strategy> Everybody(int days) {
  return {
      {.name = "honest", .members = 8, .judge = Honest, .reveals = {}, .honest = true},
      {.name = "honest-noisy", .members = 2, .judge = Noisy, .reveals = {}, .honest = true},
      {.name = "honest-class-3",
       .members = 2,
       .judge = ValuableOnly,
       .reveals = {},
       .honest = true},
      {.name = "ring-of-3", .members = 3, .judge = Ring(), .reveals = {}, .honest = true},
      {.name = "errors-only", .members = 2, .judge = ErrorsOnly, .reveals = {}, .honest = true},
      {.name = "lazy", .members = 2, .judge = Lazy, .reveals = {}},
      {.name = "sampling", .members = 2, .judge = Sampling, .reveals = {}},
      {.name = "rubber-stamp", .members = 2, .judge = ConfirmAll, .reveals = {}},
      {.name = "stamp-reliable", .members = 2, .judge = ConfirmReliable, .reveals = {}},
      {.name = "copyist", .members = 2, .judge = ConfirmAll, .reveals = WithTheOthers},
      {.name = "both-sides", .members = 2, .judge = BothSides, .reveals = WithTheOthers},
      {.name = "false-dispute", .members = 2, .judge = DisputeAll, .reveals = {}},
      {.name = "colluding-third", .members = 15, .judge = DisputeUnanswered, .reveals = {}},
      {.name = "late-sybils",
       .members = 6,
       .judge = BothSides,
       .reveals = WithTheOthers,
       .from_day = days / 2},
  };
}

}  // namespace talent::market
