// What convicts a validator, kept: the two messages verbatim, whatever becomes of the process.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "consensus/evidence.h"
#include "talent/node/v1/node_service.pb.h"

namespace talent::node {

/// One entry for each misdeed (consensus::EvidenceFacts), however often it is seen. Bounded, of
/// each validator of an epoch too: a key that equivocates in every view and height is convicted by
/// the first few, and leaves room for others. Thread-safe.
class EvidenceStore {
 public:
  static constexpr std::size_t kMaxOfOne = 8;
  static constexpr std::size_t kMaxEntries = 256;
  static constexpr std::size_t kMaxBytes = 16u << 20;

  /// In memory only.
  EvidenceStore() = default;
  /// Reads the file at `path`, where there is one. What cannot be read as evidence is set aside as
  /// `path`.damaged: none is better than some that is wrong. Errors: kIo.
  static Result<std::unique_ptr<EvidenceStore>> Open(std::filesystem::path path);

  /// False: known already, or there is enough of this validator, or the store is full.
  bool Add(const consensus::EvidenceFacts& facts, v1::Evidence evidence);
  /// Writes what was added since it last succeeded, and all before it, to the file; waits for the
  /// disk. Errors: kIo: call it again.
  Status Save();
  /// Is something not in the file? Never where there is none.
  bool unsaved() const;
  std::vector<v1::Evidence> List() const;
  std::size_t size() const;

 private:
  std::filesystem::path path_;
  std::mutex saving_;
  mutable std::mutex mutex_;  // guards:
  std::map<consensus::EvidenceFacts, v1::Evidence> entries_;
  std::size_t bytes_ = 0;
  bool unsaved_ = false;
};

}  // namespace talent::node
