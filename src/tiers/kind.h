// A kind of transaction and the rule behind it. Each tier has one list of kinds, put together from
// the rule files; adding a kind touches its proto, its rule file and its test.
#pragma once

#include <span>
#include <string_view>

#include "base/canonical.h"
#include "ledger/application.h"

namespace talent::tiers {

/// What a rule sees and changes.
struct Call {
  const ledger::Transaction& tx;
  const ledger::BlockContext& block;
  ledger::StateOverlay& state;
  /// Asked by the mempool, on a state that is thrown away: what the transaction cites may still be
  /// on its way in front of it.
  bool admission = false;
};

template <std::uint32_t N>
std::uint32_t Lane(const ledger::Transaction&) {
  return N;
}

struct Kind {
  std::string_view name;
  Status (*run)(const Call&);
  /// Lane of the mempool.
  std::uint32_t (*lane)(const ledger::Transaction&) = Lane<ledger::Application::kBulkLane>;
  /// About the chain itself: on a private chain, too, it is no record and carries no disclosure
  /// class.
  bool governance = false;
};

/// Decodes the payload and calls `Rule`. Errors name the kind.
template <class M, Status (*Rule)(const M&, const Call&)>
Status Run(const Call& call) {
  const Result<M> message = Decode<M>(call.tx.payload);
  if (!message) return Within(call.tx.kind, message.error());
  if (Status status = Rule(*message, call); !status) return Within(call.tx.kind, status.error());
  return {};
}

/// The kinds of one tier, by group.
using KindGroups = std::span<const std::span<const Kind>>;
KindGroups PrivateKinds();
KindGroups ConsortiumKinds();
KindGroups PublicKinds();

/// nullptr where the tier has no such kind.
const Kind* FindKind(KindGroups groups, std::string_view name);

}  // namespace talent::tiers
