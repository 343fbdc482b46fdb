// A network of real node processes on this machine: four centre nodes, a second operator, a public
// follower and two enterprises' keys, under one directory.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/strong.h"
#include "crypto/ed25519.h"
#include "node/rpc/endpoints.h"

namespace talent::node {

/// Most that a file of a devnet holds.
inline constexpr std::size_t kMaxDevnetFile = 1 << 20;

/// What a devnet directory holds; everything in it is made by Create and found again by the same
/// paths.
class DevnetNetwork {
 public:
  using Progress = std::function<void(const std::string&)>;

  /// Makes keys, genesis files and node homes in `dir` unless they are there. The public follower
  /// it makes serves the explorer's files in `explorer`, where that is given. Errors: kIo,
  /// kPrecondition (the directory holds something else).
  static Result<DevnetNetwork> Open(const std::filesystem::path& dir, const Progress& progress,
                                    const std::filesystem::path& explorer = {});

  /// Starts `talentd` for every node that is not running, waits until all are ready, and writes
  /// endpoints.json. Errors: kIo, kUnavailable (a node does not become ready; names its log).
  Status Start(const std::filesystem::path& talentd, const Progress& progress);
  /// Stops what runs, gracefully.
  Status Stop(const Progress& progress);

  const std::filesystem::path& dir() const { return dir_; }
  std::filesystem::path endpoints_file() const { return dir_ / "endpoints.json"; }
  const Endpoints& endpoints() const { return endpoints_; }
  /// Of the public follower: "http://127.0.0.1:8080/"; empty in a network that has none.
  std::string web_url() const;
  /// Passphrase of every key of this devnet.
  const std::string& passphrase() const { return passphrase_; }

  /// Key of a party: "centre-1"…"centre-4", "centre-b1", "acme", "globex".
  Result<crypto::KeyPair> PartyKey(const std::string& party) const;
  std::filesystem::path PartyKeyFile(const std::string& party) const;

 private:
  DevnetNetwork() = default;

  std::filesystem::path dir_;
  std::string passphrase_;
  Endpoints endpoints_;
};

}  // namespace talent::node
