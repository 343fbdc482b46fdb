#include "consensus/slot.h"

namespace talent::consensus {
namespace {

// The votes of `view`, as an iterator range.
auto Of(const Votes& votes, View view) {
  return std::pair(votes.lower_bound({view, ValidatorIndex(0)}),
                   votes.lower_bound({view + 1, ValidatorIndex(0)}));
}

void DropBelow(Votes& votes, View view) {
  votes.erase(votes.begin(), votes.lower_bound({view, ValidatorIndex(0)}));
}

}  // namespace

const Position& PositionOf(const VerifiedMessage& vote) {
  if (const auto* m = std::get_if<Prepare>(&vote.content())) return m->at;
  if (const auto* m = std::get_if<Commit>(&vote.content())) return m->at;
  return vote.As<PrePrepare>().at;
}

std::uint32_t Slot::Count(const Votes& votes, View view, const Hash& digest) {
  std::uint32_t count = 0;
  for (auto [it, end] = Of(votes, view); it != end; ++it) {
    count += PositionOf(*it->second).digest == digest ? 1 : 0;
  }
  return count;
}

SignatureMap Slot::Signatures(const Votes& votes, View view, const Hash& digest) {
  SignatureMap out;
  for (auto [it, end] = Of(votes, view); it != end; ++it) {
    if (PositionOf(*it->second).digest != digest) continue;
    out.emplace(it->first.second, it->second->signature());
  }
  return out;
}

SignatureMap Slot::SealsOf(const Hash& block_hash) const {
  SignatureMap out;
  for (const auto& [who, list] : seals) {
    for (const auto& [hash, signature] : list) {
      if (hash == block_hash) out.emplace(who, signature);
    }
  }
  return out;
}

const VerifiedMessage* Slot::OtherVote(const VerifiedMessage& vote) const {
  const Position& at = PositionOf(vote);
  const auto differs = [&](const MessagePtr& message) {
    return message->signer() == vote.signer() && PositionOf(*message).digest != at.digest;
  };
  const auto offer = offers.find(at.view);
  if (offer != offers.end() && differs(offer->second)) return offer->second.get();
  for (const Votes* votes : {&prepares, &commits}) {
    const auto it = votes->find({at.view, vote.signer()});
    if (it != votes->end() && differs(it->second)) return it->second.get();
  }
  return nullptr;
}

void Slot::EnterView(View view) {
  offers.erase(offers.begin(), offers.lower_bound(view));
  DropBelow(prepares, view);
  DropBelow(commits, view);
  own_offer = own_prepare = own_commit = nullptr;
}

bool Slot::IsOpen(View view) const {
  return offers.contains(view) || accepted || prepared || committed || executed || certified;
}

}  // namespace talent::consensus
