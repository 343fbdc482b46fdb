#include "ledger/database.h"

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormatVersion = "2";
constexpr std::string_view kOpeningPrefix = "opening/";  // then its number, big-endian
constexpr std::size_t kBlockCacheBytes = 128u << 20;     // of all chains together
constexpr std::size_t kMemtableBytes = 128u << 20;       // of all column families together
constexpr std::size_t kFamilyMemtableBytes = 32u << 20;
// Of a memtable, for its Bloom filter: some ten bits for each of a few hundred thousand keys. Most
// keys a validator asks for (is this transaction known?) are in no table, and the search of a
// memtable that finds nothing is the dearest.
constexpr double kMemtableFilterShare = 0.02;
constexpr std::size_t kMaxWalBytes = 512u << 20;  // then the oldest memtable is flushed
constexpr std::size_t kKeptInfoLogs = 4;
constexpr int kReadOnlyTries = 5;
// Kept free: what is in memory must still find room, and RocksDB may abort where it does not.
constexpr std::size_t kReserveBytes = kMemtableBytes;
// To open it takes less, so that one that stopped at the reserve can be looked at.
constexpr std::size_t kReserveToOpenBytes = kReserveBytes / 2;

rocksdb::Options MakeOptions() {
  rocksdb::Options options;
  options.paranoid_checks = true;
  // A block is one synced record of the log, so a torn tail was never reported as sealed: recovery
  // drops it and keeps every whole record before. kAbsoluteConsistency would refuse to start after
  // any kill, kTolerateCorruptedTailRecords would pass over damage in the middle.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // A log that was closed and is missing is a loss, not an end; see also CheckOpenings.
  options.track_and_verify_wals_in_manifest = true;
  options.db_write_buffer_size = kMemtableBytes;
  options.write_buffer_size = kFamilyMemtableBytes;
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = kMemtableFilterShare;
  options.max_total_wal_size = kMaxWalBytes;
  options.keep_log_file_num = kKeptInfoLogs;
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// What `path` cannot be read for is told by who reads it.
Status RequireFree(const std::string& path, std::size_t bytes) {
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  if (error || space.available >= bytes) return {};
  return Fail(
      Code::kIo,
      "the disk of {} is full: {} MiB are free and {} are needed; make room and start again", path,
      space.available >> 20, bytes >> 20);
}

constexpr std::string_view kWhatToDo =
    "move it away and start, and it is fetched from peers again (leave votes/ where it is)";

bool HoldsData(rocksdb::Env* env, const std::string& path) {
  std::vector<std::string> names;
  env->GetChildren(path, &names).PermitUncheckedError();
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.ends_with(".sst") || name.ends_with(".log");
  });
}

}  // namespace

Code CodeOf(const rocksdb::Status& status) {
  return status.IsCorruption() ? Code::kCorruption : Code::kIo;
}

struct Database::Impl {
  Mode mode = Mode::kReadWrite;
  std::string directory;
  bool on_disk = true;
  // After a write that failed RocksDB knows as little as we what the disk holds, and asserts that
  // nobody writes on.
  std::atomic<bool> failed = false;
  rocksdb::Options options;
  std::unique_ptr<rocksdb::DB> db;
  std::mutex mutex;  // guards families
  std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> families;

