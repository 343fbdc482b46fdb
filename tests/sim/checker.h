// What must hold after every step, whatever happens.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "consensus/codec.h"

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

  bool Honest(std::uint32_t node) const { return node >= byzantine_; }
  /// A node's vote log holds this record, synced.
  void OnDurable(std::uint32_t node, BytesView record);
  /// `head`: of its chain, on disk; of heights up to there the block is the promise.
  void OnSent(std::uint32_t node, const consensus::Decoded& message, Height head);

  struct Block {
    Height height;
    Hash hash;
    Timestamp time;
  };
  /// A node says that this block of its chain is sealed; `last`: what it said before, in this life.
  void OnSealed(std::uint32_t node, const Block& block, Height last);
  const std::map<Height, Block>& sealed() const { return sealed_; }

  /// What went wrong; the first ones.
  const std::vector<std::string>& failures() const { return failures_; }
  void Fail(std::string what);

 private:
  enum class Kind { kOffer, kPrepare, kCommit, kSeal, kViewChange, kNewView };
  using Promise = std::tuple<std::uint32_t, Kind, std::uint64_t, std::uint64_t>;  // view, height

  void Vote(const Promise& promise, const Hash& value, bool promised);

  std::uint32_t byzantine_;
  std::map<Promise, Hash> voted_;
  std::set<std::pair<Promise, Hash>> durable_;
  std::map<std::uint32_t, std::uint64_t> left_view_;  // highest view change sent
  std::map<Height, Hash> executed_;                   // as correct nodes promised to seal
  std::map<Height, Block> sealed_;
  std::vector<std::string> failures_;
};

}  // namespace talent::sim
