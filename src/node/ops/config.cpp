#include "node/ops/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "base/file.h"
#include "node/chain/vote_log.h"
#include "node/ops/toml_fields.h"
#include "node/peers/address.h"

namespace talent::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = 1u << 20;  // a thousand times what a real one has
constexpr std::size_t kMaxPeers = 256;             // 100 validators and their followers
constexpr std::size_t kMaxChains = 32;
constexpr std::size_t kMaxNameLength = 64;
constexpr std::uint64_t kMaxWebRate = 1'000'000;             // requests a second, connections
constexpr std::uint64_t kMaxSnapshotBehind = 1'000'000'000;  // blocks; more is a slip

fs::path Resolve(const fs::path& base, const std::string& path) {
  const fs::path out = (base / path).lexically_normal();
  return out.has_filename() ? out : out.parent_path();  // "home/.": "home"
}

Result<std::string> ListenAddress(TomlFields& table, std::string absent) {
  std::string text = TRY(table.TextOr("listen", std::move(absent)));
  if (const auto parsed = ParseListenAddress(text); !parsed) {
    return table.Wrong("listen", parsed.error());
  }
  return text;
}

Status ReadNode(TomlFields node, const fs::path& base, Config& out) {
  out.name = TRY(node.Text("name"));
  const bool plain = std::all_of(out.name.begin(), out.name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!plain || out.name.size() > kMaxNameLength) {
    return node.Wrong(
        "name", fmt::format("'{}' must be at most {} of a-z, 0-9 and -", out.name, kMaxNameLength));
  }
  out.home = Resolve(base, TRY(node.Text("home")));
  out.node_key_file =
      Resolve(base, TRY(node.TextOr("node_key_file", (out.home / "keys/node.key").string())));
  out.passphrase_file = Resolve(base, TRY(node.Text("passphrase_file")));
  return node.Finish();
}

Result<PeerConfig> ReadPeer(TomlFields peer) {
  PeerConfig out;
  out.address = TRY(peer.Text("address"));
  const auto address = ParseAddress(out.address);
  if (!address) return peer.Wrong("address", address.error());
  if (address->port == 0) return peer.Wrong("address", "port 0 cannot be dialled");
  if (peer.Has("node_key")) {
    auto key = crypto::PublicKey::FromHexString(TRY(peer.Text("node_key")));
    if (!key) {
      return peer.Wrong("node_key", key.error().message + "; 64 hexadecimal digits are expected");
    }
    out.node_key = *key;
  }
  TRY(peer.Finish());
  return out;
}

Status ReadP2p(TomlFields p2p, Config& out) {
  out.p2p_listen = TRY(ListenAddress(p2p, "127.0.0.1:7001"));
  if (p2p.Has("advertise")) {
    const auto address = ParseAddress(TRY(p2p.Text("advertise")));
    if (!address) return p2p.Wrong("advertise", address.error());
    if (address->port == 0) return p2p.Wrong("advertise", "nobody can connect to port 0");
    out.p2p_advertise = address->ToString();
  }
  std::set<std::string> addresses;
  std::set<crypto::PublicKey> keys;
  for (TomlFields& peer : TRY(p2p.Tables("peers", kMaxPeers))) {
    out.peers.push_back(TRY(ReadPeer(peer)));
    const PeerConfig& read = out.peers.back();
    if (!addresses.insert(read.address).second) return peer.Wrong("address", "stands here twice");
    if (read.node_key && !keys.insert(*read.node_key).second) {
      return peer.Wrong("node_key", "stands here twice");
    }
  }
  return p2p.Finish();
}

Result<std::string> ReadListener(TomlFields table, std::string absent) {
  std::string out = TRY(ListenAddress(table, std::move(absent)));
  TRY(table.Finish());
  return out;
}

Status ReadWeb(TomlFields web, const fs::path& base, Config& out) {
  WebConfig& read = out.web.emplace();
  read.listen = TRY(ListenAddress(web, "127.0.0.1:8080"));
  if (web.Has("explorer_dir")) read.explorer_dir = Resolve(base, TRY(web.Text("explorer_dir")));
  read.behind_proxy = TRY(web.FlagOr("behind_proxy", read.behind_proxy));
  const auto number = [&](std::string_view key, std::uint32_t& value) -> Status {
    if (web.Has(key)) value = static_cast<std::uint32_t>(TRY(web.Number(key, 1, kMaxWebRate)));
    return {};
  };
  TRY(number("requests_per_second", read.requests_per_second));
  TRY(number("connections_per_address", read.connections_per_address));
  return web.Finish();
}

