// The genesis file: a chain's rules, first validators and first parties. Its hash is the chain id.
//
// JSON, hashed as the bytes it is. docs/protocol.md, "Genesis" has the fields.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/bytes.h"
#include "base/strong.h"
#include "crypto/validator_set.h"

namespace talent::ledger {

/// No time of ours lies after this (end of the year 9999): sums of times cannot overflow.
inline constexpr Timestamp kMaxTime{253402300799999};

inline constexpr std::size_t kMaxNameLength = 64;
/// Lower-case letters, digits and dashes: safe as a file name, a metric label and a word in a log.
bool IsName(std::string_view text);

enum class Tier { kPrivate, kConsortium, kPublic };
/// "private", "consortium", "public".
std::string_view TierName(Tier tier);

/// Rules of ordering that all validators of a chain share; never in a node's own config. A genesis
/// file states every one of them, so that a default that changes here changes no chain.
struct ConsensusRules {
  std::uint32_t window = 16;  // heights proposed ahead of the last sealed one, 1…64
  std::uint32_t max_batch_transactions = 512;
  std::uint32_t max_batch_bytes = 4u << 20;  // batch and payloads together
  std::uint32_t max_transaction_bytes = 1u << 18;
  Millis view_timeout{2000};  // first; doubles up to the cap
  Millis view_timeout_cap{32000};
  Millis max_clock_drift{10000};        // a fresh proposal may be this far ahead or behind
  std::uint64_t max_valid_for = 10000;  // heights between admission and valid_until at most
};

/// A new view carries a quorum of view changes, each with a prepared certificate for every open
/// height, each with a quorum of votes: what does not fit a message could never be agreed on.
/// Errors: kInvalidArgument. Requires one validator or more.
Status CheckNewViewFits(std::uint32_t window, std::size_t validators);

/// Immutable.
class Genesis {
 public:
  static constexpr std::size_t kMaxBytes = 1u << 20;

  /// Errors: kNotFound, kIo, kTooLarge, kInvalidArgument (names the field), kFormatVersion.
  static Result<Genesis> Load(const std::filesystem::path& path);
  static Result<Genesis> Parse(BytesView json);

  const ChainId& chain_id() const;
  const std::string& name() const;
  Tier tier() const;
  Timestamp time() const;
  const ConsensusRules& consensus() const;
  const crypto::ValidatorSet& validators() const;
  struct Follower {
    std::string name;
    crypto::PublicKey node_key;
    std::string party;  // that runs it, for the application to know; may be empty
  };
  /// Nodes that may follow a private or consortium chain without voting; anyone may follow a public
  /// one.
  const std::vector<Follower>& followers() const;
  /// The file's bytes.
  const Bytes& bytes() const;
  /// Field "app": the tier's own part (parties, policy, sources), read by src/tiers.
  const nlohmann::json& app() const;

 private:
  Genesis() = default;

  struct Fields;
  std::shared_ptr<const Fields> fields_;  // shared by copies; immutable
};

}  // namespace talent::ledger
