#include "node/cli/offer.h"

#include "base/file.h"
#include "base/json_fields.h"
#include "tiers/governance.h"

namespace talent::node::cli {
namespace {

constexpr std::size_t kMaxOfferBytes = 4096;
constexpr std::size_t kMaxOfferField = 512;

Result<Bytes> HexField(JsonFields& fields, const std::string& name) {
  auto bytes = FromHex(TRY(fields.Text(name, 2 * kMaxOfferField)));
  if (!bytes) return Within(fields.PathOf(name), bytes.error());
  return bytes;
}

Result<CheckedOffer> ParseOffer(BytesView text, const ChainId& chain) {
  const nlohmann::json parsed = TRY(ParseJson(text));
  auto fields = TRY(JsonFields::Of(parsed, ""));
  const std::string name = TRY(fields.Text("chain", kMaxOfferField));
  const auto made_for = TRY(fields.Hex<ChainId>("chain_id"));
  CheckedOffer out;
  out.offer.set_statement(TRY(HexField(fields, "statement")));
  if (fields.Has("vote_signature")) {  // a follower's has none
    out.offer.set_vote_signature(TRY(HexField(fields, "vote_signature")));
  }
  out.offer.set_node_signature(TRY(HexField(fields, "node_signature")));
  TRY(fields.Finish());
  if (made_for != chain) {
    return Fail(Code::kWrongChain, "it is made for chain {} ({}), not for {}", name, made_for.Hex(),
                chain.Hex());
  }
  out.statement = TRY(tiers::VerifyOffer(chain, out.offer));
  return out;
}

}  // namespace

std::string OfferToJson(const ledger::Genesis& genesis, const tiers::v1::NodeOffer& offer) {
  nlohmann::json json = {{"chain", genesis.name()},
                         {"chain_id", genesis.chain_id().Hex()},
                         {"statement", ToHex(offer.statement())},
                         {"node_signature", ToHex(offer.node_signature())}};
  if (!offer.vote_signature().empty()) json["vote_signature"] = ToHex(offer.vote_signature());
  return json.dump(2) + "\n";
}

Result<CheckedOffer> ReadOffer(const std::filesystem::path& file, const ChainId& chain) {
  auto offer = ParseOffer(TRY(ReadFile(file, kMaxOfferBytes)), chain);
  if (!offer) return Within(file.string(), offer.error());
  return offer;
}

nlohmann::json ValidatorsToJson(const ledger::ValidatorInfos& validators) {
  auto out = nlohmann::json::array();
  for (const auto& v : validators) {
    out.push_back(
        {{"name", v.name()}, {"vote_key", ToHex(v.vote_key())}, {"node_key", ToHex(v.node_key())}});
  }
  return out;
}

}  // namespace talent::node::cli
