// The file under a vote log: on disk, or on a simulated one.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace talent::node {

/// One file that is appended to and replaced as a whole. What a call changed is durable when it
/// returns without an error; after an error, what the disk holds is unknown. Not thread-safe.
class VoteFile {
 public:
  struct Found {
    std::optional<Bytes> bytes;  // none: there is no file
    bool set_aside = false;      // a file was, once
  };

  virtual ~VoteFile() = default;
  virtual std::string name() const = 0;  // for messages

  virtual Result<Found> Read() = 0;
  /// Cuts the file that Read found to its first `size` bytes, to be appended to.
  virtual Status Keep(std::size_t size) = 0;
  virtual Status Append(BytesView bytes) = 0;
  /// A crash leaves the old file or the new one.
  virtual Status Replace(BytesView bytes) = 0;
  /// Keeps the file under another name, for whoever wants to look into it.
  virtual Status SetAside() = 0;
};

/// The file at `path`, whose folder is made and which is locked (`path`.lock) until destroyed.
/// Errors: kUnavailable (another process holds the lock), kIo.
Result<std::unique_ptr<VoteFile>> OpenVoteFile(const std::filesystem::path& path);

}  // namespace talent::node
