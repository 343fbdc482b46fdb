// How members of the simulated market behave.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sim/random.h"
#include "unit/tiers/records.h"

namespace talent::market {

/// Work, in the same unit: holding a whole record against its sources, a glance at half of it, and
/// the two transactions of a review.
inline constexpr std::uint64_t kCheckEffort = 10;
inline constexpr std::uint64_t kGlanceEffort = 5;
inline constexpr std::uint64_t kFileEffort = 1;

/// A promoted record, with what the simulation knows and members do not.
struct Item {
  TxId id;
  std::string centre;
  std::uint32_t value_class = 0;
  bool wrong = false;
  bool correction = false;
  std::uint64_t promoted_ms = 0;
  std::uint64_t number = 0;
};

enum class Verdict { kNone, kConfirm, kDispute };

/// What everybody has revealed of a record by the time the last ones decide.
struct Seen {
  int confirmations = 0;
  int disputes = 0;
};

struct Member {
  std::string id;
  std::size_t strategy = 0;
  std::size_t place = 0;  // among those of its strategy
  std::uint64_t effort = 0;
  sim::Rng rng{0};
  /// Records whose source it has looked into. It stands by what it knows and appeals.
  std::map<TxId, Verdict> verdicts;
  std::map<TxId, bool> knows;

  /// Holds the record against its sources, or half of it; notes the effort. What is wrong is missed
  /// with `miss` percent, and something right is taken for wrong with `alarm` percent.
  Verdict Check(const Item& item, std::uint64_t effort_of_it, unsigned miss, unsigned alarm);
};

struct Strategy {
  std::string name;
  std::size_t members = 0;
  std::function<Verdict(Member&, const Item&)> judge;
  /// Opens its commitment to `mine`? Asked when everybody else has revealed; null: at once, always.
  std::function<bool(Verdict mine, const Seen&)> reveals;
  int from_day = 0;  // later ones are admitted by vote
  /// What it says has been checked, by itself or by one it trusts.
  bool honest = false;
};

/// All of them, from `days`: how long the market goes. The first is what the others are held
/// against.
std::vector<Strategy> Everybody(int days);

/// Those that live with a centre that corrects whatever its friends dispute, right or wrong.
std::vector<Strategy> WithFriendsOfACentre();

/// Origins of the records: two that answer, one that never does, one that refuses everything.
inline const std::vector<std::string> kAnswering = {"centre-a", "centre-b"};
inline constexpr std::string_view kSilentCentre = "centre-c";
inline constexpr std::string_view kStubbornCentre = "centre-d";
/// Writes no records and arbitrates.
inline constexpr std::string_view kOtherCentre = "centre-e";
/// Where a centre colludes: a sixth, so that it and its accomplice are a third of them.
inline constexpr std::string_view kSixthCentre = "centre-f";

}  // namespace talent::market
