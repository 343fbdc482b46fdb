#include "node/rpc/client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "node/rpc/rpc_error.h"

namespace talent::node {
namespace {

/// Time for the node's answer to arrive after it stopped waiting for an outcome.
constexpr Millis kAnswerTime{2000};

std::chrono::system_clock::time_point After(Millis time) {
  return std::chrono::system_clock::now() + std::chrono::milliseconds(time.value);
}

template <class Response>
Result<Submitted> Read(const Response& response) {
  const auto id = TxId::FromBytes(response.tx_id());
  if (!id) return Within("the node's answer: tx_id", id.error());
  return Submitted{*id, response.state()};
}

}  // namespace

struct Client::Impl {
  explicit Impl(const std::shared_ptr<grpc::Channel>& channel_in)
      : channel(channel_in),
        ledger(v1::Ledger::NewStub(channel)),
        node(v1::Node::NewStub(channel)),
        auth(v1::Auth::NewStub(channel)),
        market(v1::Market::NewStub(channel)) {}

  /// Waits until gRPC has let go of every asynchronous call, a moment after its answer. The last
  /// reference to a channel must not go on a thread of gRPC: it would join itself there, and then
  /// run on a queue that is no more.
  ~Impl() {
    std::unique_lock lock(mutex);
    released.wait(lock, [this] { return in_flight == 0; });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// Held by an asynchronous call for as long as it holds the channel.
  class InFlight {
   public:
    explicit InFlight(Impl& impl) : impl_(impl) {
      const std::lock_guard lock(impl_.mutex);
      ++impl_.in_flight;
    }
    ~InFlight() {
      // Notifies under the lock: once that is free the client may be gone.
      const std::lock_guard lock(impl_.mutex);
      if (--impl_.in_flight == 0) impl_.released.notify_all();
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

   private:
    Impl& impl_;
  };

  /// An asynchronous call about `chain` that waits for an outcome.
  template <class Request, class Response>
  struct AsyncCall {
    explicit AsyncCall(Impl& impl) : in_flight(impl) {}
    const InFlight in_flight;  // first, so that it goes after the context and its channel
    grpc::ClientContext context;
    Request request;
    Response response;
  };
  template <class Request, class Response>
  std::shared_ptr<AsyncCall<Request, Response>> Begin(const ChainId& chain, Millis wait) {
    auto call = std::make_shared<AsyncCall<Request, Response>>(*this);
    Prepare(call->context, wait + kAnswerTime.value, chain.View());
    call->request.set_chain_id(chain.ToBytes());
    return call;
  }

  /// Puts deadline and, where logged in on `chain`, the token into a call.
  void Prepare(grpc::ClientContext& context, Millis timeout, BytesView chain) {
    context.set_deadline(After(timeout));
    const std::lock_guard lock(mutex);
    const auto token = tokens.find(chain);
    if (token != tokens.end()) context.AddMetadata("authorization", "Bearer " + token->second);
  }

  template <class Stub, class Request, class Response>
  Result<Response> Call(Stub& stub,
                        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                        const Request& request, BytesView chain, Millis timeout = kCallTimeout) {
    grpc::ClientContext context;
    Prepare(context, timeout, chain);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return tl::unexpected<Error>(FromGrpcStatus(status));
    return response;
  }

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Ledger::Stub> ledger;
  std::unique_ptr<v1::Node::Stub> node;
  std::unique_ptr<v1::Auth::Stub> auth;
  std::unique_ptr<v1::Market::Stub> market;
  std::mutex mutex;
  // Guarded by mutex.
  std::map<Bytes, std::string, std::less<>> tokens;  // by chain id
  std::size_t in_flight = 0;                         // asynchronous calls
  std::condition_variable released;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Connect(const std::string& address,
                                                const std::string& ca_pem, Millis timeout) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ca_pem;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // A connection of its own, so that two clients of a process never share a broken one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(address, grpc::SslCredentials(tls), arguments);
  if (!channel->WaitForConnected(After(timeout))) {
    return Fail(Code::kUnavailable,
                "no node with the pinned certificate answers at {} within {} ms", address,
                timeout.value);
  }
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(channel)));
}

Status Client::Login(const ChainId& chain, const crypto::KeyPair& key) {
  v1::GetChallengeRequest ask;
  ask.set_chain_id(chain.ToBytes());
  ask.set_public_key(key.public_key().ToBytes());
  const auto given = TRY(impl_->Call(*impl_->auth, &v1::Auth::Stub::GetChallenge, ask, {}));
  v1::LoginRequest login;
  login.set_chain_id(chain.ToBytes());
  login.set_public_key(key.public_key().ToBytes());
  login.set_challenge(given.challenge());
  login.set_signature(key.Sign(crypto::Domain::kClientAuth, chain, given.challenge()).ToBytes());
  auto token = TRY(impl_->Call(*impl_->auth, &v1::Auth::Stub::Login, login, {}));
  const std::lock_guard lock(impl_->mutex);
  impl_->tokens.insert_or_assign(chain.ToBytes(), std::move(*token.mutable_token()));
  return {};
}

Result<TxId> Client::Submit(const ChainId& chain, Bytes transaction) {
  v1::SubmitRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_transaction(std::move(transaction));
  const auto response =
      TRY(impl_->Call(*impl_->ledger, &v1::Ledger::Stub::Submit, request, chain.View()));
  return TxId::FromBytes(response.tx_id());
}

Result<Submitted> Client::SubmitAndWait(const ChainId& chain, Bytes transaction, Millis wait) {
  v1::SubmitAndWaitRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_transaction(std::move(transaction));
  return Read(TRY(impl_->Call(*impl_->ledger, &v1::Ledger::Stub::SubmitAndWait, request,
                              chain.View(), wait + kAnswerTime.value)));
}

void Client::SubmitAndWait(const ChainId& chain, Bytes transaction, Millis wait,
                           std::function<void(Result<Submitted>)> done) {
  const auto call = impl_->Begin<v1::SubmitAndWaitRequest, v1::SubmitAndWaitResponse>(chain, wait);
  call->request.set_transaction(std::move(transaction));
  impl_->ledger->async()->SubmitAndWait(&call->context, &call->request, &call->response,
                                        [call, done = std::move(done)](const grpc::Status& status) {
                                          if (status.ok()) return done(Read(call->response));
                                          done(tl::unexpected<Error>(FromGrpcStatus(status)));
                                        });
}

void Client::SubmitAllAndWait(const ChainId& chain, std::vector<Bytes> transactions, Millis wait,
                              std::function<void(Result<SubmittedAll>)> done) {
  const auto call =
      impl_->Begin<v1::SubmitAllAndWaitRequest, v1::SubmitAllAndWaitResponse>(chain, wait);
  for (Bytes& transaction : transactions) call->request.add_transactions(std::move(transaction));
  impl_->ledger->async()->SubmitAllAndWait(
      &call->context, &call->request, &call->response,
      [call, done = std::move(done)](const grpc::Status& status) {
        if (!status.ok()) return done(tl::unexpected<Error>(FromGrpcStatus(status)));
        if (call->response.results_size() != call->request.transactions_size()) {
          return done(Fail(Code::kInternal, "the node's answer: {} results for {} transactions",
                           call->response.results_size(), call->request.transactions_size()));
        }
        SubmittedAll all;
        for (const v1::SubmitResult& result : call->response.results()) {
          all.push_back(result.has_refused()
                            ? tl::unexpected<Error>(FromRpcStatus(result.refused()))
                            : Read(result));
        }
        done(std::move(all));
      });
}

Result<v1::GetTransactionResponse> Client::GetTransaction(const ChainId& chain, const TxId& id) {
  v1::GetTransactionRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_tx_id(id.ToBytes());
  return impl_->Call(*impl_->ledger, &v1::Ledger::Stub::GetTransaction, request, chain.View());
}

Result<v1::GetBlockResponse> Client::GetBlock(const ChainId& chain, Height height) {
  v1::GetBlockRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_height(height.value);
  return impl_->Call(*impl_->ledger, &v1::Ledger::Stub::GetBlock, request, chain.View());
}

Result<v1::GetStateResponse> Client::GetState(const ChainId& chain, BytesView key, bool prove) {
  v1::GetStateRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_key(Bytes(key));
  request.set_prove(prove);
  return impl_->Call(*impl_->ledger, &v1::Ledger::Stub::GetState, request, chain.View());
}

Result<v1::GetCareerResponse> Client::GetCareer(const ChainId& chain, BytesView subject_id) {
  v1::GetCareerRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_subject_id(Bytes(subject_id));
  return impl_->Call(*impl_->market, &v1::Market::Stub::GetCareer, request, chain.View());
}

Result<tiers::v1::FlowRecorded> Client::JudgeMove(const ChainId& chain,
                                                  const tiers::v1::FlowRecorded& flow) {
  v1::JudgeMoveRequest request;
  request.set_chain_id(chain.ToBytes());
  *request.mutable_flow() = flow;
  return std::move(
      *TRY(impl_->Call(*impl_->market, &v1::Market::Stub::JudgeMove, request, chain.View()))
           .mutable_flow());
}

Result<v1::ScanStateResponse> Client::ScanState(const ChainId& chain, BytesView prefix,
                                                BytesView from, std::uint32_t limit) {
  v1::ScanStateRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_prefix(Bytes(prefix));
  request.set_from(Bytes(from));
  request.set_limit(limit);
  return impl_->Call(*impl_->ledger, &v1::Ledger::Stub::ScanState, request, chain.View());
}

Result<ledger::pb::TransactionProof> Client::GetProof(const ChainId& chain, const TxId& id) {
  v1::GetProofRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_tx_id(id.ToBytes());
  auto response =
      TRY(impl_->Call(*impl_->ledger, &v1::Ledger::Stub::GetProof, request, chain.View()));
  return std::move(*response.mutable_proof());
}

Result<v1::GetStatusResponse> Client::GetStatus() {
  return impl_->Call(*impl_->node, &v1::Node::Stub::GetStatus, v1::GetStatusRequest(), {});
}

Result<v1::ListEvidenceResponse> Client::ListEvidence(const ChainId& chain) {
  v1::ListEvidenceRequest request;
  request.set_chain_id(chain.ToBytes());
  return impl_->Call(*impl_->node, &v1::Node::Stub::ListEvidence, request, {});
}

Status Client::StreamBlocks(const ChainId& chain, Height from, Millis timeout,
                            const std::function<bool(const v1::StreamBlocksResponse&)>& visit) {
  v1::StreamBlocksRequest request;
  request.set_chain_id(chain.ToBytes());
  request.set_from_height(from.value);
  grpc::ClientContext context;
  impl_->Prepare(context, timeout, chain.View());
  const auto stream = impl_->ledger->StreamBlocks(&context, request);
  v1::StreamBlocksResponse response;
  bool enough = false;
  while (!enough && stream->Read(&response)) enough = !visit(response);
  if (enough) context.TryCancel();
  const grpc::Status status = stream->Finish();
  if (enough || status.ok()) return {};
  return tl::unexpected<Error>(FromGrpcStatus(status));
}

}  // namespace talent::node
