// The node's RocksDB: one instance, column families per chain and use.
#pragma once

#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace rocksdb {
class DB;
class ColumnFamilyHandle;
}  // namespace rocksdb

namespace talent::ledger {

/// Thread-safe. Any failure to write during a commit is returned and must stop the chain.
class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };  // read-only opens beside a running node

  /// Creates it if missing (read-write). Errors: kIo (names path; another process holds it),
  /// kFormatVersion (says both versions), kCorruption.
  static Result<std::unique_ptr<Database>> Open(const std::filesystem::path& path, Mode mode);
  ~Database();

  rocksdb::DB& db() const;
  /// The column family `name`, created when missing (read-write). Errors: kNotFound (read-only),
  /// kIo.
  Result<rocksdb::ColumnFamilyHandle*> Family(std::string_view name);

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::ledger
