#include "soak/audit.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "base/canonical.h"
#include "base/file.h"
#include "node/devnet/party_session.h"
#include "soak/load.h"
#include "talent/tiers/v1/consortium.pb.h"

namespace talent::soak {
namespace {

namespace pb = ::talent::ledger::v1;
namespace tiers = ::talent::tiers::v1;

constexpr std::chrono::seconds kAgreeWithin{180};
constexpr std::chrono::milliseconds kAuditPoll{250};
constexpr std::size_t kMaxRecords = 1'000'000;
// What a node says that has caught one of its own in a lie, or has lost its votes.
constexpr const char* kAlarms[] = {"equivocate", "halted:", "without voting", "Assertion", "CHECK"};

using Clients = std::map<std::string, std::unique_ptr<node::Client>>;

class Auditor {
 public:
  Auditor(Cluster& cluster, const History& history) : cluster_(cluster), history_(history) {}

  Result<Audit> Run() {
    for (const auto& node : cluster_.devnet().endpoints().nodes) {
      clients_[node.name] = TRY(cluster_.Connect(node.name));
    }
    TRY(AwaitAgreement());
    for (const auto& chain : cluster_.devnet().endpoints().chains) TRY(CompareBlocks(chain));
    TRY(AskEverywhere());
    TRY(ComparePromotions());
    TRY(ReadEvidence());
    ReadLogs();
    return std::move(audit_);
  }

