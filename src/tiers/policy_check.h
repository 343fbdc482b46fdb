// What another promotion policy would make of the records there are: a dry run, for people.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tiers/promotion_policy.h"

namespace talent::tiers {

/// What a policy says of one record, whatever consent says.
struct Verdict {
  bool leaves = false;
  std::uint32_t priority = 0;
  std::uint32_t value_class = 0;

  auto operator<=>(const Verdict&) const = default;
};

/// The policy in force and the next one, held against records one by one. Memory grows with the
/// kinds of change, not with the records.
class PolicyComparison {
 public:
  static constexpr std::size_t kExamples = 3;

  /// Records of one kind of which both policies say one thing and the other another.
  struct Change {
    std::string kind;  // "Corrected AbilityAssessed" for a correction
    Verdict before, after;
    std::uint64_t records = 0;
    std::uint64_t without_consent = 0;  // of those newly to leave: consent keeps them all the same
    std::vector<Bytes> examples;        // the first record ids
  };

  PolicyComparison(const pb::PromotionPolicy& present, const pb::PromotionPolicy& next)
      : present_(present), next_(next) {}

  /// Whether the verdict depends on what is in the record's payload only (industry tags).
  bool NeedsPayload(const pb::PrivateRecord& entry) const;
  /// What the policies look at. `payload` is empty where NeedsPayload said no. Errors:
  /// kInvalidArgument (it is no payload of such a record).
  static Result<RecordFacts> FactsOf(const pb::PrivateRecord& entry, BytesView payload);
  /// Whether only the next policy lets the record leave: then it matters whether consent does.
  bool IsNew(const RecordFacts& facts) const;
  /// Counts the record. `consented`: the subject's consent in force covers it; asked where IsNew.
  void Add(BytesView record_id, const RecordFacts& facts, bool consented);

  std::uint64_t records() const { return records_; }
  std::uint64_t changed() const { return changed_; }
  /// By kind, then by what changes.
  std::vector<Change> changes() const;

 private:
  const pb::PromotionPolicy& present_;
  const pb::PromotionPolicy& next_;
  std::uint64_t records_ = 0, changed_ = 0;
  std::map<std::tuple<std::string, Verdict, Verdict>, Change> changes_;
};

}  // namespace talent::tiers
