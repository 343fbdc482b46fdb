#include "node/web/read_api.h"

#include <algorithm>

#include "base/canonical.h"
#include "crypto/sha256.h"
#include "node/records/state_json.h"
#include "node/rpc/state_scan.h"
#include "node/web/chain_json.h"

namespace talent::node {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kDefaultBlocks = 20, kMaxBlocks = 100;
constexpr std::size_t kTagBytes = 16;  // of a hash of the answer: nobody gains by a collision

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    path.remove_prefix(1);  // a slash
    out.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(out.back().size());
  }
  return out;
}

/// The values of the {…} of `pattern`; nullopt: it is another path.
std::optional<std::vector<std::string>> Match(std::string_view pattern, std::string_view path) {
  const auto wanted = Split(pattern);
  const auto given = Split(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{')) {
      if (given[i].empty()) return std::nullopt;
      out.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return out;
}

std::string TagOf(std::string_view body) {
  return fmt::format("\"{}\"", ToHex(crypto::Sha256({body}).View().substr(0, kTagBytes)));
}

/// Whether "If-None-Match" names `tag`.
bool Names(std::string_view header, const std::string& tag) {
  return header == "*" || header.find(tag) != header.npos;
}

template <class Id>
Result<Id> ParseId(const std::string& text) {
  auto id = Id::FromHexString(text);
  if (!id) return Within(fmt::format("'{}' is no id of 64 hexadecimal digits", text), id.error());
  return id;
}

Result<Height> ParseHeight(const std::string& text) {
  QueryFields one = TRY(QueryFields::Parse("height=" + text));
  const auto height = TRY(one.Number("height"));
  TRY(one.Finish());
  if (!height || *height == 0) {
    return Fail(Code::kInvalidArgument, "height: blocks are numbered from 1");
  }
  return Height(*height);
}

std::optional<Height> HeightOr(const std::optional<std::uint64_t>& number) {
  return number ? std::optional(Height(*number)) : std::nullopt;
}

/// Null where the table is not known here.
Json DecodedState(const ledger::Chain& chain, BytesView key, BytesView value) {
  auto json = StateValueToJson(ledger::TierName(chain.genesis().tier()), key, value);
  return json && !json->is_string() ? *std::move(json) : Json();
}

}  // namespace

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

ReadApi::ReadApi(NodeInfo info, const std::vector<ChainRunner*>& chains, const Clock& clock,
                 Random& random)
    : info_(std::move(info)), access_(chains, clock, random) {
  for (const ChainRunner* runner : chains) {
    const ledger::Genesis& genesis = runner->chain().genesis();
    if (genesis.tier() != ledger::Tier::kPublic) continue;
    readable_.emplace(genesis.name(), std::make_unique<Readable>(*runner, clock));
  }
}

const std::vector<ReadApi::Route>& ReadApi::Table() {
  static const std::vector<Route> kTable = {
      {"/api/v1/status", &ReadApi::Status},
      {"/api/v1/chains/{chain}", &ReadApi::Chain},
      {"/api/v1/chains/{chain}/genesis", &ReadApi::Genesis},
      {"/api/v1/chains/{chain}/blocks", &ReadApi::Blocks},
      {"/api/v1/chains/{chain}/blocks/{height}", &ReadApi::Block},
      {"/api/v1/chains/{chain}/transactions/{id}", &ReadApi::Transaction},
      {"/api/v1/chains/{chain}/records", &ReadApi::Records},
      {"/api/v1/chains/{chain}/records/{id}", &ReadApi::Record},
      {"/api/v1/chains/{chain}/proofs/{id}", &ReadApi::Proof},
      {"/api/v1/chains/{chain}/state", &ReadApi::State},
      {"/api/v1/chains/{chain}/state/{key}", &ReadApi::StateEntry},
  };
  return kTable;
}

std::vector<std::string_view> ReadApi::Routes() {
  std::vector<std::string_view> out;
  for (const Route& route : Table()) out.push_back(route.pattern);
  return out;
}

HttpResponse ReadApi::Answer(const HttpRequest& request) {
  for (const Route& route : Table()) {
    auto path = Match(route.pattern, request.path);
    if (!path) continue;
    auto reply = Dispatch(route, *std::move(path), request.query);
    HttpResponse out;
    if (reply) {
      const std::string tag = TagOf(reply->body);
      const bool known = Names(request.if_none_match, tag);
      out = {known ? 304u : 200u, reply->content_type, known ? "" : std::move(reply->body)};
      // A payload may be erased: nobody keeps one for long.
      static constexpr const char* kFor[] = {"public, max-age=1", "public, max-age=60",
                                             "public, max-age=31536000, immutable"};
      out.headers = {{"ETag", tag}, {"Cache-Control", kFor[static_cast<int>(reply->fresh)]}};
    } else {
      out = HttpError(reply.error());
    }
    out.route = route.pattern;
    return out;
  }
  HttpResponse out =
      HttpError(Error{Code::kNotFound, "no such path; docs/openapi.json lists those there are"});
  out.route = "none";
  return out;
}

Result<ReadApi::Reply> ReadApi::Dispatch(const Route& route, std::vector<std::string> path,
                                         std::string_view query) {
  Asked asked;
  asked.query = TRY(QueryFields::Parse(query));
  if (!path.empty()) asked.chain = TRY(FindChain(path.front()));
  asked.path = std::move(path);
  return (this->*route.answer)(asked);
}

Result<ReadApi::Readable*> ReadApi::FindChain(const std::string& name_or_id) {
  for (const ChainRunner* runner : access_.chains()) {
    const ledger::Genesis& genesis = runner->chain().genesis();
    if (name_or_id != genesis.name() && name_or_id != genesis.chain_id().Hex()) continue;
    const auto found = readable_.find(genesis.name());
    if (found != readable_.end()) return found->second.get();
    return Fail(Code::kUnauthorized,
                "chain {} is {}: this API answers about public chains only; who is registered "
                "there reads it over gRPC",
                genesis.name(), ledger::TierName(genesis.tier()));
  }
  return Fail(Code::kNotFound,
              "no chain of that name or id is hosted by this node; /api/v1/status lists those that "
              "are");
}

void ReadApi::DropOldStates() {
  for (auto& [name, readable] : readable_) readable->states.DropOld();
}

Result<ReadApi::Reply> ReadApi::Status(Asked& asked) {
  TRY(asked.query.Finish());
  Json chains = Json::array();
  for (const ChainRunner* runner : access_.chains()) chains.push_back(ChainJson(*runner));
  return Reply{
      JsonText({{"name", info_.name}, {"version", info_.version}, {"chains", std::move(chains)}})};
}

Result<ReadApi::Reply> ReadApi::Chain(Asked& asked) {
  TRY(asked.query.Finish());
  Json out = ChainJson(*asked.chain->runner);
  out.update(ChainDetailJson(asked.chain->chain()));
  return Reply{JsonText(out)};
}

Result<ReadApi::Reply> ReadApi::Genesis(Asked& asked) {
  TRY(asked.query.Finish());
  return Reply{asked.chain->chain().genesis().bytes(), Fresh::kFixed};
}

Result<ReadApi::Reply> ReadApi::Blocks(Asked& asked) {
  const ledger::Chain& chain = asked.chain->chain();
  const Height head = chain.head().height;
  const auto limit = TRY(asked.query.NumberOr("limit", 1, kMaxBlocks, kDefaultBlocks));
  const auto at = HeightOr(TRY(asked.query.Number("at")));
  const auto from = HeightOr(TRY(asked.query.Number("from")));
  TRY(asked.query.Finish());
  if (at && *at > head) {
    return Fail(Code::kNotFound, "at: height {} is not sealed here yet; the head is {}", *at, head);
  }
  const Height top = at.value_or(head);
  Height height = std::min(top, from.value_or(top));
  Json items = Json::array();
  Json next;
  for (; height > Height(0); height = height - 1) {
    if (items.size() == limit) {
      next = std::to_string(height.value);
      break;
    }
    auto block = BlockSummaryJson(chain, height);
    if (!block && block.error().code == Code::kPruned) break;  // the oldest that is here
    if (!block) return tl::unexpected(block.error());
    items.push_back(*std::move(block));
  }
  return Reply{JsonText({{"chain", asked.chain->name()},
                         {"as_of_height", top.value},
                         {"items", std::move(items)},
                         {"next", std::move(next)}}),
               at ? Fresh::kSealed : Fresh::kHead};
}

Result<ReadApi::Reply> ReadApi::Block(Asked& asked) {
  const Height height = TRY(ParseHeight(asked.path[1]));
  TRY(asked.query.Finish());
  return Reply{JsonText(TRY(BlockJson(access_, *asked.chain->runner, height))), Fresh::kSealed};
}

Result<ReadApi::Reply> ReadApi::Transaction(Asked& asked) {
  const TxId id = TRY(ParseId<TxId>(asked.path[1]));
  TRY(asked.query.Finish());
  return Reply{JsonText(TRY(TransactionAnswerJson(access_, *asked.chain->runner, id)))};
}

Result<ReadApi::Reply> ReadApi::Proof(Asked& asked) {
  const TxId id = TRY(ParseId<TxId>(asked.path[1]));
  TRY(asked.query.Finish());
  const auto proof = TRY(access_.ReadProof(*asked.chain->runner, id, Caller{}));
  return Reply{Encode(proof), Fresh::kHead, "application/x-protobuf"};
}

Result<ReadApi::Reply> ReadApi::State(Asked& asked) {
  v1::ScanStateRequest request;
  request.set_prefix(TRY(asked.query.Hex("prefix")).value_or(""));
  request.set_from(TRY(asked.query.Hex("from")).value_or(""));
  request.set_limit(static_cast<std::uint32_t>(
      TRY(asked.query.NumberOr("limit", 1, kMaxScanEntries, kDefaultScanEntries))));
  const auto at = HeightOr(TRY(asked.query.Number("at")));
  TRY(asked.query.Finish());
  const HeldState held = TRY(asked.chain->states.At(at));
  v1::ScanStateResponse page;
  TRY(ScanState(access_, *asked.chain->runner, Caller{}, *held, request, page));
  Json items = Json::array();
  for (const auto& entry : page.entries()) {
    items.push_back({{"key", ToHex(entry.key())},
                     {"text", StateKeyToText(entry.key())},
                     {"value", ToHex(entry.value())},
                     {"decoded", DecodedState(asked.chain->chain(), entry.key(), entry.value())}});
  }
  if (!page.next_key().empty()) asked.chain->states.Hold(held);
  return Reply{JsonText({{"chain", asked.chain->name()},
                         {"as_of_height", page.as_of_height()},
                         {"items", std::move(items)},
                         {"next", HexOrNull(page.next_key())}}),
               at ? Fresh::kSealed : Fresh::kHead};
}

Result<ReadApi::Reply> ReadApi::StateEntry(Asked& asked) {
  const Bytes key = TRY(FromHex(asked.path[1]));
  const auto at = HeightOr(TRY(asked.query.Number("at")));
  const bool prove = TRY(asked.query.NumberOr("prove", 0, 1, 0)) == 1;
  TRY(asked.query.Finish());
  if (key.size() > kMaxStateKeyBytes) {
    return Fail(Code::kInvalidArgument, "key: {} bytes where {} are the most", key.size(),
                kMaxStateKeyBytes);
  }
  const ledger::Chain& chain = asked.chain->chain();
  const Height height = at.value_or(chain.head().height);
  if (height == Height(0)) {
    return Fail(Code::kNotFound, "chain {} has no sealed block yet", asked.chain->name());
  }
  ledger::pb::TransactionProof proof;
  TRY(ledger::AddStatement(chain, key, height, proof));
  const ledger::pb::StateProof& entry = proof.statements(0).proof();
  Json out = {{"chain", asked.chain->name()},
              {"as_of_height", height.value},
              {"key", ToHex(key)},
              {"text", StateKeyToText(key)},
              {"present", entry.present()},
              {"value", ToHex(entry.value())},
              {"decoded", entry.present() ? DecodedState(chain, key, entry.value()) : Json()}};
  if (prove) {
    out["statement"] = ToHex(Encode(proof.statements(0)));
    out["epochs"] = Json::array();
    for (const auto& epoch : proof.epochs()) out["epochs"].push_back(ToHex(Encode(epoch)));
  }
  return Reply{JsonText(out), at ? Fresh::kSealed : Fresh::kHead};
}

}  // namespace talent::node
