// What must hold after every step, whatever happens.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "consensus/codec.h"
#include "crypto/validator_set.h"

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
  /// The validators of an epoch, before anything of it is told here.
  void Know(const crypto::ValidatorSet& set) { sets_.try_emplace(set.epoch(), set); }
  bool Knows(Epoch epoch) const { return sets_.contains(epoch); }
  const crypto::ValidatorSet& SetOf(Epoch epoch) const { return sets_.at(epoch); }
  /// Of the newest epoch known.
  const crypto::ValidatorSet& LatestSet() const { return sets_.rbegin()->second; }

  /// A node's vote log holds this record, synced.
  void OnDurable(std::uint32_t node, BytesView record);
  /// What was in its vote log is there no more; what follows OnDurable is.
  void OnLogReplaced(std::uint32_t node) { durable_[node].clear(); }
  /// The last batch of its log rotted after it was promised, and was cut as if torn: from here on
  /// it counts as the one that is faulty.
  void OnForgotten(std::uint32_t node) { forgot_.insert(node); }
  /// What it sends with its own key. `head`: of its chain, on disk; of heights up to there the
  /// block is the promise.
  void OnSent(std::uint32_t node, const consensus::Decoded& message, Height head);
  /// What a node holds against a validator.
  void OnEvidence(const ChainId& chain, Epoch epoch, BytesView first, BytesView second,
                  const std::function<std::uint32_t(const crypto::Validator&)>& identity);

  struct Block {
    Height height;
    Hash hash;
    Timestamp time;
    Epoch epoch;
  };
  /// A node says that this block of its chain is sealed; `last`: what it said before, in this life.
  void OnSealed(std::uint32_t node, const Block& block, Height last);
  /// And shows this certificate; `place`: the node's in the block's epoch.
  void OnCertificate(std::uint32_t node, const ChainId& chain, const Block& block,
                     const crypto::Certificate& certificate, std::optional<ValidatorIndex> place);
  const std::map<Height, Block>& sealed() const { return sealed_; }

  /// What went wrong; the first ones.
  const std::vector<std::string>& failures() const { return failures_; }
  void Fail(std::string what);

 private:
  enum class Kind { kOffer, kPrepare, kCommit, kSeal, kViewChange, kNewView };
  struct Promise {
    Kind kind;
    Epoch epoch;
    View view;
    Height height;
    auto operator<=>(const Promise&) const = default;
  };

  void Vote(std::uint32_t node, const Promise& promise, const Hash& value, bool promised);
  void Leave(std::uint32_t node, Epoch epoch, View view);
  void CheckBoundary(Epoch epoch);
  bool Holds(std::uint32_t node, const Promise& promise, const Hash& value) const;

  std::uint32_t byzantine_;
  std::map<Epoch, crypto::ValidatorSet> sets_;
  std::map<std::pair<std::uint32_t, Promise>, Hash> voted_;
  std::map<std::uint32_t, std::set<std::pair<Promise, Hash>>> durable_;
  std::set<std::uint32_t> forgot_;
  std::map<std::uint32_t, std::pair<Epoch, View>> left_view_;  // highest view change sent
  std::map<Epoch, View> wanted_view_;                          // by any correct node
  std::map<Epoch, Height> highest_vote_;                       // by any correct node
  std::map<Epoch, Height> first_sealed_;                       // lowest height sealed in it
  std::map<Height, Hash> executed_;                            // as correct nodes promised to seal
  std::map<Height, Block> sealed_;
  std::vector<std::string> failures_;
};

}  // namespace talent::sim
