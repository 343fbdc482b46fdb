// What clients do not get from a node, however they ask.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "node/rpc/client.h"
#include "node/rpc/grpc_server.h"
#include "unit/node/one_node_chain.h"
#include "unit/node/test_env.h"

namespace talent::node {
namespace {

class GrpcLimits : public testing::Test {
 protected:
  void SetUp() override {
    auto certificate = MakeServerCertificate({"localhost", "127.0.0.1"});
    ASSERT_TRUE(certificate);
    ca_ = certificate->certificate;
    server_ = GrpcServer::Start({"127.0.0.1:0", std::move(*certificate), {"n", "1", nullptr}},
                                {&runner_}, clock_, random_)
                  .value();
    client_ = std::move(Client::Connect(server_->listen_address(), ca_).value());
  }

  std::shared_ptr<grpc::ChannelCredentials> Tls() const {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = ca_;
    return grpc::SslCredentials(tls);
  }
  /// A call for the chain's first block.
  grpc::Status Ask(const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                   const std::string& metadata = "") {
    const auto stub =
        v1::Ledger::NewStub(grpc::CreateChannel(server_->listen_address(), credentials));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(kWait.value));
    if (!metadata.empty()) context.AddMetadata("something", metadata);
    v1::GetBlockRequest request;
    request.set_chain_id(runner_.chain().id().ToBytes());
    request.set_height(1);
    v1::GetBlockResponse response;
    return stub->GetBlock(&context, request, &response);
  }
  /// Whether a stream of the first block has its payload.
  bool StreamHasPayload() {
    bool has = false;
    const auto streamed = client_->StreamBlocks(runner_.chain().id(), Height(1), kWait,
                                                [&](const v1::StreamBlocksResponse& block) {
                                                  has = !block.block().payloads(0).salt().empty() ||
                                                        !block.block().payloads(0).data().empty();
                                                  return false;
                                                });
    EXPECT_TRUE(streamed) << streamed.error().ToString();
    return has;
  }

  ManualClock clock_;
  crypto::SystemRandom random_;
  OneNodeChain runner_;
  std::string ca_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(GrpcLimits, WithoutTls_NobodyIsServed) {
  runner_.SealOne();
  EXPECT_FALSE(Ask(grpc::InsecureChannelCredentials()).ok());
  EXPECT_TRUE(Ask(Tls()).ok());
}

TEST_F(GrpcLimits, MetadataBeyondItsBound_IsRefusedAndServiceGoesOn) {
  runner_.SealOne();
  EXPECT_TRUE(Ask(Tls(), std::string(1024, 'x')).ok());
  EXPECT_EQ(Ask(Tls(), std::string(64 * 1024, 'x')).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Ask(Tls()).ok());
}

TEST_F(GrpcLimits, StreamedPayload_IsShownToThePartiesWhoMayReadItAndToNobodyElse) {
  runner_.SealOne();
  EXPECT_FALSE(StreamHasPayload());
  ASSERT_TRUE(client_->Login(runner_.chain().id(), runner_.acme()));
  EXPECT_FALSE(StreamHasPayload()) << "no concern of hers";
  ASSERT_TRUE(client_->Login(runner_.chain().id(), runner_.centre()));
  EXPECT_TRUE(StreamHasPayload());
}

// Nor does an error tell whether there is something to be read.
TEST_F(GrpcLimits, StateOfAPrivateChain_IsDeniedTheSameWhetherItIsThereOrNot) {
  runner_.SealOne();
  const auto there = client_->GetState(runner_.chain().id(), "party/acme");
  const auto not_there = client_->GetState(runner_.chain().id(), "party/nobody");
  ASSERT_FALSE(there);
  ASSERT_FALSE(not_there);
  EXPECT_EQ(there.error().code, Code::kUnauthorized);
  EXPECT_EQ(there.error().ToString(), not_there.error().ToString());
}

}  // namespace
}  // namespace talent::node
