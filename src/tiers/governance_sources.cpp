// What a passed proposal does to the chains whose records are accepted here.

#include <algorithm>

#include "ledger/epochs.h"
#include "tiers/consortium_state.h"
#include "tiers/governance.h"
#include "tiers/parties.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

Result<pb::Source> NamedSource(const ledger::StateReader& state, BytesView chain_id) {
  TRY(ChainId::FromBytes(chain_id));
  auto source = kSources.Get(state, chain_id);
  if (!source) return Fail(Code::kNotFound, "chain {} is no source", ToHex(chain_id));
  return *std::move(source);
}

// Records of a private chain name the centre that answers for them: it must be one that can.
template <class List>
Status CheckCentres(const ledger::StateReader& state, const List& centres) {
  const bool ascends = std::ranges::adjacent_find(centres, std::greater_equal<>()) == centres.end();
  if (centres.empty() || centres.size() > static_cast<int>(kMaxParties) || !ascends) {
    return Fail(Code::kInvalidArgument, "centres: 1 to {} party ids are expected, ascending",
                kMaxParties);
  }
  for (const std::string& id : centres) {
    const auto party = kParties.Get(state, id);
    if (!party || party->role() != pb::PARTY_ROLE_CENTRE) {
      return Fail(Code::kNotFound, "centres: '{}' is no centre of this chain", id);
    }
  }
  return {};
}

// The name is for people; the chain and its name must be new, and there must be room.
Status CheckNew(const Call& call, const pb::SourceAdmission& admission, const ChainId& chain) {
  if (!IsPartyId(admission.name())) {
    return Fail(Code::kInvalidArgument, "name '{}' is not 1 to {} of a-z, 0-9 and '-'",
                admission.name(), kMaxPartyIdLength);
  }
  if (chain == call.block.chain) {
    return Fail(Code::kInvalidArgument, "chain_id is this chain's own");
  }
  std::size_t sources = 0;
  Status status;
  kSources.Scan(call.state, {}, {}, [&](BytesView id, const pb::Source& source) {
    ++sources;
    if (id == chain.View()) {
      status = Fail(Code::kDuplicate, "chain {} is source '{}' already{}", chain.Hex(),
                    source.name(), source.closed() ? ", closed: reopen it" : "");
    } else if (source.name() == admission.name()) {
      status = Fail(Code::kDuplicate, "name '{}' is that of source {}", source.name(), ToHex(id));
    }
    return status.has_value();
  });
  TRY(std::move(status));
  if (sources >= kMaxSources) {
    return Fail(Code::kExhausted, "the chain has {} sources, the most it may have", sources);
  }
  return {};
}

// The validators prove by a block they sealed that they are those of that chain: nobody admits keys
// that nobody holds.
Status Admit(const Call& call, const pb::SourceAdmission& admission) {
  const ChainId chain = TRY(ChainId::FromBytes(admission.chain_id()));
  TRY(CheckNew(call, admission, chain));
  pb::Source source;
  source.set_name(admission.name());
  // A chain with the consortium's policy takes records of private chains, another the consortium's.
  if (kConsortiumPolicy.Has(call.state, kConsortiumPolicyKey)) {
    TRY(CheckCentres(call.state, admission.centres()));
    *source.mutable_centres() = admission.centres();
    source.set_tier(std::string(ledger::TierName(ledger::Tier::kPrivate)));
  } else {
    if (!admission.centres().empty()) {
      return Fail(Code::kInvalidArgument, "centres: a consortium speaks for all of its own");
    }
    source.set_tier(std::string(ledger::TierName(ledger::Tier::kConsortium)));
  }
  const auto header = Decode<ledger::pb::BlockHeader>(admission.header().header());
  if (!header) return Within("header", header.error());
  const auto set = ledger::ReadValidators(Epoch(header->epoch()), admission.validators());
  if (!set) return Within("validators", set.error());
  const auto verified = ledger::VerifyHeader(chain, *set, admission.header());
  if (!verified) return Within("header", verified.error());
  source.set_first_height(header->height());
  source.set_epoch(header->epoch());
  PutSource(call.state, chain, source, admission.validators());
  return {};
}

Status SetClosed(const Call& call, BytesView chain_id, bool closed) {
  pb::Source source = TRY(NamedSource(call.state, chain_id));
  if (source.closed() == closed) {
    return Fail(Code::kPrecondition, "source '{}' is {}", source.name(),
                closed ? "closed already" : "not closed");
  }
  source.set_closed(closed);
  kSources.Put(call.state, chain_id, source);
  return {};
}

Status SetCentres(const Call& call, const pb::SourceCentres& change) {
  pb::Source source = TRY(NamedSource(call.state, change.chain_id()));
  if (source.tier() != ledger::TierName(ledger::Tier::kPrivate)) {
    return Fail(Code::kInvalidArgument, "centres: a consortium speaks for all of its own");
  }
  TRY(CheckCentres(call.state, change.centres()));
  *source.mutable_centres() = change.centres();
  kSources.Put(call.state, change.chain_id(), source);
  return {};
}

}  // namespace

Status EnactSource(const Call& call, const pb::SourceChange& change) {
  switch (change.change_case()) {
    case pb::SourceChange::kAdmit:
      return Admit(call, change.admit());
    case pb::SourceChange::kClose:
      return SetClosed(call, change.close(), true);
    case pb::SourceChange::kReopen:
      return SetClosed(call, change.reopen(), false);
    case pb::SourceChange::kCentres:
      return SetCentres(call, change.centres());
    case pb::SourceChange::CHANGE_NOT_SET:
      break;
  }
  return Fail(Code::kInvalidArgument, "change is missing");
}

}  // namespace talent::tiers
