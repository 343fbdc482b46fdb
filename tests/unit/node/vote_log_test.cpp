#include "node/chain/vote_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

namespace talent::node {
namespace {

class VoteLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "votes-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path path() const { return directory_ / "chain.log"; }
  static ChainId Chain(std::uint8_t first = 1) {
    ChainId chain;
    chain.data()[0] = first;
    return chain;
  }
  static crypto::PublicKey Key(std::uint8_t first = 7) {
    crypto::PublicKey key;
    key.data()[0] = first;
    return key;
  }
  VoteLog::Opened Open() {
    auto opened = VoteLog::Open(path(), Chain(), Key());
    EXPECT_TRUE(opened.has_value()) << opened.error().ToString();
    return std::move(*opened);
  }
  Bytes Read() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Write(BytesView bytes) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
  }

  std::filesystem::path directory_;
};

TEST_F(VoteLogTest, RecordsComeBackInOrder) {
  {
    auto opened = Open();
    EXPECT_TRUE(opened.created);
    ASSERT_TRUE(opened.log->Append({"one", ""}));
    ASSERT_TRUE(opened.log->Append({Bytes(100'000, 'x')}));
  }
  auto opened = Open();
  EXPECT_FALSE(opened.created);
  EXPECT_FALSE(opened.damaged);
  EXPECT_EQ(opened.torn_bytes, 0u);
  EXPECT_EQ(opened.records, (std::vector<Bytes>{"one", "", Bytes(100'000, 'x')}));
  ASSERT_TRUE(opened.log->Append({"more"}));
  opened.log.reset();
  EXPECT_EQ(Open().records.back(), "more");
}

TEST_F(VoteLogTest, PreparedLog_IsUnusedUntilTheFirstRecord) {
  EXPECT_TRUE(VoteLog::IsUnused(path())) << "nothing is there";
  ASSERT_TRUE(VoteLog::Prepare(path(), Key()));
  for (int start = 0; start < 2; ++start) {
    const auto opened = Open();
    EXPECT_TRUE(opened.created);
    EXPECT_TRUE(opened.unused);
    EXPECT_TRUE(VoteLog::IsUnused(path()));
  }
  ASSERT_TRUE(Open().log->Append({"voted"}));
  EXPECT_FALSE(VoteLog::IsUnused(path()));
  const Bytes header = Read().substr(0, 96);
  {
    const auto opened = Open();
    EXPECT_FALSE(opened.unused);
    EXPECT_EQ(opened.records, std::vector<Bytes>{"voted"});
  }
  ASSERT_TRUE(VoteLog::Prepare(path(), Key()));
  EXPECT_EQ(Open().records, std::vector<Bytes>{"voted"}) << "what a log holds binds";
  Write(header);
  const auto cut = Open();
  EXPECT_TRUE(cut.damaged);
  EXPECT_FALSE(cut.unused);
}

TEST_F(VoteLogTest, PreparedLog_SaysNothingOfAnotherKey) {
  ASSERT_TRUE(VoteLog::Prepare(path(), Key(8)));
  const auto opened = Open();
  EXPECT_TRUE(opened.created);
  EXPECT_FALSE(opened.unused) << "a home made anew, and an old key put into it";
}

TEST_F(VoteLogTest, TornLastBatch_IsCutAtEveryByte) {
  {
    auto opened = Open();
    ASSERT_TRUE(opened.log->Append({"kept"}));
  }
  const Bytes before = Read();
  {
    auto opened = Open();
    ASSERT_TRUE(opened.log->Append({"torn", "too"}));
  }
  const Bytes after = Read();
  for (std::size_t size = before.size(); size < after.size(); ++size) {
    Write(BytesView(after).substr(0, size));
    auto opened = Open();
    EXPECT_EQ(opened.records, std::vector<Bytes>{"kept"}) << size;
    EXPECT_FALSE(opened.damaged) << size;
    EXPECT_EQ(opened.torn_bytes, size - before.size());
    ASSERT_TRUE(opened.log->Append({"next"}));
    opened.log.reset();
    EXPECT_EQ(Open().records, (std::vector<Bytes>{"kept", "next"}));
  }
}

TEST_F(VoteLogTest, DamageBeforeTheLastBatch_IsReportedAtEveryByte) {
  {
    auto opened = Open();
    ASSERT_TRUE(opened.log->Append({"first"}));
    ASSERT_TRUE(opened.log->Append({"second"}));
  }
  const Bytes good = Read();
  const std::size_t last = good.size() - (4 + 8 + 16 + 4 + 6);
  for (std::size_t at = 16; at < last; ++at) {
    if (at >= 17 && at < 32)
      continue;  // padding is under the checksum as well; one of it is enough
    Bytes bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    Write(bad);
    auto opened = Open();
    EXPECT_TRUE(opened.damaged) << at;
    EXPECT_TRUE(opened.records.empty());
    opened.log.reset();
    opened.log.reset();
    std::filesystem::remove(directory_ / "chain.log.damaged");
  }
}

TEST_F(VoteLogTest, DamageIsNotForgottenUntilSomethingIsWritten) {
  Write("no vote log at all");
  EXPECT_TRUE(Open().damaged);
  auto opened = Open();
  EXPECT_TRUE(opened.damaged);
  ASSERT_TRUE(opened.log->Append({"observing"}));
  opened.log.reset();
  EXPECT_FALSE(Open().damaged);
}

TEST_F(VoteLogTest, ShortenedHeader_IsDamage) {
  Open().log.reset();
  const Bytes good = Read();
  for (std::size_t size = 0; size < good.size(); size += 7) {
    Write(BytesView(good).substr(0, size));
    EXPECT_TRUE(Open().damaged) << size;
  }
}

TEST_F(VoteLogTest, Rewrite_ReplacesEverything) {
  auto opened = Open();
  ASSERT_TRUE(opened.log->Append({"old"}));
  ASSERT_TRUE(opened.log->Rewrite({"new", "newer"}));
  ASSERT_TRUE(opened.log->Append({"newest"}));
  opened.log.reset();
  EXPECT_EQ(Open().records, (std::vector<Bytes>{"new", "newer", "newest"}));
}

TEST_F(VoteLogTest, RewrittenToNothing_IsNotAnUnwrittenLog) {
  ASSERT_TRUE(Open().log->Rewrite({}));
  const auto opened = Open();
  EXPECT_FALSE(opened.created);
  EXPECT_TRUE(opened.records.empty());
}

TEST_F(VoteLogTest, DamageInWhatWasRewritten_IsNoUnwrittenLog) {
  ASSERT_TRUE(Open().log->Rewrite({"vote"}));
  const Bytes good = Read();
  for (std::size_t at = 96; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    Write(bad);
    EXPECT_TRUE(Open().damaged) << at;
    std::filesystem::remove(directory_ / "chain.log.damaged");
  }
  for (std::size_t size = 96; size < good.size(); ++size) {
    Write(BytesView(good).substr(0, size));
    EXPECT_TRUE(Open().damaged) << "cut to " << size;
    std::filesystem::remove(directory_ / "chain.log.damaged");
  }
}

TEST_F(VoteLogTest, UnwrittenLog_StaysCreated) {
  Open().log.reset();
  EXPECT_TRUE(Open().created);
}

TEST_F(VoteLogTest, OldBatchesBehindANewHeader_AreNoRecords) {
  Bytes old_tail;
  {
    auto opened = Open();
    ASSERT_TRUE(opened.log->Append({"old"}));
    old_tail = Read().substr(96);
    ASSERT_TRUE(opened.log->Rewrite({}));
  }
  Write(Read().substr(0, 96) + old_tail);
  EXPECT_TRUE(Open().records.empty());
}

TEST_F(VoteLogTest, SecondProcessIsRefused) {
  const auto opened = Open();
  const auto second = VoteLog::Open(path(), Chain(), Key());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kUnavailable);
}

TEST_F(VoteLogTest, AnotherChainsLogIsRefused) {
  Open().log.reset();
  const auto other = VoteLog::Open(path(), Chain(2), Key());
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, Code::kWrongGenesis);
}

TEST_F(VoteLogTest, AnotherFormatIsRefused) {
  Open().log.reset();
  Bytes bytes = Read();
  bytes[14] = '2';
  Write(bytes);
  const auto other = VoteLog::Open(path(), Chain(), Key());
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, Code::kFormatVersion);
}

TEST_F(VoteLogTest, FailedWrite_IsAnErrorForEver) {
  auto opened = Open();
  ASSERT_TRUE(opened.log->Append({"kept"}));
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit tight = old;
  tight.rlim_cur = Read().size() + 10;
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const Status failed = opened.log->Append({Bytes(1000, 'y')});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, Code::kIo);
  EXPECT_FALSE(opened.log->Append({"after"}).has_value());
  opened.log.reset();
  EXPECT_EQ(Open().records, std::vector<Bytes>{"kept"});
}

}  // namespace
}  // namespace talent::node
