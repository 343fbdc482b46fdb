// PBFT (Castro and Liskov, OSDI 1999) as a pure state machine: same events in, same actions out.
//
// No clock, IO, threads or randomness in here. The host (src/node, or the simulator) performs the
// actions in order and reports back as events. docs/protocol.md, "Consensus" has the protocol.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/strong.h"
#include "crypto/validator_set.h"

namespace talent::consensus {

/// What is ordered. Both parts are opaque here; the host vets them before the replica votes.
struct Proposal {
  Bytes batch;    // covered by the order digest; empty: a null batch that fills a gap
  Bytes sidecar;  // travels and is stored with the batch, outside the digest (payloads)
};
using ProposalPtr = std::shared_ptr<const Proposal>;  // shared by log, window and host; immutable

/// Order digest of a batch: TaggedHash(kBatch, batch).
Hash OrderDigest(BytesView batch);

/// A message whose every signature (its own and those of certificates inside) has been checked.
/// Made by VerifyMessage, or signed by the replica itself; immutable (messages.h).
class VerifiedMessage;
using MessagePtr = std::shared_ptr<const VerifiedMessage>;

/// Where a replica stood a moment ago: enough to see without checking a signature that a message
/// comes too late, or from too far ahead.
struct Horizon {
  Epoch epoch;
  View view;
  Height sealed;
  std::uint32_t window = 0;
};

/// Decodes and verifies a consensus message of `chain`. Pure and thread-safe: the verification pool
/// calls it. With a horizon it looks no further at what its replica would drop: that costs no
/// signature check. Errors: kInvalidArgument, kTooLarge (more certificates than its window, too),
/// kWrongChain (or another epoch), kUnauthorized (no validator), kExpired (below the horizon),
/// kExhausted (above it), kBadSignature, kPrecondition (a certificate without a quorum).
Result<MessagePtr> VerifyMessage(const ChainId& chain, const crypto::ValidatorSet& validators,
                                 BytesView bytes, const Horizon* horizon = nullptr);

struct Options {
  ChainId chain;
  std::shared_ptr<const crypto::ValidatorSet> validators;  // of the epoch
  Height first_height{1};                                  // of the epoch
  std::uint32_t window = 16;  // W: heights that may be open above the last sealed one
  Millis view_timeout{2000};  // first; doubles, reset by sealed progress only
  Millis view_timeout_cap{32000};
  Millis status_interval{500};  // retransmission and gossip of what is missing
  std::size_t max_proposal_bytes = 4u << 20;
};

// Events.

struct MessageReceived {
  MessagePtr message;
};
/// The host has work and CanPropose() said yes.
struct ProposalReady {
  ProposalPtr proposal;
};
/// Answer to a Vet action.
struct Vetted {
  View view;
  Height height;
  Hash digest;
  bool ok = false;
};
/// Everything up to this token is on disk.
struct Durable {
  std::uint64_t token = 0;
};
/// Answer to an Execute action.
struct Executed {
  Height height;
  Hash block_hash;
  Height epoch_end{};  // last height of the epoch, if the blocks up to here decide it; else 0
};
/// The block and certificate of a Finalise action are on disk, or the host has fetched and applied
/// blocks up to here on its own (catch-up). Idempotent.
struct Sealed {
  Height height;
  crypto::Certificate certificate;
  Hash block_hash;
  Bytes header;        // the block's; required, its TaggedHash(kHeader) is block_hash
  Height epoch_end{};  // as Executed's
};
struct TimerFired {
  std::uint32_t timer = 0;
  std::uint64_t generation = 0;
};
/// Whether admitted transactions (or due work) wait for a block. Sent when it changes.
struct WorkWaiting {
  bool waiting = false;
};
/// A transaction has waited over the host's bound while others were sealed: the primary censors it.
struct RequestStarved {};

using Event = std::variant<MessageReceived, ProposalReady, Vetted, Durable, Executed, Sealed,
                           TimerFired, WorkWaiting, RequestStarved>;

// Actions, to be performed in order.

struct Send {
  ValidatorIndex to;
  Bytes message;
};
/// To every other validator.
struct Broadcast {
  Bytes message;
};
/// Append to the vote log; answer Durable(token) once it and everything before it is fsynced. What
/// a record promises is sent by a later Send, which the replica issues only on that answer.
struct Persist {
  std::uint64_t token = 0;
  Bytes record;
};
/// Every record in the log so far may be replaced by these: what is below the sealed height is
/// garbage.
struct CompactLog {
  std::vector<Bytes> records;
};
/// Check a proposal: bytes well-formed, signatures, limits; clock drift only if `fresh`, where also
/// the batch must name `view` and `proposer` as its origin. Answer Vetted.
struct Vet {
  View view;
  Height height;
  Hash digest;
  ProposalPtr proposal;
  bool fresh = false;
  ValidatorIndex proposer;
};
/// Execute as block `height` (heights come in order, each once). Answer Executed; of a height the
/// host has sealed meanwhile no answer is needed.
struct Execute {
  Height height;
  ProposalPtr proposal;
};
/// Store block `height` with its certificate, unless that is done already. Answer Sealed.
struct Finalise {
  Height height;
  Hash block_hash;
  crypto::Certificate certificate;
};
struct SetTimer {
  std::uint32_t timer = 0;
  std::uint64_t generation = 0;
  Millis after;
};
/// We are behind: fetch sealed blocks, at least up to `target`, asking `hint` first. Answer Sealed,
/// once or after each block. Repeated while nothing is sealed; one fetch at a time is enough.
/// Blocks executed above the last one applied stay executed.
struct CatchUp {
  Height target;
  ValidatorIndex hint;
};
/// A quorum sealed another block than we executed: stop this chain, keep serving reads.
struct Diverged {
  Height height;
  Hash ours;
  Hash theirs;
};
/// f+1 other validators have sealed something else at a height that we executed: we are wrong, or
/// one of them is and we are not alone. No proof (a seal does not sign its height), so nothing
/// stops; people should look. Once a height.
struct SealsDiffer {
  Height height;
  Hash ours;
  std::vector<ValidatorIndex> who;
};
/// Somebody has shown a vote of ours, for `height` or, where that is 0, a view change, that our log
/// does not have: log and blocks were put back to an older state together, or the key is used
/// elsewhere too. From here on this replica observes, as one whose votes are lost.
struct VotesForgotten {
  Height height;
};
/// Two signed messages that exclude each other, verbatim; VerifyEvidence (evidence.h) agrees.
struct Evidence {
  ValidatorIndex culprit;
  Bytes first;
  Bytes second;
};

using Action = std::variant<Send, Broadcast, Persist, CompactLog, Vet, Execute, Finalise, SetTimer,
                            CatchUp, Diverged, SealsDiffer, VotesForgotten, Evidence>;
using Actions = std::vector<Action>;

/// Why a verified message was of no use.
enum class DropReason {
  kOwnKey,         // signed with our own key: an echo, or somebody runs with it
  kView,           // of a view that is over, or not the next
  kWindow,         // of a height that is sealed, or too far ahead
  kDuplicate,      // held already
  kContradiction,  // excludes an earlier one of its signer, or is one seal too many
  kUnasked,        // an answer nobody waits for, or a proposal out of turn
  kTooLarge,       // a proposal over Options::max_proposal_bytes
  kRate,           // answered its signer as much as one status interval allows
  kHalted,         // this replica has diverged
  kEpoch,          // of a height above the epoch, or the epoch is done
};
inline constexpr std::size_t kDropReasons = 10;
/// "own_key" and so on.
std::string_view DropReasonName(DropReason reason);

/// For operators and for the simulator's one line a replica.
struct ReplicaStatus {
  Epoch epoch;
  View view;
  bool view_changing = false;
  bool observer = false;
  bool diverged = false;
  bool done = false;  // the epoch's last height is sealed: the host makes the next epoch's replica
  ValidatorIndex primary;
  Height sealed;
  Height executed;
  Height prepared;
  Height proposed;
  Height epoch_end;                                   // 0: none is decided
  std::uint64_t dropped_messages = 0;                 // the sum of:
  std::array<std::uint64_t, kDropReasons> dropped{};  // by reason
  std::uint64_t view_changes = 0;
  std::string ToString() const;
};

/// First record of a log that misses nothing from here on, for a host whose key is in no set yet
/// and has never been.
Bytes BeganRecord(Epoch epoch);

/// One validator's part in one epoch. It votes for nothing above the epoch's last height once it
/// knows it, and for nothing at all once that is sealed. Confined to its chain's strand.
class Replica {
 public:
  struct Recovered {
    Height sealed;  // from the chain's store; the height before the epoch's first, or later
    Hash sealed_hash;
    /// These two are of the epoch: none at the height before its first.
    std::optional<crypto::Certificate> sealed_certificate;
    Bytes sealed_header;
    Height epoch_end{};  // as Executed's
    /// The vote log's, in order, whatever epochs they are of. With none of this epoch but some of
    /// an earlier one, the log is taken over at the epoch's start.
    std::vector<Bytes> records;
    /// The vote log is missing, damaged in the middle, or not this chain's, though the key has
    /// voted before: vote for nothing until the sealed height has passed everything it may have
    /// voted for.
    bool votes_lost = false;
    /// The operator vouches that no vote of this key is remembered elsewhere. Then neither
    /// `votes_lost` nor what the log says of observing holds, nor do votes of ours that others
    /// show.
    bool accept_lost_votes = false;
  };

  /// `key` must outlive the replica and be the vote key of a validator in the set; checked.
  Replica(Options options, const crypto::KeyPair& key, Recovered recovered);
  /// A twin in the same state that goes on by itself: tests/model tries all that may follow.
  Replica(const Replica& other);
  Replica& operator=(const Replica&) = delete;
  ~Replica();

  /// To be called once, first: what a restart has to resend, execute and arm.
  Actions Start();
  Actions Step(const Event& event);

  /// This replica is the primary of a settled view and the window has room: which height a proposal
  /// would get.
  std::optional<Height> CanPropose() const;
  /// View a proposal made now must name as its origin.
  View view() const;
  ReplicaStatus status() const;
  Horizon horizon() const;
  /// What the vote log must still say once the epoch has ended: the next epoch's
  /// Recovered::records.
  std::vector<Bytes> TakeOverRecords() const;

  struct Impl;  // replica_impl.h
  /// The whole state, for the model to compare.
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::consensus