Status ReadLog(TomlFields log, const fs::path& base, LogConfig& out) {
  out.level = TRY(log.TextOr("level", out.level));
  if (std::find(std::begin(kLogLevels), std::end(kLogLevels), out.level) == std::end(kLogLevels)) {
    return log.Wrong("level",
                     fmt::format("'{}' is none of {}", out.level, fmt::join(kLogLevels, ", ")));
  }
  if (log.Has("file")) out.file = Resolve(base, TRY(log.Text("file")));
  out.json = TRY(log.FlagOr("json", out.json));
  return log.Finish();
}

Status ReadSnapshot(TomlFields& chain, ChainConfig& out) {
  if (chain.Has("snapshot_behind")) {
    out.snapshot_behind = TRY(chain.Number("snapshot_behind", 0, kMaxSnapshotBehind));
  }
  if (!chain.Has("snapshot_pin")) return {};
  const auto pin = ledger::PinnedBlock::Parse(TRY(chain.Text("snapshot_pin")));
  if (!pin) return chain.Wrong("snapshot_pin", pin.error());
  out.snapshot_pin = *pin;
  return {};
}

Result<ChainConfig> ReadChain(TomlFields chain, const fs::path& base) {
  ChainConfig out;
  out.genesis = Resolve(base, TRY(chain.Text("genesis")));
  const std::string role = TRY(chain.Text("role"));
  if (role != "validator" && role != "follower") {
    return chain.Wrong("role", fmt::format("'{}' is neither validator nor follower", role));
  }
  out.role = role == "validator" ? ChainRole::kValidator : ChainRole::kFollower;
  if (out.role == ChainRole::kValidator) {
    out.vote_key_file = Resolve(base, TRY(chain.Text("vote_key_file")));
  } else if (chain.Has("vote_key_file")) {
    return chain.Wrong("vote_key_file", "a follower does not vote; remove it or change the role");
  }
  if (chain.Has("party_key_file")) {
    out.party_key_file = Resolve(base, TRY(chain.Text("party_key_file")));
  }
  TRY(ReadSnapshot(chain, out));
  TRY(chain.Finish());
  return out;
}

Status ReadChains(TomlFields& top, const fs::path& base, Config& out) {
  for (TomlFields& chain : TRY(top.Tables("chains", kMaxChains))) {
    out.chains.push_back(TRY(ReadChain(chain, base)));
    const ChainConfig& read = out.chains.back();
    for (std::size_t i = 0; i + 1 < out.chains.size(); ++i) {
      if (out.chains[i].genesis == read.genesis) return chain.Wrong("genesis", "stands here twice");
      if (read.role == ChainRole::kValidator && out.chains[i].vote_key_file == read.vote_key_file) {
        return chain.Wrong("vote_key_file", "votes on another chain already; make a key a chain");
      }
    }
  }
  if (out.chains.empty()) {
    return top.Wrong("chains", "missing; a node hosts at least one chain, as [[chains]]");
  }
  return {};
}

Status ReadPromotions(TomlFields& top, Config& out) {
  for (TomlFields& promotion : TRY(top.Tables("promotions", kMaxChains * kMaxChains))) {
    PromotionConfig read;
    read.from = TRY(promotion.Text("from"));
    read.to = TRY(promotion.Text("to"));
    if (read.from == read.to) {
      return promotion.Wrong("to", fmt::format("'{}' cannot promote to itself", read.to));
    }
    if (std::find(out.promotions.begin(), out.promotions.end(), read) != out.promotions.end()) {
      return promotion.Wrong("to", fmt::format("{} to {} stands here twice", read.from, read.to));
    }
    TRY(promotion.Finish());
    out.promotions.push_back(std::move(read));
  }
  return {};
}

// Two servers cannot share a port; said here rather than by the second one failing to start.
Status CheckListeners(const TomlFields& top, const Config& config) {
  std::vector<std::pair<const char*, const std::string*>> listeners = {
      {"p2p.listen", &config.p2p_listen},
      {"grpc.listen", &config.grpc_listen},
      {"http.listen", &config.http_listen}};
  if (config.web) listeners.emplace_back("web.listen", &config.web->listen);
  std::set<std::string> seen;
  for (const auto& [key, address] : listeners) {
    const bool picked = address->ends_with(":0");  // a free one is found at start
    if (!picked && !seen.insert(*address).second) {
      return top.Wrong(key, fmt::format("{} is listened on already by another server", *address));
    }
  }
  return {};
}

