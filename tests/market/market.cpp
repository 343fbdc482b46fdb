#include "market/market.h"

#include <algorithm>

#include "market/chains.h"
#include "tiers/points.h"

namespace talent::market {
namespace {

using namespace tiers;  // NOLINT(google-build-using-namespace): the rules this plays under

constexpr std::uint64_t kHour = 3'600'000;
constexpr std::uint64_t kDay = 24 * kHour;

/// Share of a centre's records that are wrong, in percent; about one in ten of all.
unsigned WrongPercent(const std::string& centre) {
  if (centre == kAnswering[0]) return 2;
  return centre == kAnswering[1] ? 10 : 14;
}

class Game {
 public:
  explicit Game(const Options& options)
      : options_(options),
        rng_(options.seed),
        strategies_(options.collusion ? WithFriendsOfACentre() : Everybody(options.days)),
        chains_(options.policy, Centres(), FirstMembers()) {}

  Played Run() {
    for (day_ = 0; day_ < options_.days; ++day_) {
      Admit();
      WriteRecords();
      Review(1);
      Answers();
      ReviewCorrections();
      Appeals();
      Arbitrate();
      MeasureAccess();
    }
    // Every window of the last records passes.
    for (int i = 0; i < 12; ++i, ++day_) {
      Answers();
      ReviewCorrections();
      Appeals();
      Arbitrate();
    }
    return Report();
  }

 private:
  std::uint64_t At(std::uint64_t hour, std::uint64_t minute = 0) const {
    return kStart + kDay * static_cast<std::uint64_t>(day_ + 1) + hour * kHour + minute * 60'000;
  }

  std::vector<std::string> Centres() const {
    auto centres = kAnswering;
    centres.insert(centres.end(), {std::string(kSilentCentre), std::string(kStubbornCentre),
                                   std::string(kOtherCentre)});
    if (options_.collusion) centres.emplace_back(kSixthCentre);
    return centres;
  }

  std::vector<std::string> FirstMembers() {
    std::vector<std::string> ids;
    for (std::size_t s = 0; s < strategies_.size(); ++s) {
      for (std::size_t i = 0; i < strategies_[s].members; ++i) {
        Member member;
        member.id = fmt::format("{}-{}", strategies_[s].name, i + 1);
        member.strategy = s;
        member.place = i;
        member.rng = sim::Rng(rng_.Next());
        if (strategies_[s].from_day == 0) ids.push_back(member.id);
        members_.push_back(std::move(member));
      }
    }
    return ids;
  }

  bool IsHere(const Member& member) const { return strategies_[member.strategy].from_day <= day_; }

  void Admit() {
    for (const Member& member : members_) {
      const int from = strategies_[member.strategy].from_day;
      if (from != 0 && from == day_) chains_.Admit(member.id, At(0));
    }
  }

  void WriteRecords() {
    std::vector<Item> today;
    for (int i = 0; i < options_.records_a_day; ++i) {
      Item item;
      const std::string centres[] = {kAnswering[0], kAnswering[1], std::string(kSilentCentre),
                                     std::string(kStubbornCentre)};
      item.centre = centres[rng_.Below(4)];
      const std::uint64_t draw = rng_.Below(100);
      item.value_class = draw < 25 ? 0 : draw < 60 ? 1 : draw < 85 ? 2 : 3;
      item.wrong = rng_.Percent(WrongPercent(item.centre));
      item.number = items_.size() + today.size();
      item.promoted_ms = At(1);
      today.push_back(item);
    }
    chains_.WriteAndPromote(today, At(1));
    first_of_today_ = items_.size();
    Add(today);
  }

  /// To what is reviewed next.
  void Add(const std::vector<Item>& items) {
    first_in_review_ = items_.size();
    for (const Item& item : items) {
      open_.push_back(items_.size());
      items_.push_back(item);
    }
  }

  template <class Visit>
  void ForReviewed(const Visit& visit) {
    for (Member& member : members_) {
      if (!IsHere(member)) continue;
      for (std::size_t i = first_in_review_; i < items_.size(); ++i) visit(member, items_[i]);
    }
  }

