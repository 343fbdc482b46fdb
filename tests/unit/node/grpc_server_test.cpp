#include "node/rpc/grpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/canonical.h"
#include "ledger/erasure.h"
#include "ledger/light_client.h"
#include "node/rpc/client.h"
#include "node/rpc/rpc_error.h"
#include "talent/node/v1/p2p.pb.h"
#include "talent/tiers/v1/erasure.pb.h"
#include "talent/tiers/v1/private.pb.h"
#include "unit/node/one_node_chain.h"
#include "unit/node/test_env.h"

namespace talent::node {
namespace {

using testing::HasSubstr;

class GrpcServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto certificate = MakeServerCertificate({"localhost", "127.0.0.1"});
    ASSERT_TRUE(certificate) << certificate.error().ToString();
    ca_ = certificate->certificate;
    GrpcServer::Options options;
    options.listen = "127.0.0.1:0";
    options.certificate = std::move(*certificate);
    options.info = {"centre-1", "0.1.0", [] { return 3U; }};
    auto server = GrpcServer::Start(std::move(options), {&runner_}, clock_, random_);
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
    client_ = Connect();
    ASSERT_TRUE(client_);
  }

  std::unique_ptr<Client> Connect() {
    auto client = Client::Connect(server_->listen_address(), ca_);
    EXPECT_TRUE(client) << client.error().ToString();
    return client ? std::move(*client) : nullptr;
  }

  /// For calls that Client never makes.
  std::unique_ptr<v1::Ledger::Stub> RawStub() {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = ca_;
    return v1::Ledger::NewStub(
        grpc::CreateChannel(server_->listen_address(), grpc::SslCredentials(tls)));
  }

  /// What the standard health service says of `service`.
  std::uint64_t HealthOf(const std::string& service) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = ca_;
    const auto channel = grpc::CreateChannel(server_->listen_address(), grpc::SslCredentials(tls));
    // Messages of ours with the fields of HealthCheckRequest{string service = 1} and
    // HealthCheckResponse{enum status = 1}.
    grpc::TemplatedGenericStub<v1::SubmitResponse, v1::ChainStatus> stub(channel);
    v1::SubmitResponse request;
    request.set_tx_id(service);
    v1::ChainStatus response;
    grpc::ClientContext context;
    std::promise<grpc::Status> answered;
    stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request,
                   &response, [&](grpc::Status status) { answered.set_value(std::move(status)); });
    const grpc::Status status = answered.get_future().get();
    EXPECT_TRUE(status.ok()) << service << ": " << status.error_message();
    return response.sealed();
  }

  Result<Client::SubmittedAll> SubmitAll(std::vector<Bytes> transactions) {
    std::promise<Result<Client::SubmittedAll>> answered;
    client_->SubmitAllAndWait(
        chain(), std::move(transactions), kWait,
        [&](Result<Client::SubmittedAll> all) { answered.set_value(std::move(all)); });
    return answered.get_future().get();
  }

  ChainId chain() const { return runner_.chain().id(); }

  ManualClock clock_;
  crypto::SystemRandom random_;
  OneNodeChain runner_;
  std::string ca_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<Client> client_;
};

template <class T>
Code CodeOf(const Result<T>& result) {
  EXPECT_FALSE(result);
  return result ? Code::kInternal : result.error().code;
}

TEST_F(GrpcServerTest, Transaction_IsSubmittedSealedAndRead) {
  const auto submitted = client_->SubmitAndWait(chain(), runner_.Registration(), kWait);
  ASSERT_TRUE(submitted) << submitted.error().ToString();
  EXPECT_EQ(submitted->state.status(), v1::TRANSACTION_STATUS_SEALED);
  EXPECT_EQ(submitted->state.height(), 1U);
  const auto read = client_->GetTransaction(chain(), submitted->id);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->state().status(), v1::TRANSACTION_STATUS_SEALED);
  EXPECT_EQ(read->as_of_height(), 1U);
}

TEST_F(GrpcServerTest, SubmitAll_AnswersForEachTransactionInOrder) {
  const Bytes sealed = runner_.Registration();
  ASSERT_TRUE(client_->SubmitAndWait(chain(), sealed, kWait));
  const auto all =
      SubmitAll({runner_.Registration(), "no transaction", sealed, runner_.Registration()});
  ASSERT_TRUE(all) << all.error().ToString();
  ASSERT_EQ(all->size(), 4U);
  for (const std::size_t good : {0U, 3U}) {
    ASSERT_TRUE(all->at(good)) << all->at(good).error().ToString();
    EXPECT_EQ(all->at(good)->state.status(), v1::TRANSACTION_STATUS_SEALED);
    EXPECT_TRUE(client_->GetTransaction(chain(), all->at(good)->id)->has_transaction());
  }
  EXPECT_EQ(CodeOf(all->at(1)), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(all->at(2)), Code::kDuplicate);
}

