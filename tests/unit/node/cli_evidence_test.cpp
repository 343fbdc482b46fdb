// `talentd evidence` and its commands against a node that answers over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "consensus/evidence.h"
#include "consensus/messages.h"
#include "crypto/key_file.h"
#include "node/cli/command.h"
#include "node/rpc/grpc_server.h"
#include "unit/node/captured_command.h"
#include "unit/node/one_node_chain.h"
#include "unit/node/test_env.h"

namespace talent::node {
namespace {

using cli::kGood;
using cli::kRefused;

class CliEvidence : public testing::Test {
 protected:
  void SetUp() override {
    auto certificate = MakeServerCertificate({"localhost", "127.0.0.1"});
    ASSERT_TRUE(certificate);
    ASSERT_TRUE(WriteFile(Path("ca"), certificate->certificate, 0600, IfExists::kFail));
    server_ = GrpcServer::Start({"127.0.0.1:0", std::move(*certificate), {"n", "1", nullptr}},
                                {&chain_}, clock_, random_)
                  .value();
    ASSERT_TRUE(WriteFile(Path("pass"), "correct horse", 0600, IfExists::kFail));
    for (const auto& [name, key] :
         {std::pair("centre", &chain_.centre()), std::pair("acme", &chain_.acme())}) {
      ASSERT_TRUE(crypto::WriteKeyFile(Path(name), *key, std::string("party:") + name,
                                       "correct horse", crypto::KdfCost::kInteractive, random_));
    }
  }

  std::string Path(const std::string& name) const { return (dir_.path() / name).string(); }

  /// The validator of the chain says two things of one place.
  void Equivocate(std::uint64_t height) {
    const auto validators = chain_.chain().validators();
    const auto say = [&](const char* batch) {
      return consensus::VerifiedMessage::Sign(
                 chain_.vote_key(), chain_.chain().id(), Epoch(0), ValidatorIndex(0),
                 consensus::Commit{{View(3), Height(height), consensus::OrderDigest(batch)}})
          ->signed_bytes();
    };
    v1::Evidence evidence;
    evidence.set_name(validators->at(ValidatorIndex(0)).name);
    evidence.set_kind("COMMIT");
    evidence.set_view(3);
    evidence.set_height(height);
    evidence.set_first(say("a"));
    evidence.set_second(say("b"));
    chain_.HoldEvidence(std::move(evidence));
  }

  int Run(std::vector<std::string> arguments, const std::string& key = "") {
    for (const std::string& more :
         {std::string("--address"), server_->listen_address(), std::string("--tls-ca"), Path("ca"),
          std::string("--output"), std::string("json")}) {
      arguments.push_back(more);
    }
    if (!key.empty()) {
      for (const std::string& more :
           {std::string("--chain"), std::string("test"), std::string("--key"), Path(key),
            std::string("--passphrase-file"), Path("pass")}) {
        arguments.push_back(more);
      }
    }
    auto captured = RunCaptured(std::move(arguments));
    out_ = std::move(captured.out);
    err_ = std::move(captured.err);
    return captured.code;
  }
  nlohmann::json Said() const { return nlohmann::json::parse(out_); }

  TempDir dir_;
  ManualClock clock_;
  crypto::SystemRandom random_;
  OneNodeChain chain_;
  std::unique_ptr<GrpcServer> server_;
  std::string out_, err_;
};

TEST_F(CliEvidence, Held_IsShownAndCheckedAgainstTheGenesis) {
  ASSERT_EQ(Run({"evidence"}), kGood) << err_;
  EXPECT_TRUE(Said().empty());
  Equivocate(5);
  ASSERT_TRUE(WriteFile(Path("genesis"), chain_.chain().genesis().bytes(), 0600, IfExists::kFail));
  ASSERT_EQ(Run({"evidence", "--genesis", Path("genesis")}), kGood) << err_;
  ASSERT_EQ(Said().size(), 1u);
  EXPECT_EQ(Said()[0]["kind"], "COMMIT");
  EXPECT_EQ(Said()[0]["chain"], "test");

  v1::Evidence none = chain_.EvidenceList()[0];
  none.set_second(none.first());
  chain_.HoldEvidence(none);
  EXPECT_EQ(Run({"evidence", "--genesis", Path("genesis")}), kRefused);
}

TEST_F(CliEvidence, Submitted_IsOnTheChainOnce) {
  Equivocate(5);
  Equivocate(6);
  ASSERT_EQ(Run({"evidence", "on-chain"}, "centre"), kGood) << err_;
  EXPECT_TRUE(Said().empty());
  ASSERT_EQ(Run({"evidence", "submit"}, "centre"), kGood) << err_;
  EXPECT_THAT(out_, testing::HasSubstr("TRANSACTION_STATUS_SEALED"));
  ASSERT_EQ(Run({"evidence", "on-chain"}, "centre"), kGood) << err_;
  ASSERT_EQ(Said().size(), 2u);
  EXPECT_EQ(Said()[0]["name"], "v0");
  EXPECT_EQ(Said()[0]["kind"], "COMMIT");
  EXPECT_EQ(Said()[0]["centre"], "centre");

  const Height head = chain_.chain().head().height;
  ASSERT_EQ(Run({"evidence", "submit"}, "centre"), kGood) << err_;
  EXPECT_EQ(chain_.chain().head().height, head) << "it is there already";
}

TEST_F(CliEvidence, OfAnotherThanACentre_IsRefused) {
  Equivocate(5);
  EXPECT_EQ(Run({"evidence", "submit"}, "acme"), kRefused);
  EXPECT_THAT(err_, testing::HasSubstr("UNAUTHORIZED"));
  EXPECT_EQ(chain_.chain().head().height, Height(0));
}

}  // namespace
}  // namespace talent::node
