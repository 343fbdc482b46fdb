#include "node/records/import_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "node/rpc/grpc_server.h"
#include "support/temp_dir.h"
#include "unit/node/one_node_chain.h"
#include "unit/node/test_env.h"

namespace talent::node {
namespace {

constexpr std::string_view kRunMapping = R"(
format = 1
[subject]
column = "id"
custodian = "centre"
consent_version = 1
[consent]
scope = "public"
purpose = "placement"
valid_days = 10
[assessment]
method = "test"
assessor = "board-1"
phase = "entry"
[[dimension]]
name = "experience"
column = "years"
scale = 100
)";

class ImportRunTest : public testing::Test {
 protected:
  void SetUp() override {
    auto certificate = MakeServerCertificate({"localhost", "127.0.0.1"});
    ASSERT_TRUE(certificate);
    const std::string ca = certificate->certificate;
    auto server = GrpcServer::Start({"127.0.0.1:0", std::move(*certificate), {"n", "1", nullptr}},
                                    {&runner_}, clock_, random_);
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
    auto client = Client::Connect(server_->listen_address(), ca);
    ASSERT_TRUE(client) << client.error().ToString();
    ASSERT_TRUE((*client)->Login(runner_.chain().id(), runner_.centre()));
    clients_.push_back(std::move(*client));
    options_.csv = dir_.path() / "people.csv";
    options_.mapping = dir_.path() / "mapping.toml";
    options_.rejects = dir_.path() / "rejects.csv";
    options_.salt_file = dir_.path() / "salt";
    options_.chain = runner_.chain().id();
    options_.valid_for = 100;
    options_.in_flight = 2;
    ASSERT_TRUE(WriteFile(options_.mapping, kRunMapping, 0600, IfExists::kReplace));
  }

  Result<ImportCounts> Import(std::string_view csv) {
    EXPECT_TRUE(WriteFile(options_.csv, csv, 0600, IfExists::kReplace));
    return RunImport(options_, runner_.centre(), clients_);
  }
  std::string Rejects() { return ReadFile(options_.rejects, 1 << 16).value_or(""); }

  TempDir dir_;
  ManualClock clock_;
  crypto::SystemRandom random_;
  OneNodeChain runner_;
  std::unique_ptr<GrpcServer> server_;
  std::vector<std::unique_ptr<Client>> clients_;
  ImportOptions options_;
};

TEST_F(ImportRunTest, GoodRows_AreSealedAndBadOnesListed) {
  const auto counts = Import("id,years\n1,3\n2,many\n3,5\n4,7\n");
  ASSERT_TRUE(counts) << counts.error().ToString();
  EXPECT_EQ(counts->rows, 4U);
  EXPECT_EQ(counts->refused, 1U);
  EXPECT_EQ(counts->people, 3U);
  EXPECT_EQ(counts->sealed, 9U);  // registration, consent and assessment of each
  EXPECT_EQ(counts->failed, 0U);
  EXPECT_THAT(Rejects(), testing::HasSubstr("years"));
  EXPECT_EQ(runner_.chain().head().height, Height(9));
}

TEST_F(ImportRunTest, SecondRun_AddsOnlyWhatIsMissing) {
  ASSERT_TRUE(Import("id,years\n1,3\n"));
  const auto again = Import("id,years\n1,3\n2,4\n");
  ASSERT_TRUE(again) << again.error().ToString();
  EXPECT_EQ(again->people, 2U);
  EXPECT_EQ(again->already_there, 3U);
  EXPECT_EQ(again->sealed, 3U);
}

TEST_F(ImportRunTest, AnotherKey_IsRefusedForEveryPerson) {
  ASSERT_TRUE(WriteFile(options_.csv, "id,years\n1,3\n2,4\n", 0600, IfExists::kReplace));
  const auto counts = RunImport(options_, runner_.acme(), clients_);
  ASSERT_TRUE(counts) << counts.error().ToString();
  EXPECT_EQ(counts->failed, 2U);
  EXPECT_EQ(counts->sealed, 0U);
  EXPECT_THAT(Rejects(), testing::HasSubstr("UNAUTHORIZED"));
  EXPECT_EQ(runner_.chain().head().height, Height(0));
}

// A node that says so has every block that could hold it, so it is not put there twice.
TEST_F(ImportRunTest, SubmissionRefusedAsExpired_IsSignedAnew) {
  options_.patience = Millis(2000);  // for one that is refused for ever
  runner_.RefuseOne(Code::kExpired);
  const auto counts = Import("id,years\n1,3\n");
  ASSERT_TRUE(counts) << counts.error().ToString();
  EXPECT_EQ(counts->failed, 0U);
  EXPECT_EQ(counts->people, 1U);
  EXPECT_EQ(counts->sealed, 3U);
}

TEST_F(ImportRunTest, MissingColumn_IsSaidBeforeAnythingIsSent) {
  const auto counts = Import("id,age\n1,3\n");
  ASSERT_FALSE(counts);
  EXPECT_EQ(counts.error().code, Code::kInvalidArgument);
  EXPECT_THAT(counts.error().message, testing::HasSubstr("years"));
}

}  // namespace
}  // namespace talent::node
