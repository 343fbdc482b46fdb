// Disks that fail under real processes: damaged files, missing files, no space, errors of a sync.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "soak/cluster.h"
#include "soak/load.h"
#include "support/temp_dir.h"

namespace talent::soak {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kVoteLogHeader = 96;  // bytes

int Verify(const fs::path& home) {
  const std::string command =
      std::string(TALENTD) + " verify --home " + home.string() + " > /dev/null 2>&1";
  return WEXITSTATUS(std::system(command.c_str()));
}

std::vector<fs::path> FilesOf(const fs::path& db, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(db)) {
    if (file.path().extension() == extension) files.push_back(file.path());
  }
  return files;
}

void FlipAt(const fs::path& file, std::size_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(byte ^ 0x10));
}

void FlipEvery(const fs::path& file, std::size_t step) {
  for (std::size_t at = step / 2; at < fs::file_size(file); at += step) FlipAt(file, at);
}

class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_ = Cluster::Create(dir_.path() / "net", TALENTD, FAULT_SHIM, 1).value();
    const Status started = cluster_->StartAll();
    ASSERT_TRUE(started) << started.error().ToString();
    const auto people = Load::Prepare(*cluster_, 4);
    ASSERT_TRUE(people) << people.error().ToString();
    people_ = *people;
  }

  fs::path Home(const std::string& node) const { return cluster_->Endpoint(node).home; }

  template <class Condition>
  bool Await(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }

  bool SaysInLog(const std::string& node, const std::string& text) {
    return Await([&] { return cluster_->Output(node).find(text) != std::string::npos; });
  }
  bool EndsWithin(const std::string& node) {
    return Await([&] { return !cluster_->Running(node); });
  }

  /// private-a's, as the node reports it; nullopt where it does not answer now.
  std::optional<node::v1::ChainState> AskForChain(const std::string& node) {
    const auto client = cluster_->Connect(node);
    const auto status = client ? (*client)->GetStatus() : tl::unexpected(client.error());
    if (!status) return std::nullopt;
    for (const auto& chain : status->chains()) {
      if (chain.name() == "private-a") return chain;
    }
    return std::nullopt;
  }
  /// The same of a node that has to answer: silence says nothing of its chain.
  node::v1::ChainState ChainOf(const std::string& node) {
    std::optional<node::v1::ChainState> chain;
    EXPECT_TRUE(Await([&] { return (chain = AskForChain(node)).has_value(); })) << node;
    return chain.value_or(node::v1::ChainState());
  }
  bool CatchesUp(const std::string& node) {
    return Await([&] { return ChainOf(node).height() >= ChainOf("centre-1").height(); });
  }
  // Of something submitted from now on.
  bool Progresses(const Load& load) {
    const Instant now = load.Now();
    return Await([&] { return load.acknowledged_from() > now; });
  }
  bool SealsMore(const std::string& node, std::uint64_t blocks) {
    const std::uint64_t from = ChainOf(node).height();
    return Await([&] { return ChainOf(node).height() >= from + blocks; });
  }

  TempDir dir_;
  std::unique_ptr<Cluster> cluster_;
  People people_;
};

