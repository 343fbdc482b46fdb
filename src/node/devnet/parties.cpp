#include "node/devnet/parties.h"

#include <algorithm>

#include "base/file.h"

namespace talent::node {
namespace {

/// The one of that name: topologies are ours, and complete.
template <class List>
const auto& Named(const List& list, std::string_view name) {
  const auto at = std::ranges::find_if(list, [&](const auto& item) { return item.name == name; });
  CHECK(at != list.end(), "the devnet has no '{}'", name);
  return *at;
}

}  // namespace

Result<PartySession> DevnetParties::Open(const std::string& node, const std::string& party,
                                         std::string_view chain) {
  const Endpoints& endpoints = network_.endpoints();
  const NodeEndpoint& at = Named(endpoints.nodes, node);
  if (!keys_.contains(party)) keys_.emplace(party, TRY(network_.PartyKey(party)));
  return PartySession::Open(at.grpc, TRY(ReadFile(at.tls_ca, kMaxDevnetFile)),
                            Named(endpoints.chains, chain).id, keys_.at(party));
}

}  // namespace talent::node
