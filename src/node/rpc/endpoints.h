// endpoints.json: where the nodes of a running network are, for clients and scripts.
//
// {"chains":[{"id","tier","genesis","name"}],
//  "nodes":[{"name","role","pid","grpc","http","home","tls_ca","web"}]}; "web" only where there is
//  one.
// Paths are absolute, or relative to the file; loaded ones are absolute.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace talent::node {

struct ChainEndpoint {
  std::string name;
  std::string tier;  // "private", "consortium", "public"
  ChainId id;
  std::string genesis;  // path of the genesis file
};

struct NodeEndpoint {
  std::string name;
  std::string role;      // "validator" or "follower"
  std::int64_t pid = 0;  // 0 while it does not run
  std::string grpc;      // "127.0.0.1:9001"
  std::string http;      // "127.0.0.1:8001"
  std::string home;      // its directory
  std::string tls_ca;    // PEM file of the certificate that its gRPC server shows
  std::string web = {};  // "127.0.0.1:8080", its HTTP gateway; empty: none
};

struct Endpoints {
  std::vector<ChainEndpoint> chains;
  std::vector<NodeEndpoint> nodes;

  /// Errors: kNotFound, kIo, kTooLarge, kInvalidArgument (names the field).
  static Result<Endpoints> Load(const std::filesystem::path& path);
  /// Replaces the file; readers see the old one or all of the new one. Errors: kIo.
  Status Save(const std::filesystem::path& path) const;

  /// The chain of this name or hexadecimal id, or the only one of this tier. Errors: kNotFound
  /// (lists those there are).
  Result<ChainEndpoint> FindChain(const std::string& name) const;
};

}  // namespace talent::node
