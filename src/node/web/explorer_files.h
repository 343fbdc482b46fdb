// The explorer's built files, served as they lay in their folder when the node started.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "node/ops/http_message.h"

namespace talent::node {

/// All of them are read into memory once, so that a request never names a file of the disk.
/// Immutable.
class ExplorerFiles {
 public:
  static constexpr std::size_t kMaxFiles = 4096;       // a build has some dozens
  static constexpr std::size_t kMaxBytes = 64u << 20;  // together
  static constexpr std::size_t kMaxFileBytes = 16u << 20;

  /// Links are passed over: what they lead to may lie elsewhere. Errors: kNotFound (no such folder,
  /// or no index.html in it), kIo, kTooLarge.
  static Result<ExplorerFiles> Load(const std::filesystem::path& folder);

  /// The file at `path`; index.html for paths that name none, which are the explorer's pages.
  HttpResponse Answer(const HttpRequest& request) const;

 private:
  struct File {
    std::string bytes, content_type, tag;
  };
  std::map<std::string, File> files_;  // by path from '/'
};

}  // namespace talent::node
