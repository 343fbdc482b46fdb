// A whole table of a chain's state, as commands list it.
#pragma once

#include <utility>
#include <vector>

#include "base/canonical.h"
#include "node/cli/connect.h"
#include "tiers/tables.h"

namespace talent::node::cli {

/// All entries of a state table: the rest of the key and the value. Errors: those of the node,
/// kInvalidArgument (no value of ours).
template <class M>
Result<std::vector<std::pair<Bytes, M>>> ScanTable(const ChainConnection& connection,
                                                   const tiers::Table<M>& table) {
  std::vector<std::pair<Bytes, M>> out;
  Bytes from;
  do {
    const auto page =
        TRY(connection.node.client->ScanState(connection.chain, table.name, from, 1000));
    for (const auto& entry : page.entries()) {
      out.emplace_back(entry.key().substr(table.name.size()), TRY(Decode<M>(entry.value())));
    }
    from = page.next_key();
  } while (!from.empty());
  return out;
}

}  // namespace talent::node::cli
