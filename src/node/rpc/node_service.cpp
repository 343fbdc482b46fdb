#include "node/rpc/node_service.h"

#include "node/rpc/rpc_error.h"
#include "tiers/application.h"

namespace talent::node {
namespace {

using Unary = grpc::ServerUnaryReactor;

Unary* Finish(grpc::CallbackServerContext& context, const Status& status) {
  Unary* reactor = context.DefaultReactor();
  reactor->Finish(status ? grpc::Status::OK : ToGrpcStatus(status.error()));
  return reactor;
}

v1::ChainState Describe(const ChainRunner& runner) {
  const ledger::Chain& chain = runner.chain();
  const ChainStatusInfo status = runner.status();
  v1::ChainState out;
  out.set_chain_id(chain.id().ToBytes());
  out.set_name(chain.genesis().name());
  out.set_tier(std::string(ledger::TierName(chain.genesis().tier())));
  out.set_role(status.validator ? "validator" : "follower");
  out.set_vote_key(status.vote_key);
  out.set_height(status.head.height.value);
  out.set_head_hash(status.head.hash.ToBytes());
  out.set_head_time_ms(status.head.time.value);
  out.set_synced(status.synced);
  out.set_mempool_transactions(status.mempool_transactions);
  out.set_halted(status.halted.value_or(""));
  out.set_epoch(status.epoch.value);
  out.set_validators(status.validators);
  out.set_epoch_end(status.epoch_end.value);
  out.set_evidence(static_cast<std::uint32_t>(status.evidence));
  out.set_seals_differ_height(status.seals_differ.value);
  out.set_erased_ahead_height(status.erased_ahead.value);
  out.set_held_blocks(status.held_blocks);
  out.set_held_until_ms(status.held_until.value);
  out.set_outbox(runner.outbox());
  if (const auto& replica = status.replica) {
    out.set_view(replica->view.value);
    out.set_view_changes(replica->view_changes);
    out.set_observer(replica->observer);
    const auto& validators = *chain.validators();
    if (replica->primary.value < validators.size()) {
      out.set_primary(validators.at(replica->primary).name);
    }
  }
  return out;
}

/// The chain and the key of a login, the key being an active party's.
struct Party {
  ChainId chain;
  crypto::PublicKey key;
};
Result<Party> FindParty(const ChainAccess& access, BytesView chain_id, BytesView public_key) {
  const ChainRunner* runner = TRY(access.Find(chain_id));
  const auto key = crypto::PublicKey::FromBytes(public_key);
  if (!key) return Within("public_key", key.error());
  const ledger::Chain& chain = runner->chain();
  if (!tiers::MayLogIn(*chain.SealedState(), *key)) {
    return Fail(Code::kUnauthorized, "key {} is no active key of a party or person of chain {}",
                key->Hex(), chain.genesis().name());
  }
  return Party{chain.id(), *key};
}

Status GiveChallenge(ChainAccess& access, const v1::GetChallengeRequest& request,
                     v1::GetChallengeResponse& response) {
  const Party party = TRY(FindParty(access, request.chain_id(), request.public_key()));
  response.set_challenge(access.sessions().NewChallenge(party.chain, party.key));
  return {};
}

Status LogIn(ChainAccess& access, const v1::LoginRequest& request, v1::LoginResponse& response) {
  const Party party = TRY(FindParty(access, request.chain_id(), request.public_key()));
  const auto signature = crypto::Signature::FromBytes(request.signature());
  if (!signature) return Within("signature", signature.error());
  auto token =
      TRY(access.sessions().Login(party.chain, party.key, request.challenge(), *signature));
  response.set_token(std::move(token.text));
  response.set_expires_ms(token.expires.value);
  return {};
}

}  // namespace

Unary* NodeService::GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest*,
                              v1::GetStatusResponse* response) {
  response->set_name(info_.name);
  response->set_version(info_.version);
  if (info_.peers) response->set_peers(info_.peers());
  for (const ChainRunner* runner : access_.chains()) *response->add_chains() = Describe(*runner);
  return Finish(*context, Status());
}

// Public as the votes themselves are: whom a chain's validators may not trust concerns everybody.
Unary* NodeService::ListEvidence(grpc::CallbackServerContext* context,
                                 const v1::ListEvidenceRequest* request,
                                 v1::ListEvidenceResponse* response) {
  const auto runner = access_.Find(request->chain_id());
  if (!runner) return Finish(*context, tl::unexpected(runner.error()));
  for (v1::Evidence& evidence : (*runner)->EvidenceList()) {
    *response->add_evidence() = std::move(evidence);
  }
  return Finish(*context, Status());
}

Unary* AuthService::GetChallenge(grpc::CallbackServerContext* context,
                                 const v1::GetChallengeRequest* request,
                                 v1::GetChallengeResponse* response) {
  return Finish(*context, GiveChallenge(access_, *request, *response));
}

Unary* AuthService::Login(grpc::CallbackServerContext* context, const v1::LoginRequest* request,
                          v1::LoginResponse* response) {
  return Finish(*context, LogIn(access_, *request, *response));
}

}  // namespace talent::node
