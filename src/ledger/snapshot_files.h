// A snapshot as a directory of files: a manifest, and the chunks.
//
//   manifest        SnapshotManifest, canonical; written last, so that what has one is whole
//   state-00000…    state chunks in order of path
//   window-00000…   window chunks, downwards
#pragma once

#include <filesystem>
#include <functional>

#include "ledger/snapshot.h"

namespace talent::ledger {

/// How far a snapshot's work is.
struct SnapshotProgress {
  double done = 0;  // 0 to 1
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  // of chunks, packed
};
using OnSnapshotProgress = std::function<void(const SnapshotProgress&)>;

/// Writes the snapshot into `directory`, which must not exist or be empty. Errors: kPrecondition
/// (it is not), kIo, those of SnapshotSource.
Result<pb::SnapshotManifest> WriteSnapshot(const SnapshotSource& source,
                                           const std::filesystem::path& directory,
                                           const OnSnapshotProgress& progress);

/// Errors: kNotFound (no manifest: not a whole snapshot), kInvalidArgument, kIo.
Result<pb::SnapshotManifest> ReadManifest(const std::filesystem::path& directory);

/// Checks a directory from the genesis: its header through the epochs, every chunk, and that none
/// is missing. Errors name the file: kCorruption, kInvalidArgument, kTooLarge, kNotFound, kIo.
Result<TrustedHeader> VerifySnapshot(const Genesis& genesis, const std::filesystem::path& directory,
                                     const OnSnapshotProgress& progress);

/// Starts a chain from a directory, or goes on with it. Errors: those of VerifySnapshot and
/// SnapshotRestore.
Result<TrustedHeader> RestoreSnapshot(Database& database, const Genesis& genesis,
                                      const Application& application,
                                      const std::filesystem::path& directory,
                                      const std::optional<PinnedBlock>& pinned,
                                      const OnSnapshotProgress& progress);

}  // namespace talent::ledger
