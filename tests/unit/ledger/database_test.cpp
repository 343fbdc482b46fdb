#include "ledger/database.h"

#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "ledger_fixture.h"

namespace talent::ledger {
namespace {

using ::testing::HasSubstr;
using Mode = Database::Mode;

TEST(Database, Family_KeepsWhatIsWritten) {
  const TempDir dir;
  {
    const auto database = Database::Open(dir.path() / "a" / "db", Mode::kReadWrite);
    ASSERT_TRUE(database) << database.error().ToString();
    const auto family = (*database)->Family("outbox");
    ASSERT_TRUE(family);
    EXPECT_EQ((*database)->Family("outbox").value(), *family);
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put(*family, "k", "v").ok());
    EXPECT_TRUE((*database)->Commit(batch));
    EXPECT_EQ((*database)->Get(*family, "k").value(), "v");
    EXPECT_EQ((*database)->Get(*family, "absent").value(), std::nullopt);
  }
  const auto database = Database::Open(dir.path() / "a" / "db", Mode::kReadOnly);
  ASSERT_TRUE(database);
  EXPECT_EQ((*database)->Get((*database)->Family("outbox").value(), "k").value(), "v");
  EXPECT_EQ((*database)->Family("absent").error().code, Code::kNotFound);
}

TEST(Database, SecondOpening_SaysThatItIsLocked) {
  const TempDir dir;
  const auto first = Database::Open(dir.path(), Mode::kReadWrite);
  ASSERT_TRUE(first);
  const auto second = Database::Open(dir.path(), Mode::kReadWrite);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr("another process"));
  EXPECT_THAT(second.error().message, HasSubstr(dir.path().string()));
  EXPECT_TRUE(Database::Open(dir.path(), Mode::kReadOnly));
}

TEST(Database, AnotherFormat_IsRefusedWithBothVersions) {
  const TempDir dir;
  {
    const auto database = Database::Open(dir.path(), Mode::kReadWrite);
    ASSERT_TRUE((*database)->db().Put(rocksdb::WriteOptions(), "format", "99").ok());
  }
  for (const Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    const auto reopened = Database::Open(dir.path(), mode);
    ASSERT_FALSE(reopened);
    EXPECT_EQ(reopened.error().code, Code::kFormatVersion);
    EXPECT_THAT(reopened.error().message, HasSubstr("99"));
    EXPECT_THAT(reopened.error().message, HasSubstr("2"));
  }
}

TEST(Database, SomebodyElsesRocksDb_IsRefused) {
  const TempDir dir;
  {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, dir.path().string(), &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "x", "y").ok());
  }
  EXPECT_EQ(Database::Open(dir.path(), Mode::kReadWrite).error().code, Code::kFormatVersion);
}

// What RocksDB opens then is what the old list names, and the newest log: a state that never was.
TEST(Database, AnOldManifest_IsDamage) {
  const TempDir dir;
  const auto db = dir.path() / "db", old = dir.path() / "old";
  const auto lists = [](const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      const std::string name = file.path().filename().string();
      if (name == "CURRENT" || name.starts_with("MANIFEST")) files.push_back(file.path());
    }
    return files;
  };
  const auto open = [&] { return Database::Open(db, Database::Mode::kReadWrite); };
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(open());
  std::filesystem::create_directory(old);
  for (const auto& file : lists(db)) std::filesystem::copy(file, old);
  ASSERT_TRUE(open());
  for (const auto& file : lists(db)) std::filesystem::remove(file);
  for (const auto& file : lists(old)) std::filesystem::copy(file, db);
  const auto damaged = open();
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::kCorruption);
  EXPECT_THAT(damaged.error().message, HasSubstr("old MANIFEST"));
}

TEST(Database, NothingThere_IsAnErrorForReaders) {
  const TempDir dir;
  const auto opened = Database::Open(dir.path() / "absent", Mode::kReadOnly);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kIo);
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "absent"));
}

}  // namespace
}  // namespace talent::ledger