  /// Of what was promoted at `hour`.
  void Review(std::uint64_t hour) {
    Commits(At(hour + 2));
    Reveals(At(hour + 4, 30), At(hour + 5, 30));
    chains_.Pass(At(hour + 7));
  }

  // The honest come last, when a record's reviews may be used up.
  void Commits(std::uint64_t time) {
    std::vector<Filing> filings;
    std::map<std::string, Member*> by_id;
    ForReviewed([&](Member& member, const Item& item) {
      if (!chains_.MayStillReview(member.id, time)) return;
      const Verdict verdict = strategies_[member.strategy].judge(member, item);
      if (verdict == Verdict::kNone) return;
      filings.push_back({&item, member.id, verdict == Verdict::kDispute});
      by_id[member.id] = &member;
    });
    std::ranges::reverse(filings);
    for (const Filing& filing : chains_.CommitReviews(filings, time)) {
      Member& member = *by_id.at(filing.member);
      member.verdicts[filing.item->id] = filing.disputes ? Verdict::kDispute : Verdict::kConfirm;
      member.effort += kFileEffort;
    }
  }

  void Reveals(std::uint64_t early, std::uint64_t late) {
    std::vector<Filing> at_once;
    std::vector<Filing> later;
    ForReviewed([&](Member& member, const Item& item) {
      const auto verdict = member.verdicts.find(item.id);
      if (verdict == member.verdicts.end() || strategies_[member.strategy].reveals) return;
      at_once.push_back({&item, member.id, verdict->second == Verdict::kDispute});
    });
    chains_.RevealReviews(at_once, early);
    ForReviewed([&](Member& member, const Item& item) {
      const auto verdict = member.verdicts.find(item.id);
      const auto& reveals = strategies_[member.strategy].reveals;
      if (verdict == member.verdicts.end() || !reveals) return;
      const auto record = chains_.RecordOf(item);
      const Seen seen{static_cast<int>(record.confirmations()),
                      static_cast<int>(record.disputes())};
      if (reveals(verdict->second, seen)) {
        later.push_back({&item, member.id, verdict->second == Verdict::kDispute});
      }
    });
    chains_.RevealReviews(later, late);
  }

  std::vector<const Item*> WithStatus(pb::RecordStatus status) const {
    std::vector<const Item*> out;
    for (const std::size_t i : open_) {
      if (chains_.RecordOf(items_[i]).status() == status) out.push_back(&items_[i]);
    }
    return out;
  }

  void ForgetSettled() {
    std::erase_if(open_, [&](std::size_t i) {
      const auto status = chains_.RecordOf(items_[i]).status();
      return status == pb::RECORD_STATUS_VERIFIED || status == pb::RECORD_STATUS_CORRECTED ||
             status == pb::RECORD_STATUS_UNVERIFIED;
    });
  }

  // Who answers corrects what is wrong, and refuses with its reason what is right. Who colludes
  // puts what is wrong in the place of all that its friends dispute, and stands by it.
  void Answers() {
    corrections_.clear();
    for (const Item* const item : WithStatus(pb::RECORD_STATUS_DISPUTED)) {
      if (item->centre == kSilentCentre && !options_.collusion) continue;
      if (options_.collusion && item->centre == kStubbornCentre && !item->correction) {
        corrections_.push_back(chains_.CorrectAndPromote(*item, At(12)));
        corrections_.back().wrong = true;
      } else if (item->wrong && item->centre != kStubbornCentre) {
        chains_.CorrectAndPromote(*item, At(12));
      } else {
        chains_.Refuse(*item, At(12));
      }
    }
    for (const Item* const item : WithStatus(pb::RECORD_STATUS_ANSWERED)) {
      if (item->centre == kAnswering[0] || item->centre == kAnswering[1]) {
        chains_.CorrectAndPromote(*item, At(12));
      }
    }
  }

  void ReviewCorrections() {
    if (corrections_.empty()) return;
    Add(corrections_);
    Review(12);
  }