  ~Impl() {
    for (const auto& [name, handle] : families) {
      db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    if (db != nullptr) db->Close().PermitUncheckedError();
  }

  Status Start(const std::string& path);
  Status CheckFormat();
  Status CheckOpenings();
};

Status Database::Impl::Start(const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(options, path, &names);
  if (!listed.ok()) {
    if (mode == Mode::kReadOnly || !options.env->FileExists(path + "/CURRENT").IsNotFound()) {
      return Fail(CodeOf(listed), "no database can be read at {}: {}", path, listed.ToString());
    }
    // Made anew, RocksDB would delete what it does not know of.
    if (HoldsData(options.env, path)) {
      return Fail(Code::kCorruption,
                  "the database is damaged: its files are here, but not CURRENT, which names them; "
                  "{}",
                  kWhatToDo);
    }
    names = {rocksdb::kDefaultColumnFamilyName};
    options.create_if_missing = true;
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) descriptors.emplace_back(name, options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened =
      mode == Mode::kReadOnly
          ? rocksdb::DB::OpenForReadOnly(options, path, descriptors, &handles, &raw)
          : rocksdb::DB::Open(options, path, descriptors, &handles, &raw);
  db.reset(raw);
  if (!opened.ok()) {
    const std::string text = opened.ToString();
    const bool locked = opened.IsIOError() && text.find("/LOCK:") != std::string::npos;
    if (locked) {
      return Fail(Code::kUnavailable, "another process (or this one) has the database open: {}",
                  text);
    }
    // A missing file is no less of a loss than a damaged one.
    const bool missing = opened.IsPathNotFound() || text.find("No such file") != std::string::npos;
    if (opened.IsCorruption() || missing) {
      return Fail(Code::kCorruption, "the database is damaged: {}; {}", text, kWhatToDo);
    }
    return Fail(Code::kIo, "the database cannot be opened: {}", text);
  }
  for (std::size_t i = 0; i < names.size(); ++i) families[names[i]] = handles[i];
  TRY(CheckFormat());
  return CheckOpenings();
}

// Each opening is the first record of a log of RocksDB. An old MANIFEST (put back by hand, or by a
// disk) names the tables of its time, RocksDB throws the others away and adds the newest log: what
// lay between is gone without a word. The opening before the last is then missing.
Status Database::Impl::CheckOpenings() {
  rocksdb::ColumnFamilyHandle* const home = families.at(rocksdb::kDefaultColumnFamilyName);
  const auto key = [](std::uint64_t number) { return Bytes(kOpeningPrefix) + BigEndian(number); };
  std::vector<std::uint64_t> found;
  const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator(rocksdb::ReadOptions(), home));
  for (at->Seek(rocksdb::Slice(kOpeningPrefix));
       at->Valid() && at->key().starts_with(rocksdb::Slice(kOpeningPrefix)); at->Next()) {
    found.push_back(
        ReadBigEndian(BytesView(at->key().data(), at->key().size()).substr(kOpeningPrefix.size())));
  }
  if (!at->status().ok()) {
    return Fail(CodeOf(at->status()), "openings cannot be read: {}", at->status().ToString());
  }
  const std::uint64_t last = found.empty() ? 0 : found.back();
  if (last > 1 && (found.size() < 2 || found[found.size() - 2] != last - 1)) {
    return Fail(Code::kCorruption,
                "the database is damaged: writes between its tables and its log are missing, as "
                "after an old MANIFEST; {}",
                kWhatToDo);
  }
  if (mode != Mode::kReadWrite) return {};
  rocksdb::WriteBatch batch;
  batch.Put(home, key(last + 1), "");
  for (const std::uint64_t number : found) {
    if (number < last) batch.Delete(home, key(number));
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const rocksdb::Status written = db->Write(synced, &batch);
  if (!written.ok()) return Fail(Code::kIo, "opening cannot be recorded: {}", written.ToString());
  return {};
}

Status Database::Impl::CheckFormat() {
  rocksdb::ColumnFamilyHandle* const home = families.at(rocksdb::kDefaultColumnFamilyName);
  std::string recorded;
  const rocksdb::Status read =
      db->Get(rocksdb::ReadOptions(), home, rocksdb::Slice(kFormatKey), &recorded);
  if (read.ok()) {
    if (recorded == kFormatVersion) return {};
    return Fail(Code::kFormatVersion, "written in storage format {}; this program uses {}",
                recorded, kFormatVersion);
  }
  if (!read.IsNotFound()) {
    return Fail(CodeOf(read), "storage format cannot be read: {}", read.ToString());
  }
  const std::unique_ptr<rocksdb::Iterator> first(db->NewIterator(rocksdb::ReadOptions(), home));
  first->SeekToFirst();
  if (mode == Mode::kReadOnly || families.size() > 1 || first->Valid()) {
    return Fail(Code::kFormatVersion, "no storage format recorded; this program uses {}",
                kFormatVersion);
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const rocksdb::Status written =
      db->Put(synced, home, rocksdb::Slice(kFormatKey), rocksdb::Slice(kFormatVersion));
  if (!written.ok()) {
    return Fail(Code::kIo, "storage format cannot be recorded: {}", written.ToString());
  }
  return {};
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::Open(const std::filesystem::path& path, Mode mode,
                                                 rocksdb::Env* env) {
  auto impl = std::make_unique<Impl>();
  impl->mode = mode;
  impl->directory = path.string();
  impl->on_disk = env == nullptr;
  impl->options = MakeOptions();
  if (env != nullptr) {
    impl->options.env = env;
  } else if (mode != Mode::kReadOnly) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) {
      return Fail(Code::kIo, "directory {} cannot be made: {}", path.string(), error.message());
    }
    if (mode == Mode::kReadWrite) TRY(RequireFree(impl->directory, kReserveToOpenBytes));
  }
  Status started = impl->Start(path.string());
  // The node that runs may delete a table between our reading which there are and opening it.
  for (int i = 1; i < kReadOnlyTries && mode == Mode::kReadOnly; ++i) {
    if (started || impl->db != nullptr || started.error().code != Code::kCorruption) break;
    started = impl->Start(path.string());
  }
  if (!started) return Within(path.string(), started.error());
  return std::unique_ptr<Database>(new Database(std::move(impl)));
}

rocksdb::DB& Database::db() const { return *impl_->db; }

Database::Mode Database::mode() const { return impl_->mode; }

Result<std::optional<Bytes>> Database::Get(rocksdb::ColumnFamilyHandle* family,
                                           BytesView key) const {
  std::string value;
  const rocksdb::Status read =
      impl_->db->Get(rocksdb::ReadOptions(), family, rocksdb::Slice(key), &value);
  if (read.IsNotFound()) return std::nullopt;
  if (!read.ok()) {
    return Fail(CodeOf(read), "key {} of column family {} cannot be read: {}", ToHex(key),
                family->GetName(), read.ToString());
  }
  return value;
}

Status Database::Commit(rocksdb::WriteBatch& batch) const {
  if (impl_->failed) return Fail(Code::kIo, "database write: an earlier one failed; start again");
  const bool durable = impl_->mode == Mode::kReadWrite;
  if (durable && impl_->on_disk) {
    const Status room = RequireFree(impl_->directory, kReserveBytes);
    if (!room) {
      impl_->failed = true;
      return Within("database write", room.error());
    }
  }
  rocksdb::WriteOptions options;
  options.sync = durable;
  const rocksdb::Status written = impl_->db->Write(options, &batch);
  if (!written.ok()) {
    impl_->failed = true;
    return Fail(Code::kIo, "database write: {}", written.ToString());
  }
  return {};
}

Status Database::Flush() const {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, handle] : impl_->families) handles.push_back(handle);
  }
  const rocksdb::Status flushed = impl_->db->Flush(rocksdb::FlushOptions(), handles);
  if (!flushed.ok()) return Fail(Code::kIo, "database flush: {}", flushed.ToString());
  return {};
}

Result<rocksdb::ColumnFamilyHandle*> Database::Family(std::string_view name) const {
  const std::lock_guard lock(impl_->mutex);
  if (const auto found = impl_->families.find(name); found != impl_->families.end()) {
    return found->second;
  }
  if (impl_->mode == Mode::kReadOnly) {
    return Fail(Code::kNotFound, "column family {} is not in this database", name);
  }
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  const rocksdb::Status made =
      impl_->db->CreateColumnFamily(impl_->options, std::string(name), &handle);
  if (!made.ok()) {
    return Fail(Code::kIo, "column family {} cannot be made: {}", name, made.ToString());
  }
  return impl_->families.emplace(name, handle).first->second;
}

}  // namespace talent::ledger
