#include "node/chain/promotion_loop.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <sstream>

#include "test_env.h"
#include "unit/node/one_node_chain.h"

namespace talent::node {
namespace {

/// What is logged while it lives.
class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "captured", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  std::size_t CountOf(const std::string& what) const {
    const std::string text = text_.str();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++count;
    return count;
  }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

// A halted chain's disk is the last that should fill with what its promoter cannot do.
TEST(PromotionLoop, AnErrorThatStays_IsLoggedOnce) {
  const LogCapture log;
  boost::asio::io_context io;
  ManualClock clock;
  OneNodeChain source, target;
  const TempDir dir;
  const auto database =
      ledger::Database::Open(dir.path() / "db", ledger::Database::Mode::kReadWrite).value();
  auto promoter = tiers::Promoter::Open(*database, {.source = &source.chain(),
                                                    .target = &target.chain(),
                                                    .author = &source.centre()})
                      .value();
  const auto loop = std::make_shared<PromotionLoop>(io.get_executor(), std::move(promoter), source,
                                                    target, clock);
  loop->Start();
  io.poll();
  EXPECT_EQ(log.CountOf("promotion"), 0u);

  // The outbox cannot be written from now on.
  rocksdb::ColumnFamilyHandle* const outbox =
      database->Family("outbox." + source.chain().id().Hex() + "." + target.chain().id().Hex())
          .value();
  ASSERT_TRUE(database->db().DropColumnFamily(outbox).ok());
  const auto wake = [&](int times) {
    for (int i = 0; i < times; ++i) {
      source.SealOne();
      io.restart();
      EXPECT_GT(io.poll(), 0u);
    }
  };
  const std::string error = "promotion test to test: IO: ";
  // So far that the cursor is written although nothing was found.
  for (int i = 0; i < 64; ++i) source.SealOne();
  wake(2);  // the write that fails, and the first that is not tried any more
  EXPECT_EQ(log.CountOf(error), 2u);
  wake(5);
  EXPECT_EQ(log.CountOf(error), 2u);
  loop->Stop();
  io.restart();
  io.poll();
}

}  // namespace
}  // namespace talent::node
