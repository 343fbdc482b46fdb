#include "node/rpc/market_service.h"

#include <algorithm>

#include "base/canonical.h"
#include "node/rpc/answer.h"
#include "tiers/career.h"
#include "tiers/market_policy.h"

namespace talent::node {
namespace {

using Unary = grpc::ServerUnaryReactor;
namespace pb = tiers::v1;

/// The state of a private chain, once it is sure that the caller may read what it says of the
/// person and that the person is known.
Result<StateSnapshot> OpenState(const ChainAccess& access, const ChainRunner& runner,
                                const Caller& caller, BytesView subject_id) {
  const ledger::Chain& chain = runner.chain();
  if (chain.genesis().tier() != ledger::Tier::kPrivate) {
    return Fail(Code::kPrecondition, "{} is a {} chain; careers are on private chains",
                chain.genesis().name(), ledger::TierName(chain.genesis().tier()));
  }
  TRY(ChainAccess::MayReadState(runner, caller));
  if (const auto id = Hash::FromBytes(subject_id); !id) return Within("subject_id", id.error());
  StateSnapshot snapshot = ChainAccess::Snapshot(chain);
  // One answer for both, so that nobody can try out who is registered.
  const auto entries = access.EntriesFor(runner, *snapshot.state, caller);
  if (!entries.MayRead(tiers::kSubjects.Key(subject_id)) ||
      !tiers::kSubjects.Has(*snapshot.state, subject_id)) {
    return Fail(Code::kNotFound, "no subject {} whose records you may read is registered here",
                ToHex(subject_id));
  }
  return snapshot;
}

// No block comes before its parent.
Timestamp NextTime(const ChainAccess& access, const StateSnapshot& snapshot) {
  return std::max(access.clock().Now(), snapshot.head.time + Millis(1));
}

void SetDue(Result<tiers::Decided> decided, v1::GetCareerResponse& response) {
  if (!decided) {
    response.set_not_due(std::move(decided).error().message);
  } else if (decided->placed) {
    *response.mutable_placed() = *std::move(decided->placed);
  } else if (decided->retraining) {
    *response.mutable_retraining() = *std::move(decided->retraining);
  } else {
    *response.mutable_centre_decides() = std::move(decided->inputs);
  }
}

}  // namespace

Unary* MarketService::GetCareer(grpc::CallbackServerContext* context,
                                const v1::GetCareerRequest* request,
                                v1::GetCareerResponse* response) {
  return Answer(
      access_, *context, *request, [&](const ChainRunner& runner, const Caller& caller) -> Status {
        const Bytes& subject = request->subject_id();
        const auto snapshot = TRY(OpenState(access_, runner, caller, subject));
        const ledger::StateReader& state = *snapshot.state;
        const auto policy = tiers::MarketPolicyOf(state);
        if (auto career = tiers::kCareers.Get(state, subject)) {
          *response->mutable_career() = *std::move(career);
        }
        *response->mutable_figures() = tiers::FiguresOf(state, policy, subject);
        response->set_plan_class(tiers::PlanClass(policy, response->figures()));
        SetDue(tiers::DecisionDue(state, subject, NextTime(access_, snapshot)), *response);
        response->set_as_of_height(snapshot.head.height.value);
        return state.status();
      });
}

Unary* MarketService::JudgeMove(grpc::CallbackServerContext* context,
                                const v1::JudgeMoveRequest* request,
                                v1::JudgeMoveResponse* response) {
  return Answer(
      access_, *context, *request, [&](const ChainRunner& runner, const Caller& caller) -> Status {
        const auto statement = TRY(Decode<pb::FlowStatement>(request->flow().statement()));
        const auto snapshot = TRY(OpenState(access_, runner, caller, statement.subject_id()));
        *response->mutable_flow() = TRY(tiers::JudgeFlow(
            *snapshot.state, runner.chain().id(), request->flow(), NextTime(access_, snapshot)));
        response->set_as_of_height(snapshot.head.height.value);
        return snapshot.state->status();
      });
}

}  // namespace talent::node