 private:
  template <class... Args>
  void Complain(fmt::format_string<Args...> format, Args&&... args) {
    audit_.complaints.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  /// Head of a chain on every node that hosts it.
  Result<std::map<std::string, std::uint64_t>> Heads(const ChainId& chain) {
    std::map<std::string, std::uint64_t> heads;
    for (const auto& [name, client] : clients_) {
      const auto status = TRY(client->GetStatus());
      for (const auto& state : status.chains()) {
        if (state.chain_id() == chain.View()) heads[name] = state.height();
      }
    }
    return heads;
  }

  // All heads equal and standing still, and nothing on its way from one chain to another.
  Status AwaitAgreement() {
    const auto deadline = std::chrono::steady_clock::now() + kAgreeWithin;
    std::map<std::string, std::map<std::string, std::uint64_t>> last;
    int quiet = 0;
    while (quiet < 12) {
      std::map<std::string, std::map<std::string, std::uint64_t>> now;
      bool equal = true;
      for (const auto& chain : cluster_.devnet().endpoints().chains) {
        now[chain.name] = TRY(Heads(chain.id));
        for (const auto& [node, head] : now[chain.name]) {
          equal = equal && head == now[chain.name].begin()->second;
        }
      }
      quiet = equal && now == last ? quiet + 1 : 0;
      last = std::move(now);
      if (std::chrono::steady_clock::now() > deadline) {
        std::string text;
        for (const auto& [chain, heads] : last) {
          for (const auto& [node, head] : heads)
            text += fmt::format(" {}@{}={}", chain, node, head);
        }
        return Fail(Code::kUnavailable, "the nodes do not come to rest at one height:{}", text);
      }
      std::this_thread::sleep_for(kAuditPoll);
    }
    return {};
  }

  Status CompareBlocks(const node::ChainEndpoint& chain) {
    const auto heads = TRY(Heads(chain.id));
    for (Height h(1); h.value <= heads.begin()->second; ++h) {
      std::optional<Bytes> agreed;
      for (const auto& [name, head] : heads) {
        const auto block = TRY(clients_.at(name)->GetBlock(chain.id, h));
        if (agreed && *agreed != block.hash()) {
          Complain("FORK: {} at {} is another block on {}", chain.name, h, name);
        }
        agreed = block.hash();
      }
      ++audit_.blocks;
    }
    return {};
  }

  Status AskEverywhere() {
    const auto submissions = history_.submissions();
    std::set<TxId> ids;
    for (const Submission& s : submissions) ids.insert(s.id);
    const ChainId chain = TRY(cluster_.devnet().endpoints().FindChain("private-a")).id;
    const auto key = TRY(cluster_.devnet().PartyKey("centre-1"));
    FinalAnswers finals;
    for (const std::string& name : Cluster::Centres()) {
      TRY(clients_.at(name)->Login(chain, key));
      for (const TxId& id : ids) finals[name][id] = TRY(Ask(*clients_.at(name), chain, id)).first;
    }
    audit_.transactions = ids.size();
    for (const auto& [id, answer] : finals.begin()->second) {
      if (answer.kind == Answer::kSealed) offered_.insert(id.ToBytes());
    }
    audit_.offered = offered_.size();
    for (std::string& complaint : CheckHistory(submissions, history_.readings(), finals)) {
      audit_.complaints.push_back("history: " + std::move(complaint));
    }
    return {};
  }

  // Every sealed assessment of the clients may be promoted. In the state each is there at most
  // once; in the blocks too, where a promotion of what is there already has no effect.
  Status ComparePromotions() {
    const auto key = TRY(cluster_.devnet().PartyKey("centre-1"));
    const auto& at = cluster_.Endpoint("centre-2");
    auto session = TRY(node::PartySession::Open(
        at.grpc, TRY(ReadFile(at.tls_ca, node::kMaxDevnetFile)),
        TRY(cluster_.devnet().endpoints().FindChain("consortium")).id, key));
    std::set<Bytes> promoted;
    const auto deadline = std::chrono::steady_clock::now() + kAgreeWithin;
    while (promoted != offered_ && std::chrono::steady_clock::now() < deadline) {
      promoted.clear();
      for (auto& [name, value] : TRY(session.Scan("rec/", kMaxRecords))) {
        promoted.insert(name.substr(4));
      }
      if (promoted.size() < offered_.size()) std::this_thread::sleep_for(kAuditPoll);
      if (promoted.size() > offered_.size()) break;
    }
    if (promoted != offered_) {
      Complain("{} records were offered, {} are on the consortium", offered_.size(),
               promoted.size());
    }
    std::map<Bytes, int> times;
    const std::uint64_t head = TRY(Heads(session.chain())).at("centre-2");
    for (Height h(1); h.value <= head; ++h) {
      const auto block = TRY(session.client().GetBlock(session.chain(), h));
      for (int i = 0; i < block.block().block().transactions_size(); ++i) {
        const auto& tx = block.block().block().transactions(i);
        const auto envelope = TRY(Decode<pb::Envelope>(tx.envelope()));
        if (envelope.kind() != "RecordPromoted") continue;
        const auto found = TRY(
            session.client().GetTransaction(session.chain(), ledger::TransactionId(tx.envelope())));
        if (found.state().status() != node::v1::TRANSACTION_STATUS_SEALED) continue;
        // Ordered again after a view change it has no effect, and the outcome is that of the first.
        const bool first = found.state().height() == h.value &&
                           found.state().index() == static_cast<std::uint32_t>(i);
        if (!first) continue;
        const auto record =
            TRY(Decode<tiers::RecordPromoted>(found.transaction().payload().data()));
        ++audit_.promoted;
        const Bytes id = ledger::TransactionId(record.record().envelope()).ToBytes();
        if (++times[id] == 2) Complain("record {} was promoted twice", ToHex(id));
      }
    }
    return {};
  }

  // No validator is a liar here, whatever befell it.
  Status ReadEvidence() {
    for (const auto& chain : cluster_.devnet().endpoints().chains) {
      for (const auto& [name, height] : TRY(Heads(chain.id))) {
        const auto found = TRY(clients_.at(name)->ListEvidence(chain.id));
        for (const auto& evidence : found.evidence()) {
          Complain("EQUIVOCATION: {} holds two messages {} of {} on {}, view {}, height {}", name,
                   evidence.kind(), evidence.name(), chain.name, evidence.view(),
                   evidence.height());
        }
      }
    }
    return {};
  }

  void ReadLogs() {
    for (const auto& node : cluster_.devnet().endpoints().nodes) {
      for (const std::string& line :
           Alarms(cluster_.Output(node.name), cluster_.HadDiskFault(node.name))) {
        Complain("log of {}: {}", node.name, line.substr(0, 300));
      }
    }
  }

  Cluster& cluster_;
  const History& history_;
  Clients clients_;
  std::set<Bytes> offered_;
  Audit audit_;
};

// The nemesis' doing: a chain halts where the disk fails it, and RocksDB itself ends the process
// where its own files cannot be written while it opens or tidies up.
bool IsOfTheDisk(const std::string& line) {
  return line.find("database write") != std::string::npos ||
         line.find("writable_file_writer.h") != std::string::npos;
}

}  // namespace

std::vector<std::string> Alarms(const std::string& log, bool had_disk_fault) {
  std::vector<std::string> out;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const bool alarms = std::any_of(std::begin(kAlarms), std::end(kAlarms), [&](const char* alarm) {
      return line.find(alarm) != std::string::npos;
    });
    if (alarms && !(had_disk_fault && IsOfTheDisk(line))) out.push_back(line);
  }
  return out;
}

Result<Audit> AuditCluster(Cluster& cluster, const History& history) {
  return Auditor(cluster, history).Run();
}

}  // namespace talent::soak
