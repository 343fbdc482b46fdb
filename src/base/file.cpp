#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace talent {
namespace {

namespace fs = std::filesystem;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Of the system call that just failed.
tl::unexpected<Error> SystemError(std::string_view what, const fs::path& path) {
  const int error = errno;
  return Fail(Code::kIo, "{} {}: {}", what, path.string(), std::generic_category().message(error));
}

Status WriteAll(int fd, BytesView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return SystemError("cannot write", path);
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

fs::path DirectoryOf(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Gives the complete file at `temporary` its name; consumes `temporary` where it succeeds.
Status Publish(const std::string& temporary, const fs::path& path, IfExists if_exists) {
  if (if_exists == IfExists::kReplace) {
    if (rename(temporary.c_str(), path.c_str()) != 0) return SystemError("cannot write", path);
    return {};
  }
  // rename() would replace; link() fails where the name is taken, whoever took it and when.
  if (link(temporary.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) {
      return Fail(Code::kPrecondition, "{} exists and is not overwritten; move it away first",
                  path.string());
    }
    return SystemError("cannot write", path);
  }
  if (unlink(temporary.c_str()) != 0) return SystemError("cannot remove", temporary);
  return {};
}

}  // namespace

Result<Bytes> ReadFile(const fs::path& path, std::size_t max_bytes) {
  // Not to hang on a FIFO, which fstat then refuses.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) {
    if (errno == ENOENT) return Fail(Code::kNotFound, "{} does not exist", path.string());
    return SystemError("cannot open", path);
  }
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return SystemError("cannot inspect", path);
  if (!S_ISREG(info.st_mode)) return Fail(Code::kIo, "{} is not a regular file", path.string());
  Bytes out;
  while (true) {
    char chunk[16384];
    const ssize_t n = read(file.get(), chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError("cannot read", path);
    if (n == 0) return out;
    out.append(chunk, static_cast<std::size_t>(n));
    if (out.size() > max_bytes) {
      return Fail(Code::kTooLarge, "{} is larger than {} bytes", path.string(), max_bytes);
    }
  }
}

Status MakeDirectories(const fs::path& directory) {
  const fs::path parent = DirectoryOf(directory);
  std::error_code error;
  fs::create_directory(directory, error);
  if (error == std::errc::no_such_file_or_directory && parent != directory) {
    TRY(MakeDirectories(parent));
    fs::create_directory(directory, error);
  }
  if (error) {
    return Fail(Code::kIo, "cannot create {}: {}", directory.string(), error.message());
  }
  const FileDescriptor above(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above.ok() || fsync(above.get()) != 0) return SystemError("cannot sync directory", parent);
  return {};
}

Status WriteFile(const fs::path& path, BytesView bytes, mode_t mode, IfExists if_exists) {
  const fs::path directory = DirectoryOf(path);
  const FileDescriptor dir(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.ok()) return SystemError("cannot open directory", directory);
  std::string temporary = (directory / ("." + path.filename().string() + ".XXXXXX")).string();
  const FileDescriptor file(mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.ok()) return SystemError("cannot create a file in", directory);
  Status written = [&]() -> Status {
    TRY(WriteAll(file.get(), bytes, path));
    if (fchmod(file.get(), mode) != 0) return SystemError("cannot set the permissions of", path);
    if (fsync(file.get()) != 0) return SystemError("cannot sync", path);
    return Publish(temporary, path, if_exists);
  }();
  if (!written) {
    unlink(temporary.c_str());
    return written;
  }
  if (fsync(dir.get()) != 0) return SystemError("cannot sync directory", directory);
  return {};
}

}  // namespace talent
