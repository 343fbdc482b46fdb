// Committed records a second and their latency, measured through gRPC on a running network.
#pragma once

#include <memory>
#include <vector>

#include "node/bench/workload.h"
#include "node/rpc/client.h"

namespace talent::node {

struct BenchReport {
  double seconds = 0;           // really measured
  std::uint64_t committed = 0;  // sealed with effect, and answered, within them
  std::uint64_t errors = 0;     // refused, sealed without effect, or unanswered
  std::string first_error;
  double p50_ms = 0, p99_ms = 0;  // from submission to the answer that it is sealed
  double committed_per_s() const { return static_cast<double>(committed) / seconds; }
};

struct BenchOptions {
  ChainId chain;
  Millis duration{10'000};
  std::size_t in_flight = 256;  // submissions at a time, over all clients
};

/// Keeps `in_flight` submissions going, spread over `clients`, for the duration. Each of them is a
/// subject's registration, and after it is sealed the assessment.
BenchReport RunBench(const BenchOptions& options, BenchWorkload& workload,
                     const std::vector<std::unique_ptr<Client>>& clients);

}  // namespace talent::node
