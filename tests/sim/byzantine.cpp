#include "sim/byzantine.h"

#include "consensus/codec.h"
#include "consensus/slot.h"

namespace talent::sim {

using namespace consensus;  // NOLINT: this file speaks its messages

namespace {

enum Habit : std::uint64_t {
  kTwoOffers = 1,
  kTwoVotes = 2,
  kHugeViews = 4,
  kGarbage = 8,
  kWrongSidecar = 16,
  kSilence = 32,
  kMovedSeals = 64,
};

struct Liar {
  Node::Cluster cluster;
  std::uint32_t index;
  std::uint64_t habits;
  std::map<Height, MessagePtr> other_offers;

  World& world() { return *cluster.world; }
  Node& node() { return *(*cluster.nodes)[index]; }
  MessagePtr Sign(Content content) {
    return VerifiedMessage::Sign(world().key(index), world().chain(), Epoch(0),
                                 ValidatorIndex(index), std::move(content));
  }

  void Say(std::optional<std::uint32_t> to, const Bytes& bytes) {
    const auto message = world().Verify(bytes);
    if (!message) return node().Transmit(to, bytes);
    if ((habits & kSilence) != 0 && world().rng().Percent(30)) return;
    const Content& content = (*message)->content();
    if (const auto* offer = std::get_if<PrePrepare>(&content)) return Offer(to, *offer, bytes);
    if (const auto* vote = std::get_if<Prepare>(&content)) Second<Prepare>(vote->at);
    if (const auto* vote = std::get_if<Commit>(&content)) Second<Commit>(vote->at);
    if (const auto* seal = std::get_if<SealVote>(&content)) MoveSeal(*seal, **message);
    if ((habits & kHugeViews) != 0 && world().rng().Percent(20)) ShoutHugeView();
    if ((habits & kGarbage) != 0 && world().rng().Percent(20)) Mutate(bytes);
    node().Transmit(to, bytes);
  }

  void Offer(std::optional<std::uint32_t> to, const PrePrepare& offer, const Bytes& bytes) {
    if ((habits & kTwoOffers) != 0 && !to) {
      Proposal other = *offer.proposal;
      other.batch += "0 ";
      other.sidecar = "beside " + other.batch;
      const Position at{offer.at.view, offer.at.height, OrderDigest(other.batch)};
      const auto second = Sign(PrePrepare{at, std::make_shared<Proposal>(std::move(other))});
      other_offers[offer.at.height] = second;
      for (std::uint32_t i = 0; i < world().config().validators; ++i) {
        if (i != index) node().Transmit(i, world().rng().Percent(50) ? bytes : second->Wire());
      }
      cluster.counters->Count("two offers for one height");
      return;
    }
    if ((habits & kWrongSidecar) != 0) {
      Proposal other = *offer.proposal;
      other.sidecar = "wrong";
      const auto wrong = Sign(PrePrepare{offer.at, std::make_shared<Proposal>(std::move(other))});
      for (std::uint32_t i = 0; i < world().config().validators; ++i) {
        const bool right = world().rng().Percent(70);
        if (i != index && (!to || *to == i)) node().Transmit(i, right ? bytes : wrong->Wire());
      }
      return;
    }
    node().Transmit(to, bytes);
  }

  template <class V>
  void Second(const Position& at) {
    const auto other = other_offers.find(at.height);
    if ((habits & kTwoVotes) == 0 || other == other_offers.end()) return;
    if (PositionOf(*other->second).view != at.view) return;
    node().Transmit(std::nullopt, Sign(V{PositionOf(*other->second)})->Wire());
  }

  void MoveSeal(const SealVote& seal, const VerifiedMessage& message) {
    if ((habits & kMovedSeals) == 0) return;
    for (const Height h : {seal.height + 1, seal.height + 2}) {
      node().Transmit(std::nullopt, EncodeSeal(Epoch(0), SealVote{h, seal.block_hash},
                                               message.signer(), message.signature()));
    }
  }

  void ShoutHugeView() {
    const View huge((std::uint64_t{1} << 63) + world().rng().Below(1000));
    node().Transmit(std::nullopt, Sign(ViewChange{huge, {}, {}})->Wire());
    node().Transmit(std::nullopt, Sign(Prepare{{huge, Height(1), Hash()}})->Wire());
    node().Transmit(std::nullopt,
                    Sign(PeerStatus{huge, true, Height(huge.value), true, {}})->Wire());
  }

  void Mutate(Bytes bytes) {
    for (int i = 0; i < 3; ++i) {
      bytes[world().rng().Below(bytes.size())] ^= static_cast<char>(1 + world().rng().Below(255));
    }
    node().Transmit(std::nullopt, bytes);
  }
};

}  // namespace

void MakeByzantine(Node::Cluster cluster, std::uint32_t index) {
  auto liar =
      std::make_shared<Liar>(Liar{cluster, index, cluster.world->rng().Between(1, 127), {}});
  (*cluster.nodes)[index]->lie = [liar](std::optional<std::uint32_t> to, const Bytes& bytes) {
    liar->Say(to, bytes);
  };
}

}  // namespace talent::sim
