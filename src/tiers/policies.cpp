#include "tiers/policies.h"

#include <vector>

#include "tiers/consortium_rules.h"
#include "tiers/market_policy.h"
#include "tiers/promotion_policy.h"

namespace talent::tiers {
namespace {

// A tier has a policy where its genesis wrote one. Policies are named by their keys.
template <class M>
Status RequireNext(const Call& call, const pb::PolicyChange& change, const Table<M>& policies,
                   Status (*validate)(const M&, const std::string&)) {
  const auto present = policies.Get(call.state, change.policy());
  if (!present) {
    return Fail(Code::kInvalidArgument, "policy: this chain has no '{}'", change.policy());
  }
  const auto next = Decode<M>(change.content());
  if (!next) return Within("content", next.error());
  if (next->version() != present->version() + 1) {
    return Fail(Code::kPrecondition, "content.version is {}, version {} is in force",
                next->version(), present->version());
  }
  return validate(*next, "content.");
}

Status RequireNext(const Call& call, const pb::PolicyChange& change) {
  if (change.policy() == kPromotionPolicyKey) {
    return RequireNext(call, change, kPromotionPolicy, ValidatePromotionPolicy);
  }
  if (change.policy() == kMarketPolicyKey) {
    return RequireNext(call, change, kMarketPolicy, ValidateMarketPolicy);
  }
  if (change.policy() == kConsortiumPolicyKey) {
    return RequireNext(call, change, kConsortiumPolicy, ValidateConsortiumPolicy);
  }
  return Fail(Code::kInvalidArgument, "policy is '{}', not 'promotion', 'market' or 'consortium'",
              change.policy());
}

template <class M>
M DecidedPolicy(const pb::PolicyChange& change) {
  auto policy = Decode<M>(change.content());
  CHECK(policy.has_value(), "it was decoded before it was decided");
  return *std::move(policy);
}

}  // namespace

Status CheckNumbers(std::string_view path, std::initializer_list<PolicyNumber> numbers) {
  for (const PolicyNumber& number : numbers) {
    if (number.value < number.min || number.value > number.max) {
      return Fail(Code::kInvalidArgument, "{}{} is {}, not from {} to {}", path, number.name,
                  number.value, number.min, number.max);
    }
  }
  return {};
}

Status EnactPolicy(const Call& call, const pb::PolicyChange& change) {
  TRY(RequireNext(call, change));
  kNextPolicies.Put(call.state, change.policy(), change);
  return {};
}

void ApplyPolicies(const ledger::BlockContext& block, ledger::StateOverlay& state) {
  std::vector<pb::PolicyChange> due;  // one of each name at most
  kNextPolicies.Scan(state, {}, {}, [&](BytesView, const pb::PolicyChange& change) {
    if (Height(change.in_force()) <= block.height) due.push_back(change);
    return true;
  });
  for (const pb::PolicyChange& change : due) {
    kNextPolicies.Delete(state, change.policy());
    if (change.policy() == kPromotionPolicyKey) {
      kPromotionPolicy.Put(state, kPromotionPolicyKey, DecidedPolicy<pb::PromotionPolicy>(change));
    } else if (change.policy() == kMarketPolicyKey) {
      kMarketPolicy.Put(state, kMarketPolicyKey, DecidedPolicy<pb::MarketPolicy>(change));
    } else {
      PutConsortiumPolicy(state, DecidedPolicy<pb::ConsortiumPolicy>(change));
    }
  }
}

}  // namespace talent::tiers
