// How long a record of a private chain takes to the consortium, beside what its own commit takes.
#pragma once

#include "node/bench/bench.h"

namespace talent::node {

struct PromotionBenchOptions {
  ChainId source;      // private chain
  ChainId target;      // consortium
  std::string centre;  // party id of the author, on both chains
  Millis duration{10'000};
  std::uint64_t rate = 20;  // records a second
};

struct PromotionBenchReport {
  std::uint64_t records = 0;  // sealed on the private chain
  std::uint64_t arrived = 0;  // of these, sealed on the consortium within the time given
  std::uint64_t errors = 0;
  std::string first_error;
  double commit_p50_ms = 0, commit_p99_ms = 0;        // from submission to the private seal
  double promotion_p50_ms = 0, promotion_p99_ms = 0;  // from there to the consortium's seal
};

/// Registers a made-up person that consents, submits assessments of it at the rate through
/// `source`, and watches through `target` for their promotions, up to half a minute longer. Both
/// clients are logged in as `key`'s centre. Errors: those of the nodes, before the first record.
Result<PromotionBenchReport> RunPromotionBench(const PromotionBenchOptions& options,
                                               const crypto::KeyPair& key, Client& source,
                                               Client& target);

}  // namespace talent::node
