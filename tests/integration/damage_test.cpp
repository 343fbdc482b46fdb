// Disks that fail under real processes: damaged files, missing files, no space, errors of a sync.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "soak/cluster.h"
#include "soak/load.h"
#include "support/temp_dir.h"

namespace talent::soak {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kPatience{60};

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

void FlipEvery(const fs::path& file, std::size_t step) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  for (std::size_t at = step / 2; at < fs::file_size(file); at += step) {
    stream.seekg(static_cast<std::streamoff>(at));
    const int byte = stream.get();
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(byte ^ 0x10));
  }
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

  TempDir dir_;
  std::unique_ptr<Cluster> cluster_;
  People people_;
};

// Twice stopped and started, so that what was in RocksDB's log is in tables.
TEST_F(Damage, OfADatabaseIsRefusedSaysWhatToDoAndIsMendedByFetchingItAgain) {
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
  EXPECT_NE(Verify(Home(node)), 0);

  fs::remove_all(db);
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  const auto heads = [&](const std::string& name) {
    const auto status = cluster_->Connect(name).value()->GetStatus().value();
    return status.chains(0).height();
  };
  EXPECT_TRUE(Await([&] { return heads(node) == heads("centre-1"); }));
}

TEST_F(Damage, AFailedSyncOfVotesEndsTheProcessWhichVotesAgainWhenStarted) {
  const std::string node = "centre-2";
  ASSERT_TRUE(cluster_->Stop(node));
  Load load(*cluster_, people_, 2, 1);
  ASSERT_TRUE(cluster_->Start(node, "eio:sync:20:/votes/"));
  EXPECT_TRUE(EndsWithin(node));
  EXPECT_NE(cluster_->Ended(node), 0);
  EXPECT_THAT(cluster_->Output(node), HasSubstr("stopping the process"));
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  const auto before = load.totals().acknowledged;
  EXPECT_TRUE(Await([&] { return load.totals().acknowledged > before; }));
  load.Stop();
}

TEST_F(Damage, AFullDiskUnderTheDatabaseHaltsTheChainsAndServesReads) {
  const std::string node = "centre-4";
  ASSERT_TRUE(cluster_->Stop(node));
  Load load(*cluster_, people_, 2, 1);
  ASSERT_TRUE(cluster_->Start(node, "enospc:write:60:/db/0"));
  EXPECT_TRUE(SaysInLog(node, "halted: block"));
  EXPECT_TRUE(cluster_->Running(node)) << cluster_->Output(node);
  EXPECT_TRUE(cluster_->Connect(node).value()->GetStatus());
  cluster_->Kill(node);
  ASSERT_TRUE(cluster_->Start(node));
  ASSERT_TRUE(cluster_->AwaitReady(node));
  load.Stop();
  ASSERT_TRUE(cluster_->Stop(node));
  EXPECT_EQ(Verify(Home(node)), 0);
}

}  // namespace
}  // namespace talent::soak