// A full disk halts and serves reads; what is damaged or missing is refused. That node is twice
// stopped and started, so that what was in RocksDB's log is in tables.
TEST_F(Damage, OfADatabaseIsNoticedSaysWhatToDoAndIsMendedByFetchingItAgain) {
  const std::string full = "centre-4";
  ASSERT_TRUE(cluster_->Stop(full));
  Load load(*cluster_, people_, 2, 1);
  ASSERT_TRUE(cluster_->Start(full, "enospc:write:60:/db/0"));
  EXPECT_TRUE(SaysInLog(full, "halted: ")) << cluster_->Output(full);
  EXPECT_TRUE(cluster_->Running(full)) << cluster_->Output(full);
  EXPECT_TRUE(cluster_->Connect(full).value()->GetStatus());
  cluster_->Kill(full);
  ASSERT_TRUE(cluster_->Start(full));
  ASSERT_TRUE(cluster_->AwaitReady(full));
  load.Stop();
  ASSERT_TRUE(cluster_->Stop(full));
  EXPECT_EQ(Verify(Home(full)), 0);

  const std::string node = "centre-3";
  ASSERT_TRUE(cluster_->Stop(node));
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  ASSERT_TRUE(cluster_->Stop(node));
  const fs::path db = Home(node) / "db";
  const fs::path whole = dir_.path() / "whole";
  fs::copy(db, whole, fs::copy_options::recursive);
  ASSERT_EQ(Verify(Home(node)), 0);

  const auto restore = [&] {
    fs::remove_all(db);
    fs::copy(whole, db, fs::copy_options::recursive);
  };
  const auto refuses = [&](const std::string& text) {
    EXPECT_NE(Verify(Home(node)), 0);
    ASSERT_TRUE(cluster_->Start(node));
    ASSERT_TRUE(EndsWithin(node));
    EXPECT_NE(cluster_->Ended(node), 0);
    EXPECT_THAT(cluster_->Output(node), HasSubstr(text));
  };
  const auto tables = FilesOf(db, ".sst");
  ASSERT_FALSE(tables.empty());
  for (const fs::path& table : tables) fs::remove(table);
  refuses("move it away and start");
  restore();
  fs::remove(db / "CURRENT");
  refuses("not CURRENT, which names them");
  restore();
  for (const auto& file : fs::directory_iterator(db)) {
    if (file.path().filename().string().starts_with("MANIFEST")) FlipEvery(file.path(), 64);
  }
  refuses("CORRUPTION");
  restore();
  for (const fs::path& table : tables) FlipEvery(table, 512);
  refuses("block checksum mismatch");

  fs::remove_all(db);
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  EXPECT_TRUE(CatchesUp(node));
}

// First a sync that fails, then a bit near the beginning: what it stood for was promised, and is
// lost.
TEST_F(Damage, OfVotesEndsTheProcessOrMakesAnObserverWhichVotesAgainInTime) {
  const std::string node = "centre-2";
  ASSERT_TRUE(cluster_->Stop(node));
  Load load(*cluster_, people_, 3, 1);
  ASSERT_TRUE(cluster_->Start(node, "eio:sync:20:/votes/"));
  EXPECT_TRUE(EndsWithin(node));
  EXPECT_NE(cluster_->Ended(node), 0);
  EXPECT_THAT(cluster_->Output(node), HasSubstr("stopping the process"));
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  EXPECT_FALSE(ChainOf(node).observer());
  EXPECT_TRUE(Progresses(load));

  const fs::path votes = Home(node) / "votes" / "private-a.log";
  auto size = fs::file_size(votes);
  ASSERT_TRUE(Await([&] {  // of more than what it was last compacted to
    const auto before = std::exchange(size, fs::file_size(votes));
    return size > before;
  }));
  cluster_->Kill(node);
  // In the first batch: what is in the last may be torn, which is no loss.
  FlipAt(votes, kVoteLogHeader + 10);
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  EXPECT_TRUE(SaysInLog(node, "watches without voting"));
  EXPECT_TRUE(fs::exists(votes.string() + ".damaged"));
  EXPECT_TRUE(Progresses(load));
  EXPECT_TRUE(Await([&] { return !ChainOf(node).observer(); }));
  load.Stop();
}

// As docs/operations.md has it: a backup leaves votes/ out. And one process more on the same home.
TEST_F(Damage, ARestoredBackupWatchesUntilTheChainHasPassedWhatItMayHavePromised) {
  const std::string node = "centre-3";
  ASSERT_TRUE(cluster_->Stop(node));
  const fs::path backup = dir_.path() / "backup";
  fs::copy(Home(node) / "db", backup, fs::copy_options::recursive);
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  const std::string second = std::string(TALENTD) + " start --home " + Home(node).string() + " > " +
                             (dir_.path() / "second.log").string() + " 2>&1";
  EXPECT_NE(WEXITSTATUS(std::system(second.c_str())), 0);

  Load load(*cluster_, people_, 3, 1);
  ASSERT_TRUE(SealsMore(node, 30));
  cluster_->Kill(node);
  fs::remove_all(Home(node) / "db");
  fs::remove_all(Home(node) / "votes");
  fs::copy(backup, Home(node) / "db", fs::copy_options::recursive);
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  EXPECT_TRUE(SaysInLog(node, "watches without voting"));
  EXPECT_TRUE(CatchesUp(node));
  EXPECT_TRUE(Await([&] { return !ChainOf(node).observer(); }));
  EXPECT_TRUE(Progresses(load));
  load.Stop();
  for (const std::string& other : Cluster::Centres()) EXPECT_EQ(ChainOf(other).evidence(), 0u);
}

}  // namespace
}  // namespace talent::soak
