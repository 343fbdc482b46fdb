#include "tiers/application.h"

#include "tiers/consortium_rules.h"
#include "tiers/contest.h"
#include "tiers/erasure.h"
#include "tiers/governance.h"
#include "tiers/market_policy.h"
#include "tiers/policies.h"
#include "tiers/private_rules.h"
#include "tiers/promotion_policy.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

/// What tells the tiers apart.
struct TierRules {
  KindGroups kinds;
  bool records;  // its transactions are records and carry a disclosure class
  Status (*init)(JsonFields& app, ledger::StateOverlay& state);
  void (*note_refused)(const ledger::Transaction& tx, const ledger::BlockContext& block,
                       ledger::StateOverlay& state);
  void (*begin_block)(const ledger::BlockContext& block, ledger::StateOverlay& state);
  bool (*has_due_work)(Timestamp time, const ledger::StateReader& state);
};

class TierApplication final : public ledger::Application {
 public:
  explicit TierApplication(const TierRules& rules) : rules_(rules) {}

  Status InitGenesis(const ledger::Genesis& genesis, ledger::StateOverlay& state) const override {
    auto app = TRY(JsonFields::Of(genesis.app(), "app"));
    TRY(InitParties(app, state));
    TRY(rules_.init(app, state));
    TRY(InitGovernance(genesis, state));
    return app.Finish();
  }

  // The rule itself decides, on a state that is thrown away: one rule, never two that drift apart.
  Status Check(const ledger::Transaction& tx, const ledger::BlockContext& next,
               const ledger::StateReader& state) const override {
    ledger::StateOverlay scratch(state);
    return RunRule({tx, next, scratch, true});
  }

  std::uint32_t Lane(const ledger::Transaction& tx) const override {
    const Kind* const kind = FindKind(rules_.kinds, tx.kind);
    return kind == nullptr ? kBulkLane : kind->lane(tx);
  }

  Status Execute(const ledger::Transaction& tx, const ledger::BlockContext& block,
                 ledger::StateOverlay& state) const override {
    return RunRule({tx, block, state});
  }

  void NoteRefused(const ledger::Transaction& tx, const ledger::BlockContext& block,
                   ledger::StateOverlay& state) const override {
    rules_.note_refused(tx, block, state);
  }

  void BeginBlock(const ledger::BlockContext& block, ledger::StateOverlay& state) const override {
    ApplyPolicies(block, state);
    if (rules_.begin_block != nullptr) rules_.begin_block(block, state);
  }

  bool HasDueWork(Timestamp time, const ledger::StateReader& state) const override {
    return rules_.has_due_work != nullptr && rules_.has_due_work(time, state);
  }

 private:
  Status RunRule(const Call& call) const {
    const Kind* const kind = FindKind(rules_.kinds, call.tx.kind);
    if (kind == nullptr) {
      return Fail(Code::kInvalidArgument, "kind '{}' is not known on this tier", call.tx.kind);
    }
    if (!call.tx.has_payload()) {
      return Fail(Code::kPrecondition, "transaction {} has no payload here", call.tx.id.Hex());
    }
    const bool has_class = call.tx.disclosure != ledger::pb::DISCLOSURE_UNSPECIFIED;
    const bool is_record = rules_.records && !kind->governance;
    if (has_class != is_record) {
      return Fail(Code::kInvalidArgument, "disclosure: {}",
                  is_record ? "a record of a private chain names its class"
                            : "only records of private chains have a class");
    }
    return kind->run(call);
  }

  const TierRules& rules_;
};

Status InitPrivate(JsonFields& app, ledger::StateOverlay& state) {
  pb::PromotionPolicy promotion = DefaultPromotionPolicy();
  pb::MarketPolicy market = DefaultMarketPolicy();
  if (app.Has("policy")) {
    auto policy = TRY(app.Object("policy"));
    if (policy.Has("promotion")) {
      auto json = TRY(policy.Object("promotion"));
      promotion = TRY(ReadPromotionPolicy(json));
    }
    if (policy.Has("market")) {
      auto json = TRY(policy.Object("market"));
      market = TRY(ReadMarketPolicy(json));
    }
    TRY(policy.Finish());
  }
  kPromotionPolicy.Put(state, kPromotionPolicyKey, promotion);
  kMarketPolicy.Put(state, kMarketPolicyKey, market);
  return {};
}

Status InitConsortium(JsonFields& app, ledger::StateOverlay& state) {
  TRY(InitSources(app, ledger::Tier::kPrivate, state));
  return InitConsortiumPolicy(app, state);
}

Status InitPublic(JsonFields& app, ledger::StateOverlay& state) {
  return InitSources(app, ledger::Tier::kConsortium, state);
}

const TierRules& RulesOf(ledger::Tier tier) {
  static const TierRules kPrivate{PrivateKinds(),  true,       InitPrivate, NoteRefusedRecord,
                                  NoteLateAnswers, IsAnswerDue};
  static const TierRules kConsortium{ConsortiumKinds(),    false,     InitConsortium,
                                     NoteRefusedPromotion, DoDueWork, IsWorkDue};
  static const TierRules kPublic{PublicKinds(),          false,   InitPublic,
                                 NoteRefusedPublication, nullptr, nullptr};
  switch (tier) {
    case ledger::Tier::kPrivate:
      return kPrivate;
    case ledger::Tier::kConsortium:
      return kConsortium;
    case ledger::Tier::kPublic:
      break;
  }
  return kPublic;
}

/// An empty state below the genesis.
class NoState final : public ledger::StateReader {
 public:
  std::optional<Bytes> Get(BytesView) const override { return std::nullopt; }
  void Scan(BytesView, BytesView, const std::function<bool(BytesView, BytesView)>&) const override {
  }
};

}  // namespace

Result<std::unique_ptr<ledger::Application>> MakeApplication(const ledger::Genesis& genesis) {
  auto application = std::make_unique<TierApplication>(RulesOf(genesis.tier()));
  const NoState nothing;
  ledger::StateOverlay scratch(nothing);
  TRY(application->InitGenesis(genesis, scratch));
  return application;
}

bool MayLogIn(const ledger::StateReader& state, const crypto::PublicKey& key) {
  return kKeys.Has(state, key.View());
}

}  // namespace talent::tiers
