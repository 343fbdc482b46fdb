// Evidence that a validator equivocates, put on the chain by a centre: everybody checks it, and it
// stays. What follows from it the centres decide by vote, as about any change of validators.

#include "consensus/evidence.h"
#include "ledger/epochs.h"
#include "tiers/governance.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

Result<crypto::ValidatorSet> ValidatorsOf(const ledger::StateReader& state, Epoch epoch) {
  ledger::EpochState now = TRY(ledger::ReadEpoch(state));
  if (now.number() == epoch) return std::move(now.validators);
  return TRY(ledger::ReadEndedEpoch(state, epoch)).validators;
}

Bytes ValidatorPrefix(const consensus::EvidenceFacts& facts) {
  return Concat({BigEndian(facts.epoch.value), BigEndian(facts.culprit.value)});
}

Bytes KeyOf(const consensus::EvidenceFacts& facts) {
  return Concat({ValidatorPrefix(facts), BigEndian(static_cast<std::uint64_t>(facts.kind)),
                 BigEndian(facts.view.value), BigEndian(facts.height.value)});
}

Status RequireNews(const consensus::EvidenceFacts& facts, const ledger::StateReader& state) {
  if (const auto known = kMisdeeds.Get(state, KeyOf(facts))) {
    return Fail(Code::kDuplicate, "this misdeed of '{}' is on the chain, by transaction {}",
                known->name(), ToHex(known->transaction()));
  }
  std::size_t known = 0;
  kMisdeeds.Scan(state, ValidatorPrefix(facts), {},
                 [&](BytesView, const pb::Misdeed&) { return ++known < kMaxMisdeeds; });
  if (known < kMaxMisdeeds) return {};
  return Fail(Code::kExhausted,
              "{} misdeeds of validator {} in epoch {} are on the chain; no more are kept", known,
              facts.culprit, facts.epoch);
}

Status SubmitEvidence(const pb::EvidenceSubmitted& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  const crypto::ValidatorSet validators = TRY(ValidatorsOf(call.state, Epoch(message.epoch())));
  const auto facts = TRY(
      consensus::VerifyEvidence(call.block.chain, validators, message.first(), message.second()));
  TRY(RequireNews(facts, call.state));
  pb::Misdeed misdeed;
  misdeed.set_epoch(facts.epoch.value);
  misdeed.set_validator(facts.culprit.value);
  misdeed.set_name(validators.at(facts.culprit).name);
  misdeed.set_kind(std::string(consensus::EvidenceKindName(facts.kind)));
  misdeed.set_view(facts.view.value);
  misdeed.set_height(facts.height.value);
  misdeed.set_centre(centre.id());
  misdeed.set_transaction(call.tx.id.ToBytes());
  misdeed.set_submitted_height(call.block.height.value);
  kMisdeeds.Put(call.state, KeyOf(facts), misdeed);
  return {};
}

constexpr Kind kEvidenceKinds[] = {
    {"EvidenceSubmitted", Run<pb::EvidenceSubmitted, SubmitEvidence>,
     Lane<ledger::Application::kUrgentLane>, true},
};

}  // namespace

std::span<const Kind> EvidenceKinds() { return kEvidenceKinds; }

}  // namespace talent::tiers
