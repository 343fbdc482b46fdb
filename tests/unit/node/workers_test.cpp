#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "node/chain/storage_thread.h"
#include "node/chain/verify_pool.h"

namespace talent::node {
namespace {

TEST(StorageThread, RunsJobsOfEachPosterInOrderAndAllBeforeItEnds) {
  constexpr int kPosters = 4;
  constexpr int kJobs = 1000;
  std::vector<std::vector<int>> ran(kPosters);  // written by the storage thread only
  {
    StorageThread storage;
    std::vector<std::thread> posters;
    for (int p = 0; p < kPosters; ++p) {
      posters.emplace_back([&, p] {
        for (int i = 0; i < kJobs; ++i) storage.Post([&ran, p, i] { ran[p].push_back(i); });
      });
    }
    for (auto& poster : posters) poster.join();
  }
  for (const auto& jobs : ran) {
    ASSERT_EQ(jobs.size(), static_cast<std::size_t>(kJobs));
    EXPECT_TRUE(std::is_sorted(jobs.begin(), jobs.end()));
  }
}

TEST(StorageThread, AJobMayPostAnother) {
  std::promise<void> done;
  StorageThread storage;
  storage.Post([&] { storage.Post([&] { done.set_value(); }); });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST(VerifyPool, RefusesWhenFullAndLeavesTheJobUntouched) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> ran = 0;
  {
    VerifyPool pool(1, 2);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(pool.TryPost([&] {
        released.wait();
        ++ran;
      }));
    }
    auto payload = std::make_shared<int>(7);
    auto job = [&ran, payload] { ran += *payload; };
    EXPECT_FALSE(pool.TryPost(std::move(job)));
    EXPECT_EQ(pool.refused(), 1U);
    EXPECT_EQ(pool.waiting(), 2U);
    job();  // the caller still has it
    release.set_value();
  }
  EXPECT_EQ(ran, 2 + 7);
}

TEST(VerifyPool, BulkLeavesHalfOfTheRoom) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  VerifyPool pool(1, 4);
  const auto wait = [released] { released.wait(); };
  EXPECT_TRUE(pool.TryPostBulk(wait));
  EXPECT_TRUE(pool.TryPostBulk(wait));
  EXPECT_FALSE(pool.TryPostBulk(wait));
  EXPECT_TRUE(pool.TryPost(wait));
  EXPECT_TRUE(pool.TryPost(wait));
  EXPECT_FALSE(pool.TryPost(wait));
  release.set_value();
}

TEST(VerifyPool, HasRoomAgainOnceJobsAreDone) {
  VerifyPool pool(2, 1);
  for (int i = 0; i < 100; ++i) {
    std::promise<void> done;
    ASSERT_TRUE(pool.TryPost([&] { done.set_value(); }));
    done.get_future().wait();
    while (pool.waiting() > 0) std::this_thread::yield();
  }
  EXPECT_EQ(pool.done(), 100U);
}

}  // namespace
}  // namespace talent::node
