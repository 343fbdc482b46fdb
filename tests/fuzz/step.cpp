// A replica among four, with input as the story: deliveries, losses, timers, crashes, and whatever
// validator 3, which is faulty, signs. The three correct ones never fork.
#include "consensus/codec.h"
#include "fuzz/target.h"
#include "unit/consensus/harness.h"

namespace talent::fuzz {
namespace {

using namespace consensus;  // NOLINT: this file speaks its messages
using consensus::test::Harness;
using consensus::test::MakeProposal;

constexpr std::uint32_t kCorrect = 3, kLiar = 3;
constexpr int kMaxEvents = 120;  // keeps one input below a tenth of a second
constexpr std::size_t kMaxUnderWay = 300;

class Play {
 public:
  explicit Play(BytesView input) : reader_(input) {}

  void Run() {
    for (int i = 0; i < kMaxEvents && !reader_.done(); ++i) {
      Event();
      while (cluster_.network.size() > kMaxUnderWay) cluster_.network.pop_front();
      CheckAgreement();
    }
  }

 private:
  void Event() {
    const std::uint32_t who = reader_.Below(kCorrect);
    switch (reader_.Below(12)) {
      case 0:
      case 1:
      case 2:
        return DeliverSome();
      case 3:
      case 4:
      case 5:
        return Hear(who, cluster_.Signed(kLiar, Content())->Wire());
      case 6: {
        const std::uint32_t timer = reader_.Below(3);
        if (cluster_.node(who).timers.contains(timer)) cluster_.Fire(who, timer);
        return;
      }
      case 7:
        (void)cluster_.Propose(who, fmt::format("batch {}", reader_.Below(4)));
        return;
      case 8:
        return cluster_.Step(who, WorkWaiting{reader_.Below(2) == 0});
      case 9:
        return Repeat(who);
      case 10:
        return Host(who);
      default:
        if (!cluster_.network.empty()) cluster_.network.pop_front();
    }
  }

  void DeliverSome() {
    for (std::uint32_t n = reader_.Below(16) + 1; n > 0 && !cluster_.network.empty(); --n) {
      const auto packet = std::move(cluster_.network.front());
      cluster_.network.pop_front();
      if (packet.to < kCorrect) Hear(packet.to, packet.bytes);
    }
  }

  void Hear(std::uint32_t who, const Bytes& bytes) { (void)cluster_.Deliver(who, bytes); }

  // Something said before, as it was or with a byte changed.
  void Repeat(std::uint32_t who) {
    if (cluster_.sent.empty()) return;
    const std::size_t which = reader_.Byte() | static_cast<std::size_t>(reader_.Byte()) << 8;
    Bytes bytes = cluster_.sent[which % cluster_.sent.size()]->Wire();
    if (reader_.Below(4) == 0) bytes[reader_.Byte() % bytes.size()] ^= 1;
    Hear(who, bytes);
  }

  // What the host does: disks that take time, restarts, blocks fetched.
  void Host(std::uint32_t who) {
    auto& node = cluster_.node(who);
    switch (reader_.Below(6)) {
      case 0:
        node.answer_durable = false;
        return;
      case 1:
        cluster_.ReleaseHeld(who);
        node.answer_durable = node.answer_executed = node.answer_sealed = true;
        return;
      case 2:
        cluster_.ReleaseHeld(who);  // finalised blocks are on disk
        return cluster_.Restart(who);
      case 3:
        node.vet_ok = !node.vet_ok;
        return;
      case 4:
        return cluster_.Step(who, RequestStarved{});
      default:
        return Fetch(who, cluster_.node(reader_.Below(kCorrect)));
    }
  }

  void Fetch(std::uint32_t who, const test::Node& from) {
    auto& node = cluster_.node(who);
    cluster_.ReleaseHeld(who);
    for (std::size_t h = node.finalised.size(); h < from.finalised.size(); ++h) {
      node.headers.resize(std::max(node.headers.size(), h + 1));
      node.batches.resize(std::max(node.batches.size(), h + 1));
      node.headers[h] = from.headers[h];
      node.batches[h] = from.batches[h];
      const Finalise& block = from.finalised[h];
      node.finalised.push_back(block);
      cluster_.Step(who,
                    Sealed{block.height, block.certificate, block.block_hash, node.headers[h]});
    }
  }

  Position At() {
    const std::uint32_t batch = reader_.Below(6);
    const View view(reader_.Number());
    return {view, Height(std::max<std::uint64_t>(1, reader_.Number())),
            batch == 5 ? OrderDigest("") : OrderDigest(fmt::format("batch {}", batch))};
  }

