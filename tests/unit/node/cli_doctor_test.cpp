#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "node/cli/command.h"
#include "support/temp_dir.h"
#include "unit/node/captured_command.h"

namespace talent::node {
namespace {

using boost::asio::ip::tcp;
using cli::kGood;
using cli::kRefused;
using testing::AllOf;
using testing::HasSubstr;

/// The home of a validator that has not been started, with a peer and a gRPC address that is a
/// listening socket of this test.
class Doctor : public testing::Test {
 protected:
  void SetUp() override {
    const auto made =
        RunCaptured({"init", "--home", Home(), "--name", "c1", "--validate", "city", "--kdf",
                     "interactive", "--p2p", "127.0.0.1:0", "--grpc", Listening(), "--http",
                     "127.0.0.1:0", "--peer", Listening(), "--output", "json"});
    ASSERT_EQ(made.code, kGood) << made.err;
    ASSERT_TRUE(WriteFile(dir_.path() / "card", made.out, 0600, IfExists::kFail));
    const auto founded =
        RunCaptured({"genesis", "create", "--name", "city", "--tier", "private", "--node",
                     (dir_.path() / "card").string(), "--out", Home() + "/genesis/city.json"});
    ASSERT_EQ(founded.code, kGood) << founded.err;
  }

  std::string Home() const { return (dir_.path() / "home").string(); }
  std::string Listening() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  /// What it says, by what it is about: "HEALTH: detail".
  std::map<std::string, std::string> Diagnosis(int exit_code) {
    const auto ran = RunCaptured({"doctor", "--home", Home(), "--output", "json"});
    EXPECT_EQ(ran.code, exit_code) << ran.out << ran.err;
    std::map<std::string, std::string> out;
    for (const auto& finding : nlohmann::json::parse(ran.out)) {
      out[finding.at("what")] =
          finding.at("health").get<std::string>() + ": " + finding.at("detail").get<std::string>();
    }
    return out;
  }

  TempDir dir_;
  boost::asio::io_context io_;
  tcp::acceptor acceptor_{io_, {tcp::v4(), 0}};
};

TEST_F(Doctor, WhatIsGood_IsSaidWithWhatWasSeen) {
  auto found = Diagnosis(kRefused);  // its gRPC address is this test's
  EXPECT_THAT(found["genesis city"], HasSubstr("good: chain id "));
  EXPECT_THAT(found["key node"], HasSubstr("good: opens; public key "));
  EXPECT_THAT(found["key vote-city"], HasSubstr("good: opens"));
  EXPECT_EQ(found["votes city"], "good: of a key that has never voted");
  EXPECT_THAT(found["certificate"], AllOf(HasSubstr("good: for 36"), HasSubstr(" days more")));
  EXPECT_EQ(found["peer " + Listening()], "good: is reached");
  EXPECT_EQ(found["address p2p"], "good: 127.0.0.1:0 is free");
  EXPECT_THAT(found["address grpc"], HasSubstr("BAD: " + Listening() + ": Address already in use"));
  EXPECT_TRUE(found.contains("clock"));
  EXPECT_TRUE(found.contains("open files"));
}

TEST_F(Doctor, WhatIsWrong_IsNamedWithWhatToDo) {
  namespace fs = std::filesystem;
  fs::permissions(Home() + "/keys/node.key", fs::perms::group_read, fs::perm_options::add);
  fs::permissions(Home() + "/passphrase", fs::perms::others_read, fs::perm_options::add);
  ASSERT_TRUE(fs::remove(Home() + "/votes/city.log"));
  ASSERT_TRUE(WriteFile(Home() + "/grpc.crt", "no certificate", 0600, IfExists::kReplace));
  ASSERT_TRUE(WriteFile(Home() + "/votes/city.log.damaged", "", 0600, IfExists::kFail));
  auto found = Diagnosis(kRefused);
  EXPECT_THAT(found["key node"], HasSubstr("BAD: PRECONDITION"));
  EXPECT_THAT(found["passphrase"], HasSubstr("BAD: others may read"));
  EXPECT_THAT(found["votes city"], HasSubstr("BAD: "));
  EXPECT_THAT(found["certificate"], HasSubstr("BAD: "));

  const std::string peer = Listening();
  acceptor_.close();
  found = Diagnosis(kRefused);
  EXPECT_THAT(found["peer " + peer], HasSubstr("doubtful: Connection refused"));
  EXPECT_THAT(found["address grpc"], HasSubstr("good: "));
}

TEST_F(Doctor, AKeyThatTheGenesisDoesNotName_IsDoubtful) {
  ASSERT_EQ(RunCaptured({"init", "--home", Home() + "/c2", "--name", "c2", "--validate", "city",
                         "--kdf", "interactive"})
                .code,
            kGood);
  std::filesystem::copy(Home() + "/genesis/city.json", Home() + "/c2/genesis/city.json");
  const auto ran = RunCaptured({"doctor", "--home", Home() + "/c2"});
  EXPECT_THAT(ran.out, HasSubstr("is none of the first validators'"));
  EXPECT_THAT(ran.out, HasSubstr("none are named: others have to dial this node"));
}

TEST_F(Doctor, AGenesisFileThatIsMissing_StopsNothingElse) {
  ASSERT_TRUE(std::filesystem::remove(Home() + "/genesis/city.json"));
  auto found = Diagnosis(kRefused);
  EXPECT_THAT(found["genesis"], HasSubstr("BAD: NOT_FOUND"));
  EXPECT_THAT(found["key node"], HasSubstr("good"));
}

}  // namespace
}  // namespace talent::node
