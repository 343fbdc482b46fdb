#include "node/ops/founding.h"

#include "base/json_fields.h"
#include "tiers/application.h"

namespace talent::node {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxPath = 4096;

Json PartiesOf(const Founding& founding) {
  Json parties = Json::array();
  const auto add = [&](const std::string& id, const char* role, const crypto::PublicKey& key) {
    const auto title = founding.titles.find(id);
    parties.push_back({{"id", id},
                       {"role", role},
                       {"name", title == founding.titles.end() ? id : title->second},
                       {"keys", Json::array({key.Hex()})}});
  };
  for (const NodeCard& node : founding.nodes) {
    const auto key = node.keys.find("party");
    if (key != node.keys.end()) add(node.name, "centre", key->second);
  }
  for (const auto& [id, key] : founding.enterprises) add(id, "enterprise", key);
  return parties;
}

Json SourceOf(const ledger::Genesis& source) {
  Json centres = Json::array();
  for (const Json& party : source.app().at("parties")) {
    if (party.at("role") == "centre") centres.push_back(party.at("id"));
  }
  Json entry = {{"name", source.name()},
                {"tier", ledger::TierName(source.tier())},
                {"chain_id", source.chain_id().Hex()},
                {"validators", Json::parse(source.bytes()).at("validators")}};
  if (source.tier() == ledger::Tier::kPrivate) entry["centres"] = std::move(centres);
  return entry;
}

Json ConsensusOf(const ledger::ConsensusRules& rules) {
  return {{"window", rules.window},
          {"max_batch_transactions", rules.max_batch_transactions},
          {"max_batch_bytes", rules.max_batch_bytes},
          {"max_transaction_bytes", rules.max_transaction_bytes},
          {"view_timeout_ms", rules.view_timeout.value},
          {"view_timeout_cap_ms", rules.view_timeout_cap.value},
          {"max_clock_drift_ms", rules.max_clock_drift.value},
          {"max_valid_for", rules.max_valid_for}};
}

/// As a node does before it opens the chain.
Result<ledger::Genesis> ReadBack(BytesView bytes) {
  auto genesis = TRY(ledger::Genesis::Parse(bytes));
  TRY(tiers::MakeApplication(genesis));
  return genesis;
}

}  // namespace

Result<NodeCard> ParseNodeCard(BytesView json) {
  const Json parsed = TRY(ParseJson(json));
  auto fields = TRY(JsonFields::Of(parsed, ""));
  NodeCard card;
  card.name = TRY(fields.Text("name", ledger::kMaxNameLength));
  TRY(fields.Text("home", kMaxPath));  // for who made it
  auto keys = TRY(fields.Object("keys"));
  for (const auto& [purpose, key] : TRY(fields.Any("keys"))->items()) {
    card.keys.emplace(purpose, TRY(keys.Hex<crypto::PublicKey>(purpose)));
  }
  TRY(fields.Finish());
  if (!card.keys.contains("node")) {
    return Fail(Code::kInvalidArgument, "keys.node is missing; a node's card has it");
  }
  return card;
}

Result<Bytes> MakeGenesis(const Founding& founding) {
  Json validators = Json::array(), followers = Json::array();
  for (const NodeCard& node : founding.nodes) {
    Json entry = {{"name", node.name}, {"node_key", node.keys.at("node").Hex()}};
    const auto vote = node.keys.find("vote-" + founding.name);
    if (vote != node.keys.end()) {
      entry["vote_key"] = vote->second.Hex();
      validators.push_back(std::move(entry));
    } else if (founding.tier != ledger::Tier::kPublic) {  // which anybody may follow
      if (node.keys.contains("party")) entry["party"] = node.name;
      followers.push_back(std::move(entry));
    }
  }
  Json app = {{"parties", PartiesOf(founding)}};
  for (const Bytes& bytes : founding.sources) {
    app["sources"].push_back(SourceOf(TRY(ReadBack(bytes))));
  }
  if (!founding.policy.is_null()) app["policy"] = founding.policy;
  const Json genesis = {{"format", 1},
                        {"name", founding.name},
                        {"tier", ledger::TierName(founding.tier)},
                        {"suite", "ed25519-sha256"},
                        {"time_ms", founding.time.value},
                        {"consensus", ConsensusOf(founding.consensus)},
                        {"validators", std::move(validators)},
                        {"followers", std::move(followers)},
                        {"app", std::move(app)}};
  Bytes bytes = genesis.dump(2) + "\n";
  TRY(ReadBack(bytes));
  return bytes;
}

}  // namespace talent::node
