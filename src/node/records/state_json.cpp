#include "node/records/state_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "node/records/payload_json.h"

namespace talent::node {
namespace {

struct TableInfo {
  std::string_view table;  // or a whole key, where each has a message of its own
  std::string_view tier;   // empty: the same on every tier
  std::string_view message;
};

/// As the tables are listed in proto/talent/tiers/v1: `State "…"` before each message.
constexpr std::array kTables = {
    TableInfo{"party", "", "Party"},
    TableInfo{"key", "", "KeyOwner"},
    TableInfo{"source", "", "Source"},
    TableInfo{"source_epoch", "", "SourceEpoch"},
    TableInfo{"header", "", "AcceptedHeader"},
    TableInfo{"epoch", "", "EpochEntry"},
    TableInfo{"erased", "", "ErasedEntry"},
    TableInfo{"governance/open", "", "OpenProposals"},
    TableInfo{"governance/members", "", "MembersChanged"},
    TableInfo{"proposal", "", "Proposal"},
    TableInfo{"misdeed", "", "Misdeed"},
    TableInfo{"follower", "", "Follower"},
    TableInfo{"promote", "private", "PromotionDecision"},
    TableInfo{"rec", "private", "PrivateRecord"},
    TableInfo{"subject", "private", "Subject"},
    TableInfo{"consent", "private", "Consent"},
    TableInfo{"about", "private", "AboutSubject"},
    TableInfo{"copy", "", "RecordCopy"},
    TableInfo{"investment", "private", "Investment"},
    TableInfo{"token", "private", "Token"},
    TableInfo{"holding", "private", "Holding"},
    TableInfo{"contest", "private", "Contest"},
    TableInfo{"policy", "private", "PromotionPolicy"},
    TableInfo{"policy", "consortium", "ConsortiumPolicy"},
    TableInfo{"rec", "consortium", "ConsortiumRecord"},
    TableInfo{"review", "consortium", "Review"},
    TableInfo{"due", "consortium", "DueWork"},
    TableInfo{"settled", "consortium", "Settled"},
    TableInfo{"settled_count", "consortium", "SettledCount"},
    TableInfo{"standing", "consortium", "Standing"},
    TableInfo{"points", "consortium", "PointsEntry"},
    TableInfo{"pub", "public", "PublishedRecord"},
};

constexpr std::array<std::string_view, 7> kTextTables = {
    "party", "standing", "points", "policy", "follower", "governance", "epoch"};

/// Table and rest of a key; the rest is empty where there is none.
std::pair<std::string_view, std::string_view> Split(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return {key, {}};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

bool HasTextKeys(std::string_view table) {
  return std::find(kTextTables.begin(), kTextTables.end(), table) != kTextTables.end();
}

bool IsPrintable(char c) { return c >= 0x20 && c < 0x7f; }

}  // namespace

Result<Bytes> StateKeyFromText(std::string_view text) {
  const auto [table, rest] = Split(text);
  if (HasTextKeys(table) || rest.empty()) return Bytes(text);
  const auto bytes = FromHex(rest);
  if (!bytes) return Within(fmt::format("key '{}'", text), bytes.error());
  return fmt::format("{}/{}", table, *bytes);
}

std::string StateKeyToText(BytesView key) {
  const auto [table, rest] = Split(key);
  if (rest.empty()) return std::string(key);
  if (!HasTextKeys(table)) return fmt::format("{}/{}", table, ToHex(rest));
  // A name, and in "points" a number of eight bytes after it.
  const auto printable = std::find_if_not(rest.begin(), rest.end(), IsPrintable) - rest.begin();
  const auto name = rest.substr(0, static_cast<std::size_t>(printable));
  return fmt::format("{}/{}{}", table, name, ToHex(rest.substr(name.size())));
}

Result<nlohmann::json> StateValueToJson(std::string_view tier, BytesView key, BytesView value) {
  const std::string_view table = Split(key).first;
  for (const auto& info : kTables) {
    if ((info.table == table || info.table == key) && (info.tier.empty() || info.tier == tier)) {
      return DecodeToJson(info.message, value);
    }
  }
  return nlohmann::json(ToHex(value));
}

}  // namespace talent::node
