#include "node/cli/connect.h"

#include <optional>

#include "base/file.h"
#include "node/ops/config.h"
#include "node/peers/address.h"

namespace talent::node::cli {
namespace {

constexpr std::size_t kMaxCertificateBytes = 64 * 1024;
constexpr Millis kConnectTimeout{3000};

/// The node whose home this is. It is on this machine, also where it listens on all addresses.
Result<NodeEndpoint> NodeOfHome(const std::filesystem::path& home) {
  const Config config = TRY(LoadConfig(home / "config.toml"));
  Address address = TRY(ParseAddress(config.grpc_listen));
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  NodeEndpoint node;
  node.name = config.name;
  node.grpc = address.ToString();
  node.tls_ca = (config.home / "grpc.crt").string();
  return node;
}

Result<std::vector<NodeEndpoint>> Candidates(const ConnectionOptions& options) {
  if (!options.home.empty()) return std::vector{TRY(NodeOfHome(options.home))};
  if (!options.address.empty()) {
    if (options.tls_ca.empty()) {
      return Fail(Code::kInvalidArgument,
                  "--address needs --tls-ca FILE, the node's certificate (grpc.crt in its home)");
    }
    NodeEndpoint node;
    node.name = node.grpc = options.address;
    node.tls_ca = options.tls_ca;
    return std::vector{node};
  }
  if (options.endpoints.empty()) {
    return Fail(Code::kInvalidArgument,
                "give --home DIR, --endpoints FILE, or --address HOST:PORT with --tls-ca FILE");
  }
  auto nodes = TRY(Endpoints::Load(options.endpoints)).nodes;
  if (options.node.empty()) return nodes;
  std::erase_if(nodes, [&](const NodeEndpoint& node) { return node.name != options.node; });
  if (nodes.empty()) {
    return Fail(Code::kNotFound, "{} names no node '{}'", options.endpoints.string(), options.node);
  }
  return nodes;
}

/// "public" for a chain of that name, that tier or that id.
bool IsCalled(const v1::ChainState& chain, const std::string& name) {
  return chain.name() == name || ToHex(chain.chain_id()) == name;
}

std::optional<v1::ChainState> FindChain(const v1::GetStatusResponse& status,
                                        const std::string& name) {
  std::optional<v1::ChainState> of_tier;
  int tier_chains = 0;
  for (const auto& chain : status.chains()) {
    if (IsCalled(chain, name)) return chain;
    if (chain.tier() != name) continue;
    of_tier = chain;
    ++tier_chains;
  }
  if (tier_chains > 1) of_tier.reset();
  return of_tier;
}

}  // namespace

void AddConnectionOptions(CLI::App* command, ConnectionOptions& options) {
  auto* endpoints = command->add_option("--endpoints", options.endpoints,
                                        "endpoints.json of a network, as the devnet writes it");
  command->add_option("--node", options.node, "Node of the endpoints by name (default: any)")
      ->needs(endpoints);
  auto* address =
      command->add_option("--address", options.address, "HOST:PORT of one node's gRPC server")
          ->excludes(endpoints);
  command->add_option("--home", options.home, "Home of a node that runs on this machine")
      ->excludes(endpoints)
      ->excludes(address);
  command->add_option("--tls-ca", options.tls_ca, "That node's certificate, grpc.crt in its home")
      ->needs(address);
}

void AddChainOption(CLI::App* command, const std::string& name, std::string& chain) {
  auto* const option =
      command->add_option(name, chain, "Chain by name, by tier where there is one of it, or by id");
  if (chain.empty()) {
    option->required();
  } else {
    option->capture_default_str();
  }
}

Result<Connection> ConnectTo(const NodeEndpoint& node) {
  const auto ca = TRY(ReadFile(node.tls_ca, kMaxCertificateBytes));
  Connection out;
  out.node = node.name;
  out.client = TRY(Client::Connect(node.grpc, ca, kConnectTimeout));
  out.status = TRY(out.client->GetStatus());
  return out;
}

Result<std::vector<Attempt>> ConnectAll(const ConnectionOptions& options) {
  std::vector<Attempt> out;
  for (const auto& node : TRY(Candidates(options))) out.push_back({node.name, ConnectTo(node)});
  return out;
}

Result<Connection> Connect(const ConnectionOptions& options) {
  Error last{Code::kNotFound, "the endpoints name no node"};
  for (const auto& node : TRY(Candidates(options))) {
    auto connection = ConnectTo(node);
    if (connection) return connection;
    last = std::move(connection).error();
  }
  return tl::unexpected<Error>(std::move(last));
}

Result<ChainConnection> ConnectToChain(const ConnectionOptions& options, const std::string& chain) {
  std::optional<ChainConnection> follower;
  Error last{Code::kNotFound, fmt::format("no node that answers hosts a chain '{}'", chain)};
  for (const auto& node : TRY(Candidates(options))) {
    auto connection = ConnectTo(node);
    if (!connection) {
      last = std::move(connection).error();
      continue;
    }
    auto state = FindChain(connection->status, chain);
    if (!state) continue;
    const ChainId id = TRY(ChainId::FromBytes(state->chain_id()));
    ChainConnection found{std::move(*connection), id, std::move(*state)};
    if (found.state.role() == "validator") return found;
    if (!follower) follower = std::move(found);
  }
  if (follower) return std::move(*follower);
  return tl::unexpected<Error>(std::move(last));
}

}  // namespace talent::node::cli