TEST_F(GrpcServerTest, SubmitAll_TakesNeitherNoneNorTooMany) {
  EXPECT_EQ(CodeOf(SubmitAll({})), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(SubmitAll(std::vector<Bytes>(257, "x"))), Code::kInvalidArgument);
}

TEST_F(GrpcServerTest, SubmitAllPastItsDeadline_EndsAndTheChainMayAnswerLater) {
  runner_.Hold();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  v1::SubmitAllAndWaitRequest request;
  request.set_chain_id(chain().ToBytes());
  for (int i = 0; i < 2; ++i) request.add_transactions(runner_.Registration());
  v1::SubmitAllAndWaitResponse response;
  EXPECT_EQ(RawStub()->SubmitAllAndWait(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(runner_.waiting(), 2U);
}

TEST_F(GrpcServerTest, Status_NamesNodeAndChains) {
  runner_.SealOne();
  const auto status = client_->GetStatus();
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(status->name(), "centre-1");
  EXPECT_EQ(status->peers(), 3U);
  ASSERT_EQ(status->chains_size(), 1);
  EXPECT_EQ(status->chains(0).tier(), "private");
  EXPECT_EQ(status->chains(0).height(), 1U);
}

TEST_F(GrpcServerTest, Garbage_IsRefusedAndChangesNothing) {
  EXPECT_EQ(CodeOf(client_->Submit(chain(), "no transaction")), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf(client_->Submit(chain(), "")), Code::kInvalidArgument);
  Bytes damaged = runner_.Registration();
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  EXPECT_FALSE(client_->Submit(chain(), damaged));
  EXPECT_EQ(runner_.chain().head().height, Height(0));
}

TEST_F(GrpcServerTest, OversizedTransaction_IsRefusedByTheChainAndBeyondThatByTheServer) {
  EXPECT_EQ(CodeOf(client_->Submit(chain(), Bytes((1 << 14) + 1, 'x'))), Code::kTooLarge);
  EXPECT_EQ(CodeOf(client_->Submit(chain(), Bytes(1 << 20, 'x'))), Code::kTooLarge);
}

TEST_F(GrpcServerTest, ReplayedTransaction_IsRefusedAsDuplicate) {
  const Bytes tx = runner_.Registration();
  ASSERT_TRUE(client_->SubmitAndWait(chain(), tx, kWait));
  EXPECT_EQ(CodeOf(client_->Submit(chain(), tx)), Code::kDuplicate);
  EXPECT_EQ(CodeOf(client_->SubmitAndWait(chain(), tx, kWait)), Code::kDuplicate);
}

TEST_F(GrpcServerTest, UnknownChain_IsNotFoundAndNoChainIsInvalid) {
  const ChainId other = *ChainId::FromBytes(Bytes(32, 'x'));
  EXPECT_EQ(CodeOf(client_->Submit(other, "tx")), Code::kNotFound);
  EXPECT_EQ(CodeOf(client_->GetBlock(other, Height(1))), Code::kNotFound);
  EXPECT_EQ(CodeOf(client_->StreamBlocks(other, Height(1), kWait, [](auto&) { return true; })),
            Code::kNotFound);
  grpc::ClientContext context;
  v1::GetBlockResponse response;
  const auto status = RawStub()->GetBlock(&context, v1::GetBlockRequest(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("chain_id"));
}

TEST_F(GrpcServerTest, UnsealedTransaction_IsUnknownAndHasNoProof) {
  const TxId id = *TxId::FromBytes(Bytes(32, 't'));
  const auto read = client_->GetTransaction(chain(), id);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->state().status(), v1::TRANSACTION_STATUS_UNKNOWN);
  EXPECT_FALSE(read->has_transaction());
  EXPECT_EQ(CodeOf(client_->GetProof(chain(), id)), Code::kNotFound);
}

TEST_F(GrpcServerTest, Payload_IsShownToThePartiesWhoMayReadItAndToNobodyElse) {
  const TxId id = runner_.SealOne();
  EXPECT_FALSE(client_->GetTransaction(chain(), id)->transaction().has_payload());
  EXPECT_TRUE(client_->GetBlock(chain(), Height(1))->block().payloads(0).salt().empty());
  EXPECT_FALSE(client_->GetProof(chain(), id)->has_payload());

  ASSERT_TRUE(client_->Login(chain(), runner_.acme()));  // no concern of hers
  EXPECT_FALSE(client_->GetTransaction(chain(), id)->transaction().has_payload());

  ASSERT_TRUE(client_->Login(chain(), runner_.centre()));
  EXPECT_TRUE(client_->GetTransaction(chain(), id)->transaction().has_payload());
  EXPECT_FALSE(client_->GetBlock(chain(), Height(1))->block().payloads(0).salt().empty());
  EXPECT_TRUE(client_->GetProof(chain(), id)->has_payload());
}

TEST_F(GrpcServerTest, ErasedPayload_IsSaidToBeErased_AndProven) {
  const TxId id = runner_.SealOne();
  const auto registered =
      Decode<tiers::v1::SubjectRegistered>(runner_.chain().GetTransaction(id)->payload);
  tiers::v1::Erased erased;
  erased.set_subject_id(registered->subject_id());
  erased.set_ground(tiers::v1::ERASURE_GROUND_SUBJECT_REQUEST);
  erased.set_reference("R-1");
  const auto erasure =
      ledger::MakeTransaction(chain(), "Erased", Encode(erased), ledger::pb::DISCLOSURE_COMMITMENT,
                              runner_.chain().head().height + 100, runner_.centre(), random_);
  ASSERT_TRUE(client_->SubmitAndWait(chain(), ledger::Serialize(erasure), kWait));

  ASSERT_TRUE(client_->Login(chain(), runner_.acme()));  // no concern of hers
  EXPECT_EQ(client_->GetTransaction(chain(), id)->erased().by(), "");
  EXPECT_EQ(client_->GetBlock(chain(), Height(1))->erased(0).erased().by(), "");
  EXPECT_EQ(client_->GetProof(chain(), id)->statements_size(), 0);
  EXPECT_EQ(CodeOf(client_->GetState(chain(), ledger::ErasedKey(id))), Code::kUnauthorized);

  ASSERT_TRUE(client_->Login(chain(), runner_.centre()));
  const auto read = client_->GetTransaction(chain(), id);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_FALSE(read->transaction().has_payload());
  EXPECT_EQ(read->erased().by(), erasure.id.View());
  EXPECT_EQ(read->erased().height(), 2u);
  const auto block = client_->GetBlock(chain(), Height(1));
  ASSERT_EQ(block->erased_size(), 1);
  EXPECT_EQ(block->erased(0).index(), 0u);
  EXPECT_EQ(client_->GetBlock(chain(), Height(2))->erased_size(), 0);
  const auto proof = client_->GetProof(chain(), id);
  ASSERT_TRUE(proof) << proof.error().ToString();
  ASSERT_TRUE(ledger::VerifyTransactionProof(runner_.chain().genesis(), *proof));
  ASSERT_EQ(proof->statements_size(), 1);
  EXPECT_EQ(proof->statements(0).proof().key(), ledger::ErasedKey(id));
  EXPECT_TRUE(proof->statements(0).proof().present());
}

TEST_F(GrpcServerTest, StateOfAPrivateChain_NeedsALogin) {
  runner_.SealOne();
  const Bytes key = "key/" + runner_.acme().public_key().ToBytes();
  EXPECT_EQ(CodeOf(client_->GetState(chain(), key)), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(client_->ScanState(chain(), "party/", "")), Code::kUnauthorized);
  ASSERT_TRUE(client_->Login(chain(), runner_.acme()));
  const auto state = client_->GetState(chain(), key);
  ASSERT_TRUE(state) << state.error().ToString();
  EXPECT_TRUE(state->present());
  EXPECT_EQ(state->as_of_height(), 1U);
}

TEST_F(GrpcServerTest, StateAboutAPerson_IsShownToThoseItConcernsAlone) {
  const TxId id = runner_.SealOne();
  const Bytes key = "rec/" + id.ToBytes();
  ASSERT_TRUE(client_->Login(chain(), runner_.acme()));  // no concern of hers
  EXPECT_EQ(CodeOf(client_->GetState(chain(), key)), Code::kUnauthorized);
  EXPECT_EQ(CodeOf(client_->GetState(chain(), key, true)), Code::kUnauthorized);
  const auto hidden = client_->ScanState(chain(), "", "", 1000);
  ASSERT_TRUE(hidden) << hidden.error().ToString();
  EXPECT_EQ(hidden->next_key(), "");
  for (const auto& entry : hidden->entries()) EXPECT_NE(entry.key(), key);
  ASSERT_TRUE(client_->Login(chain(), runner_.centre()));
  EXPECT_TRUE(client_->GetState(chain(), key)->present());
  EXPECT_EQ(client_->ScanState(chain(), "rec/", "", 1000)->entries_size(), 1);
}

TEST_F(GrpcServerTest, Career_IsComputedForThoseWhoMayReadThePerson) {
  runner_.SealOne();
  ASSERT_TRUE(client_->Login(chain(), runner_.centre()));
  const auto subjects = client_->ScanState(chain(), "subject/", "");
  ASSERT_TRUE(subjects && subjects->entries_size() == 1);
  const Bytes subject = subjects->entries(0).key().substr(std::string_view("subject/").size());
  const auto career = client_->GetCareer(chain(), subject);
  ASSERT_TRUE(career) << career.error().ToString();
  EXPECT_EQ(career->plan_class(), tiers::v1::BUDGET_CLASS_D);  // nobody has invested
  EXPECT_THAT(career->not_due(), HasSubstr("no plan is open"));
  EXPECT_EQ(career->as_of_height(), 1U);
  EXPECT_EQ(CodeOf(client_->GetCareer(chain(), Bytes(32, 'x'))), Code::kNotFound);
  EXPECT_EQ(CodeOf(client_->GetCareer(chain(), "short")), Code::kInvalidArgument);
  tiers::v1::FlowRecorded flow;
  flow.set_statement("nonsense");
  EXPECT_EQ(CodeOf(client_->JudgeMove(chain(), flow)), Code::kInvalidArgument);
  tiers::v1::FlowStatement statement;
  statement.set_subject_id(subject);
  flow.set_statement(Encode(statement));
  EXPECT_EQ(CodeOf(client_->JudgeMove(chain(), flow)), Code::kNotFound);  // never placed
  ASSERT_TRUE(client_->Login(chain(), runner_.acme()));
  EXPECT_EQ(CodeOf(client_->GetCareer(chain(), subject)), Code::kNotFound);
  EXPECT_EQ(CodeOf(client_->JudgeMove(chain(), flow)), Code::kNotFound);
  EXPECT_EQ(CodeOf(Connect()->GetCareer(chain(), subject)), Code::kUnauthorized);
}

TEST_F(GrpcServerTest, ProvenState_HoldsUnderItsCertifiedHeader) {
  runner_.SealOne();
  ASSERT_TRUE(client_->Login(chain(), runner_.acme()));
  const auto state = client_->GetState(chain(), "party/acme", true);
  ASSERT_TRUE(state) << state.error().ToString();
  const auto header = ledger::VerifyHeader(chain(), runner_.chain().genesis().validators(),
                                           state->statement().header());
  ASSERT_TRUE(header) << header.error().ToString();
  EXPECT_TRUE(ledger::VerifyStateProof(*Hash::FromBytes(header->header.state_root()),
                                       state->statement().proof()));
  EXPECT_EQ(state->statement().proof().value(), state->value());
}

TEST_F(GrpcServerTest, Scan_GoesPageByPageAndRefusesTooMuch) {
  ASSERT_TRUE(client_->Login(chain(), runner_.acme()));
  const auto first = client_->ScanState(chain(), "party/", "", 1);
  ASSERT_TRUE(first) << first.error().ToString();
  ASSERT_EQ(first->entries_size(), 1);
  EXPECT_EQ(first->entries(0).key(), "party/acme");
  EXPECT_EQ(first->next_key(), "party/centre");
  const auto second = client_->ScanState(chain(), "party/", first->next_key(), 1);
  ASSERT_TRUE(second) << second.error().ToString();
  EXPECT_EQ(second->entries(0).key(), "party/centre");
  EXPECT_EQ(second->next_key(), "");
  EXPECT_EQ(CodeOf(client_->ScanState(chain(), "", "", 1001)), Code::kTooLarge);
  EXPECT_EQ(CodeOf(client_->ScanState(chain(), Bytes(2000, 'k'), "")), Code::kTooLarge);
}

TEST_F(GrpcServerTest, Proof_HoldsFromTheGenesisAlone) {
  const TxId id = runner_.SealOne();
  const auto proof = client_->GetProof(chain(), id);
  ASSERT_TRUE(proof) << proof.error().ToString();
  const auto proven = ledger::VerifyTransactionProof(runner_.chain().genesis(), *proof);
  ASSERT_TRUE(proven) << proven.error().ToString();
  EXPECT_EQ(proven->transaction.id, id);
}

TEST_F(GrpcServerTest, Login_IsForPartiesOfTheChain) {
  const auto stranger = crypto::KeyPair::Generate(random_);
  EXPECT_EQ(CodeOf(client_->Login(chain(), stranger)), Code::kUnauthorized);
}

TEST_F(GrpcServerTest, ReplayedChallenge_IsRefused) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ca_;
  const auto stub =
      v1::Auth::NewStub(grpc::CreateChannel(server_->listen_address(), grpc::SslCredentials(tls)));
  v1::GetChallengeRequest ask;
  ask.set_chain_id(chain().ToBytes());
  ask.set_public_key(runner_.acme().public_key().ToBytes());
  v1::GetChallengeResponse given;
  grpc::ClientContext first;
  ASSERT_TRUE(stub->GetChallenge(&first, ask, &given).ok());
  v1::LoginRequest login;
  login.set_chain_id(ask.chain_id());
  login.set_public_key(ask.public_key());
  login.set_challenge(given.challenge());
  login.set_signature(
      runner_.acme().Sign(crypto::Domain::kClientAuth, chain(), given.challenge()).ToBytes());
  v1::LoginResponse token;
  grpc::ClientContext second;
  ASSERT_TRUE(stub->Login(&second, login, &token).ok());
  grpc::ClientContext third;
  const auto replayed = stub->Login(&third, login, &token);
  ASSERT_FALSE(replayed.ok());
  EXPECT_EQ(FromGrpcStatus(replayed).code, Code::kUnauthorized);
}

TEST_F(GrpcServerTest, EndedToken_IsRefusedNotTreatedAsAnonymous) {
  const TxId id = runner_.SealOne();
  ASSERT_TRUE(client_->Login(chain(), runner_.centre()));
  clock_.Advance(ClientSessions::kTokenLifetime + 1);
  EXPECT_EQ(CodeOf(client_->GetTransaction(chain(), id)), Code::kExpired);
  EXPECT_EQ(CodeOf(client_->StreamBlocks(chain(), Height(1), kWait, [](auto&) { return true; })),
            Code::kExpired);
}

TEST_F(GrpcServerTest, MadeUpToken_IsUnauthenticated) {
  for (const char* authorization : {"Bearer 00", "Basic 00"}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", authorization);
    v1::GetBlockRequest request;
    request.set_chain_id(chain().ToBytes());
    v1::GetBlockResponse response;
    EXPECT_EQ(RawStub()->GetBlock(&context, request, &response).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_F(GrpcServerTest, Stream_GivesBlocksInOrderFromAHeightAndThenAsTheyCome) {
  for (int i = 0; i < 3; ++i) runner_.SealOne();
  std::vector<std::uint64_t> heights;
  const auto streamed =
      client_->StreamBlocks(chain(), Height(2), kWait, [&](const v1::StreamBlocksResponse& block) {
        ledger::pb::BlockHeader header;
        EXPECT_TRUE(header.ParseFromString(block.block().block().header()));
        EXPECT_EQ(block.hash(), ledger::BlockHash(block.block().block().header()).View());
        heights.push_back(header.height());
        if (heights.size() == 2) runner_.SealOne();  // while the stream waits for it
        return heights.size() < 3;
      });
  EXPECT_TRUE(streamed) << streamed.error().ToString();
  EXPECT_EQ(heights, (std::vector<std::uint64_t>{2, 3, 4}));
}

TEST_F(GrpcServerTest, StreamFromHeightZero_IsRefused) {
  EXPECT_EQ(CodeOf(client_->StreamBlocks(chain(), Height(0), kWait, [](auto&) { return true; })),
            Code::kInvalidArgument);
}

TEST_F(GrpcServerTest, CancelledStream_LeavesNothingBehind) {
  runner_.SealOne();
  ASSERT_TRUE(client_->StreamBlocks(chain(), Height(1), kWait, [](auto&) { return false; }));
  while (runner_.listeners() > 0) std::this_thread::yield();  // the test's own timeout bounds it
  runner_.SealOne();
}

TEST_F(GrpcServerTest, StreamPastItsDeadline_Ends) {
  const auto ended =
      client_->StreamBlocks(chain(), Height(1), Millis(50), [](auto&) { return true; });
  EXPECT_EQ(CodeOf(ended), Code::kUnavailable);
}

TEST_F(GrpcServerTest, SubmitAndWaitPastItsDeadline_EndsAndTheChainMayAnswerLater) {
  runner_.Hold();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  v1::SubmitAndWaitRequest request;
  request.set_chain_id(chain().ToBytes());
  request.set_transaction(runner_.Registration());
  v1::SubmitAndWaitResponse response;
  EXPECT_EQ(RawStub()->SubmitAndWait(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(runner_.waiting(), 1U);
}

TEST_F(GrpcServerTest, Stop_EndsStreamsAndSaysWhy) {
  std::thread stream([&] {
    const auto ended =
        client_->StreamBlocks(chain(), Height(1), Millis(60'000), [](auto&) { return true; });
    EXPECT_FALSE(ended);
    EXPECT_EQ(ended.error().message, "the node is stopping");
  });
  while (runner_.listeners() == 0) std::this_thread::yield();
  server_->Stop();
  stream.join();
  EXPECT_EQ(runner_.listeners(), 0U);
}

TEST_F(GrpcServerTest, Stop_CancelsCallsThatStillWait) {
  runner_.Hold();
  std::promise<Result<Submitted>> answered;
  client_->SubmitAndWait(chain(), runner_.Registration(), Millis(60'000),
                         [&](Result<Submitted> result) { answered.set_value(std::move(result)); });
  while (runner_.waiting() == 0) std::this_thread::yield();
  server_->Stop();
  EXPECT_EQ(CodeOf(answered.get_future().get()), Code::kUnavailable);
}

constexpr std::uint64_t kServing = 1, kNotServing = 2;

TEST_F(GrpcServerTest, Health_IsServingForEveryServiceAndChain) {
  for (const std::string service : {"talent.node.v1.Ledger", "talent.node.v1.Node", ""}) {
    EXPECT_EQ(HealthOf(service), kServing) << service;
  }
  EXPECT_EQ(HealthOf("talent.node.v1.Ledger/" + runner_.chain().genesis().name()), kServing);
}

TEST_F(GrpcServerTest, HaltedChain_IsReadMarkedStaleAndNotServing) {
  const auto stale = [&] {
    v1::GetStateRequest request;
    request.set_chain_id(chain().ToBytes());
    request.set_key("none");
    v1::GetStateResponse response;
    grpc::ClientContext context;
    // Whether the caller may read it or not.
    (void)RawStub()->GetState(&context, request, &response);
    return context.GetServerTrailingMetadata().count("talent-stale") > 0;
  };
  EXPECT_FALSE(stale());
  runner_.Halt();
  EXPECT_TRUE(stale());
  const std::string service = "talent.node.v1.Ledger/" + runner_.chain().genesis().name();
  while (HealthOf(service) != kNotServing) std::this_thread::yield();
  EXPECT_EQ(HealthOf("talent.node.v1.Node"), kServing) << "other chains go on";
}

TEST_F(GrpcServerTest, StreamOfAChainThatHalts_GivesWhatThereIsAndThenSaysSo) {
  runner_.SealOne();
  std::size_t blocks = 0;
  const auto streamed = client_->StreamBlocks(chain(), Height(1), kWait, [&](auto&) {
    ++blocks;
    runner_.Halt();  // while the stream waits for the next block, or is about to
    return true;
  });
  EXPECT_EQ(CodeOf(streamed), Code::kUnavailable);
  EXPECT_THAT(streamed.error().message, testing::HasSubstr("go on from 2 on another"));
  EXPECT_EQ(blocks, 1u);
}

TEST_F(GrpcServerTest, AnotherCertificate_IsNotTrusted) {
  const auto other = MakeServerCertificate({"localhost", "127.0.0.1"});
  ASSERT_TRUE(other);
  const auto client = Client::Connect(server_->listen_address(), other->certificate, Millis(500));
  EXPECT_EQ(CodeOf(client), Code::kUnavailable);
}

TEST_F(GrpcServerTest, TakenPort_IsSaid) {
  GrpcServer::Options options;
  options.listen = server_->listen_address();
  options.certificate = *MakeServerCertificate({"localhost"});
  const auto second = GrpcServer::Start(std::move(options), {&runner_}, clock_, random_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kIo);
  EXPECT_THAT(second.error().message, HasSubstr(server_->listen_address()));
}

}  // namespace
}  // namespace talent::node