std::string Quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::toml_formatter(
      toml::value<std::string>(text),
      toml::toml_formatter::default_flags & ~toml::format_flags::allow_literal_strings);
  return out.str();
}

/// As it stands in a file in `home`: what lies inside moves with it.
std::string QuotedPath(const fs::path& home, const fs::path& path) {
  const fs::path inside = path.lexically_relative(home);
  const bool outside = inside.empty() || *inside.begin() == "..";
  return Quoted((outside ? path : inside).string());
}

/// The part of a configuration's text that not every node has.
std::string WebText(const fs::path& home, const std::optional<WebConfig>& web) {
  std::string out =
      "# The public chains over HTTP/JSON for everybody (docs/operations.md), off without [web].\n"
      "# Unencrypted: keep it on loopback, with a proxy that speaks TLS in front for others.\n"
      "# explorer_dir: the explorer's built files, served at '/'. behind_proxy: requests are\n"
      "# counted by the address in X-Forwarded-For. The other two are bounds for one address.\n";
  if (!web) {
    return out +
           "# [web]\n# listen = \"127.0.0.1:8080\"\n# explorer_dir = \"explorer/dist\"\n"
           "# behind_proxy = false\n# requests_per_second = 100\n# connections_per_address = "
           "64\n\n";
  }
  out += fmt::format("[web]\nlisten = {}\n", Quoted(web->listen));
  if (web->explorer_dir) {
    out += fmt::format("explorer_dir = {}\n", QuotedPath(home, *web->explorer_dir));
  }
  return out + fmt::format(
                   "behind_proxy = {}\nrequests_per_second = {}\nconnections_per_address = "
                   "{}\n\n",
                   web->behind_proxy, web->requests_per_second, web->connections_per_address);
}

std::string LogText(const fs::path& home, const LogConfig& log) {
  std::string out = fmt::format(
      "[log]\n"
      "# {}\n"
      "level = {}\n"
      "# A JSON object a line instead of text.\n"
      "json = {}\n"
      "# Rotated at {} MiB, {} old ones kept; without it the log goes to standard error.\n",
      fmt::join(kLogLevels, ", "), Quoted(log.level), log.json, kLogFileBytes >> 20, kLogFilesKept);
  return out + (log.file ? fmt::format("file = {}\n", QuotedPath(home, *log.file))
                         : std::string("# file = \"talentd.log\"\n"));
}

}  // namespace

Result<Config> ParseConfig(std::string_view text, const std::string& source, const fs::path& base) {
  toml::table table;
  try {
    table = toml::parse(text, source);
  } catch (const toml::parse_error& e) {
    return Fail(Code::kInvalidArgument, "{}: line {}: {}", source, e.source().begin.line,
                e.description());
  }
  Config out;
  TomlFields top(table, source);
  TRY(ReadNode(TRY(top.Table("node")), base, out));
  TRY(ReadP2p(TRY(top.Table("p2p")), out));
  out.grpc_listen = TRY(ReadListener(TRY(top.Table("grpc")), "127.0.0.1:9001"));
  out.http_listen = TRY(ReadListener(TRY(top.Table("http")), "127.0.0.1:8001"));
  if (top.Has("web")) TRY(ReadWeb(TRY(top.Table("web")), base, out));
  TRY(ReadLog(TRY(top.Table("log")), base, out.log));
  TRY(ReadChains(top, base, out));
  TRY(ReadPromotions(top, out));
  TRY(CheckListeners(top, out));
  TRY(top.Finish());
  return out;
}

Result<Config> LoadConfig(const fs::path& file) {
  const std::string text = TRY(ReadFile(file, kMaxConfigBytes));
  std::error_code error;
  const fs::path base = fs::absolute(file, error).parent_path();
  if (error) return Fail(Code::kIo, "{}: {}", file.string(), error.message());
  return ParseConfig(text, file.string(), base);
}

std::filesystem::path VoteLogFile(const fs::path& home, const std::string& chain) {
  return home / "votes" / (chain + ".log");
}

