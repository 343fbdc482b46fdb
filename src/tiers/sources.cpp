#include "tiers/sources.h"

#include <algorithm>

#include "ledger/epochs.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

constexpr std::size_t kMaxNameLength = 64;

using ledger::ReadValidators;
using ledger::ValidatorInfos;

Bytes EpochKey(BytesView chain_id, std::uint64_t epoch) {
  return Concat({chain_id, BigEndian(epoch)});
}

Status InitCentres(JsonFields& json, pb::Source& source) {
  for (const std::string& id : TRY(Texts(json, "centres", kMaxParties))) {
    if (!IsPartyId(id)) {
      return Fail(Code::kInvalidArgument, "{} holds '{}', which is no party id",
                  json.PathOf("centres"), id);
    }
    source.add_centres(id);
  }
  std::sort(source.mutable_centres()->begin(), source.mutable_centres()->end());
  return {};
}

Status InitSource(JsonFields& json, ledger::Tier tier, ledger::StateOverlay& state) {
  pb::Source source;
  source.set_name(TRY(json.Text("name", kMaxNameLength)));
  source.set_tier(TRY(json.Text("tier", kMaxNameLength)));
  if (source.tier() != ledger::TierName(tier)) {
    return Fail(Code::kInvalidArgument, "{} is '{}' where '{}' is expected", json.PathOf("tier"),
                source.tier(), ledger::TierName(tier));
  }
  if (tier == ledger::Tier::kPrivate) TRY(InitCentres(json, source));
  const auto chain = TRY(json.Hex<ChainId>("chain_id"));
  if (kSources.Has(state, chain.View())) {
    return Fail(Code::kInvalidArgument, "{} is named twice", json.PathOf("chain_id"));
  }
  const ValidatorInfos validators = TRY(ValidatorsFromJson(json));
  if (const auto set = ReadValidators(Epoch(0), validators); !set) {
    return Within(json.PathOf("validators"), set.error());
  }
  PutSource(state, chain, source, validators);
  return json.Finish();
}

// The epoch's set signs for a header of a height it was in force at, and for no other.
Result<crypto::ValidatorSet> SetFor(const Call& call, const ledger::pb::BlockHeader& header) {
  const auto epoch = kSourceEpochs.Get(call.state, EpochKey(header.chain_id(), header.epoch()));
  if (!epoch) {
    return Fail(Code::kPrecondition,
                "epoch {} of the source is not known here; submit the last header of the epoch "
                "before it first",
                header.epoch());
  }
  const bool in_force = header.height() >= epoch->first_height() &&
                        (epoch->last_height() == 0 || header.height() <= epoch->last_height());
  if (!in_force) {
    return Fail(Code::kBadSignature, "height {} is outside epoch {}", header.height(),
                header.epoch());
  }
  return ReadValidators(Epoch(header.epoch()), epoch->validators());
}

Status StartEpoch(const Call& call, const ledger::pb::BlockHeader& last,
                  const ValidatorInfos& next) {
  const auto set = TRY(ReadValidators(Epoch(last.epoch() + 1), next));
  if (set.hash().View() != last.next_validators_hash()) {
    return Fail(Code::kBadSignature, "next_validators are not those the header names");
  }
  const Bytes key = EpochKey(last.chain_id(), last.epoch());
  auto ended = kSourceEpochs.Get(call.state, key);
  CHECK(ended.has_value(), "the header was verified against this epoch");
  ended->set_last_height(last.height());
  kSourceEpochs.Put(call.state, key, *ended);
  pb::SourceEpoch started;
  *started.mutable_validators() = next;
  started.set_first_height(last.height() + 1);
  kSourceEpochs.Put(call.state, EpochKey(last.chain_id(), last.epoch() + 1), started);
  return {};
}

Status AcceptHeader(const pb::SourceHeaderAccepted& message, const Call& call) {
  TRY(RequireCentre(call));
  const auto header = TRY(Decode<ledger::pb::BlockHeader>(message.header().header()));
  const ChainId chain = TRY(ChainId::FromBytes(header.chain_id()));
  auto source = TRY(RequireSource(call.state, chain.View()));
  const Bytes key = HeaderKey(chain.View(), Height(header.height()));
  if (const auto known = kHeaders.Get(call.state, key)) {
    if (known->header() == message.header().header()) return {};
    return Fail(Code::kPrecondition, "another header was accepted at height {}", header.height());
  }
  const auto set = TRY(SetFor(call, header));
  TRY(ledger::VerifyHeader(chain, set, message.header()));
  const bool ends_epoch = header.next_validators_hash() != header.validators_hash();
  if (ends_epoch && header.epoch() == source.epoch()) {
    TRY(StartEpoch(call, header, message.next_validators()));
    source.set_epoch(header.epoch() + 1);
  } else if (message.next_validators_size() != 0) {
    return Fail(Code::kInvalidArgument, "next_validators at a height that ends no epoch");
  }
  source.set_height(std::max(source.height(), header.height()));
  kSources.Put(call.state, chain.View(), source);
  pb::AcceptedHeader accepted;
  accepted.set_header(message.header().header());
  kHeaders.Put(call.state, key, accepted);
  return {};
}

