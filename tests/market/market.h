// A market on a real private chain and a real consortium, played for some days.
//
// Every day the centres write records, of which some are wrong in a field, and promote them.
// Members commit, reveal, appeal; centres answer as each does; the others arbitrate. All of it is
// transactions under the chains' own rules, in blocks of the time they have.
#pragma once

#include <optional>

#include "market/strategy.h"
#include "tiers/consortium_state.h"

namespace talent::market {

struct Options {
  std::uint64_t seed = 1;
  int days = 30;
  int records_a_day = 12;
  /// Not everybody, but a centre that corrects whatever its friends dispute, and a second one that
  /// votes for it: a third of the centres.
  bool collusion = false;
  /// "policy" of the consortium's genesis; nullopt: the default.
  std::optional<nlohmann::json> policy;
};

/// What a strategy has come to, as a mean of its members.
struct Outcome {
  std::string name;
  bool honest = false;
  std::size_t members = 0;
  double points = 0;        // at the end
  double points_a_day = 0;  // since it began
  double effort = 0;
  double per_effort = 0;     // points for 100 of effort
  double wait_hours = 0;     // mean, for records of class 2 and 3 of the second half
  double early_percent = 0;  // of those records readable within a day
};

struct Totals {
  int records = 0;
  int wrong = 0;
  int wrong_verified = 0;  // what the rules let through
  int right_verified = 0;
  int wrong_unmasked = 0;  // corrected, or a dispute upheld
  int right_unmasked = 0;
  int unexplained = 0;  // members whose points are not the sum of their account
};

struct Played {
  std::vector<Outcome> outcomes;
  Totals totals;
};

Played Play(const Options& options);

/// Where honesty is not the best strategy: one line each. Empty: it is the best by points for
/// effort, points a day and access. By how much honesty has to be ahead.
inline constexpr double kMargin = 1.2;
std::vector<std::string> Complaints(const Played& played);

/// Of the same strategies in several runs: means of the outcomes, sums of the totals.
Played MeanOf(const std::vector<Played>& runs);

std::string Table(const Played& played);

}  // namespace talent::market
