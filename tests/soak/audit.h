// What must hold on the nodes of a soak once everything is healed and the load has ended.
#pragma once

#include <string>
#include <vector>

#include "soak/cluster.h"
#include "soak/history.h"

namespace talent::soak {

struct Audit {
  std::vector<std::string> complaints;
  std::uint64_t blocks = 0;        // compared, over all chains
  std::uint64_t transactions = 0;  // asked of every node
  std::uint64_t offered = 0;       // records on private-a that may go to the consortium
  std::uint64_t promoted = 0;      // promotions that took effect on the consortium
};

/// The lines of a node's log that no fault of a soak explains: halted chains, lost votes, double
/// votes, broken invariants. On a node whose disk was made to fail a chain may halt for it, and
/// RocksDB itself end the process.
std::vector<std::string> Alarms(const std::string& log, bool had_disk_fault);

/// Waits until every node has every block of its chains and the promoters have delivered, then
/// compares: hashes of all heights on all nodes; every transaction of the history, asked of every
/// centre; what was sealed against what was promoted, each once; the evidence of double votes that
/// nodes hold; the logs for halted chains and lost votes. Errors: kUnavailable (the nodes do not
/// come to agree in time).
Result<Audit> AuditCluster(Cluster& cluster, const History& history);

}  // namespace talent::soak
