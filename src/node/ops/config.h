// The node's configuration file: TOML, every key checked, unknown ones refused.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/ed25519.h"
#include "ledger/pinned_block.h"
#include "node/ops/log.h"

namespace talent::node {

struct PeerConfig {
  std::string address;                        // "10.0.0.2:7001"; a name is resolved at each dial
  std::optional<crypto::PublicKey> node_key;  // nullopt: any key the chains' registries allow

  bool operator==(const PeerConfig&) const = default;
};

enum class ChainRole { kValidator, kFollower };

struct ChainConfig {
  std::filesystem::path genesis;
  ChainRole role = ChainRole::kFollower;
  std::filesystem::path vote_key_file;                  // validators only
  std::optional<std::filesystem::path> party_key_file;  // centre's key, signs what it promotes
  /// At start, a chain this many blocks or more behind its peers begins from a snapshot of theirs;
  /// 0 executes every block.
  std::uint64_t snapshot_behind = 0;
  std::optional<ledger::PinnedBlock> snapshot_pin;  // which such a snapshot must contain

  bool operator==(const ChainConfig&) const = default;
};

/// Records of one hosted chain go to another; chains by the name in their genesis.
struct PromotionConfig {
  std::string from, to;

  bool operator==(const PromotionConfig&) const = default;
};

/// The HTTP gateway for everybody (node/web/gateway.h).
struct WebConfig {
  std::string listen;
  std::optional<std::filesystem::path> explorer_dir;  // what it serves at '/'
  bool behind_proxy = false;                          // which names the client: X-Forwarded-For
  std::uint32_t requests_per_second = 100;            // of one address
  std::uint32_t connections_per_address = 64;         // not counted behind a proxy

  bool operator==(const WebConfig&) const = default;
};

/// Paths are absolute: relative ones in the file are taken from the file's folder.
struct Config {
  std::string name;                       // of the node, for people
  std::filesystem::path home;             // data directory
  std::filesystem::path node_key_file;    // home/keys/node.key unless said otherwise
  std::filesystem::path passphrase_file;  // opens this node's key files
  std::string p2p_listen;
  std::string p2p_advertise;  // where others reach it; empty: the address it listens on
  std::vector<PeerConfig> peers;
  std::string grpc_listen;
  std::string http_listen;
  std::optional<WebConfig> web;  // absent: no gateway
  LogConfig log;
  std::vector<ChainConfig> chains;
  std::vector<PromotionConfig> promotions;

  bool operator==(const Config&) const = default;
};

/// That `config` promotes no records of `chain`: whoever does reads them from its blocks, and needs
/// all. `so` says what is not possible for that reason. Errors: kPrecondition.
Status CheckNotPromoted(const Config& config, const std::string& chain, std::string_view so);

/// Where the validator of `chain`, a genesis' name, keeps its votes.
std::filesystem::path VoteLogFile(const std::filesystem::path& home, const std::string& chain);

/// That `hosted`, the chain of this name, may begin from a snapshot, or need not: whoever promotes
/// from it needs its blocks, and a validator that has votes would take them for lost. Errors:
/// kPrecondition.
Status CheckSnapshotBehind(const Config& config, const ChainConfig& hosted,
                           const std::string& chain);

/// Reads a configuration. `source` names it in errors; relative paths start at `base`.
/// Errors: kInvalidArgument: "node.toml: p2p.listen: '7001' is not an address; write host:port".
/// Whether files exist is for those who open them.
Result<Config> ParseConfig(std::string_view toml, const std::string& source,
                           const std::filesystem::path& base);

/// As ParseConfig, from a file. Errors: also kIo.
Result<Config> LoadConfig(const std::filesystem::path& file);

/// The text of a configuration file in `config.home`, with every key and what it means: ParseConfig
/// reads back what was given. Paths inside the home are relative, so that it can be moved.
std::string DefaultConfig(const Config& config);

}  // namespace talent::node
