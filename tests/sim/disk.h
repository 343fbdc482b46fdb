// A simulated disk: what was not synced is lost when the power goes, and what is read may be
// rotten.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "node/chain/vote_file.h"
#include "sim/random.h"

namespace rocksdb {
class Env;
}

namespace talent::sim {

/// Names are journalled: a crash keeps the first so many of the changes made since the last sync of
/// a directory, in order. RocksDB's background threads use it too; faults and `boundary` are for
/// the thread that made it.
class Disk {
 public:
  struct File {
    Bytes data;
    std::size_t synced = 0;  // bytes of it that a power cut leaves
  };
  using FilePtr = std::shared_ptr<File>;
  enum class Result { kOk, kFull, kDead };

  Disk();
  ~Disk();

  /// Called before and after everything that is synced. Where it returns false the process has died
  /// there: it learns nothing any more.
  std::function<bool()> boundary;
  void SetFull(bool full);
  /// From here on nothing can be written: its process is gone.
  void Die();
  /// Another process begins.
  void Revive();
  /// To be called of a dead disk. What was not synced is gone, or is there in part.
  void LosePower(Rng& rng);
  /// Flips a bit in a file whose name begins with `prefix`; its name, or "" where there is none.
  std::string Rot(Rng& rng, std::string_view prefix);
  void Erase(std::string_view prefix);
  void CopyFrom(const Disk& other);

  /// A RocksDB environment on it.
  rocksdb::Env* env();
  /// So many more jobs are under way in RocksDB's background threads.
  void BackgroundJobs(int more);
  /// Until none is: what they read and write then depends on no thread's pace.
  void AwaitBackground();
  /// `durable` is told of everything promised: the file's bytes from the given offset on.
  std::unique_ptr<node::VoteFile> OpenVotes(std::function<void(BytesView, bool replaced)> durable);

  // The file system.
  FilePtr Find(const std::string& name) const;
  std::vector<std::string> List(const std::string& directory) const;
  FilePtr Create(const std::string& name);  // none: dead
  Result Append(const FilePtr& file, BytesView bytes);
  Result Truncate(const FilePtr& file, std::size_t size);
  Result Sync(const FilePtr& file);
  Result Rename(const std::string& from, const std::string& to);  // of a file that is there
  Result Remove(const std::string& name);
  Result SyncNames();
  Bytes Read(const FilePtr& file, std::size_t offset, std::size_t size) const;

 private:
  using Names = std::map<std::string, FilePtr>;
  bool Boundary();
  Result Writable() const;
  void Change(std::function<void(Names&)> change);

  const std::thread::id owner_ = std::this_thread::get_id();
  mutable std::mutex mutex_;  // guards everything below
  Names names_;               // as the process sees them
  Names durable_;
  struct Journalled {
    std::function<void(Names&)> change;
    bool own = false;  // made by the thread that made the disk
  };
  std::vector<Journalled> journal_;
  int background_ = 0;
  std::condition_variable background_done_;
  bool full_ = false;
  bool dead_ = false;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace talent::sim
