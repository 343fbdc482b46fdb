#include "node/chain/vote_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace talent::node {
namespace {

tl::unexpected<Error> IoError(std::string_view what, const std::filesystem::path& path) {
  const std::string why = std::error_code(errno, std::generic_category()).message();
  return Fail(Code::kIo, "cannot {} {}: {}", what, path.string(), why);
}

class File {
 public:
  explicit File(int fd = -1) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool WriteAll(const File& file, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(file.fd(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Result<Bytes> ReadAll(const File& file, const std::filesystem::path& path) {
  struct stat info {};
  if (fstat(file.fd(), &info) != 0) return IoError("stat", path);
  Bytes bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(file.fd(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return IoError("read", path);
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

Status SyncDirectory(const std::filesystem::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const File directory(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok() || fsync(directory.fd()) != 0) return IoError("sync directory", parent);
  return {};
}

class DiskFile final : public VoteFile {
 public:
  DiskFile(std::filesystem::path path, File lock)
      : path_(std::move(path)), aside_(path_), lock_(std::move(lock)) {
    aside_ += ".damaged";
  }

  std::string name() const override { return path_.string(); }

  Result<Found> Read() override {
    Found found;
    found.set_aside = access(aside_.c_str(), F_OK) == 0;
    file_ = File(open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!file_.ok() && errno != ENOENT) return IoError("open", path_);
    if (file_.ok()) found.bytes = TRY(ReadAll(file_, path_));
    return found;
  }

  Status Keep(std::size_t size) override {
    if (ftruncate(file_.fd(), static_cast<off_t>(size)) != 0) return IoError("truncate", path_);
    // What was read may have been in the page cache only: from here on it is promised.
    if (fsync(file_.fd()) != 0) return IoError("sync", path_);
    if (lseek(file_.fd(), 0, SEEK_END) < 0) return IoError("seek in", path_);
    return SyncDirectory(path_);
  }

  Status Append(BytesView bytes) override {
    if (!WriteAll(file_, bytes)) return IoError("append to", path_);
    if (fdatasync(file_.fd()) != 0) return IoError("sync", path_);
    return {};
  }

  Status Replace(BytesView bytes) override {
    std::filesystem::path temporary = path_;
    temporary += ".new";
    File fresh(open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fresh.ok()) return IoError("create", temporary);
    if (!WriteAll(fresh, bytes)) return IoError("write", temporary);
    if (fsync(fresh.fd()) != 0) return IoError("sync", temporary);
    if (rename(temporary.c_str(), path_.c_str()) != 0) return IoError("rename", temporary);
    TRY(SyncDirectory(path_));
    file_ = std::move(fresh);
    return {};
  }

  Status SetAside() override {
    if (rename(path_.c_str(), aside_.c_str()) != 0) return IoError("rename", path_);
    return {};
  }

 private:
  const std::filesystem::path path_;
  std::filesystem::path aside_;
  File lock_;
  File file_;
};

}  // namespace

Result<std::unique_ptr<VoteFile>> OpenVoteFile(const std::filesystem::path& path) {
  if (path.has_parent_path()) TRY(MakeDirectories(path.parent_path()));
  std::filesystem::path lock = path;
  lock += ".lock";
  File held(open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!held.ok()) return IoError("open", lock);
  if (flock(held.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return IoError("lock", lock);
    return Fail(Code::kUnavailable, "{} is held by another process; a validator runs once",
                lock.string());
  }
  return std::unique_ptr<VoteFile>(std::make_unique<DiskFile>(path, std::move(held)));
}

}  // namespace talent::node
