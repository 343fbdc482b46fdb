// A validator's promises on disk: an append-only file of one chain's vote records.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/env.h"
#include "base/result.h"
#include "crypto/ed25519.h"
#include "node/chain/vote_file.h"

namespace talent::node {

/// Append-only; every Append is one batch with one fdatasync, and on return the batch is durable.
///
/// A crash may tear the last batch: Append had not returned, so nobody was promised what is in it,
/// and opening cuts it off silently. Damage before the last batch is another matter: promises were
/// lost, and opening says so. A last batch that rotted later looks torn, and is cut: one power cut
/// can tear the logs of all validators, which must not stop them all, while a rotten disk is one
/// validator's. Not thread-safe; moves between threads are fine.
///
/// After any error of Append or Rewrite the log refuses to go on: what the disk then holds is
/// unknown (a failed fsync may drop the pages it failed on). The host ends the process.
class VoteLog {
 public:
  struct Opened;

  /// Leaves at `path` the log of a key that has just been made, which no chain knows yet: only so
  /// can a first start tell a new validator from one that lost its disk. A log that is there stays:
  /// what it holds binds. Errors: kUnavailable (another process holds the lock), kIo.
  static Status Prepare(const std::filesystem::path& path, const crypto::PublicKey& key);
  static Status Prepare(VoteFile& file, const crypto::PublicKey& key, Random& random);
  /// Is there a log that was only prepared at `path`, or none? An answer for who looks, not a lock.
  static bool IsUnused(const std::filesystem::path& path);

  /// Opens the log of what `key` votes at `path`, or creates it, and holds its lock (`path`.lock)
  /// until destroyed. A damaged file is moved to `path`.damaged and a new one begun.
  /// Errors: kUnavailable (another process holds the lock), kWrongGenesis (the file is another
  /// chain's), kFormatVersion, kIo.
  static Result<Opened> Open(const std::filesystem::path& path, const ChainId& chain,
                             const crypto::PublicKey& key);
  /// The same with `file`; `random` outlives the log.
  static Result<Opened> Open(std::unique_ptr<VoteFile> file, const ChainId& chain,
                             const crypto::PublicKey& key, Random& random);

  ~VoteLog();
  VoteLog(const VoteLog&) = delete;
  VoteLog& operator=(const VoteLog&) = delete;

  /// Requires one record or more. Errors: kTooLarge (over kMaxBatchBytes), kIo.
  Status Append(const std::vector<Bytes>& records);
  /// Replaces everything in the log, atomically. Errors: as Append.
  Status Rewrite(const std::vector<Bytes>& records);

  /// Far above what a window of proposals takes; bounds what opening believes of a length.
  static constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 30;

 private:
  struct Impl;
  explicit VoteLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct VoteLog::Opened {
  std::unique_ptr<VoteLog> log;
  std::vector<Bytes> records;  // in order of appending
  /// Nothing was ever written to this log. With a chain that has moved: the votes are lost, unless
  /// the log is unused.
  bool created = false;
  /// Prepared with this very key, and not written to since: the key has never voted.
  bool unused = false;
  /// Records were lost from the middle, and nothing has been written since: the votes are lost.
  bool damaged = false;
  std::size_t torn_bytes = 0;  // of a last batch that was being written; cut
};

}  // namespace talent::node
