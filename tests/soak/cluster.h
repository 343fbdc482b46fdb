// The nodes of a soak: a devnet of real processes whose links run through proxies.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/devnet/network.h"
#include "node/rpc/client.h"
#include "soak/link_proxy.h"

namespace talent::soak {

/// What is seen of a process from outside.
struct Footprint {
  std::size_t memory_bytes = 0;    // resident
  std::size_t vote_log_bytes = 0;  // the largest of its vote logs
};

/// Processes are killed when it goes. Not thread-safe but for the const members.
class Cluster {
 public:
  /// A new devnet in `dir`, no node running yet. `shim` is the library that makes calls fail.
  static Result<std::unique_ptr<Cluster>> Create(const std::filesystem::path& dir,
                                                 const std::filesystem::path& talentd,
                                                 const std::filesystem::path& shim,
                                                 std::uint64_t seed);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Names of the centre nodes, which validate every chain but private-b.
  static const std::vector<std::string>& Centres();
  const node::DevnetNetwork& devnet() const { return devnet_; }
  const node::NodeEndpoint& Endpoint(const std::string& node) const;
  LinkProxies& links() { return links_; }

  /// Starts the process, with a fault for the shim (see fault_shim.cpp) or without. Errors: kIo.
  Status Start(const std::string& node, const std::string& fault = "");
  Status StartAll();
  /// Waits until it answers. Errors: kUnavailable (names its log).
  Status AwaitReady(const std::string& node);

  void Kill(const std::string& node);
  void Pause(const std::string& node);
  void Resume(const std::string& node);
  /// In good order. Errors: kIo (it does not end, or not with 0).
  Status Stop(const std::string& node);
  bool Running(const std::string& node);
  /// Whether a process of this node was ever started with a disk that fails.
  bool HadDiskFault(const std::string& node) const { return disk_faults_.contains(node); }
  /// How the last process of this node ended, if it has: exit code, or 128 + signal.
  std::optional<int> Ended(const std::string& node);

  Footprint Measure(const std::string& node) const;
  /// The node's output since the beginning.
  std::string Output(const std::string& node) const;
  Result<std::unique_ptr<node::Client>> Connect(const std::string& node) const;

 private:
  Cluster(node::DevnetNetwork devnet, std::filesystem::path talentd, std::filesystem::path shim,
          std::uint64_t seed);
  Status RouteThroughProxies();

  node::DevnetNetwork devnet_;
  const std::filesystem::path talentd_, shim_;
  LinkProxies links_;
  std::map<std::string, pid_t> pids_;  // of those that run
  std::map<std::string, int> ended_;
  std::set<std::string> disk_faults_;
};

}  // namespace talent::soak
