// A node that answers with something else than it was asked: commands sign nothing of it.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "base/canonical.h"
#include "base/file.h"
#include "crypto/key_file.h"
#include "node/cli/command.h"
#include "node/rpc/grpc_tls.h"
#include "support/temp_dir.h"
#include "talent/node/v1/market_service.grpc.pb.h"
#include "talent/node/v1/node_service.grpc.pb.h"
#include "unit/node/captured_command.h"
#include "unit/node/test_env.h"

namespace talent::node {
namespace {

namespace pb = tiers::v1;
using testing::HasSubstr;

/// Hosts one chain, lets everybody in, and makes of every move another one.
class LyingNode final : public v1::Node::Service,
                        public v1::Auth::Service,
                        public v1::Ledger::Service,
                        public v1::Market::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* response) override {
    auto& chain = *response->add_chains();
    chain.set_chain_id(ChainId().ToBytes());
    chain.set_name("test");
    chain.set_tier("private");
    chain.set_role("validator");
    chain.set_height(1);
    return grpc::Status::OK;
  }
  grpc::Status GetChallenge(grpc::ServerContext*, const v1::GetChallengeRequest*,
                            v1::GetChallengeResponse* response) override {
    response->set_challenge(std::string(32, 'c'));
    return grpc::Status::OK;
  }
  grpc::Status Login(grpc::ServerContext*, const v1::LoginRequest*,
                     v1::LoginResponse* response) override {
    response->set_token("token");
    return grpc::Status::OK;
  }
  grpc::Status JudgeMove(grpc::ServerContext*, const v1::JudgeMoveRequest* request,
                         v1::JudgeMoveResponse* response) override {
    *response->mutable_flow() = request->flow();
    lie(*response->mutable_flow());
    return grpc::Status::OK;
  }
  grpc::Status SubmitAndWait(grpc::ServerContext*, const v1::SubmitAndWaitRequest*,
                             v1::SubmitAndWaitResponse* response) override {
    ++submitted;
    response->set_tx_id(std::string(32, 't'));
    response->mutable_state()->set_status(v1::TRANSACTION_STATUS_SEALED);
    return grpc::Status::OK;
  }

  std::function<void(pb::FlowRecorded&)> lie = [](pb::FlowRecorded&) {};
  int submitted = 0;
};

class CliLyingNode : public testing::Test {
 protected:
  void SetUp() override {
    const auto certificate = MakeServerCertificate({"localhost", "127.0.0.1"}).value();
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({certificate.private_key, certificate.certificate});
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port);
    builder.RegisterService(static_cast<v1::Node::Service*>(&node_));
    builder.RegisterService(static_cast<v1::Auth::Service*>(&node_));
    builder.RegisterService(static_cast<v1::Ledger::Service*>(&node_));
    builder.RegisterService(static_cast<v1::Market::Service*>(&node_));
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    address_ = fmt::format("127.0.0.1:{}", port);

    crypto::SystemRandom random;
    Write("ca", certificate.certificate);
    Write("pass", "correct horse");
    ASSERT_TRUE(crypto::WriteKeyFile(Path("key"), crypto::KeyPair::Generate(random), "party:centre",
                                     "correct horse", crypto::KdfCost::kInteractive, random));
    pb::FlowStatement statement;
    statement.set_from("acme");
    statement.set_to("globex");
    Write("move", Encode(statement));
    pb::Cosignature signature;
    signature.set_key(std::string(32, 'k'));
    signature.set_signature(std::string(64, 's'));
    Write("signature", Encode(signature));
  }

  std::string Path(const std::string& name) const { return (dir_.path() / name).string(); }
  void Write(const std::string& name, const Bytes& content) {
    ASSERT_TRUE(WriteFile(Path(name), content, 0600, IfExists::kReplace));
  }
  CapturedCommand Move() {
    return RunCaptured({"career", "move", Path("move"), "--signature", Path("signature"),
                        "--transfer", std::string(64, 'a'), "--chain", "test", "--key", Path("key"),
                        "--passphrase-file", Path("pass"), "--address", address_, "--tls-ca",
                        Path("ca")});
  }

  TempDir dir_;
  LyingNode node_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

TEST_F(CliLyingNode, AMoveThatWasNotAskedFor_IsNotSigned) {
  const std::function<void(pb::FlowRecorded&)> lies[] = {
      [](pb::FlowRecorded& flow) {
        auto statement = Decode<pb::FlowStatement>(flow.statement()).value();
        statement.set_to("initech");
        flow.set_statement(Encode(statement));
      },
      [](pb::FlowRecorded& flow) { flow.set_transfer(std::string(32, 'b')); },
      [](pb::FlowRecorded& flow) { flow.clear_signatures(); },
      [](pb::FlowRecorded& flow) { flow.mutable_signatures(0)->set_key(std::string(32, 'x')); },
      [](pb::FlowRecorded& flow) { *flow.add_signatures() = flow.signatures(0); },
  };
  for (const auto& lie : lies) {
    node_.lie = lie;
    const auto refused = Move();
    EXPECT_EQ(refused.code, cli::kRefused);
    EXPECT_THAT(refused.err, HasSubstr("another move than the one asked for"));
  }
  EXPECT_EQ(node_.submitted, 0);

  node_.lie = [](pb::FlowRecorded& flow) { flow.set_moves(2); };  // that is for it to say
  const auto moved = Move();
  EXPECT_EQ(moved.code, cli::kGood) << moved.err;
  EXPECT_EQ(node_.submitted, 1);
}

}  // namespace
}  // namespace talent::node
