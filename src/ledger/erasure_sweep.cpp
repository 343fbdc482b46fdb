#include "ledger/erasure_sweep.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "base/canonical.h"
#include "ledger/chain_store.h"
#include "ledger/erasure.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

/// Notes of one sweep: with them one flush and one look at the files.
constexpr std::size_t kMaxNotes = 64;
/// Two seconds for readers to end, which take milliseconds, and for RocksDB to delete files, which
/// it does in a thread of its own.
constexpr int kChecks = 100;
constexpr std::chrono::milliseconds kCheckEvery{20};

Status Checked(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return {};
  return Fail(CodeOf(status), "{}: {}", what, status.ToString());
}

class Sweep {
 public:
  Sweep(ChainStore store, Timestamp now, std::atomic<bool>& stop)
      : store_(std::move(store)), now_(now), stop_(stop) {}

  Result<SweepReport> Run() {
    TRY(ReadDueNotes());
    if (notes_.empty()) return report_;
    TRY(Delete());
    if (!Comes([this] { return !IsHeldByReader(); })) return Unfinished();
    const std::set<std::string> logs = TRY(Logs());
    TRY(store_.database().Flush());
    std::set<std::string> tables = DirtyTables();
    TRY(Compact(tables));
    if (stop_) return Unfinished();
    DropLive(tables);
    TRY(PurgeFiles());
    if (!AreGone(logs) || !AreGone(tables)) return Unfinished();
    TRY(Forget());
    return report_;
  }

 private:
  Status ReadDueNotes() {
    for (auto& [height, note] : TRY(store_.ReadErasing(kMaxNotes))) {
      const auto header = TRY(store_.ReadHeader(height));
      const auto erased = TRY(Decode<pb::BlockHeader>(header.header()));
      if (Timestamp(erased.time_ms()) + kErasedServedFor > now_) break;
      notes_.emplace(height, std::move(note));
    }
    return {};
  }

  Result<SweepReport> Unfinished() {
    report_ = SweepReport();
    report_.unfinished = true;
    return report_;
  }

  /// Each version names, in what its height has replaced, the one before it. Written even where
  /// nothing is left to delete: the log then has something, and a flush begins a new one.
  Status Delete() {
    rocksdb::WriteBatch batch;
    for (const auto& [height, note] : notes_) {
      for (const Bytes& id : note.payloads()) {
        CHECK(batch.Delete(store_.family(Use::kPayloads), id).ok());
        keys_[Use::kPayloads].insert(id);
      }
      for (const auto& entry : note.entries()) {
        keys_[Use::kState].insert(entry.key());
        if (entry.had()) TRY(DeleteVersions(entry, batch));
      }
      whole_state_ = whole_state_ || note.state();
      report_.payloads += static_cast<std::uint64_t>(note.payloads_size());
      report_.values += static_cast<std::uint64_t>(note.entries_size());
      store_.PutErasing(batch, height, &note);
    }
    report_.blocks = notes_.size();
    TRY(store_.database().Commit(batch));
    written_ = store_.database().db().GetLatestSequenceNumber();
    return {};
  }

  Status DeleteVersions(const pb::StoredErasing::Entry& entry, rocksdb::WriteBatch& batch) {
    const Hash path = TRY(Hash::FromBytes(entry.path()));
    std::optional<Height> version = Height(entry.version());
    while (version) {
      const Bytes key = ValueKey(path, *version);
      CHECK(batch.Delete(store_.family(Use::kValues), key).ok());
      keys_[Use::kValues].insert(key);
      version = TRY(VersionBefore(path, *version));
    }
    return {};
  }

  Result<std::optional<Height>> VersionBefore(const Hash& path, Height version) const {
    const auto bytes = TRY(store_.Get(Use::kTree, GarbageKey(version)));
    if (!bytes) return std::nullopt;
    const auto garbage = TRY(Decode<pb::StoredGarbage>(*bytes));
    for (const Bytes& value : garbage.values()) {
      if (BytesView(value).ends_with(path.View())) {
        return Height(ReadBigEndian(BytesView(value).substr(0, 8)));
      }
    }
    return std::nullopt;
  }

