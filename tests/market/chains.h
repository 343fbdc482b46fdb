// The two chains the market plays on, and every transaction on them.
#pragma once

#include <map>
#include <optional>

#include "market/strategy.h"
#include "tiers/consortium_state.h"

namespace talent::market {

/// A review to commit to, or to reveal.
struct Filing {
  const Item* item = nullptr;
  std::string member;
  bool disputes = false;
};

class Chains {
 public:
  /// `policy` of the consortium; nullopt: the default. `members` are registered there.
  Chains(const std::optional<nlohmann::json>& policy, const std::vector<std::string>& centres,
         const std::vector<std::string>& members);

  /// All of these make one block at `time`, or one for each step.
  void Admit(const std::string& member, std::uint64_t time);
  /// Fills in the ids.
  void WriteAndPromote(std::vector<Item>& items, std::uint64_t time);
  /// Those that were accepted: a record has so many reviews and no more.
  std::vector<Filing> CommitReviews(const std::vector<Filing>& filings, std::uint64_t time);
  void RevealReviews(const std::vector<Filing>& filings, std::uint64_t time);
  /// The correction, whose content the caller knows to be right or wrong.
  Item CorrectAndPromote(const Item& item, std::uint64_t time);
  void Refuse(const Item& item, std::uint64_t time);
  /// False where the rules do not let this member appeal.
  bool Appeal(const Item& item, const std::string& member, std::uint64_t time);
  void Vote(const Item& item, const std::string& centre, bool stands, std::uint64_t time);
  /// Empty blocks until nothing is due.
  void Pass(std::uint64_t time);

  tiers::pb::ConsortiumRecord RecordOf(const Item& item) const;
  std::vector<std::string> ArbitersOf(const Item& item) const;
  std::int64_t PointsOf(const std::string& member) const;
  /// Whether the lines of the member's account add up to its points and to what waits, and each
  /// names its record, its review and the policy. No half-life may have passed.
  bool IsExplained(const std::string& member) const;
  bool MayStillReview(const std::string& member, std::uint64_t time) const;
  double DelayHours(const Item& item, const std::string& member) const;
  bool MayRead(const Item& item, const std::string& member, std::uint64_t time) const;

 private:
  using Receipts = std::vector<ledger::pb::ReceiptCode>;
  Receipts Commit(tiers::TestTier& tier, const std::vector<ledger::Transaction>& transactions,
                  std::uint64_t time);
  void Must(tiers::TestTier& tier, const std::vector<ledger::Transaction>& transactions,
            std::uint64_t time);
  tiers::pb::ReviewOpening OpeningOf(const Filing& filing) const;
  void Promote(const std::vector<TxId>& records, std::uint64_t time);

  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
  tiers::TestTier source_;
  tiers::TestTier consortium_;
};

}  // namespace talent::market
