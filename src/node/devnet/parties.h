// The parties of a devnet at work.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <type_traits>

#include "node/devnet/network.h"
#include "node/devnet/party_session.h"
#include "tiers/tables.h"

namespace talent::node {

/// Opens sessions of a network's parties. Must outlive them: it holds their keys.
class DevnetParties {
 public:
  explicit DevnetParties(const DevnetNetwork& network) : network_(network) {}

  /// `party` logged in on `chain` at `node`. Errors: those of PartySession::Open, of the key file.
  Result<PartySession> Open(const std::string& node, const std::string& party,
                            std::string_view chain);

 private:
  const DevnetNetwork& network_;
  std::map<std::string, crypto::KeyPair> keys_;
};

/// Longest wait for a chain to show something.
inline constexpr Millis kStageWithin{120'000};

/// Reads the entry of `record` in `table` until it is `good`. Errors: kUnavailable (says what was
/// seen last).
template <class M>
Result<M> Await(PartySession& session, const tiers::Table<M>& table, const RecordId& record,
                const char* what, const std::type_identity_t<std::function<bool(const M&)>>& good) {
  constexpr std::chrono::milliseconds kPoll{100};
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kStageWithin.value);
  std::string last = "no entry";
  while (std::chrono::steady_clock::now() < deadline) {
    const auto entry = TRY(session.Read<M>(table.Key(record.View())));
    if (entry && good(*entry)) return *entry;
    if (entry) last = entry->ShortDebugString();
    std::this_thread::sleep_for(kPoll);
  }
  return Fail(Code::kUnavailable, "record {} is not {} after {} s; last seen: {}", record.Hex(),
              what, kStageWithin.value / 1000, last);
}

}  // namespace talent::node
