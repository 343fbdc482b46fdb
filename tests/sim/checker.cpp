#include "sim/checker.h"

#include "base/canonical.h"
#include "crypto/sha256.h"

namespace talent::sim {

using namespace consensus;  // NOLINT: this file is about its messages

void Checker::Fail(std::string what) {
  if (failures_.size() < 5) failures_.push_back(std::move(what));
}

void Checker::OnDurable(std::uint32_t node, BytesView bytes) {
  if (!Honest(node)) return;
  const auto record = Decode<pb::VoteRecord>(bytes).value();
  const auto keep = [&](Kind kind, std::uint64_t view, std::uint64_t height, const Hash& value) {
    durable_.emplace(Promise(node, kind, view, height), value);
  };
  if (record.has_accepted()) {
    const auto at = FromProto(record.accepted()).value();
    keep(Kind::kPrepare, at.view.value, at.height.value, at.digest);
    keep(Kind::kOffer, at.view.value, at.height.value, at.digest);
  } else if (record.has_prepared()) {
    const auto at = FromProto(record.prepared()).value().at;
    keep(Kind::kCommit, at.view.value, at.height.value, at.digest);
  } else if (record.has_seal()) {
    keep(Kind::kSeal, 0, record.seal().height(),
         Hash::FromBytes(record.seal().block_hash()).value());
  } else if (record.kind_case() == pb::VoteRecord::kViewChange) {
    keep(Kind::kViewChange, 0, 0, crypto::Sha256(record.view_change()));
  } else if (record.kind_case() == pb::VoteRecord::kNewView) {
    keep(Kind::kNewView, 0, 0, crypto::Sha256(record.new_view()));
  }
}

void Checker::Vote(const Promise& promise, const Hash& value, bool promised) {
  const auto [node, kind, view, height] = promise;
  const auto [it, added] = voted_.emplace(promise, value);
  if (it->second != value) {
    Fail(fmt::format("node {} voted twice: kind {} view {} height {}", node, static_cast<int>(kind),
                     view, height));
  }
  if (!promised) {
    Fail(fmt::format("node {} sent what is not durable: kind {} view {} height {}", node,
                     static_cast<int>(kind), view, height));
  }
  const bool of_view = kind == Kind::kOffer || kind == Kind::kPrepare || kind == Kind::kCommit;
  if (added && of_view && view < left_view_[node]) {
    Fail(fmt::format("node {} voted in view {} at height {} after it wanted view {}", node, view,
                     height, left_view_[node]));
  }
}

void Checker::OnSent(std::uint32_t node, const Decoded& message, Height head) {
  if (!Honest(node) || message.signer.value != node) return;
  const auto vote = [&](Kind kind, const Position& at) {
    const Promise promise(node, kind, at.view.value, at.height.value);
    Vote(promise, at.digest, at.height <= head || durable_.contains({promise, at.digest}));
  };
  const auto whole = [&](Kind kind, View view) {
    const Hash value = crypto::Sha256(message.signed_bytes);
    Vote({node, kind, view.value, 0}, value, durable_.contains({{node, kind, 0, 0}, value}));
  };
  if (const auto* offer = std::get_if<PrePrepare>(&message.content)) {
    vote(Kind::kOffer, offer->at);
  } else if (const auto* prepare = std::get_if<Prepare>(&message.content)) {
    vote(Kind::kPrepare, prepare->at);
  } else if (const auto* commit = std::get_if<Commit>(&message.content)) {
    vote(Kind::kCommit, commit->at);
  } else if (const auto* seal = std::get_if<SealVote>(&message.content)) {
    const Promise promise(node, Kind::kSeal, 0, seal->height.value);
    Vote(promise, seal->block_hash,
         seal->height <= head || durable_.contains({promise, seal->block_hash}));
    if (executed_.emplace(seal->height, seal->block_hash).first->second != seal->block_hash) {
      Fail(fmt::format("node {} executed another block at height {}", node, seal->height));
    }
  } else if (const auto* change = std::get_if<ViewChange>(&message.content)) {
    whole(Kind::kViewChange, change->view);
    left_view_[node] = std::max(left_view_[node], change->view.value);
  } else if (const auto* opening = std::get_if<NewView>(&message.content)) {
    whole(Kind::kNewView, opening->view);
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
  const auto before = sealed_.find(Height(block.height.value - 1));
  if (before != sealed_.end() && before->second.time >= block.time) {
    Fail(fmt::format("time stands still between heights {} and {}", before->first, block.height));
  }
}

}  // namespace talent::sim
