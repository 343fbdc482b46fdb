#include "sim/byzantine.h"

#include "base/canonical.h"
#include "consensus/codec.h"
#include "consensus/slot.h"
#include "sim/cluster.h"

namespace talent::sim {

using namespace consensus;  // NOLINT: this file speaks its messages

namespace {

constexpr std::uint64_t kMixAgainMs = 400;
constexpr std::uint64_t kOfferAgainMs = 150;  // well below the first timeout
constexpr std::size_t kRemembered = 200;      // messages to replay

class Liar {
 public:
  Liar(Cluster& cluster, std::uint32_t index, std::uint64_t habits)
      : cluster_(cluster), index_(index), habits_(habits) {}

  void Say(std::uint32_t to, const FramePtr& frame) {
    if (Has(kSilence) && Chance(30)) return;
    if (frame->has_sync_response()) return SayBlocks(to, *frame);
    if (frame->has_status() && Has(kLieAboutBlocks) && Chance(50)) return SayStatus(to, *frame);
    if (!frame->has_consensus()) return Pass(to, frame);
    const auto message = DecodeMessage(frame->consensus());
    if (!message) return Pass(to, frame);
    epoch_ = message->epoch;
    place_ = message->signer;
    const Content& content = message->content;
    if (const auto* offer = std::get_if<PrePrepare>(&content)) return Offer(to, *offer, frame);
    if (const auto* vote = std::get_if<Prepare>(&content)) Second<Prepare>(to, vote->at);
    if (const auto* vote = std::get_if<Commit>(&content)) Second<Commit>(to, vote->at);
    if (const auto* seal = std::get_if<SealVote>(&content)) MoveSeal(to, *seal, *message);
    if (Has(kForgeries)) Forge(to, content);
    if (Has(kHugeViews) && Chance(10)) ShoutHugeView(to);
    if (Has(kGarbage) && Chance(20)) Mutate(to, frame->consensus());
    if (Has(kReplay)) Replay(to, frame);
    Pass(to, frame);
  }

 private:
  bool Has(Habit habit) const { return (habits_ & habit) != 0; }
  Rng& rng() { return cluster_.world.rng(); }
  bool Chance(std::uint64_t percent) { return rng().Percent(percent); }
  void Pass(std::uint32_t to, const FramePtr& frame) { cluster_.node(index_).Pass(to, frame); }
  void PassBytes(std::uint32_t to, Bytes message) {
    auto frame = std::make_shared<node::v1::Frame>();
    frame->set_chain_id(cluster_.genesis.chain_id().ToBytes());
    frame->set_consensus(std::move(message));
    Pass(to, frame);
  }
  MessagePtr Sign(Content content) {
    return VerifiedMessage::Sign(cluster_.vote_key(index_), cluster_.genesis.chain_id(), epoch_,
                                 place_, std::move(content));
  }

  void Offer(std::uint32_t to, const PrePrepare& offer, const FramePtr& frame) {
    if (Has(kWithholdOffers)) {
      const bool gap = offer.at.height.value % 3 == 0;
      if (gap || to % 2 == 0) {
        cluster_.counters.Count(gap ? "offer left out" : "offer withheld");
        return;
      }
      KeepOffering(to, offer.at.height, frame);
    }
    if (Has(kTwoOffers)) {
      const MessagePtr& other = OtherOffer(offer);
      if (Chance(50)) return PassBytes(to, other->Wire());
    }
    if (Has(kEmptyOffers) || Has(kRepeatBatches)) return PassBytes(to, InsteadOf(offer)->Wire());
    if (Has(kWrongSidecar) && Chance(30)) {
      Proposal other = *offer.proposal;
      other.sidecar = "wrong";
      return PassBytes(
          to, Sign(PrePrepare{offer.at, std::make_shared<Proposal>(std::move(other))})->Wire());
    }
    Pass(to, frame);
  }

  // As if that were progress.
  void KeepOffering(std::uint32_t to, Height height, const FramePtr& frame) {
    cluster_.world.After(kOfferAgainMs, [this, to, height, frame] {
      if (!cluster_.node(index_).alive() || cluster_.checker.sealed().contains(height)) return;
      Pass(to, frame);
      KeepOffering(to, height, frame);
    });
  }

