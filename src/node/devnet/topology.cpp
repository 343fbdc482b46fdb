#include "node/devnet/topology.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "crypto/sha256.h"

namespace talent::node {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;

const Names kCentreNodes = {"centre-1", "centre-2", "centre-3", "centre-4"};
const Names kAllCentres = {"centre-1", "centre-2", "centre-3", "centre-4", "centre-b1"};
const Names kEnterprises = {"acme", "globex"};

// Windows of seconds instead of hours and days, so that the whole story can be watched.
constexpr std::uint64_t kCommitWindowMs = 12'000;
constexpr std::uint64_t kRevealWindowMs = 12'000;
constexpr std::uint64_t kAnswerWindowMs = 20'000;

Json Parties(const DevnetChain& chain, const std::map<std::string, PublicKeys>& keys) {
  Json parties = Json::array();
  const auto add = [&](const Names& names, const char* role) {
    for (const std::string& name : names) {
      parties.push_back({{"id", name},
                         {"role", role},
                         {"name", name},
                         {"keys", {keys.at(name).at("party").Hex()}}});
    }
  };
  add(chain.centres, "centre");
  add(chain.enterprises, "enterprise");
  return parties;
}

Json Validators(const DevnetChain& chain, const std::map<std::string, PublicKeys>& keys) {
  Json validators = Json::array();
  for (const std::string& name : chain.validators) {
    validators.push_back({{"name", name},
                          {"vote_key", keys.at(name).at("vote-" + chain.name).Hex()},
                          {"node_key", keys.at(name).at("node").Hex()}});
  }
  return validators;
}

const Names& CentresOf(const std::string& chain) {
  const auto& chains = DevnetChains();
  return std::find_if(chains.begin(), chains.end(), [&](const auto& c) { return c.name == chain; })
      ->centres;
}

Json Sources(const DevnetChain& chain, const std::map<std::string, std::string>& made) {
  Json sources = Json::array();
  for (const std::string& source : chain.sources) {
    const std::string& bytes = made.at(source);
    const Json genesis = Json::parse(bytes);
    Json entry = {{"name", source},
                  {"tier", genesis.at("tier")},
                  {"chain_id", crypto::TaggedHash(crypto::Domain::kGenesis, {bytes}).Hex()},
                  {"validators", genesis.at("validators")}};
    if (genesis.at("tier") == "private") entry["centres"] = CentresOf(source);
    sources.push_back(std::move(entry));
  }
  return sources;
}

}  // namespace

const std::vector<DevnetChain>& DevnetChains() {
  static const std::vector<DevnetChain> kChains = {
      {"private-a", "private", kCentreNodes, {}, kCentreNodes, kEnterprises, {}},
      {"private-b", "private", {"centre-b1"}, {}, {"centre-b1"}, kEnterprises, {}},
      {"consortium",
       "consortium",
       kCentreNodes,
       {"centre-b1"},
       kAllCentres,
       kEnterprises,
       {"private-a", "private-b"}},
      {"public", "public", kCentreNodes, {}, kAllCentres, {}, {"consortium"}},
  };
  return kChains;
}

const Names& DevnetNodes() {
  static const Names kNodes = {"centre-1", "centre-2",  "centre-3",
                               "centre-4", "centre-b1", "viewer"};
  return kNodes;
}

const Names& DevnetEnterprises() { return kEnterprises; }

Json DevnetGenesis(const DevnetChain& chain, const std::map<std::string, PublicKeys>& keys,
                   const std::map<std::string, std::string>& made, std::uint64_t time_ms) {
  Json followers = Json::array();
  for (const std::string& name : chain.followers) {
    followers.push_back(
        {{"name", name}, {"node_key", keys.at(name).at("node").Hex()}, {"party", name}});
  }
  Json app = {{"parties", Parties(chain, keys)}};
  if (!chain.sources.empty()) app["sources"] = Sources(chain, made);
  if (chain.tier == "consortium") {
    app["policy"] = {{"commit_window_ms", kCommitWindowMs},
                     {"reveal_window_ms", kRevealWindowMs},
                     {"answer_window_ms", kAnswerWindowMs},
                     {"appeal_window_ms", kAnswerWindowMs},
                     {"arbitration_window_ms", kAnswerWindowMs}};
  }
  return {{"format", 1},
          {"name", chain.name},
          {"tier", chain.tier},
          {"suite", "ed25519-sha256"},
          {"time_ms", time_ms},
          {"consensus",
           {{"window", 16},
            {"max_batch_transactions", 512},
            {"max_batch_bytes", 4 << 20},
            {"max_transaction_bytes", 256 << 10},
            {"view_timeout_ms", 3000},
            {"view_timeout_cap_ms", 30000},
            {"max_clock_drift_ms", 10000},
            {"max_valid_for", 100000}}},
          {"validators", Validators(chain, keys)},
          {"followers", followers},
          {"app", app}};
}

}  // namespace talent::node
