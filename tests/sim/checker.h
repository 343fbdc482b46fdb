// What must hold after every step, whatever happens.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "consensus/messages.h"

namespace talent::sim {

/// Times something rare happened; a run of many seeds in which one stays 0 tests too little.
struct Counters {
  std::map<std::string, std::uint64_t> times;
  void Count(const std::string& what) { ++times[what]; }
  void Add(const Counters& other) {
    for (const auto& [what, count] : other.times) times[what] += count;
  }
};

class Checker {
 public:
  explicit Checker(std::uint32_t byzantine) : byzantine_(byzantine) {}

  /// A correct node's vote log now holds this record.
  void OnDurable(std::uint32_t node, BytesView record);
  /// A correct node has lost its vote log.
  void OnWiped(std::uint32_t node) { wiped_.insert(node); }
  void OnSent(std::uint32_t node, const consensus::VerifiedMessage& message);
  void OnExecute(std::uint32_t node, Height height, const Hash& digest);
  void OnSealed(std::uint32_t node, Height height, const Hash& block_hash, std::size_t stored);

  /// What went wrong; the first ones.
  const std::vector<std::string>& failures() const { return failures_; }
  void Fail(std::string what);

 private:
  enum class Kind { kOffer, kPrepare, kCommit, kSeal, kViewChange, kNewView };
  using Promise = std::tuple<std::uint32_t, Kind, std::uint64_t, std::uint64_t>;  // view, height

  void Vote(const Promise& promise, const Hash& value, bool promised);
  bool Honest(std::uint32_t node) const { return node >= byzantine_; }

  std::uint32_t byzantine_;
  std::map<Promise, Hash> voted_;
  std::set<std::pair<Promise, Hash>> durable_;
  std::map<std::uint32_t, std::uint64_t> left_view_;  // highest view change sent
  std::set<std::uint32_t> wiped_;
  std::map<Height, Hash> executed_, sealed_;
  std::vector<std::string> failures_;
};

}  // namespace talent::sim
