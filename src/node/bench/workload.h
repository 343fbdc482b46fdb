// What the benchmark submits: people registered and assessed, signed before they are needed.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "ledger/transaction.h"

namespace talent::node {

/// A subject's registration and the assessment that may follow once it is sealed, signed.
struct SubjectTransactions {
  Bytes registration;
  Bytes assessment;
};

/// Thread-safe. Signs on the spot once what was signed ahead has been used up.
class BenchWorkload {
 public:
  struct Options {
    ChainId chain;
    std::string centre;  // party id of the author
    Height valid_until;
    std::size_t signed_ahead = 0;  // subjects
  };
  /// `key` must outlive the workload.
  BenchWorkload(Options options, const crypto::KeyPair& key);

  SubjectTransactions Next();

 private:
  SubjectTransactions Make();

  const Options options_;
  const crypto::KeyPair& key_;
  crypto::SystemRandom random_;
  std::vector<SubjectTransactions> ahead_;
  std::atomic<std::size_t> used_ = 0;
};

/// Ed25519 verifications one core does in a second, measured for about as long.
double MeasureVerificationsPerSecond();

}  // namespace talent::node