Status CheckSnapshotBehind(const Config& config, const ChainConfig& hosted,
                           const std::string& chain) {
  if (hosted.snapshot_behind == 0) return {};
  TRY(CheckNotPromoted(config, chain, "its snapshot_behind must be 0"));
  const auto votes = VoteLogFile(config.home, chain);
  if (hosted.role != ChainRole::kValidator || VoteLog::IsUnused(votes)) return {};
  return Fail(Code::kPrecondition,
              "chain {}: its snapshot_behind must be 0: this validator has votes ({}); where it "
              "begins from a snapshot of a later epoch it takes them for lost and watches first",
              chain, votes.string());
}

Status CheckNotPromoted(const Config& config, const std::string& chain, std::string_view so) {
  for (const PromotionConfig& promotion : config.promotions) {
    if (promotion.from != chain) continue;
    return Fail(Code::kPrecondition,
                "this node promotes records of chain '{}' and reads them from its blocks: {}",
                chain, so);
  }
  return {};
}

std::string DefaultConfig(const Config& config) {
  const auto quoted = [&](const fs::path& path) { return QuotedPath(config.home, path); };
  std::string out = fmt::format(
      "# Configuration of talentd. `talentd config check` reads it as the node does.\n"
      "# Relative paths start at this file's folder.\n\n"
      "[node]\n"
      "# Of this node, for people: in logs and metrics.\n"
      "name = {}\n"
      "# Where its data lie. Nothing else may write there.\n"
      "home = {}\n"
      "# Its identity towards other nodes.\n"
      "node_key_file = {}\n"
      "# Holds the passphrase of this node's key files; readable by its user only.\n"
      "passphrase_file = {}\n\n",
      Quoted(config.name), quoted(config.home), quoted(config.node_key_file),
      quoted(config.passphrase_file));
  out += fmt::format(
      "[p2p]\n"
      "# Where other nodes connect. An IP address; port 0 picks a free one.\n"
      "listen = {}\n"
      "# What other nodes are told to connect to; without it the address above, unless that is a\n"
      "# wildcard.\n"
      "{}"
      "# Nodes to connect to. node_key: 64 hexadecimal digits; without it any node that the "
      "chains\n"
      "# know is accepted at that address.\n"
      "peers = [\n",
      Quoted(config.p2p_listen),
      config.p2p_advertise.empty() ? "# advertise = \"node.example:7001\"\n"
                                   : fmt::format("advertise = {}\n", Quoted(config.p2p_advertise)));
  for (const PeerConfig& peer : config.peers) {
    out += fmt::format("  {{ address = {}", Quoted(peer.address));
    if (peer.node_key) out += fmt::format(", node_key = \"{}\"", peer.node_key->Hex());
    out += " },\n";
  }
  out += fmt::format(
      "]\n\n"
      "[grpc]\n"
      "# Where clients connect.\n"
      "listen = {}\n\n"
      "[http]\n"
      "# /healthz, /readyz, /metrics. Unencrypted: keep it on loopback or behind a proxy.\n"
      "listen = {}\n\n",
      Quoted(config.grpc_listen), Quoted(config.http_listen));
  out += WebText(config.home, config.web) + LogText(config.home, config.log);
  out +=
      "\n# The chains this node takes part in. role: validator (votes with vote_key_file) or\n"
      "# follower. party_key_file: the centre's key, which signs what this node promotes.\n"
      "# snapshot_behind: at start, a chain this many blocks behind begins from a snapshot of its\n"
      "# peers; 0 executes every block. snapshot_pin: \"HEIGHT:BLOCKHASH\" it must contain.\n";
  for (const ChainConfig& chain : config.chains) {
    const bool validator = chain.role == ChainRole::kValidator;
    out += fmt::format("[[chains]]\ngenesis = {}\nrole = \"{}\"\n", quoted(chain.genesis),
                       validator ? "validator" : "follower");
    if (validator) out += fmt::format("vote_key_file = {}\n", quoted(chain.vote_key_file));
    if (chain.party_key_file) {
      out += fmt::format("party_key_file = {}\n", quoted(*chain.party_key_file));
    }
    out += fmt::format("snapshot_behind = {}\n", chain.snapshot_behind);
    if (chain.snapshot_pin) {
      out += fmt::format("snapshot_pin = {}\n", Quoted(chain.snapshot_pin->Text()));
    }
    out += '\n';
  }
  out += "# Which chain's records go to which other, by the names in their genesis files.\n";
  for (const PromotionConfig& promotion : config.promotions) {
    out += fmt::format("[[promotions]]\nfrom = {}\nto = {}\n\n", Quoted(promotion.from),
                       Quoted(promotion.to));
  }
  return out;
}

}  // namespace talent::node
