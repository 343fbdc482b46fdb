#include "sim/checker.h"

#include "base/canonical.h"
#include "consensus/evidence.h"
#include "crypto/sha256.h"

namespace talent::sim {

using namespace consensus;  // NOLINT: this file is about its messages

void Checker::Fail(std::string what) {
  if (failures_.size() < 5) failures_.push_back(std::move(what));
}

void Checker::OnDurable(std::uint32_t node, BytesView bytes) {
  if (!Honest(node)) return;
  const auto record = Decode<pb::VoteRecord>(bytes).value();
  const Epoch epoch(record.epoch());
  const auto keep = [&](Kind kind, View view, Height height, const Hash& value) {
    durable_[node].emplace(Promise{kind, epoch, view, height}, value);
  };
  if (record.has_accepted()) {
    const auto at = FromProto(record.accepted()).value();
    keep(Kind::kPrepare, at.view, at.height, at.digest);
    keep(Kind::kOffer, at.view, at.height, at.digest);
  } else if (record.has_prepared()) {
    const auto at = FromProto(record.prepared()).value().at;
    keep(Kind::kCommit, at.view, at.height, at.digest);
  } else if (record.has_seal()) {
    keep(Kind::kSeal, View(), Height(record.seal().height()),
         Hash::FromBytes(record.seal().block_hash()).value());
  } else if (record.kind_case() == pb::VoteRecord::kViewChange) {
    keep(Kind::kViewChange, View(), Height(), crypto::Sha256(record.view_change()));
  } else if (record.kind_case() == pb::VoteRecord::kNewView) {
    keep(Kind::kNewView, View(), Height(), crypto::Sha256(record.new_view()));
    std::set<ValidatorIndex> wanting;
    const Decoded opening = DecodeMessage(record.new_view()).value();
    for (const Bytes& change : opening.view_changes) {
      wanting.insert(DecodeMessage(change).value().signer);
    }
    if (Knows(epoch) && wanting.size() < SetOf(epoch).quorum()) {
      Fail(fmt::format("node {} believes a new view of {} view changes", node, wanting.size()));
    }
  }
}

bool Checker::Holds(std::uint32_t node, const Promise& promise, const Hash& value) const {
  const auto log = durable_.find(node);
  return log != durable_.end() && log->second.contains({promise, value});
}

void Checker::Vote(std::uint32_t node, const Promise& promise, const Hash& value, bool promised) {
  const auto [kind, epoch, view, height] = promise;
  const std::string what = fmt::format("kind {} epoch {} view {} height {}", static_cast<int>(kind),
                                       epoch, view, height);
  const auto [it, added] = voted_.emplace(std::pair(node, promise), value);
  if (it->second != value) {
    Fail(fmt::format("node {} voted twice: {}", node, what));
  }
  if (!promised) Fail(fmt::format("node {} sent what is not durable: {}", node, what));
  highest_vote_[epoch] = std::max(highest_vote_[epoch], height);
  CheckBoundary(epoch);
  const bool of_view = kind == Kind::kOffer || kind == Kind::kPrepare || kind == Kind::kCommit;
  const auto left = left_view_.find(node);
  if (added && of_view && left != left_view_.end() && std::pair(epoch, view) < left->second) {
    Fail(fmt::format("node {} votes after it wanted view {} of epoch {}: {}", node,
                     left->second.second, left->second.first, what));
  }
}

// f liars alone move nobody: the first correct one to want a view leaves the one before it.
void Checker::Leave(std::uint32_t node, Epoch epoch, View view) {
  View& wanted = wanted_view_[epoch];
  if (view > wanted + 1) {
    Fail(fmt::format("node {} wants view {}, no correct one more than {}", node, view, wanted));
  }
  wanted = std::max(wanted, view);
  auto& left = left_view_[node];
  left = std::max(left, std::pair(epoch, view));
}

// Nobody votes above the last height of an epoch in that epoch.
void Checker::CheckBoundary(Epoch epoch) {
  const auto next = first_sealed_.find(epoch + 1);
  const auto highest = highest_vote_.find(epoch);
  if (next == first_sealed_.end() || highest == highest_vote_.end()) return;
  if (highest->second < next->second) return;
  Fail(
      fmt::format("a vote of epoch {} at height {}, which is of the next", epoch, highest->second));
}

void Checker::OnSent(std::uint32_t node, const Decoded& message, Height head) {
  if (!Honest(node) || forgot_.contains(node)) return;
  const auto vote = [&](Kind kind, const Position& at) {
    const Promise promise{kind, message.epoch, at.view, at.height};
    Vote(node, promise, at.digest, at.height <= head || Holds(node, promise, at.digest));
  };
  const auto whole = [&](Kind kind, View view) {
    const Hash value = crypto::Sha256(message.signed_bytes);
    Vote(node, {kind, message.epoch, view, Height()}, value,
         Holds(node, {kind, message.epoch, View(), Height()}, value));
  };
  if (const auto* offer = std::get_if<PrePrepare>(&message.content)) {
    vote(Kind::kOffer, offer->at);
  } else if (const auto* prepare = std::get_if<Prepare>(&message.content)) {
    vote(Kind::kPrepare, prepare->at);
  } else if (const auto* commit = std::get_if<Commit>(&message.content)) {
    vote(Kind::kCommit, commit->at);
  } else if (const auto* seal = std::get_if<SealVote>(&message.content)) {
    const Promise promise{Kind::kSeal, message.epoch, View(), seal->height};
    Vote(node, promise, seal->block_hash,
         seal->height <= head || Holds(node, promise, seal->block_hash));
    if (executed_.emplace(seal->height, seal->block_hash).first->second != seal->block_hash) {
      Fail(fmt::format("node {} executed another block at height {}", node, seal->height));
    }
  } else if (const auto* change = std::get_if<ViewChange>(&message.content)) {
    Leave(node, message.epoch, change->view);
    whole(Kind::kViewChange, change->view);
  } else if (const auto* opening = std::get_if<NewView>(&message.content)) {
    whole(Kind::kNewView, opening->view);
  }
}

void Checker::OnEvidence(const ChainId& chain, Epoch epoch, BytesView first, BytesView second,
                         const std::function<std::uint32_t(const crypto::Validator&)>& identity) {
  const auto facts = VerifyEvidence(chain, SetOf(epoch), first, second);
  if (!facts) return Fail("evidence that proves nothing: " + facts.error().ToString());
  const std::uint32_t culprit = identity(SetOf(epoch).at(facts->culprit));
  if (Honest(culprit) && !forgot_.contains(culprit)) {
    Fail(fmt::format("evidence against node {}, which is correct", culprit));
  }
}

void Checker::OnSealed(std::uint32_t node, const Block& block, Height last) {
  if (!Honest(node)) return;
  if (block.height != last + 1) {
    Fail(fmt::format("node {} seals height {} after {}", node, block.height, last));
  }
  if (sealed_.emplace(block.height, block).first->second.hash != block.hash) {
    Fail(fmt::format("node {} seals another block at height {}", node, block.height));
  }
  const auto executed = executed_.find(block.height);
  if (executed != executed_.end() && executed->second != block.hash) {
    Fail(fmt::format("node {} seals at height {} what no correct node executed", node,
                     block.height));
  }
  const auto [first, added] = first_sealed_.emplace(block.epoch, block.height);
  if (!added) first->second = std::min(first->second, block.height);
  if (block.epoch > Epoch(0)) CheckBoundary(Epoch(block.epoch.value - 1));
  const auto before = sealed_.find(Height(block.height.value - 1));
  if (before != sealed_.end() && before->second.time >= block.time) {
    Fail(fmt::format("time stands still between heights {} and {}", before->first, block.height));
  }
}

void Checker::OnCertificate(std::uint32_t node, const ChainId& chain, const Block& block,
                            const crypto::Certificate& certificate,
                            std::optional<ValidatorIndex> place) {
  if (!Honest(node)) return;
  const Status proven =
      crypto::VerifyCertificate(SetOf(block.epoch), chain, block.hash, certificate);
  if (!proven) {
    Fail(fmt::format("node {} seals height {} without proof: {}", node, block.height,
                     proven.error().ToString()));
  }
  // Also where it counts its own seal alone, it counts what is on disk.
  const Promise own{Kind::kSeal, block.epoch, View(), block.height};
  if (place && certificate.seals.contains(*place) && !voted_.contains({node, own}) &&
      !Holds(node, own, block.hash)) {
    Fail(fmt::format("node {} counts its seal of height {} before it is durable", node,
                     block.height));
  }
}

}  // namespace talent::sim
