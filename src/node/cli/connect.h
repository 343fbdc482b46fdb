// How commands reach a node and name a chain.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "node/rpc/client.h"
#include "node/rpc/endpoints.h"

namespace talent::node::cli {

/// --endpoints FILE of a network, --home DIR of a node on this machine, or --address HOST:PORT and
/// --tls-ca FILE of one node.
struct ConnectionOptions {
  std::filesystem::path endpoints;
  std::string node;  // of the endpoints, by name; empty: any that answers
  std::filesystem::path home;
  std::string address;
  std::filesystem::path tls_ca;
};
void AddConnectionOptions(CLI::App* command, ConnectionOptions& options);
/// The chain as option or argument `name`, required unless `chain` names a default.
void AddChainOption(CLI::App* command, const std::string& name, std::string& chain);

/// A connected node and what it said of itself.
struct Connection {
  std::string node;
  std::unique_ptr<Client> client;
  v1::GetStatusResponse status;
};

/// Errors: kIo, kInvalidArgument (options, files), kNotFound (no such node), kUnavailable.
Result<Connection> ConnectTo(const NodeEndpoint& node);
/// The first node that answers. Errors as above.
Result<Connection> Connect(const ConnectionOptions& options);
/// Every node of the options, in their order, with the error of each that does not answer.
struct Attempt {
  std::string node;
  Result<Connection> connection;
};
Result<std::vector<Attempt>> ConnectAll(const ConnectionOptions& options);

/// A chain, and a node that hosts it.
struct ChainConnection {
  Connection node;
  ChainId chain;
  v1::ChainState state;
};
/// `chain` is a name, a tier where it has one chain, or a hexadecimal id. Validators are preferred
/// to followers. Errors: those of Connect; kNotFound (no node that answers hosts it).
Result<ChainConnection> ConnectToChain(const ConnectionOptions& options, const std::string& chain);

}  // namespace talent::node::cli