  const MessagePtr& OtherOffer(const PrePrepare& offer) {
    auto& other = other_offers_[offer.at.height];
    if (other && PositionOf(*other).view == offer.at.view) return other;
    Proposal proposal = *offer.proposal;
    auto batch = Decode<ledger::pb::Batch>(proposal.batch);
    if (batch) {
      batch->set_time_ms(batch->time_ms() + 1);
      proposal.batch = Encode(*batch);
    }
    const Position at{offer.at.view, offer.at.height, OrderDigest(proposal.batch)};
    other = Sign(PrePrepare{at, std::make_shared<Proposal>(std::move(proposal))});
    cluster_.counters.Count("two offers for one height");
    return other;
  }

  // The same to everybody, so that it may well be ordered.
  const MessagePtr& InsteadOf(const PrePrepare& offer) {
    auto& other = instead_[offer.at];
    if (other) return other;
    Proposal proposal = *offer.proposal;
    const auto batch = Decode<ledger::pb::Batch>(proposal.batch);
    if (batch && Has(kRepeatBatches)) {
      const auto before = offered_.find(Height(offer.at.height.value - 1));
      offered_.try_emplace(offer.at.height, *offer.proposal);
      auto repeated = before == offered_.end() ? Result<ledger::pb::Batch>(*batch)
                                               : Decode<ledger::pb::Batch>(before->second.batch);
      if (before != offered_.end()) proposal.sidecar = before->second.sidecar;
      repeated->set_view(batch->view());
      repeated->set_time_ms(batch->time_ms());
      proposal.batch = Encode(*repeated);
    } else if (batch) {
      ledger::pb::Batch empty = *batch;
      empty.clear_transactions();
      proposal = {.batch = Encode(empty), .sidecar = Encode(ledger::pb::Payloads())};
      cluster_.counters.Count("empty batch offered");
    }
    const Position at{offer.at.view, offer.at.height, OrderDigest(proposal.batch)};
    other = Sign(PrePrepare{at, std::make_shared<Proposal>(std::move(proposal))});
    return other;
  }

  void Forge(std::uint32_t to, const Content& content) {
    if (const auto* change = std::get_if<ViewChange>(&content)) {
      ViewChange forged = *change;
      PreparedCertificate certificate;
      certificate.at = {View(0), forged.sealed.height + 1, crypto::Sha256("no batch")};
      certificate.prepares[place_] = crypto::Signature();
      forged.prepared = {certificate};
      cluster_.counters.Count("certificate forged");
      PassBytes(to, Sign(forged)->Wire());
      OpenAlone(to, change->view);
    } else if (const auto* opening = std::get_if<NewView>(&content)) {
      NewView forged = *opening;
      if (!forged.view_changes.empty()) forged.view_changes.pop_back();
      cluster_.counters.Count("new view forged");
      PassBytes(to, Sign(forged)->Wire());
    }
  }

  // The next view that it leads, of its own view change alone.
  void OpenAlone(std::uint32_t to, View wanted) {
    const crypto::ValidatorSet& set = cluster_.checker.SetOf(epoch_);
    while (set.Primary(wanted) != place_) wanted = wanted + 1;
    PassBytes(to, Sign(NewView{wanted, {Sign(ViewChange{wanted, {}, {}})}})->Wire());
    cluster_.counters.Count("new view forged");
  }

  template <class V>
  void Second(std::uint32_t to, const Position& at) {
    const auto other = other_offers_.find(at.height);
    if (!Has(kTwoVotes) || other == other_offers_.end()) return;
    if (PositionOf(*other->second).view != at.view) return;
    PassBytes(to, Sign(V{PositionOf(*other->second)})->Wire());
  }

  void MoveSeal(std::uint32_t to, const SealVote& seal, const Decoded& message) {
    if (!Has(kMovedSeals)) return;
    for (const Height h : {seal.height + 1, seal.height + 2}) {
      PassBytes(
          to, EncodeSeal(epoch_, SealVote{h, seal.block_hash}, message.signer, message.signature));
    }
    const Hash wrong = crypto::Sha256(seal.block_hash.View());
    PassBytes(to, Sign(SealVote{seal.height, wrong})->Wire());
  }

  void ShoutHugeView(std::uint32_t to) {
    const View huge((std::uint64_t{1} << 63) + rng().Below(1000));
    PassBytes(to, Sign(ViewChange{huge, {}, {}})->Wire());
    PassBytes(to, Sign(Prepare{{huge, Height(1), Hash()}})->Wire());
    PassBytes(to, Sign(PeerStatus{huge, true, Height(huge.value), true, {}})->Wire());
  }

