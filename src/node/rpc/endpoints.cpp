#include "node/rpc/endpoints.h"

#include "base/file.h"
#include "base/json_fields.h"

namespace talent::node {
namespace {

constexpr std::size_t kMaxBytes = 1u << 20;
constexpr std::size_t kMaxText = 4096;  // a path
constexpr std::size_t kMaxEntries = 1000;
constexpr std::uint64_t kMaxPid = 1u << 30;

Result<ChainEndpoint> ReadChain(JsonFields fields, const std::filesystem::path& base) {
  ChainEndpoint out;
  out.id = TRY(fields.Hex<ChainId>("id"));
  out.tier = TRY(fields.Text("tier", kMaxText));
  out.genesis = (base / TRY(fields.Text("genesis", kMaxText))).string();
  out.name = fields.Has("name") ? TRY(fields.Text("name", kMaxText)) : out.tier;
  TRY(fields.Finish());
  return out;
}

Result<NodeEndpoint> ReadNode(JsonFields fields, const std::filesystem::path& base) {
  NodeEndpoint out;
  out.name = TRY(fields.Text("name", kMaxText));
  out.role = TRY(fields.Text("role", kMaxText));
  out.pid = static_cast<std::int64_t>(TRY(fields.Number("pid", 0, kMaxPid)));
  out.grpc = TRY(fields.Text("grpc", kMaxText));
  out.http = TRY(fields.Text("http", kMaxText));
  if (fields.Has("web")) out.web = TRY(fields.Text("web", kMaxText));
  out.home = (base / TRY(fields.Text("home", kMaxText))).string();
  out.tls_ca = (base / TRY(fields.Text("tls_ca", kMaxText))).string();
  TRY(fields.Finish());
  return out;
}

Result<Endpoints> Parse(BytesView text, const std::filesystem::path& base) {
  const auto json = TRY(ParseJson(text));
  JsonFields fields = TRY(JsonFields::Of(json, ""));
  Endpoints out;
  for (auto& chain : TRY(fields.Array("chains", kMaxEntries))) {
    out.chains.push_back(TRY(ReadChain(std::move(chain), base)));
  }
  for (auto& node : TRY(fields.Array("nodes", kMaxEntries))) {
    out.nodes.push_back(TRY(ReadNode(std::move(node), base)));
  }
  TRY(fields.Finish());
  return out;
}

}  // namespace

Result<Endpoints> Endpoints::Load(const std::filesystem::path& path) {
  auto out = Parse(TRY(ReadFile(path, kMaxBytes)), std::filesystem::absolute(path).parent_path());
  if (!out) return Within(path.string(), std::move(out).error());
  return out;
}

Status Endpoints::Save(const std::filesystem::path& path) const {
  nlohmann::ordered_json json{{"chains", nlohmann::ordered_json::array()},
                              {"nodes", nlohmann::ordered_json::array()}};
  for (const auto& chain : chains) {
    json["chains"].push_back({{"id", chain.id.Hex()},
                              {"tier", chain.tier},
                              {"genesis", chain.genesis},
                              {"name", chain.name}});
  }
  for (const auto& node : nodes) {
    json["nodes"].push_back({{"name", node.name},
                             {"role", node.role},
                             {"pid", node.pid},
                             {"grpc", node.grpc},
                             {"http", node.http},
                             {"home", node.home},
                             {"tls_ca", node.tls_ca}});
    if (!node.web.empty()) json["nodes"].back()["web"] = node.web;
  }
  return WriteFile(path, json.dump(2) + "\n", 0644, IfExists::kReplace);
}

Result<ChainEndpoint> Endpoints::FindChain(const std::string& name) const {
  std::vector<const ChainEndpoint*> of_tier;
  std::string known;
  for (const auto& chain : chains) {
    if (chain.name == name || chain.id.Hex() == name) return chain;
    if (chain.tier == name) of_tier.push_back(&chain);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", chain.name);
  }
  if (of_tier.size() == 1) return *of_tier.front();
  return Fail(Code::kNotFound, "{} chain is called '{}'; there are: {}",
              of_tier.empty() ? "no" : "more than one", name, known);
}

}  // namespace talent::node
