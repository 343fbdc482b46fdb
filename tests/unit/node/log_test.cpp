#include "node/ops/log.h"

#include <gmock/gmock.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace talent::node {
namespace {

class Log : public ::testing::Test {
 protected:
  ~Log() override {
    spdlog::set_default_logger(before_);
    std::filesystem::remove(file_);
  }
  std::string Written() { return ReadFile(file_, 1u << 20).value(); }

  const std::filesystem::path file_ =
      std::filesystem::path(::testing::TempDir()) / fmt::format("log_test_{}", ::getpid());
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(Log, WritesALineAMessageWithItsComponent_WhateverTheMessageHolds) {
  ASSERT_TRUE(StartLogging({"info", file_, false}));
  ComponentLog("p2p")->warn("peer \"x\" said {}", "a\nnode: forged");
  spdlog::debug("not shown");
  const std::string text = Written();
  EXPECT_THAT(text, ::testing::EndsWith("Z warning p2p: peer \\\"x\\\" said a\\nnode: forged\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(Log, JsonLinesParseWhateverTheMessageHolds) {
  ASSERT_TRUE(StartLogging({"debug", file_, true}));
  const std::string hostile = "quote \" backslash \\ newline \n not utf-8 \xff";
  ComponentLog("grpc")->debug("{}", hostile);
  const auto line = nlohmann::json::parse(Written());
  EXPECT_EQ(line["level"], "debug");
  EXPECT_EQ(line["component"], "grpc");
  EXPECT_EQ(line["message"], "quote \" backslash \\ newline \n not utf-8 \xef\xbf\xbd");
}

TEST_F(Log, RefusesAnUnknownLevelAndAFileItCannotOpen) {
  EXPECT_EQ(StartLogging({"loud", std::nullopt, false}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(StartLogging({"info", "/proc/none/x.log", false}).error().code, Code::kIo);
}

}  // namespace
}  // namespace talent::node
