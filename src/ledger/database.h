// The node's RocksDB: one instance, column families per chain and use.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace rocksdb {
class DB;
class ColumnFamilyHandle;
class Env;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace talent::ledger {

/// kCorruption or kIo.
Code CodeOf(const rocksdb::Status& status);

/// Thread-safe. Any failure to write during a commit is returned and must stop the chain.
class Database {
 public:
  enum class Mode {
    kReadWrite,
    kReadOnly,  // beside a running node; sees what was there on opening
    kScratch,   // read-write, nothing synced: for what can be made again
  };

  /// Creates it if missing (read-write) in `env`, which outlives it; none: on the disk. Errors: kIo
  /// (also where the disk is all but full), kUnavailable (another process holds it), kFormatVersion
  /// (says both versions), kCorruption (a file is damaged or missing; says what to do).
  static Result<std::unique_ptr<Database>> Open(const std::filesystem::path& path, Mode mode,
                                                rocksdb::Env* env = nullptr);
  ~Database();

  rocksdb::DB& db() const;
  Mode mode() const;
  /// The column family `name`, created when missing (read-write); for other modules' small data
  /// too, under names that do not begin with a chain id. Errors: kNotFound (read-only), kIo.
  Result<rocksdb::ColumnFamilyHandle*> Family(std::string_view name) const;
  /// Value of `key`, or nullopt. Errors: kIo, kCorruption.
  Result<std::optional<Bytes>> Get(rocksdb::ColumnFamilyHandle* family, BytesView key) const;
  /// Writes the batch, all of it or nothing, durable on return. Errors: kIo (also where the disk is
  /// all but full); the database then takes no more writes.
  Status Commit(rocksdb::WriteBatch& batch) const;
  /// Writes what is in memory into tables and begins a new log. Errors: kIo.
  Status Flush() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::ledger