  /// A compaction keeps what an older view of the database still sees.
  bool IsHeldByReader() const {
    std::uint64_t oldest = 0;
    rocksdb::DB& db = store_.database().db();
    db.GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence, &oldest);
    return oldest != 0 && oldest < written_;
  }

  Result<std::set<std::string>> Logs() const {
    std::vector<std::string> names;
    rocksdb::DB& db = store_.database().db();
    TRY(Checked(db.GetEnv()->GetChildren(db.GetName(), &names), "list of the database's files"));
    std::set<std::string> logs;
    for (const std::string& name : names) {
      if (name.ends_with(".log")) logs.insert("/" + name);
    }
    return logs;
  }

  using Files = std::vector<rocksdb::LiveFileMetaData>;
  Files FilesOf(Use use) const {
    Files files;
    store_.database().db().GetLiveFilesMetaData(&files);
    std::erase_if(files, [&](const auto& file) {
      return file.column_family_name != store_.family(use)->GetName();
    });
    return files;
  }

  /// Where something erased may lie.
  std::set<std::string> DirtyTables() const {
    std::set<std::string> dirty;
    for (const auto& of_use : keys_) {
      for (const auto& file : FilesOf(of_use.first)) {
        const auto first = of_use.second.lower_bound(file.smallestkey);
        if (first != of_use.second.end() && *first <= file.largestkey) dirty.insert(file.name);
      }
    }
    for (const Use use : kWholeState) {
      if (!whole_state_) break;
      for (const auto& file : FilesOf(use)) dirty.insert(file.name);
    }
    return dirty;
  }

  /// What was left alone holds none of the keys, though they lie within its range.
  void DropLive(std::set<std::string>& tables) const {
    std::vector<rocksdb::LiveFileMetaData> live;
    store_.database().db().GetLiveFilesMetaData(&live);
    for (const auto& file : live) tables.erase(file.name);
  }

  /// Whether `key` lies where no value of before can: in one table, made since, or in none.
  bool IsClean(Use use, const Bytes& key, const std::set<std::string>& dirty) const {
    Files files = FilesOf(use);
    std::erase_if(
        files, [&](const auto& file) { return key < file.smallestkey || file.largestkey < key; });
    return files.empty() || (files.size() == 1 && !dirty.contains(files.front().name));
  }

  Status Compact(const std::set<std::string>& dirty) {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.canceled = &stop_;
    rocksdb::DB& db = store_.database().db();
    const auto compact = [&](Use use, const rocksdb::Slice* from, const rocksdb::Slice* to) {
      const auto done = db.CompactRange(options, store_.family(use), from, to);
      return stop_ ? Status() : Checked(done, "compaction");
    };
    for (const Use use : kWholeState) {
      if (whole_state_) TRY(compact(use, nullptr, nullptr));
    }
    for (const auto& [use, keys] : keys_) {
      for (const Bytes& key : keys) {
        if (stop_) return {};
        // Many lie in a table that was made anew for one before them.
        const rocksdb::Slice at(key);
        if (!IsClean(use, key, dirty)) TRY(compact(use, &at, &at));
      }
    }
    return {};
  }

  /// The logs of an earlier run are otherwise looked for every six hours only.
  Status PurgeFiles() const {
    rocksdb::DB& db = store_.database().db();
    TRY(Checked(db.DisableFileDeletions(), "files"));
    return Checked(db.EnableFileDeletions(/*force=*/false), "deletion of files");
  }

  bool AreGone(const std::set<std::string>& names) const {
    rocksdb::DB& db = store_.database().db();
    const auto exists = [&](const std::string& name) {
      return db.GetEnv()->FileExists(db.GetName() + name).ok();
    };
    return Comes([&] { return std::ranges::none_of(names, exists); });
  }

  template <class Condition>
  bool Comes(const Condition& condition) const {
    for (int i = 0; i < kChecks; ++i) {
      if (condition()) return true;
      if (stop_) break;
      std::this_thread::sleep_for(kCheckEvery);
    }
    return false;
  }

  Status Forget() {
    rocksdb::WriteBatch batch;
    for (const auto& note : notes_) store_.PutErasing(batch, note.first, nullptr);
    return store_.database().Commit(batch);
  }

  static constexpr std::array kWholeState = {Use::kState, Use::kValues, Use::kTree, Use::kWindow};

  const ChainStore store_;
  const Timestamp now_;
  std::atomic<bool>& stop_;
  std::map<Height, pb::StoredErasing> notes_;
  std::map<Use, std::set<Bytes>> keys_;
  bool whole_state_ = false;
  rocksdb::SequenceNumber written_ = 0;
  SweepReport report_;
};

}  // namespace

Result<SweepReport> SweepErased(const Database& database, const ChainId& chain, Timestamp now,
                                std::atomic<bool>& stop) {
  return Sweep(TRY(ChainStore::Open(database, chain)), now, stop).Run();
}

}  // namespace talent::ledger
