#include "node/ops/doctor.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/timex.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "base/file.h"
#include "crypto/key_file.h"
#include "node/chain/vote_log.h"
#include "node/peers/address.h"
#include "node/rpc/client.h"
#include "tiers/application.h"

namespace talent::node {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;

constexpr std::size_t kMaxFile = 64 << 10;
constexpr std::uint64_t kLittleDisk = std::uint64_t{1} << 30;   // a compaction may need as much
constexpr std::uint64_t kEnoughDisk = std::uint64_t{10} << 30;  // some millions of records
constexpr rlim_t kEnoughFiles = 16'384;  // tables of the database, connections, clients
constexpr std::chrono::seconds kDialTime{3};
constexpr int kRenewalDays = 30;

class Examination {
 public:
  explicit Examination(const Config& config) : config_(config) {}

  std::vector<Finding> All() {
    const auto passphrase = Passphrase();
    if (passphrase) Key("node", config_.node_key_file, *passphrase);
    for (const ChainConfig& chain : config_.chains) Chain(chain, passphrase);
    Certificate();
    Disk();
    Clock();
    OpenFiles();
    Addresses();
    Peers();
    return std::move(out_);
  }

 private:
  void Say(Health health, std::string what, std::string detail) {
    out_.push_back({health, std::move(what), std::move(detail)});
  }
  void Bad(std::string what, const Error& error) {
    Say(Health::kBad, std::move(what), error.ToString());
  }

  std::optional<std::string> Passphrase() {
    auto read = ReadFile(config_.passphrase_file, kMaxFile);
    if (!read) {
      Bad("passphrase", read.error());
      return std::nullopt;
    }
    while (!read->empty() && (read->back() == '\n' || read->back() == '\r')) read->pop_back();
    const auto others = fs::perms::group_all | fs::perms::others_all;
    std::error_code error;
    if ((fs::status(config_.passphrase_file, error).permissions() & others) != fs::perms::none) {
      Say(Health::kBad, "passphrase",
          fmt::format("others may read {0}; chmod 600 {0}", config_.passphrase_file.string()));
    }
    return std::move(*read);
  }

  std::optional<crypto::PublicKey> Key(const std::string& name, const fs::path& file,
                                       const std::string& passphrase) {
    const auto key = crypto::ReadKeyFile(file, passphrase);
    if (!key) {
      Bad("key " + name, key.error());
      return std::nullopt;
    }
    Say(Health::kGood, "key " + name, "opens; public key " + key->public_key().Hex());
    return key->public_key();
  }

  void Chain(const ChainConfig& chain, const std::optional<std::string>& passphrase) {
    const auto genesis = ledger::Genesis::Load(chain.genesis);
    if (!genesis) return Bad("genesis", genesis.error());
    const std::string& name = genesis->name();
    const auto application = tiers::MakeApplication(*genesis);
    if (!application) return Bad("genesis " + name, application.error());
    Say(Health::kGood, "genesis " + name, "chain id " + genesis->chain_id().Hex());
    if (const Status good = CheckSnapshotBehind(config_, chain, name); !good) {
      Bad("snapshot " + name, good.error());
    }
    if (chain.role == ChainRole::kValidator) VoteLogOf(name);
    if (!passphrase) return;
    if (chain.role == ChainRole::kValidator) {
      const auto key = Key("vote-" + name, chain.vote_key_file, *passphrase);
      if (key && !genesis->validators().FindVoteKey(*key)) {
        Say(Health::kDoubtful, "key vote-" + name,
            "is none of the first validators': it votes once the chain's centres have let it in "
            "(talentd validator list)");
      }
    }
    if (chain.party_key_file) Key("party for " + name, *chain.party_key_file, *passphrase);
  }

  void VoteLogOf(const std::string& chain) {
    const fs::path file = VoteLogFile(config_.home, chain);
    const std::string what = "votes " + chain;
    if (fs::exists(file.string() + ".damaged")) {
      Say(Health::kDoubtful, what,
          fmt::format("{}.damaged was set aside: the validator watches until the chain has passed "
                      "what it may have voted for",
                      file.string()));
    }
    if (!fs::exists(file)) {
      return Say(Health::kBad, what,
                 fmt::format("{} is missing. Put it back if it is anywhere; without it the "
                             "validator asks its peers, and watches before it votes",
                             file.string()));
    }
    Say(Health::kGood, what, VoteLog::IsUnused(file) ? "of a key that has never voted" : "there");
  }

