#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <set>

#include "support/temp_dir.h"

namespace {

// What has been synced, by path.
std::set<std::filesystem::path>& Synced() {
  static std::set<std::filesystem::path> paths;
  return paths;
}

}  // namespace

// In place of the C library's: whether a directory was synced shows in nothing but a power cut.
extern "C" int fsync(int fd) {
  Synced().insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)));
  return static_cast<int>(syscall(SYS_fsync, fd));
}

namespace talent {
namespace {

namespace fs = std::filesystem;

TEST(File, RoundTripsUpToItsBound) {
  const TempDir dir;
  const fs::path path = dir.path() / "f";
  const Bytes bytes(100'000, '\0');
  ASSERT_TRUE(WriteFile(path, bytes, 0640, IfExists::kFail));
  EXPECT_EQ(ReadFile(path, bytes.size()), bytes);
  EXPECT_EQ(ReadFile(path, bytes.size() - 1).error().code, Code::kTooLarge);
  EXPECT_EQ(fs::status(path).permissions(), static_cast<fs::perms>(0640));
}

TEST(File, ReplacesOnlyWhereAllowed) {
  const TempDir dir;
  const fs::path path = dir.path() / "f";
  ASSERT_TRUE(WriteFile(path, "old", 0600, IfExists::kReplace));
  EXPECT_EQ(WriteFile(path, "new", 0600, IfExists::kFail).error().code, Code::kPrecondition);
  EXPECT_EQ(ReadFile(path, 10), "old");
  ASSERT_TRUE(WriteFile(path, "new", 0600, IfExists::kReplace));
  EXPECT_EQ(ReadFile(path, 10), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(File, DirectoriesAreMadeWithTheirEntriesOnDisk) {
  const TempDir dir;
  const fs::path top = fs::canonical(dir.path());
  Synced().clear();
  ASSERT_TRUE(MakeDirectories(top / "a" / "b" / "c"));
  EXPECT_TRUE(fs::is_directory(top / "a" / "b" / "c"));
  for (const fs::path& path : {top, top / "a", top / "a" / "b"}) {
    EXPECT_TRUE(Synced().contains(path)) << path;
  }
  EXPECT_TRUE(MakeDirectories(top / "a" / "b")) << "they may be there already";
  ASSERT_TRUE(WriteFile(top / "f", "x", 0600, IfExists::kFail));
  EXPECT_TRUE(Synced().contains(top));
  EXPECT_EQ(MakeDirectories(top / "f").error().code, Code::kIo);
  EXPECT_EQ(MakeDirectories(top / "f" / "g").error().code, Code::kIo);
}

TEST(File, ErrorsNameThePath) {
  const TempDir dir;
  EXPECT_EQ(ReadFile(dir.path() / "none", 10).error().code, Code::kNotFound);
  EXPECT_EQ(ReadFile(dir.path(), 10).error().code, Code::kIo);
  const Status status = WriteFile(dir.path() / "no" / "f", "x", 0600, IfExists::kFail);
  EXPECT_EQ(status.error().code, Code::kIo);
  EXPECT_NE(status.error().message.find((dir.path() / "no").string()), std::string::npos);
}

TEST(File, DoesNotHangOnAFifo) {
  const TempDir dir;
  const fs::path path = dir.path() / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(path, 10).error().code, Code::kIo);
}

}  // namespace
}  // namespace talent
