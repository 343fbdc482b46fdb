#include "node/devnet/topology.h"

namespace talent::node {
namespace {

using ledger::Tier;
using Names = std::vector<std::string>;

const Names kCentreNodes = {"centre-1", "centre-2", "centre-3", "centre-4"};
const Names kAllCentres = {"centre-1", "centre-2", "centre-3", "centre-4", "centre-b1"};
const Names kEnterprises = {"acme", "globex"};

// Windows of seconds instead of hours and days, so that the whole story can be watched.
constexpr std::uint64_t kCommitWindowMs = 12'000;
constexpr std::uint64_t kRevealWindowMs = 12'000;
constexpr std::uint64_t kAnswerWindowMs = 20'000;

}  // namespace

const std::vector<DevnetChain>& DevnetChains() {
  static const std::vector<DevnetChain> kChains = {
      {"private-a", Tier::kPrivate, kCentreNodes, {}, kCentreNodes, kEnterprises, {}},
      {"private-b", Tier::kPrivate, {"centre-b1"}, {}, {"centre-b1"}, kEnterprises, {}},
      {"consortium",
       Tier::kConsortium,
       kCentreNodes,
       {"centre-b1"},
       kAllCentres,
       kEnterprises,
       {"private-a", "private-b"}},
      {"public", Tier::kPublic, kCentreNodes, {}, kAllCentres, {}, {"consortium"}},
  };
  return kChains;
}

const Names& DevnetNodes() {
  static const Names kNodes = {"centre-1", "centre-2",  "centre-3",
                               "centre-4", "centre-b1", "viewer"};
  return kNodes;
}

const Names& DevnetEnterprises() { return kEnterprises; }

Result<Bytes> DevnetGenesis(const DevnetChain& chain, const std::map<std::string, PublicKeys>& keys,
                            const std::map<std::string, Bytes>& made, Timestamp time) {
  Founding founding;
  founding.name = chain.name;
  founding.tier = chain.tier;
  founding.time = time;
  founding.consensus.view_timeout = Millis(3000);
  founding.consensus.view_timeout_cap = Millis(30'000);
  founding.consensus.max_valid_for = 100'000;
  for (const std::string& centre : chain.centres) {
    founding.nodes.push_back({centre, keys.at(centre)});
  }
  for (const std::string& enterprise : chain.enterprises) {
    founding.enterprises.emplace(enterprise, keys.at(enterprise).at("party"));
  }
  for (const std::string& source : chain.sources) founding.sources.push_back(made.at(source));
  if (chain.tier == Tier::kConsortium) {
    founding.policy = {{"commit_window_ms", kCommitWindowMs},
                       {"reveal_window_ms", kRevealWindowMs},
                       {"answer_window_ms", kAnswerWindowMs},
                       {"appeal_window_ms", kAnswerWindowMs},
                       {"arbitration_window_ms", kAnswerWindowMs}};
  }
  return MakeGenesis(founding);
}

}  // namespace talent::node