  CertifiedHead Head() {
    const auto& blocks = cluster_.node(reader_.Below(kCorrect)).finalised;
    if (blocks.empty() || reader_.Below(3) == 0) return {};
    const Finalise& block = blocks[reader_.Byte() % blocks.size()];
    for (std::uint32_t i = 0; i < kCorrect; ++i) {
      const auto& headers = cluster_.node(i).headers;
      if (headers.size() < block.height.value) continue;
      const Bytes& header = headers[block.height.value - 1];
      if (test::HeaderHash(header) == block.block_hash) {
        return {block.height, block.block_hash, header, block.certificate};
      }
    }
    return {};
  }

  // With signatures of correct validators where the liar has heard them.
  consensus::ViewChange Change() {
    consensus::ViewChange out{View(reader_.Number()), Head(), {}};
    for (std::uint32_t n = reader_.Below(3); n > 0; --n) {
      PreparedCertificate certificate{At(), {}};
      for (const MessagePtr& sent : cluster_.sent) {
        const auto* vote = std::get_if<Prepare>(&sent->content());
        if (vote != nullptr && vote->at == certificate.at) {
          certificate.prepares[sent->signer()] = sent->signature();
        }
      }
      out.prepared.push_back(std::move(certificate));
    }
    return out;
  }

  NewView Opening() {
    NewView out{View(reader_.Number()), {}};
    std::map<ValidatorIndex, MessagePtr> changes;
    for (const MessagePtr& sent : cluster_.sent) {
      if (std::holds_alternative<consensus::ViewChange>(sent->content())) {
        changes[sent->signer()] = sent;
      }
    }
    if (reader_.Below(2) == 0) changes[ValidatorIndex(kLiar)] = cluster_.Signed(kLiar, Change());
    for (const auto& [who, change] : changes) out.view_changes.push_back(change);
    return out;
  }

  consensus::Content Content() {
    const std::string batch = fmt::format("batch {}", reader_.Below(5));
    switch (reader_.Below(10)) {
      case 0: {
        const View view(reader_.Number());
        const Height height(std::max<std::uint64_t>(1, reader_.Number()));
        return PrePrepare{{view, height, OrderDigest(batch)}, MakeProposal(batch)};
      }
      case 1:
        return Prepare{At()};
      case 2:
        return Commit{At()};
      case 3: {
        const auto& headers = cluster_.node(reader_.Below(kCorrect)).headers;
        const Hash hash = headers.empty() || reader_.Below(2) == 0
                              ? OrderDigest(batch)
                              : test::HeaderHash(headers[reader_.Byte() % headers.size()]);
        return SealVote{Height(reader_.Number()), hash};
      }
      case 4:
        return Change();
      case 5:
        return Opening();
      case 6: {
        PeerStatus status{View(reader_.Number()),
                          reader_.Below(2) == 0,
                          Height(reader_.Number()),
                          reader_.Below(2) == 0,
                          {}};
        return status;
      }
      case 7:
        return ProposalRequest{Height(reader_.Number()), OrderDigest(batch)};
      case 8:
        return ProposalReply{Height(reader_.Number()), OrderDigest(batch), MakeProposal(batch)};
      default:
        return Certified{Head()};
    }
  }

  void CheckAgreement() {
    for (std::uint32_t i = 0; i < kCorrect; ++i) {
      CHECK(!cluster_.node(i).diverged, "validator {} diverged", i);
      const auto& mine = cluster_.node(i).finalised;
      const auto& first = cluster_.node(0).finalised;
      for (std::size_t h = 0; h < std::min(mine.size(), first.size()); ++h) {
        CHECK(mine[h].block_hash == first[h].block_hash, "fork at height {}", h + 1);
      }
      for (const Evidence& evidence : cluster_.node(i).evidence) {
        CHECK(evidence.culprit == ValidatorIndex(kLiar), "evidence against a correct validator");
      }
    }
  }

  Reader reader_;
  Harness cluster_{4, 4};
};

void Step(BytesView input) { Play(input).Run(); }
const Registration kStep("step", Step);

// A vote log that holds anything: the replica starts, and says nothing it cannot stand by.
void Records(BytesView input) {
  Reader reader(input);
  Replica::Recovered recovered;
  while (!reader.done() && recovered.records.size() < 64) {
    recovered.records.emplace_back(reader.Piece());
  }
  static const auto key = test::VoteKey(0);
  Options options;
  options.chain = test::TestChain();
  options.validators = test::TestValidators(4);
  options.window = 4;
  Replica replica(options, key, std::move(recovered));
  (void)replica.Start();
  (void)replica.Step(TimerFired{0, 1});
  (void)replica.status().ToString();
}
const Registration kRecords("records", Records);

}  // namespace
}  // namespace talent::fuzz
