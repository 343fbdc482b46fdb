#include "ledger/epochs.h"

#include <algorithm>

#include "base/canonical.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

Bytes EndedKey(Epoch number) { return "epoch/" + BigEndian(number.value); }

Result<EpochState> Parse(BytesView bytes) {
  const auto entry = TRY(Decode<pb::EpochEntry>(bytes));
  EpochState out{TRY(ReadValidators(Epoch(entry.epoch()), entry.validators())),
                 Height(entry.first_height()), std::nullopt};
  if (entry.last_height() != 0) {
    out.end =
        EpochState::End{Height(entry.last_height()),
                        TRY(ReadValidators(Epoch(entry.epoch() + 1), entry.next_validators()))};
  }
  return out;
}

Bytes EncodeEntry(const EpochState& epoch) {
  pb::EpochEntry entry;
  entry.set_epoch(epoch.number().value);
  entry.set_first_height(epoch.first.value);
  *entry.mutable_validators() = ToProto(epoch.validators);
  if (epoch.end) {
    entry.set_last_height(epoch.end->last.value);
    *entry.mutable_next_validators() = ToProto(epoch.end->next);
  }
  return Encode(entry);
}

Result<std::optional<EpochState>> Read(const StateReader& state, BytesView key) {
  const auto bytes = state.Get(key);
  TRY(state.status());
  if (!bytes) return std::nullopt;
  auto entry = Parse(*bytes);
  if (entry) return std::move(*entry);
  return Fail(Code::kCorruption, "state entry {}: {}", ToHex(key), entry.error().message);
}

/// Validators of `a` that are not, the same, in `b`.
std::uint32_t Missing(const crypto::ValidatorSet& a, const crypto::ValidatorSet& b) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(a.validators(), [&b](const crypto::Validator& v) {
        return std::ranges::none_of(b.validators(), [&v](const crypto::Validator& w) {
          return w.name == v.name && w.vote_key == v.vote_key && w.node_key == v.node_key;
        });
      }));
}

Status CheckNext(const crypto::ValidatorSet& now, const crypto::ValidatorSet& next) {
  for (const crypto::Validator& v : next.validators()) {
    if (!IsName(v.name)) {
      return Fail(Code::kInvalidArgument, "'{}' is no name: 1 to {} of a-z 0-9 -", v.name,
                  kMaxNameLength);
    }
    if (v.vote_key.IsZero() || v.node_key.IsZero()) {
      return Fail(Code::kInvalidArgument, "validator '{}' has no key", v.name);
    }
  }
  // One that leaves and one that joins are one replaced.
  const std::uint32_t changed = std::max(Missing(now, next), Missing(next, now));
  const std::uint32_t most = std::max(1u, now.max_faulty());
  if (changed == 0 || changed > most) {
    return Fail(Code::kInvalidArgument,
                "{} validators change; 1 to {} of {} may at once, the others in a later epoch",
                changed, most, now.size());
  }
  return {};
}

}  // namespace

Result<EpochState> ReadEpoch(const StateReader& state) {
  auto epoch = TRY(Read(state, kCurrentEpochKey));
  if (!epoch) return Fail(Code::kCorruption, "the state has no epoch");
  return std::move(*epoch);
}

Result<EpochState> ReadEndedEpoch(const StateReader& state, Epoch number) {
  auto epoch = TRY(Read(state, EndedKey(number)));
  if (!epoch) return Fail(Code::kNotFound, "epoch {} has not ended", number);
  if (epoch->number() != number || !epoch->end) {
    return Fail(Code::kCorruption, "the state entry of epoch {} is another's", number);
  }
  return std::move(*epoch);
}

Status EndEpoch(StateOverlay& state, const BlockContext& block, Height last,
                std::vector<crypto::Validator> next) {
  EpochState epoch = TRY(ReadEpoch(state));
  if (epoch.end) {
    return Fail(Code::kPrecondition,
                "epoch {} ends with height {} already; decide again once the next has begun",
                epoch.number(), epoch.end->last);
  }
  const Height earliest = block.height + block.window;
  const Height latest = block.height + kMaxNoticeWindows * block.window;
  if (last < earliest || last > latest) {
    return Fail(Code::kInvalidArgument,
                "last height {}; decided at {}, an epoch ends between {} and {}", last,
                block.height, earliest, latest);
  }
  auto set = TRY(crypto::ValidatorSet::Create(epoch.number() + 1, std::move(next)));
  TRY(CheckNext(epoch.validators, set));
  TRY(CheckNewViewFits(block.window, set.size()));
  epoch.end = EpochState::End{last, std::move(set)};
  state.Put(kCurrentEpochKey, EncodeEntry(epoch));
  return {};
}

void InitEpochs(const crypto::ValidatorSet& validators, StateOverlay& state) {
  state.Put(kCurrentEpochKey, EncodeEntry({validators, Height(1), std::nullopt}));
}

void StartNextEpoch(const EpochState& ended, StateOverlay& state) {
  CHECK(ended.end.has_value(), "epoch {} has no end", ended.number());
  state.Put(EndedKey(ended.number()), EncodeEntry(ended));
  state.Put(kCurrentEpochKey, EncodeEntry({ended.end->next, ended.end->last + 1, std::nullopt}));
}

Result<crypto::ValidatorSet> ReadValidators(Epoch epoch, const ValidatorInfos& infos) {
  std::vector<crypto::Validator> validators;
  for (const pb::ValidatorInfo& info : infos) {
    const auto vote_key = TRY(crypto::PublicKey::FromBytes(info.vote_key()));
    const auto node_key = TRY(crypto::PublicKey::FromBytes(info.node_key()));
    validators.push_back({info.name(), vote_key, node_key});
  }
  return crypto::ValidatorSet::Create(epoch, std::move(validators));
}

ValidatorInfos ToProto(const crypto::ValidatorSet& validators) {
  ValidatorInfos out;
  for (const crypto::Validator& v : validators.validators()) {
    pb::ValidatorInfo& info = *out.Add();
    info.set_name(v.name);
    info.set_vote_key(v.vote_key.ToBytes());
    info.set_node_key(v.node_key.ToBytes());
  }
  return out;
}

}  // namespace talent::ledger