  /// What becomes of a record that nobody appeals about; kNone: unverified, without points.
  static Verdict WithoutAppeal(const pb::ConsortiumRecord& record) {
    const auto two_thirds = [](std::uint32_t agree, std::uint32_t others) {
      return agree >= 2 * others;
    };
    if (record.silent()) {
      return two_thirds(record.disputes(), record.confirmations()) ? Verdict::kDispute
                                                                   : Verdict::kNone;
    }
    return two_thirds(record.confirmations(), record.disputes()) ? Verdict::kConfirm
                                                                 : Verdict::kNone;
  }

  // Who has checked stands by it, and has the others decide where it would not have its due; who
  // has not would put points on what it does not know.
  void Appeals() {
    for (const Item* const item : WithStatus(pb::RECORD_STATUS_REFUSED)) {
      const Verdict otherwise = WithoutAppeal(chains_.RecordOf(*item));
      for (const Member& member : members_) {
        const auto verdict = member.verdicts.find(item->id);
        if (verdict == member.verdicts.end() || !member.knows.contains(item->id)) continue;
        if (verdict->second == otherwise) continue;
        if (chains_.Appeal(*item, member.id, At(13))) break;
      }
    }
  }

  // The silent one does not vote, the stubborn one votes for every record, the others look. Where
  // they collude, the first votes for what the second has written and looks otherwise.
  void Arbitrate() {
    for (const Item* const item : WithStatus(pb::RECORD_STATUS_ARBITRATION)) {
      for (const std::string& centre : chains_.ArbitersOf(*item)) {
        const bool silent = centre == kSilentCentre;
        if (silent && !options_.collusion) continue;
        const bool votes_for_it =
            centre == kStubbornCentre || (silent && item->centre == kStubbornCentre);
        const bool stands = votes_for_it || !item->wrong;
        chains_.Vote(*item, centre, stands, At(14));
      }
    }
    chains_.Pass(At(23));
    ForgetSettled();
  }

  // In the second half, when everybody has had time to earn: what MayReadPayload says a day after
  // the promotion, and how long the tier of that moment waits.
  void MeasureAccess() {
    access_.resize(members_.size());
    if (day_ < options_.days / 2) return;
    for (std::size_t m = 0; m < members_.size(); ++m) {
      if (!IsHere(members_[m])) continue;
      for (std::size_t i = first_of_today_; i < items_.size(); ++i) {
        if (items_[i].value_class < 2 || items_[i].correction) continue;
        access_[m].records += 1;
        access_[m].hours += chains_.DelayHours(items_[i], members_[m].id);
        if (chains_.MayRead(items_[i], members_[m].id, items_[i].promoted_ms + kDay)) {
          access_[m].early += 1;
        }
      }
    }
  }

  Played Report() const {
    Played played;
    for (std::size_t s = 0; s < strategies_.size(); ++s) {
      Outcome outcome;
      outcome.name = strategies_[s].name;
      outcome.honest = strategies_[s].honest;
      outcome.members = strategies_[s].members;
      double early = 0;
      double hours = 0;
      double records = 0;
      for (std::size_t m = 0; m < members_.size(); ++m) {
        if (members_[m].strategy != s) continue;
        outcome.points += static_cast<double>(chains_.PointsOf(members_[m].id));
        outcome.effort += static_cast<double>(members_[m].effort);
        early += access_[m].early;
        hours += access_[m].hours;
        records += access_[m].records;
      }
      outcome.per_effort = outcome.effort > 0 ? 100 * outcome.points / outcome.effort : 0;
      const double members = static_cast<double>(outcome.members);
      outcome.points /= members;
      outcome.effort /= members;
      outcome.points_a_day = outcome.points / (options_.days - strategies_[s].from_day);
      outcome.wait_hours = hours / records;
      outcome.early_percent = 100 * early / records;
      played.outcomes.push_back(outcome);
    }
    played.totals = Totalled();
    return played;
  }

