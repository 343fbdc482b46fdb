#include "sim/disk_env.h"

#include <rocksdb/file_system.h>

#include <cstring>

namespace talent::sim {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus ToIo(Disk::Result result) {
  switch (result) {
    case Disk::Result::kOk:
      return IOStatus::OK();
    case Disk::Result::kFull:
      return IOStatus::NoSpace();
    case Disk::Result::kDead:
      break;
  }
  return IOStatus::IOError("this process is dead");
}

class Reader final : public rocksdb::FSSequentialFile, public rocksdb::FSRandomAccessFile {
 public:
  Reader(Disk& disk, Disk::FilePtr file) : disk_(disk), file_(std::move(file)) {}

  IOStatus Read(std::size_t n, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*debug*/) override {
    *result = Copy(at_, n, scratch);
    at_ += result->size();
    return IOStatus::OK();
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& /*options*/, Slice* result,
                char* scratch, IODebugContext* /*debug*/) const override {
    *result = Copy(offset, n, scratch);
    return IOStatus::OK();
  }
  bool use_direct_io() const override { return false; }
  std::size_t GetRequiredBufferAlignment() const override { return 1; }
  IOStatus InvalidateCache(std::size_t /*offset*/, std::size_t /*length*/) override {
    return IOStatus::OK();
  }

 private:
  Slice Copy(std::size_t offset, std::size_t n, char* scratch) const {
    const Bytes bytes = disk_.Read(file_, offset, n);
    std::memcpy(scratch, bytes.data(), bytes.size());
    return {scratch, bytes.size()};
  }

  Disk& disk_;
  const Disk::FilePtr file_;
  std::size_t at_ = 0;
};

class Writer final : public rocksdb::FSWritableFile {
 public:
  Writer(Disk& disk, Disk::FilePtr file) : disk_(disk), file_(std::move(file)) {}

  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*debug*/) override {
    return ToIo(disk_.Append(file_, data.ToStringView()));
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {
    return ToIo(disk_.Truncate(file_, size));
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return ToIo(disk_.Sync(file_));
  }
  std::uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return disk_.Read(file_, 0, Bytes::npos).size();
  }

 private:
  Disk& disk_;
  const Disk::FilePtr file_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  explicit Directory(Disk& disk) : disk_(disk) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return ToIo(disk_.SyncNames());
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }

 private:
  Disk& disk_;
};

/// Nobody reads it here.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

class Files final : public rocksdb::FileSystem {
 public:
  explicit Files(Disk& disk) : disk_(disk) {}
  const char* Name() const override { return "simulated"; }

  IOStatus NewSequentialFile(const std::string& name, const FileOptions& /*options*/,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* /*debug*/) override {
    return OpenReader(name, result);
  }
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions& /*options*/,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* /*debug*/) override {
    return OpenReader(name, result);
  }
  IOStatus NewWritableFile(const std::string& name, const FileOptions& /*options*/,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* /*debug*/) override {
    const Disk::FilePtr file = disk_.Create(name);
    if (!file) return ToIo(Disk::Result::kDead);
    *result = std::make_unique<Writer>(disk_, file);
    return IOStatus::OK();
  }
  IOStatus NewDirectory(const std::string& /*name*/, const IOOptions& /*options*/,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* /*debug*/) override {
    *result = std::make_unique<Directory>(disk_);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& name, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    return disk_.Find(name) ? IOStatus::OK() : IOStatus::NotFound(name);
  }
  IOStatus GetChildren(const std::string& directory, const IOOptions& /*options*/,
                       std::vector<std::string>* result, IODebugContext* /*debug*/) override {
    *result = disk_.List(directory);
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    return disk_.Find(name) ? ToIo(disk_.Remove(name)) : IOStatus::NotFound(name);
  }
  IOStatus CreateDir(const std::string& /*name*/, const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus CreateDirIfMissing(const std::string& /*name*/, const IOOptions& /*options*/,
                              IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus DeleteDir(const std::string& /*name*/, const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus GetFileSize(const std::string& name, const IOOptions& /*options*/, std::uint64_t* size,
                       IODebugContext* /*debug*/) override {
    const Disk::FilePtr file = disk_.Find(name);
    if (!file) return IOStatus::NotFound(name);
    *size = disk_.Read(file, 0, Bytes::npos).size();
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string& /*name*/, const IOOptions& /*options*/,
                                   std::uint64_t* time, IODebugContext* /*debug*/) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    return disk_.Find(from) ? ToIo(disk_.Rename(from, to)) : IOStatus::NotFound(from);
  }
  IOStatus LockFile(const std::string& /*name*/, const IOOptions& /*options*/,
                    rocksdb::FileLock** lock, IODebugContext* /*debug*/) override {
    *lock = new rocksdb::FileLock();
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions& /*options*/, std::string* path,
                            IODebugContext* /*debug*/) override {
    *path = "/test";
    return IOStatus::OK();
  }
  IOStatus NewLogger(const std::string& /*name*/, const IOOptions& /*options*/,
                     std::shared_ptr<rocksdb::Logger>* result, IODebugContext* /*debug*/) override {
    *result = std::make_shared<NoLog>();
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions& /*options*/, std::string* out,
                           IODebugContext* /*debug*/) override {
    *out = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& name, const IOOptions& /*options*/, bool* is_directory,
                       IODebugContext* /*debug*/) override {
    *is_directory = disk_.Find(name) == nullptr;
    return IOStatus::OK();
  }

 private:
  template <class Base>
  IOStatus OpenReader(const std::string& name, std::unique_ptr<Base>* result) {
    const Disk::FilePtr file = disk_.Find(name);
    if (!file) return IOStatus::NotFound(name);
    *result = std::make_unique<Reader>(disk_, file);
    return IOStatus::OK();
  }

  Disk& disk_;
};

// Its background jobs run in threads of their own, but can be waited for.
class BackgroundEnv final : public rocksdb::EnvWrapper {
 public:
  BackgroundEnv(Disk& disk, std::unique_ptr<rocksdb::Env> files)
      : rocksdb::EnvWrapper(files.get()), disk_(disk), files_(std::move(files)) {
    file_system_ = files_->GetFileSystem();
    system_clock_ = files_->GetSystemClock();
  }

  void Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                void (*dropped)(void*)) override {
    disk_.BackgroundJobs(1);
    files_->Schedule(&Job::Run, new Job{disk_, function, argument, dropped}, priority, tag,
                     &Job::Drop);
  }

 private:
  struct Job {
    Disk& disk;
    void (*function)(void*);
    void* argument;
    void (*dropped)(void*);

    static void Run(void* self) { static_cast<Job*>(self)->End(&Job::function); }
    static void Drop(void* self) { static_cast<Job*>(self)->End(&Job::dropped); }
    void End(void (*Job::*how)(void*)) {
      const std::unique_ptr<Job> job(this);
      if (this->*how != nullptr) (this->*how)(argument);
      disk.BackgroundJobs(-1);
    }
  };

  Disk& disk_;
  const std::unique_ptr<rocksdb::Env> files_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> MakeEnv(Disk& disk) {
  return std::make_unique<BackgroundEnv>(disk,
                                         rocksdb::NewCompositeEnv(std::make_shared<Files>(disk)));
}

}  // namespace talent::sim
