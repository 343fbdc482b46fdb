// Pages of a chain's state, for every way a node is read.
#pragma once

#include "node/rpc/chain_access.h"

namespace talent::node {

inline constexpr std::uint32_t kDefaultScanEntries = 100;
inline constexpr std::uint32_t kMaxScanEntries = 1000;
/// No state key of any tier is longer: a table's name and a few 32-byte ids.
inline constexpr std::size_t kMaxStateKeyBytes = 1024;

/// Entries that `caller` may not read are passed over; a page has looked at so many at most, so
/// that it can be empty and have a next key. Errors: kTooLarge, kIo, kCorruption.
Status ScanState(const ChainAccess& access, const ChainRunner& runner, const Caller& caller,
                 const StateSnapshot& snapshot, const v1::ScanStateRequest& request,
                 v1::ScanStateResponse& response);

/// Errors: kTooLarge (names the field).
Status CheckStateKey(std::string_view field, BytesView key);

}  // namespace talent::node
