#include "ledger/genesis.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/json_fields.h"
#include "crypto/sha256.h"

namespace talent::ledger {
namespace {

constexpr std::uint64_t kGenesisFormat = 1;
constexpr std::string_view kSuiteName = "ed25519-sha256";
constexpr std::size_t kMaxFollowers = 10000;  // also bounded by kMaxBytes

Result<std::string> Name(JsonFields& fields) {
  std::string name = TRY(fields.Text("name", kMaxNameLength));
  if (IsName(name)) return name;
  return Fail(Code::kInvalidArgument, "{}: a name is made of a-z, 0-9 and '-'",
              fields.PathOf("name"));
}

Result<crypto::PublicKey> Key(JsonFields& fields, const std::string& field) {
  const auto key = TRY(fields.Hex<crypto::PublicKey>(field));
  if (key.IsZero()) return Fail(Code::kInvalidArgument, "{}: no key", fields.PathOf(field));
  return key;
}

Result<Tier> ReadTier(JsonFields& fields) {
  const std::string text = TRY(fields.Text("tier", kMaxNameLength));
  for (const Tier tier : {Tier::kPrivate, Tier::kConsortium, Tier::kPublic}) {
    if (text == TierName(tier)) return tier;
  }
  return Fail(Code::kInvalidArgument, "tier: 'private', 'consortium' or 'public' is expected");
}

// The bounds keep a chain alive whatever its genesis says: a window that a view change can carry,
// a batch that fits a frame, timeouts that neither spin nor hang.
Result<ConsensusRules> ReadRules(JsonFields fields) {
  constexpr std::uint64_t kHour = 3600'000;
  constexpr std::uint64_t kMaxWindowBytes = 256u << 20;
  // Nodes take frames of 16 MiB: one block on top of the mebibyte that a sync response may hold
  // already, with a megabyte for seals and framing.
  constexpr std::uint64_t kMaxBatchBytes = 14u << 20;
  ConsensusRules rules;
  rules.window = static_cast<std::uint32_t>(TRY(fields.Number("window", 1, 64)));
  rules.max_batch_transactions =
      static_cast<std::uint32_t>(TRY(fields.Number("max_batch_transactions", 1, 10000)));
  rules.max_batch_bytes =
      static_cast<std::uint32_t>(TRY(fields.Number("max_batch_bytes", 4096, kMaxBatchBytes)));
  if (std::uint64_t{rules.window} * rules.max_batch_bytes > kMaxWindowBytes) {
    return Fail(
        Code::kInvalidArgument,
        "consensus: window times max_batch_bytes is over {} bytes, which every validator holds in "
        "memory and in its vote log",
        kMaxWindowBytes);
  }
  // A largest transaction must fit a batch, beside the batch's own fields.
  rules.max_transaction_bytes = static_cast<std::uint32_t>(
      TRY(fields.Number("max_transaction_bytes", 1024, rules.max_batch_bytes - 1024)));
  rules.view_timeout = Millis(TRY(fields.Number("view_timeout_ms", 10, kHour)));
  rules.view_timeout_cap =
      Millis(TRY(fields.Number("view_timeout_cap_ms", rules.view_timeout.value, kHour)));
  rules.max_clock_drift = Millis(TRY(fields.Number("max_clock_drift_ms", 10, kHour)));
  rules.max_valid_for = TRY(fields.Number("max_valid_for", 1, 10'000'000));
  TRY(fields.Finish());
  return rules;
}

Result<crypto::ValidatorSet> ParseValidators(JsonFields& top) {
  std::vector<crypto::Validator> validators;
  for (JsonFields& fields : TRY(top.Array("validators", crypto::ValidatorSet::kMaxValidators))) {
    crypto::Validator v;
    v.name = TRY(Name(fields));
    v.vote_key = TRY(Key(fields, "vote_key"));
    v.node_key = TRY(Key(fields, "node_key"));
    TRY(fields.Finish());
    validators.push_back(std::move(v));
  }
  auto set = crypto::ValidatorSet::Create(Epoch(0), std::move(validators));
  if (!set) return Within("validators", std::move(set).error());
  return set;
}

Result<std::vector<Genesis::Follower>> ReadFollowers(JsonFields& top,
                                                     const crypto::ValidatorSet& validators) {
  std::vector<Genesis::Follower> followers;
  std::set<crypto::PublicKey> keys;
  std::set<std::string> names;
  for (const crypto::Validator& v : validators.validators()) {
    keys.insert(v.node_key);
    names.insert(v.name);
  }
  for (JsonFields& fields : TRY(top.Array("followers", kMaxFollowers))) {
    Genesis::Follower follower;
    follower.name = TRY(Name(fields));
    follower.node_key = TRY(Key(fields, "node_key"));
    if (fields.Has("party")) follower.party = TRY(fields.Text("party", kMaxNameLength));
    TRY(fields.Finish());
    if (!names.insert(follower.name).second) {
      return Fail(Code::kInvalidArgument, "{}: '{}' is used twice", fields.PathOf("name"),
                  follower.name);
    }
    if (!keys.insert(follower.node_key).second) {
      return Fail(Code::kInvalidArgument, "{}: used twice", fields.PathOf("node_key"));
    }
    followers.push_back(std::move(follower));
  }
  return followers;
}

}  // namespace

struct Genesis::Fields {
  Bytes bytes;
  ChainId chain_id;
  std::string name;
  Tier tier;
  Timestamp time;
  ConsensusRules consensus;
  crypto::ValidatorSet validators;
  std::vector<Follower> followers;
  nlohmann::json app;
};

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameLength && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Status CheckNewViewFits(std::uint32_t window, std::size_t validators) {
  constexpr std::uint64_t kVoteBytes = 112;  // signature, index and framing, rounded up
  constexpr std::uint64_t kMaxNewViewBytes = 12u << 20;
  const std::uint64_t quorum = crypto::Quorum(static_cast<std::uint32_t>(validators));
  if (quorum * quorum * window * kVoteBytes > kMaxNewViewBytes) {
    return Fail(
        Code::kInvalidArgument,
        "consensus.window: {} heights are too many for {} validators: a new view would not fit a "
        "message of {} bytes",
        window, validators, kMaxNewViewBytes);
  }
  return {};
}

std::string_view TierName(Tier tier) {
  switch (tier) {
    case Tier::kPrivate:
      return "private";
    case Tier::kConsortium:
      return "consortium";
    case Tier::kPublic:
      return "public";
  }
  CHECK(false, "tier {}", static_cast<int>(tier));
}

Result<Genesis> Genesis::Load(const std::filesystem::path& path) {
  auto bytes = ReadFile(path, kMaxBytes);
  if (!bytes) return Within("genesis file", std::move(bytes).error());
  auto genesis = Parse(*bytes);
  if (!genesis) return Within(path.string(), std::move(genesis).error());
  return genesis;
}

Result<Genesis> Genesis::Parse(BytesView text) {
  if (text.size() > kMaxBytes) {
    return Fail(Code::kTooLarge, "a genesis has at most {} bytes", kMaxBytes);
  }
  const nlohmann::json parsed = TRY(ParseJson(text));
  JsonFields top = TRY(JsonFields::Of(parsed, ""));
  const std::uint64_t format =
      TRY(top.Number("format", 0, std::numeric_limits<std::uint64_t>::max()));
  if (format != kGenesisFormat) {
    return Fail(Code::kFormatVersion, "format: genesis format {}; this program reads {}", format,
                kGenesisFormat);
  }
  std::string name = TRY(Name(top));
  const Tier tier = TRY(ReadTier(top));
  if (TRY(top.Text("suite", kMaxNameLength)) != kSuiteName) {
    return Fail(Code::kInvalidArgument, "suite: '{}' is the only one this program knows",
                kSuiteName);
  }
  const Timestamp time(TRY(top.Number("time_ms", 1, kMaxTime.value)));
  const ConsensusRules rules = TRY(ReadRules(TRY(top.Object("consensus"))));
  crypto::ValidatorSet validators = TRY(ParseValidators(top));
  TRY(CheckNewViewFits(rules.window, validators.size()));
  std::vector<Follower> followers = TRY(ReadFollowers(top, validators));
  TRY(top.Object("app"));
  TRY(top.Finish());

  const Hash hash = crypto::TaggedHash(crypto::Domain::kGenesis, {text});
  Genesis genesis;
  genesis.fields_ = std::make_shared<const Fields>(
      Fields{Bytes(text), ChainId::FromBytes(hash.View()).value(), std::move(name), tier, time,
             rules, std::move(validators), std::move(followers), parsed.at("app")});
  return genesis;
}

const ChainId& Genesis::chain_id() const { return fields_->chain_id; }
const std::string& Genesis::name() const { return fields_->name; }
Tier Genesis::tier() const { return fields_->tier; }
Timestamp Genesis::time() const { return fields_->time; }
const ConsensusRules& Genesis::consensus() const { return fields_->consensus; }
const crypto::ValidatorSet& Genesis::validators() const { return fields_->validators; }
const std::vector<Genesis::Follower>& Genesis::followers() const { return fields_->followers; }
const Bytes& Genesis::bytes() const { return fields_->bytes; }
const nlohmann::json& Genesis::app() const { return fields_->app; }

}  // namespace talent::ledger
