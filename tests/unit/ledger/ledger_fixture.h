// A chain to test on: deterministic keys, a genesis of any number of validators, and an application
// that keeps what it is told.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crypto/sha256.h"
#include "ledger/application.h"
#include "ledger/genesis.h"
#include "ledger/transaction.h"
#include "support/temp_dir.h"

namespace talent::ledger {

inline crypto::KeyPair KeyOf(std::string_view name) {
  return crypto::KeyPair::FromSeed(
      crypto::Seed::FromBytes(crypto::Sha256({"test key ", name}).View()).value());
}

/// The same bytes in every run.
class CountingRandom final : public Random {
 public:
  Bytes Draw(std::size_t n) override {
    Bytes out;
    while (out.size() < n) {
      out += crypto::Sha256({"test random ", std::to_string(next_++)}).View();
    }
    out.resize(n);
    return out;
  }

 private:
  int next_ = 0;
};

inline nlohmann::json GenesisJson(int validators = 4) {
  nlohmann::json genesis = {
      {"format", 1},
      {"name", "test-chain"},
      {"tier", "private"},
      {"suite", "ed25519-sha256"},
      {"time_ms", 1700000000000},
      {"consensus",
       {{"window", 4},
        {"max_batch_transactions", 100},
        {"max_batch_bytes", 1 << 20},
        {"max_transaction_bytes", 1 << 16},
        {"view_timeout_ms", 2000},
        {"view_timeout_cap_ms", 32000},
        {"max_clock_drift_ms", 10000},
        {"max_valid_for", 100}}},
      {"validators", nlohmann::json::array()},
      {"followers", nlohmann::json::array()},
      {"app", nlohmann::json::object()},
  };
  for (int i = 0; i < validators; ++i) {
    const std::string name = "v" + std::to_string(i);
    genesis["validators"].push_back({{"name", name},
                                     {"vote_key", KeyOf("vote " + name).public_key().Hex()},
                                     {"node_key", KeyOf("node " + name).public_key().Hex()}});
  }
  return genesis;
}

}  // namespace talent::ledger
