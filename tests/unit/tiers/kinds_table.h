// The table of kinds: who may submit what on a chain, found out by submitting it.
#pragma once

#include <functional>

#include "tier_fixture.h"
#include "tiers/kind.h"

namespace talent::tiers {

/// A column: the key a transaction is signed with, and the party that was suspended before.
struct KindsColumn {
  std::string name;
  std::string key;
  std::string suspended = {};
};

/// Lines of one chain. Each cell is what the chain's application answers to a transaction that is
/// right but for who submits it, on a state that is thrown away.
class KindsTable {
 public:
  /// Told of what is accepted from a column that suspends nobody: the line, the transaction and the
  /// block it would be in.
  using OnAccepted = std::function<void(const std::string& line, const TestTier& tier,
                                        const ledger::Transaction&, const ledger::BlockContext&)>;

  KindsTable(TestTier& tier, KindGroups kinds, std::vector<KindsColumn> columns,
             OnAccepted on_accepted = nullptr)
      : tier_(tier),
        kinds_(kinds),
        columns_(std::move(columns)),
        on_accepted_(std::move(on_accepted)) {}

  /// A line. `of` makes what the holder of a key submits; `which` tells lines of a kind apart.
  template <class M>
  void Try(std::string_view which, const std::function<M(const std::string& key)>& of) {
    AddLine(M::descriptor()->name(), which,
            [&](const std::string& key) { return Encode(of(key)); });
  }
  template <class M>
  void Try(const M& message, std::string_view which = "") {
    AddLine(M::descriptor()->name(), which, [&](const std::string&) { return Encode(message); });
  }
  /// Seals it, without a line.
  template <class M>
  TxId Seal(const std::string& author, const M& message) {
    const auto sealed = tier_.Submit(Make(M::descriptor()->name(), Encode(message), author));
    CHECK(sealed.has_value(), "{}", sealed.error().ToString());
    return *sealed;
  }
  /// A line, and then the transaction of who may submit it.
  template <class M>
  TxId Write(const std::string& author, const M& message, std::string_view which = "") {
    Try(message, which);
    return Seal(author, message);
  }

  // The lines outlive the tier they were found on.

  /// Puts the columns of a table with the same lines beside this one's.
  void Join(const KindsTable& other);
  /// As a table in Markdown.
  std::string Text() const;
  /// Kinds of the tier that no line is about, and those that nobody may submit.
  std::vector<std::string> Missing() const;
  std::vector<std::string> RefusedToAll() const;

 private:
  struct Line {
    std::string kind;
    std::string which;
    std::vector<std::string> cells;

    std::string Name() const { return which.empty() ? kind : kind + " " + which; }
  };

  void AddLine(std::string_view kind, std::string_view which,
               const std::function<Bytes(const std::string& key)>& payload);
  ledger::Transaction Make(std::string_view kind, const Bytes& payload, std::string_view key);
  std::string Answer(const KindsColumn& column, const ledger::Transaction& tx,
                     const std::string& line);
  /// By vote of the centres.
  void Suspend(const std::string& party, const ledger::BlockContext& block,
               ledger::StateOverlay& state);

  TestTier& tier_;
  KindGroups kinds_;
  std::vector<KindsColumn> columns_;
  OnAccepted on_accepted_;
  std::vector<Line> lines_;
  CountingRandom random_;
};

/// Lines of the kinds that every tier has: governance, and evidence against validators.
void TryGovernance(KindsTable& table, TestTier& tier, const std::string& proposer);

}  // namespace talent::tiers
