#include "node/rpc/state_scan.h"

namespace talent::node {
namespace {

constexpr std::size_t kMaxScanVisited = 10'000;
constexpr std::size_t kMaxScanBytes = 1u << 20;  // a page ends before it holds more

/// A key at or before `key` and after `from` that does not give away whose entry it is.
BytesView ShortKey(BytesView key, BytesView from) {
  const BytesView start = key.substr(0, key.find('/') + 1 + 4);
  return start > from ? start : key;
}

}  // namespace

Status CheckStateKey(std::string_view field, BytesView key) {
  if (key.size() > kMaxStateKeyBytes) {
    return Fail(Code::kTooLarge, "{}: {} bytes where {} are the most", field, key.size(),
                kMaxStateKeyBytes);
  }
  return {};
}

Status ScanState(const ChainAccess& access, const ChainRunner& runner, const Caller& caller,
                 const StateSnapshot& snapshot, const v1::ScanStateRequest& request,
                 v1::ScanStateResponse& response) {
  TRY(CheckStateKey("prefix", request.prefix()));
  TRY(CheckStateKey("from", request.from()));
  if (request.limit() > kMaxScanEntries) {
    return Fail(Code::kTooLarge, "limit: {} entries where {} are the most", request.limit(),
                kMaxScanEntries);
  }
  const std::uint32_t limit = request.limit() == 0 ? kDefaultScanEntries : request.limit();
  response.set_as_of_height(snapshot.head.height.value);
  const auto entries = access.EntriesFor(runner, *snapshot.state, caller);
  std::size_t bytes = 0;
  std::size_t visited = 0;
  snapshot.state->Scan(request.prefix(), request.from(), [&](BytesView key, BytesView value) {
    const bool readable = entries.MayRead(key);
    if (!readable && visited++ < kMaxScanVisited) return true;
    const auto taken = static_cast<std::uint32_t>(response.entries_size());
    if (!readable || taken == limit || (taken > 0 && bytes + value.size() > kMaxScanBytes)) {
      response.set_next_key(Bytes(readable ? key : ShortKey(key, request.from())));
      return false;
    }
    bytes += key.size() + value.size();
    auto& entry = *response.add_entries();
    entry.set_key(Bytes(key));
    entry.set_value(Bytes(value));
    return true;
  });
  return snapshot.state->status();
}

}  // namespace talent::node