  void Mutate(std::uint32_t to, Bytes bytes) {
    for (int i = 0; i < 3; ++i) {
      bytes[rng().Below(bytes.size())] ^= static_cast<char>(rng().Between(1, 255));
    }
    cluster_.counters.Count("garbage sent");
    PassBytes(to, std::move(bytes));
  }

  void Replay(std::uint32_t to, const FramePtr& frame) {
    if (said_.size() < kRemembered) said_.push_back(frame);
    if (!Chance(20)) return;
    cluster_.counters.Count("old message replayed");
    Pass(to, said_[rng().Below(said_.size())]);
  }

  void SayStatus(std::uint32_t to, node::v1::Frame frame) {
    frame.mutable_status()->set_sealed(frame.status().sealed() + rng().Below(1000));
    Pass(to, std::make_shared<node::v1::Frame>(std::move(frame)));
  }

  void SayBlocks(std::uint32_t to, node::v1::Frame frame) {
    auto& response = *frame.mutable_sync_response();
    if (!Has(kLieAboutBlocks) || response.blocks_size() == 0) {
      return Pass(to, std::make_shared<node::v1::Frame>(std::move(frame)));
    }
    cluster_.counters.Count("damaged blocks served");
    auto& block = *response.mutable_blocks(
        static_cast<int>(rng().Below(static_cast<std::uint64_t>(response.blocks_size()))));
    switch (rng().Below(6)) {
      case 0:
        return;  // nothing
      case 1:
        response.clear_blocks();
        break;
      case 2:
        block.mutable_block()->mutable_certificate()->Clear();
        break;
      case 3:
        block.mutable_block()->clear_transactions();
        break;
      case 4: {
        std::string& header = *block.mutable_block()->mutable_header();
        if (!header.empty()) header[rng().Below(header.size())] ^= 1;
        break;
      }
      default:
        block.clear_payloads();
    }
    Pass(to, std::make_shared<node::v1::Frame>(std::move(frame)));
  }

  Cluster& cluster_;
  const std::uint32_t index_;
  const std::uint64_t habits_;
  Epoch epoch_;           // of what it says now
  ValidatorIndex place_;  // in that epoch's set
  std::map<Height, MessagePtr> other_offers_;
  struct ByPlace {
    bool operator()(const Position& a, const Position& b) const {
      return std::tie(a.view, a.height) < std::tie(b.view, b.height);
    }
  };
  std::map<Position, MessagePtr, ByPlace> instead_;
  std::map<Height, Proposal> offered_;
  std::vector<FramePtr> said_;
};

}  // namespace

void MakeLiar(Cluster& cluster, std::uint32_t index, std::uint64_t habits) {
  if (habits == 0) habits = cluster.world.rng().Between(1, kAllHabits);
  const auto liar = std::make_shared<Liar>(cluster, index, habits);
  cluster.node(index).lie = [liar](std::uint32_t to, const FramePtr& frame) {
    liar->Say(to, frame);
  };
}

void MixTwins(Cluster& cluster) {
  // Of each correct node, which twins it hears: 1 the first, 2 the second, 3 both.
  const auto hears = std::make_shared<std::vector<std::uint64_t>>(cluster.nodes().size(), 3);
  const auto mix = std::make_shared<std::function<void()>>();
  *mix = [&cluster, hears, again = std::weak_ptr(mix)] {
    for (std::uint64_t& twins : *hears) twins = cluster.world.rng().Between(1, 3);
    cluster.counters.Count("twins mixed");
    if (const auto next = again.lock()) {
      cluster.world.After(kMixAgainMs, [next] { (*next)(); });
    }
  };
  (*mix)();
  cluster.network.admits = [&cluster, hears](std::size_t from, std::size_t to,
                                             const node::v1::Frame&) {
    const std::uint32_t n = cluster.config.validators;
    const std::uint32_t b = cluster.config.byzantine;
    const auto heard = [&](std::size_t twin, std::size_t other) {
      return ((*hears)[other] & (twin < n ? 1 : 2)) != 0;
    };
    const auto is_twin = [&](std::size_t i) { return i < b || (i >= n && i < n + b); };
    const bool from_twin = is_twin(from);
    const bool to_twin = is_twin(to);
    if (from_twin == to_twin) return true;
    return from_twin ? heard(from, to) : heard(to, from);
  };
}

}  // namespace talent::sim