  Totals Totalled() const {
    Totals totals;
    for (const Item& item : items_) {
      const auto record = chains_.RecordOf(item);
      const bool verified = record.status() == pb::RECORD_STATUS_VERIFIED;
      totals.records += 1;
      totals.wrong += item.wrong ? 1 : 0;
      (item.wrong ? totals.wrong_verified : totals.right_verified) += verified ? 1 : 0;
      (item.wrong ? totals.wrong_unmasked : totals.right_unmasked) += record.upheld() ? 1 : 0;
    }
    for (const Member& member : members_) {
      totals.unexplained += chains_.IsExplained(member.id) ? 0 : 1;
    }
    return totals;
  }

  struct Access {
    double records = 0;
    double hours = 0;
    double early = 0;
  };

  Options options_;
  sim::Rng rng_;
  std::vector<Strategy> strategies_;
  std::vector<Member> members_;
  Chains chains_;
  std::vector<Item> items_;
  std::vector<std::size_t> open_;  // those of items_ that are not settled
  std::vector<Access> access_;
  std::size_t first_of_today_ = 0;
  std::size_t first_in_review_ = 0;
  std::vector<Item> corrections_;  // of today that wait for their review
  int day_ = 0;
};

}  // namespace

Played Play(const Options& options) { return Game(options).Run(); }

std::vector<std::string> Complaints(const Played& played) {
  const Outcome& honest = played.outcomes.front();
  std::vector<std::string> out;
  const auto expect = [&](bool holds, const Outcome& other, std::string_view what) {
    if (!holds) out.push_back(fmt::format("{}: {}", other.name, what));
  };
  for (const Outcome& other : played.outcomes) {
    if (other.honest) continue;
    expect(honest.per_effort > kMargin * other.per_effort, other, "more points for its effort");
    expect(honest.points_a_day > kMargin * other.points_a_day, other, "more points a day");
    expect(honest.wait_hours * kMargin < other.wait_hours, other, "waits less");
    expect(honest.early_percent > kMargin * other.early_percent, other, "reads more early");
  }
  expect(honest.points > 0, honest, "earns nothing");
  return out;
}

Played MeanOf(const std::vector<Played>& runs) {
  Played mean = runs.front();
  for (std::size_t i = 0; i < mean.outcomes.size(); ++i) {
    for (const auto field : {&Outcome::points, &Outcome::points_a_day, &Outcome::effort,
                             &Outcome::wait_hours, &Outcome::early_percent}) {
      double sum = 0;
      for (const Played& run : runs) sum += run.outcomes[i].*field;
      mean.outcomes[i].*field = sum / static_cast<double>(runs.size());
    }
    Outcome& outcome = mean.outcomes[i];
    outcome.per_effort = outcome.effort > 0 ? 100 * outcome.points / outcome.effort : 0;
  }
  mean.totals = {};
  for (const Played& run : runs) {
    for (const auto field :
         {&Totals::records, &Totals::wrong, &Totals::wrong_verified, &Totals::right_verified,
          &Totals::wrong_unmasked, &Totals::right_unmasked, &Totals::unexplained}) {
      mean.totals.*field += run.totals.*field;
    }
  }
  return mean;
}

std::string Table(const Played& played) {
  std::string out =
      fmt::format("{:<16}{:>8}{:>9}{:>9}{:>12}{:>14}{:>10}{:>12}\n", "strategy", "members",
                  "points", "a day", "effort", "per 100 eff.", "wait h", "in a day %");
  for (const Outcome& o : played.outcomes) {
    out += fmt::format("{:<16}{:>8}{:>9.0f}{:>9.1f}{:>12.0f}{:>14.1f}{:>10.1f}{:>12.0f}\n", o.name,
                       o.members, o.points, o.points_a_day, o.effort, o.per_effort, o.wait_hours,
                       o.early_percent);
  }
  const Totals& t = played.totals;
  out += fmt::format(
      "{} records, {} of them wrong: {} wrong verified, {} unmasked; of the right ones {} "
      "verified, "
      "{} taken for wrong\n",
      t.records, t.wrong, t.wrong_verified, t.wrong_unmasked, t.right_verified, t.right_unmasked);
  return out;
}

}  // namespace talent::market