constexpr Kind kSourceKinds[] = {
    {"SourceHeaderAccepted", Run<pb::SourceHeaderAccepted, AcceptHeader>,
     Lane<ledger::Application::kUrgentLane>},
};

}  // namespace

Result<ValidatorInfos> ValidatorsFromJson(JsonFields& json) {
  ValidatorInfos validators;
  for (JsonFields& validator :
       TRY(json.Array("validators", crypto::ValidatorSet::kMaxValidators))) {
    auto* const info = validators.Add();
    info->set_name(TRY(validator.Text("name", kMaxNameLength)));
    info->set_vote_key(TRY(validator.Hex<Hash>("vote_key")).ToBytes());
    info->set_node_key(TRY(validator.Hex<Hash>("node_key")).ToBytes());
    TRY(validator.Finish());
  }
  return validators;
}

Status InitSources(JsonFields& app, ledger::Tier tier, ledger::StateOverlay& state) {
  for (JsonFields& json : TRY(app.Array("sources", kMaxSources))) {
    TRY(InitSource(json, tier, state));
  }
  return {};
}

void PutSource(ledger::StateOverlay& state, const ChainId& chain, const pb::Source& source,
               const ValidatorInfos& validators) {
  kSources.Put(state, chain.View(), source);
  pb::SourceEpoch epoch;
  *epoch.mutable_validators() = validators;
  epoch.set_first_height(std::max<std::uint64_t>(source.first_height(), 1));
  kSourceEpochs.Put(state, EpochKey(chain.View(), source.epoch()), epoch);
}

Result<pb::Source> RequireSource(const ledger::StateReader& state, BytesView chain_id) {
  auto source = kSources.Get(state, chain_id);
  if (!source) {
    return Fail(Code::kNotFound, "chain {} is no source of this chain", ToHex(chain_id));
  }
  if (source->closed()) {
    return Fail(Code::kPrecondition, "source '{}' is closed: nothing of it is accepted any more",
                source->name());
  }
  return *std::move(source);
}

std::span<const Kind> SourceKinds() { return kSourceKinds; }

Bytes HeaderKey(BytesView chain_id, Height height) {
  return Concat({chain_id, BigEndian(height.value)});
}

Result<ledger::pb::BlockHeader> CitedHeader(const ledger::StateReader& state, BytesView chain_id,
                                            std::uint64_t height) {
  const auto accepted = kHeaders.Get(state, HeaderKey(chain_id, Height(height)));
  if (!accepted) {
    return Fail(Code::kNotFound,
                "header {} of chain {} was not accepted here; submit SourceHeaderAccepted first",
                height, ToHex(chain_id));
  }
  return Decode<ledger::pb::BlockHeader>(accepted->header());
}

Status VerifyPresent(const ledger::pb::BlockHeader& header, BytesView key,
                     const ledger::pb::StateProof& proof) {
  if (proof.key() != key || !proof.present()) {
    return Fail(Code::kBadSignature, "state proof is of another entry or of an absent one");
  }
  const Hash root = TRY(Hash::FromBytes(header.state_root()));
  if (const Status status = ledger::VerifyStateProof(root, proof); !status) {
    return Fail(Code::kBadSignature, "state proof: {}", status.error().message);
  }
  return {};
}

Status VerifyEffective(const ledger::pb::BlockHeader& header, const TxId& id,
                       const ledger::pb::TransactionPath& path) {
  const auto receipt = ledger::VerifyTransactionPath(header, id, path);
  if (!receipt) {
    return Fail(Code::kBadSignature, "transaction path: {}", receipt.error().message);
  }
  if (receipt->code() != ledger::pb::RECEIPT_CODE_OK) {
    return Fail(Code::kBadSignature, "transaction {} took no effect on its chain: {}", id.Hex(),
                ledger::pb::ReceiptCode_Name(receipt->code()));
  }
  return {};
}

}  // namespace talent::tiers
