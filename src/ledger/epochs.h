// Which validators decide at which height: state table "epoch/", from which every node reads the
// same answer.
//
// "epoch/current" is the epoch of the next block; "epoch/" ‖ number (8 bytes) one that has ended.
// Both are canonical EpochEntry.
#pragma once

#include <optional>

#include "crypto/validator_set.h"
#include "ledger/application.h"

namespace talent::ledger {

/// An epoch: its validators, its heights, and what follows it once that is decided.
struct EpochState {
  crypto::ValidatorSet validators;  // its epoch() is the number
  Height first;
  struct End {
    Height last;                // sealed by `validators`
    crypto::ValidatorSet next;  // seals from last + 1 on
  };
  std::optional<End> end;

  Epoch number() const { return validators.epoch(); }
};

/// The epoch of the next block. Errors: kCorruption, those of the state's storage.
Result<EpochState> ReadEpoch(const StateReader& state);
/// An epoch that has ended. Errors: as ReadEpoch; kNotFound (has not ended, or is none).
Result<EpochState> ReadEndedEpoch(const StateReader& state, Epoch number);

/// An idle chain fills the heights up to an epoch's end with empty blocks: no end lies further off
/// than so many windows.
inline constexpr std::uint64_t kMaxNoticeWindows = 16;

/// Decides, in `block`, that the epoch ends with `last` and `next` follows it. Replicas may have
/// ordered up to a window above this block without knowing: `last` lies a window off or more. At
/// most max(1, f) validators join, leave or are replaced at once, so that a quorum of the new set
/// is there already. Errors, which change nothing: kPrecondition (an end is decided already),
/// kInvalidArgument (the height; the set: empty, too large, a key or name twice, a bad name,
/// nothing changes, too much changes).
Status EndEpoch(StateOverlay& state, const BlockContext& block, Height last,
                std::vector<crypto::Validator> next);

// For Chain.

void InitEpochs(const crypto::ValidatorSet& validators, StateOverlay& state);
/// The last block of `ended` has been executed: its end becomes the present.
void StartNextEpoch(const EpochState& ended, StateOverlay& state);
inline constexpr BytesView kCurrentEpochKey = "epoch/current";

using ValidatorInfos = google::protobuf::RepeatedPtrField<pb::ValidatorInfo>;
/// Errors: as ValidatorSet::Create; kInvalidArgument (a key of another length).
Result<crypto::ValidatorSet> ReadValidators(Epoch epoch, const ValidatorInfos& infos);
ValidatorInfos ToProto(const crypto::ValidatorSet& validators);

}  // namespace talent::ledger
