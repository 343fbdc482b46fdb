// Real processes on loopback: the main story, and what happens when nodes are killed in the middle
// of it.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "base/file.h"
#include "crypto/sha256.h"
#include "node/devnet/five_talents.h"
#include "node/devnet/network.h"
#include "node/devnet/party_session.h"
#include "node/devnet/process.h"
#include "node/devnet/story.h"
#include "support/temp_dir.h"
#include "talent/tiers/v1/consortium.pb.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node {
namespace {

namespace fs = std::filesystem;
namespace pb = ::talent::ledger::v1;
namespace tiers = ::talent::tiers::v1;

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::chrono::seconds kPatience{90};
constexpr std::chrono::milliseconds kPoll{50};

void Quiet(const std::string& /*line*/) {}

/// Exit code of `talentd arguments`.
int Talentd(const std::string& arguments) {
  const int status =
      std::system((std::string(TALENTD) + " " + arguments + " > /dev/null 2>&1").c_str());
  return WEXITSTATUS(status);
}

class Devnet : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = DevnetNetwork::Open(dir_.path() / "net", Quiet);
    ASSERT_TRUE(opened) << opened.error().ToString();
    network_.emplace(std::move(*opened));
    Start();
  }
  void TearDown() override {
    if (network_) {
      EXPECT_TRUE(network_->Stop(Quiet));
    }
  }

  void Start() {
    const Status started = network_->Start(TALENTD, Quiet);
    ASSERT_TRUE(started) << started.error().ToString();
  }

  /// SIGKILL, and reopened so that the network knows.
  void Kill(const std::set<std::string>& names) {
    for (const NodeEndpoint& node : network_->endpoints().nodes) {
      if (names.contains(node.name)) kill(static_cast<pid_t>(node.pid), SIGKILL);
    }
    for (const NodeEndpoint& node : network_->endpoints().nodes) {
      while (names.contains(node.name) && IsRunning(static_cast<pid_t>(node.pid), node.home)) {
        std::this_thread::yield();
      }
    }
    network_.emplace(DevnetNetwork::Open(dir_.path() / "net", Quiet).value());
  }

  const NodeEndpoint& Node(const std::string& name) const {
    for (const NodeEndpoint& node : network_->endpoints().nodes) {
      if (node.name == name) return node;
    }
    internal::CheckFailed("node exists", __FILE__, __LINE__, name);
  }

  std::unique_ptr<Client> Connect(const std::string& node) {
    return std::move(
        Client::Connect(Node(node).grpc, ReadFile(Node(node).tls_ca, kMaxFileBytes).value())
            .value());
  }

  PartySession Session(const std::string& node, const std::string& party,
                       const std::string& chain) {
    if (!keys_.contains(party)) keys_.emplace(party, network_->PartyKey(party).value());
    const ChainId id = network_->endpoints().FindChain(chain).value().id;
    return std::move(PartySession::Open(Node(node).grpc,
                                        ReadFile(Node(node).tls_ca, kMaxFileBytes).value(), id,
                                        keys_.at(party))
                         .value());
  }

  v1::ChainState StateOf(const std::string& node, const std::string& chain) {
    const auto status = Connect(node)->GetStatus().value();
    for (const v1::ChainState& state : status.chains()) {
      if (state.name() == chain) return state;
    }
    internal::CheckFailed("chain is hosted", __FILE__, __LINE__, node + " " + chain);
  }

  template <class Condition>
  bool Await(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(kPoll);
    }
    return true;
  }

  static tiers::SubjectRegistered Subject(int number) {
    tiers::SubjectRegistered subject;
    subject.set_subject_id(crypto::Sha256("subject " + std::to_string(number)).ToBytes());
    subject.set_commitment(crypto::Sha256("file " + std::to_string(number)).ToBytes());
    subject.set_custodian("centre-1");
    subject.set_consent_version(1);
    return subject;
  }

  TempDir dir_;
  std::optional<DevnetNetwork> network_;
  std::map<std::string, crypto::KeyPair> keys_;
};

TEST_F(Devnet, StoriesCarryRecordsFromTheirAssessmentToAProofAnybodyCanCheck) {
  const fs::path data(TALENT_DATA);
  const fs::path csv = dir_.path() / "people.csv";
  {
    std::ifstream in(data / "hr-sample.csv");
    std::ofstream out(csv);
    std::string line;
    for (int i = 0; i < 12 && std::getline(in, line); ++i) out << line << "\n";
  }
  const Status told = TellStory(*network_, {TALENTD, csv, csv, data / "hr-mapping.toml", Quiet});
  ASSERT_TRUE(told) << told.error().ToString();

  const fs::path proof = network_->dir() / "correction.proof";
  const std::string genesis =
      " --genesis " + (network_->dir() / "genesis" / "public.json").string();
  EXPECT_EQ(Talentd("verify --proof " + proof.string() + genesis), 0);

  // One changed byte anywhere is refused.
  const Bytes good = ReadFile(proof, kMaxFileBytes).value();
  const fs::path bad = dir_.path() / "bad.proof";
  for (std::size_t i = 0; i < good.size(); i += 1 + good.size() / 40) {
    Bytes changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    ASSERT_TRUE(WriteFile(bad, changed, 0600, IfExists::kReplace));
    EXPECT_EQ(Talentd("verify --proof " + bad.string() + genesis), 1) << "byte " << i;
  }

  const Status lived = TellFiveTalents(*network_, Quiet);
  ASSERT_TRUE(lived) << lived.error().ToString();
  for (const NodeEndpoint& node : network_->endpoints().nodes) {
    EXPECT_EQ(Talentd("verify --home " + node.home), 0) << node.name;
  }
}

