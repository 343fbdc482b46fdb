// What the clients of a soak did and were told, and whether it can be true. Knows nothing of the
// nodes but their answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace talent::soak {

/// Time since the soak began.
using Instant = std::chrono::microseconds;

/// What a client was told of a transaction.
struct Answer {
  enum Kind {
    kUnknown,   // no answer, or none that binds anybody
    kRefused,   // not admitted by this node
    kSealed,    // in a block, took effect
    kRejected,  // in a block, without effect
    kExpired,   // never in a block
  };
  Kind kind = kUnknown;
  std::uint64_t height = 0;  // sealed and rejected
  std::uint32_t index = 0;

  bool operator==(const Answer&) const = default;
};

/// One submission; a transaction may be submitted again, to another node.
struct Submission {
  std::uint32_t client = 0;
  TxId id;
  Instant invoked{0}, answered{0};
  Answer answer{};
};

/// One reading of a transaction.
struct Reading {
  std::uint32_t client = 0;
  std::string node;
  TxId id;
  Instant invoked{0}, answered{0};
  Answer answer{};
  std::uint64_t as_of = 0;  // height of the state the node answered from
};

class History {
 public:
  void Add(const Submission& submission);
  void Add(const Reading& reading);

  std::vector<Submission> submissions() const;
  std::vector<Reading> readings() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Submission> submissions_;
  std::vector<Reading> readings_;
};

/// What each node answered of each transaction once everything was healed and quiet.
using FinalAnswers = std::map<std::string, std::map<TxId, Answer>>;

/// Everything in the history that contradicts the promises of the service; empty where all of it
/// can be true:
///  - a definite answer never changes, whoever asks whom;
///  - what was acknowledged before something else was submitted lies in an earlier block;
///  - a node that answers from the height of an acknowledged transaction or above knows it;
///  - the height a client's readings of one node are answered from does not fall, across restarts;
///  - at the end every node gives every transaction the same definite answer, and what was
///    refused wherever it was submitted is in no block.
std::vector<std::string> CheckHistory(const std::vector<Submission>& submissions,
                                      const std::vector<Reading>& readings,
                                      const FinalAnswers& finals);

}  // namespace talent::soak
