// A disk that is all but full: nothing is written any more, while there is room for what is in
// memory.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include "ledger/database.h"
#include "support/temp_dir.h"

namespace {

std::optional<std::uint64_t> pretended_free;  // bytes

}  // namespace

// In place of the C library's, which std::filesystem::space asks.
extern "C" int statvfs(const char* path, struct statvfs* out) noexcept {
  using Function = int (*)(const char*, struct statvfs*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "statvfs"));
  const int result = real(path, out);
  if (result == 0 && pretended_free) out->f_bavail = *pretended_free / out->f_frsize;
  return result;
}

namespace talent::ledger {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1u << 20;

class Reserve : public testing::Test {
 protected:
  ~Reserve() override { pretended_free.reset(); }
  Result<std::unique_ptr<Database>> Open(Database::Mode mode = Database::Mode::kReadWrite) {
    return Database::Open(dir_.path() / "db", mode);
  }
  static Status Write(const Database& database, const char* value) {
    rocksdb::WriteBatch batch;
    rocksdb::ColumnFamilyHandle* const family = database.Family("test").value();
    batch.Put(family, "key", value);
    return database.Commit(batch);
  }
  static std::optional<Bytes> Read(const Database& database) {
    return database.Get(database.Family("test").value(), "key").value();
  }

  const TempDir dir_;
};

TEST_F(Reserve, AtIt_NothingIsWrittenAndEverythingRead) {
  const auto database = Open().value();
  pretended_free = 128 * kMiB;
  ASSERT_TRUE(Write(*database, "1"));
  pretended_free = 127 * kMiB;
  const Status full = Write(*database, "2");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kIo);
  EXPECT_THAT(full.error().message, HasSubstr("is full: 127 MiB are free and 128 are needed"));
  EXPECT_EQ(Read(*database), "1");
}

TEST_F(Reserve, ToOpen_HalfOfItIsEnough) {
  {
    const auto database = Open().value();
    ASSERT_TRUE(Write(*database, "1"));
  }
  pretended_free = 63 * kMiB;
  EXPECT_THAT(Open().error().message, HasSubstr("64 are needed"));
  {
    const auto reader = Open(Database::Mode::kReadOnly);
    ASSERT_TRUE(reader) << reader.error().ToString();
    EXPECT_EQ(Read(**reader), "1") << "who only reads needs no room";
  }
  pretended_free = 64 * kMiB;
  const auto database = Open();
  ASSERT_TRUE(database) << database.error().ToString();
  EXPECT_EQ(Read(**database), "1");
}

}  // namespace
}  // namespace talent::ledger
