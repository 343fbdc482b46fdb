// Committed records a second and their latency, measured through gRPC on a running network.
#pragma once

#include <memory>
#include <vector>

#include "node/bench/workload.h"
#include "node/rpc/client.h"

namespace talent::node {

/// The value that `share` of `values` do not exceed; 0 where there are none. Reorders them.
double Percentile(std::vector<double>& values, double share);

struct BenchReport {
  double seconds = 0;           // really measured
  std::uint64_t committed = 0;  // sealed with effect, and answered, within them
  std::uint64_t errors = 0;     // refused, sealed without effect, or unanswered
  std::string first_error;
  double p50_ms = 0, p99_ms = 0;  // of a record, until the answer that it is sealed
  double client_cpu_s = 0;        // this process, from the first submission to the last answer
  double committed_per_s() const { return static_cast<double>(committed) / seconds; }
};

struct BenchOptions {
  ChainId chain;
  Millis duration{10'000};
  std::size_t in_flight = 256;  // records at a time, over all clients
  std::size_t together = 16;    // records of one call
  /// Records a second, submitted when they are due whatever became of those before (an open loop;
  /// `in_flight` does not count): a latency is from when a record was due. 0: closed loop.
  std::uint64_t rate = 0;
};

/// Submits subjects' registrations, `together` in a call, and once these are answered their
/// assessments, spread over `clients`, for the duration.
BenchReport RunBench(const BenchOptions& options, BenchWorkload& workload,
                     const std::vector<std::unique_ptr<Client>>& clients);

}  // namespace talent::node