TEST_F(Devnet, GoesOnWithoutThePrimaryWhichCatchesUpAndAgrees) {
  {
    PartySession before = Session("centre-2", "centre-1", "private-a");
    ASSERT_TRUE(before.Submit("SubjectRegistered", Subject(0), pb::DISCLOSURE_PRIVATE));
  }
  const std::string primary = StateOf("centre-1", "private-a").primary();
  Kill({primary});
  const std::string other = primary == "centre-3" ? "centre-4" : "centre-3";
  PartySession centre = Session(other, "centre-1", "private-a");
  for (int i = 1; i <= 5; ++i) {
    const auto submitted = centre.Submit("SubjectRegistered", Subject(i), pb::DISCLOSURE_PRIVATE);
    ASSERT_TRUE(submitted) << submitted.error().ToString();
  }
  Start();
  const std::uint64_t height = StateOf(other, "private-a").height();
  ASSERT_TRUE(Await([&] { return StateOf(primary, "private-a").height() >= height; }));

  const ChainId chain = network_->endpoints().FindChain("private-a").value().id;
  const auto theirs = Connect(other);
  const auto ours = Connect(primary);
  for (Height h(1); h <= Height(height); ++h) {
    EXPECT_EQ(ours->GetBlock(chain, h).value().hash(), theirs->GetBlock(chain, h).value().hash())
        << "height " << h.value;
  }
  EXPECT_EQ(Talentd("verify --home " + Node(primary).home), 0);
}

TEST_F(Devnet, KeepsAndPromotesOnceWhatItAcknowledgedBeforeAllNodesWereKilled) {
  std::set<Bytes> acknowledged;
  {
    PartySession centre = Session("centre-1", "centre-1", "private-a");
    for (int i = 0; i < 10; ++i) {
      tiers::ConsentGiven consent;
      consent.set_subject_id(Subject(i).subject_id());
      consent.add_kinds("AbilityAssessed");
      consent.add_tiers(tiers::CONSENT_TIER_CONSORTIUM);
      consent.add_tiers(tiers::CONSENT_TIER_PUBLIC);
      consent.set_purpose("placement");
      consent.set_until_ms(SystemClock().Now().value + 3'600'000);
      tiers::AbilityAssessed assessed;
      assessed.set_subject_id(Subject(i).subject_id());
      assessed.add_scores()->set_dimension("analysis");
      assessed.mutable_scores(0)->set_value(6000);
      assessed.set_method("test");
      assessed.set_assessor("board-1");
      assessed.set_phase(tiers::ASSESSMENT_PHASE_ENTRY);
      ASSERT_TRUE(centre.Submit("SubjectRegistered", Subject(i), pb::DISCLOSURE_PRIVATE));
      const auto consented = centre.Submit("ConsentGiven", consent, pb::DISCLOSURE_PRIVATE);
      ASSERT_TRUE(consented) << consented.error().ToString();
      const auto id = centre.Submit("AbilityAssessed", assessed, pb::DISCLOSURE_FULL);
      ASSERT_TRUE(id) << id.error().ToString();
      acknowledged.insert(id->ToBytes());
    }
  }
  Kill({"centre-1", "centre-2", "centre-3", "centre-4", "centre-b1", "viewer"});
  Start();

  PartySession centre = Session("centre-2", "centre-1", "private-a");
  for (const Bytes& id : acknowledged) {
    const auto found = centre.client().GetTransaction(centre.chain(), TxId::FromBytes(id).value());
    ASSERT_TRUE(found) << found.error().ToString();
    EXPECT_EQ(found->state().status(), v1::TRANSACTION_STATUS_SEALED);
  }
  PartySession consortium = Session("centre-2", "centre-1", "consortium");
  std::set<Bytes> promoted;
  ASSERT_TRUE(Await([&] {
    promoted.clear();
    const auto entries = consortium.Scan("rec/", 1000).value();
    for (const auto& [key, value] : entries) promoted.insert(key.substr(4));
    return promoted.size() >= acknowledged.size();
  }));
  EXPECT_EQ(promoted, acknowledged);

  // Once in the state, and once in the blocks: no other promotion of it took effect.
  std::multiset<Bytes> effective;
  const std::uint64_t head = StateOf("centre-2", "consortium").height();
  for (std::uint64_t h = 1; h <= head; ++h) {
    const auto block = consortium.client().GetBlock(consortium.chain(), Height(h)).value();
    for (const auto& tx : block.block().block().transactions()) {
      const auto envelope = Decode<pb::Envelope>(tx.envelope()).value();
      if (envelope.kind() != "RecordPromoted") continue;
      const auto found =
          consortium.client()
              .GetTransaction(consortium.chain(), ledger::TransactionId(tx.envelope()))
              .value();
      if (found.state().status() != v1::TRANSACTION_STATUS_SEALED) continue;
      const auto record =
          Decode<tiers::RecordPromoted>(found.transaction().payload().data()).value();
      effective.insert(ledger::TransactionId(record.record().envelope()).ToBytes());
    }
  }
  EXPECT_EQ(effective, std::multiset<Bytes>(acknowledged.begin(), acknowledged.end()));
}

}  // namespace
}  // namespace talent::node