  void Certificate() {
    const fs::path file = config_.home / "grpc.crt";
    const auto text = ReadFile(file, kMaxFile);
    if (!text) return Bad("certificate", text.error());
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(text->data(), static_cast<int>(text->size())), BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
    int days = 0, seconds = 0;
    if (certificate == nullptr ||
        ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1) {
      return Say(Health::kBad, "certificate",
                 fmt::format("{} is no certificate; remove it and grpc.key, and start the node to "
                             "have new ones",
                             file.string()));
    }
    if (days < 0 || seconds < 0) {
      return Say(Health::kBad, "certificate", "has expired; renew it, clients refuse it");
    }
    Say(days < kRenewalDays ? Health::kDoubtful : Health::kGood, "certificate",
        fmt::format("for {} days more", days));
  }

  void Disk() {
    std::error_code error;
    const fs::space_info space = fs::space(config_.home, error);
    if (error) return Say(Health::kBad, "disk", config_.home.string() + ": " + error.message());
    const Health health = space.available < kLittleDisk   ? Health::kBad
                          : space.available < kEnoughDisk ? Health::kDoubtful
                                                          : Health::kGood;
    Say(health, "disk",
        fmt::format("{:.1f} GiB free for {}{}", static_cast<double>(space.available) / (1 << 30),
                    config_.home.string(),
                    health == Health::kGood
                        ? ""
                        : "; a full disk halts the node: make room, or talentd prune"));
  }

  // Validators refuse proposals whose time is further from theirs than max_clock_drift_ms.
  void Clock() {
    timex now{};
    const bool synchronised = adjtimex(&now) != TIME_ERROR && (now.status & STA_UNSYNC) == 0;
    if (synchronised) return Say(Health::kGood, "clock", "synchronised");
    Say(Health::kDoubtful, "clock",
        "nothing keeps it (as far as the kernel knows): run chrony or systemd-timesyncd");
  }

  void OpenFiles() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const bool enough = limit.rlim_cur >= kEnoughFiles;
    Say(enough ? Health::kGood : Health::kDoubtful, "open files",
        fmt::format(
            "{} here{}", limit.rlim_cur,
            enough ? "" : "; the service needs LimitNOFILE=65536, a shell ulimit -n 65536"));
  }

  void Addresses() {
    const bool runs = NodeAnswers();
    for (const auto& [what, address] :
         {std::pair("p2p", &config_.p2p_listen), std::pair("grpc", &config_.grpc_listen),
          std::pair("http", &config_.http_listen)}) {
      if (runs) {
        Say(Health::kGood, std::string("address ") + what, *address + ": the node runs");
      } else {
        TryAddress(std::string("address ") + what, *address);
      }
    }
  }

  bool NodeAnswers() {
    auto address = ParseAddress(config_.grpc_listen);
    const auto certificate = ReadFile(config_.home / "grpc.crt", kMaxFile);
    if (!address || !certificate) return false;
    if (address->host == "0.0.0.0") address->host = "127.0.0.1";
    if (address->host == "::") address->host = "::1";
    return Client::Connect(address->ToString(), *certificate, Millis(1000)).has_value();
  }

  void TryAddress(const std::string& what, const std::string& text) {
    const auto address = ParseListenAddress(text);
    if (!address) return Bad(what, address.error());
    asio::io_context io;
    boost::system::error_code error;
    const tcp::endpoint endpoint(asio::ip::make_address(address->host, error), address->port);
    tcp::acceptor acceptor(io);
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(1, error);
    if (!error) return Say(Health::kGood, what, text + " is free");
    Say(Health::kBad, what,
        fmt::format("{}: {}; the node does not answer there: find who listens (ss -ltnp), or "
                    "choose another address",
                    text, error.message()));
  }

  void Peers() {
    if (config_.peers.empty()) {
      Say(Health::kDoubtful, "peers", "none are named: others have to dial this node (p2p.peers)");
    }
    for (const PeerConfig& peer : config_.peers) Dial(peer.address);
  }

  void Dial(const std::string& text) {
    const std::string what = "peer " + text;
    const auto address = ParseAddress(text);
    if (!address) return Bad(what, address.error());
    asio::io_context io;
    tcp::resolver resolver(io);
    tcp::socket socket(io);
    boost::system::error_code result = asio::error::timed_out;
    resolver.async_resolve(
        address->host, std::to_string(address->port),
        [&](const boost::system::error_code& error, const tcp::resolver::results_type& found) {
          result = error;
          if (error) return;
          result = asio::error::timed_out;
          asio::async_connect(socket, found,
                              [&](const boost::system::error_code& failed, const tcp::endpoint&) {
                                result = failed;
                              });
        });
    io.run_for(kDialTime);
    if (!result) return Say(Health::kGood, what, "is reached");
    Say(Health::kDoubtful, what,
        fmt::format("{}: is it up, is the address right, does a firewall let TCP through?",
                    result.message()));
  }

  const Config& config_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> Examine(const Config& config) { return Examination(config).All(); }

}  // namespace talent::node
