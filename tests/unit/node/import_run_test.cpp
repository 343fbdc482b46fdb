#include "node/records/import_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "base/file.h"
#include "node/chain/promotion_loop.h"
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

// As a mempool does that other clients keep full: the chain goes on, and so the record waits.
TEST_F(ImportRunTest, NodeWithoutRoom_IsAskedAgainAsLongAsTheChainGoesOn) {
  options_.patience = Millis(2000);
  runner_.RefuseOne(Code::kExhausted, 12);  // three seconds of pauses
  std::uint64_t waited = 0;
  options_.progress = [&](const ImportCounts& counts) {
    waited = counts.no_room;
    if (counts.sealed == 0 && waited > 0) runner_.SealOne();  // by somebody else
  };
  const auto counts = Import("id,years\n1,3\n");
  ASSERT_TRUE(counts) << counts.error().ToString();
  EXPECT_EQ(counts->people, 1U);
  EXPECT_EQ(counts->failed, 0U);
  EXPECT_EQ(counts->no_room, 12U);
  EXPECT_EQ(waited, 12U) << "the operator sees it";
}

TEST_F(ImportRunTest, ChainThatStandsStill_EndsTheRunBeforeTheRestIsRead) {
  options_.patience = Millis(300);
  options_.in_flight = 1;
  runner_.RefuseOne(Code::kExhausted);
  const auto counts = Import("id,years\n1,3\n2,4\n3,5\n");
  ASSERT_FALSE(counts);
  EXPECT_EQ(counts.error().code, Code::kUnavailable);
  EXPECT_THAT(counts.error().message, testing::HasSubstr("stopped after 1 rows"));
  EXPECT_THAT(Rejects(), testing::HasSubstr("EXHAUSTED"));
  const auto again = Import("id,years\n1,3\n2,4\n3,5\n");
  ASSERT_TRUE(again) << again.error().ToString();
  EXPECT_EQ(again->people, 3U);
}

/// The chain's records are carried to a consortium.
class ImportToConsortium : public ImportRunTest {
 protected:
  ImportToConsortium() {
    loop_->Start();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~ImportToConsortium() override {
    loop_->Stop();
    work_.reset();
    thread_.join();
  }

  OneNodeChain consortium_{OneNodeChain::TakesRecordsOf{runner_}};
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::unique_ptr<ledger::Database> database_ =
      ledger::Database::Open(dir_.path() / "outbox", ledger::Database::Mode::kReadWrite).value();
  std::shared_ptr<PromotionLoop> loop_ = std::make_shared<PromotionLoop>(
      io_.get_executor(),
      tiers::Promoter::Open(
          *database_,
          {.source = &runner_.chain(), .target = &consortium_.chain(), .author = &runner_.centre()})
          .value(),
      runner_, consortium_, clock_);
  std::thread thread_;
};

// What is offered to a consortium that is down is lost, and offered again after ten seconds.
TEST_F(ImportToConsortium, ConsortiumThatIsBehind_HoldsTheImportAndLosesNothing) {
  constexpr std::uint64_t kPeople = 150;
  options_.max_outbox = 5;
  consortium_.Hold();
  std::uint64_t rows_when_held = 0;
  options_.progress = [&](const ImportCounts& counts) {
    clock_.Advance(Millis(10'000));
    if (rows_when_held == 0 && counts.held) {
      rows_when_held = counts.rows;
    } else if (rows_when_held != 0 && consortium_.chain().head().height == Height(0)) {
      EXPECT_EQ(counts.rows, rows_when_held) << "nobody new is begun";
      consortium_.Hold(false);
    }
  };
  std::string csv = "id,years\n";
  for (std::uint64_t id = 0; id < kPeople; ++id) csv += fmt::format("{},3\n", id);
  const auto counts = Import(csv);
  ASSERT_TRUE(counts) << counts.error().ToString();
  EXPECT_EQ(counts->people, kPeople);
  EXPECT_EQ(counts->failed, 0U);
  EXPECT_GT(rows_when_held, 0U) << "it was held";
  EXPECT_LT(rows_when_held, kPeople);
}

TEST_F(ImportToConsortium, ConsortiumThatIsDown_EndsTheRunBeforeTheRestIsRead) {
  options_.max_outbox = 5;
  options_.patience = Millis(300);
  consortium_.Hold();
  std::string csv = "id,years\n";
  for (int id = 0; id < 150; ++id) csv += fmt::format("{},3\n", id);
  const auto counts = Import(csv);
  ASSERT_FALSE(counts);
  EXPECT_EQ(counts.error().code, Code::kUnavailable);
  EXPECT_THAT(counts.error().message, testing::HasSubstr("carried none of"));
  EXPECT_EQ(Rejects(), ImportReject::CsvHeader()) << "who was begun is there";
}

TEST_F(ImportRunTest, MissingColumn_IsSaidBeforeAnythingIsSent) {
  const auto counts = Import("id,age\n1,3\n");
  ASSERT_FALSE(counts);
  EXPECT_EQ(counts.error().code, Code::kInvalidArgument);
  EXPECT_THAT(counts.error().message, testing::HasSubstr("years"));
}

}  // namespace
}  // namespace talent::node
