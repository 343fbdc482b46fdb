#include "model/book.h"

#include <fmt/format.h>

#include "consensus/new_view.h"
#include "consensus/slot.h"

namespace talent::model {

using namespace consensus;  // NOLINT: this file speaks its messages

namespace {

constexpr std::uint32_t kValidators = 8;  // more than any bound names

}  // namespace

Book::Book(std::vector<Term> epochs) : epochs_(std::move(epochs)) {
  chain_.data()[0] = 7;
  for (std::uint32_t i = 0; i < kValidators; ++i) {
    crypto::Seed seed;
    seed.data()[0] = static_cast<std::uint8_t>(i + 1);
    keys_.push_back(crypto::KeyPair::FromSeed(seed));
  }
  for (std::size_t e = 0; e < epochs_.size(); ++e) {
    std::vector<crypto::Validator> validators;
    for (const std::uint32_t i : epochs_[e].validators) {
      crypto::PublicKey node_key;
      node_key.data()[0] = static_cast<std::uint8_t>(i + 1);
      validators.push_back({fmt::format("node-{}", i), keys_[i].public_key(), node_key});
    }
    sets_.push_back(std::make_shared<const crypto::ValidatorSet>(
        crypto::ValidatorSet::Create(Epoch(e), std::move(validators)).value()));
  }
  Name(NullDigest(), "null");
}

std::optional<ValidatorIndex> Book::Place(Epoch epoch, std::uint32_t validator) const {
  const auto& members = epochs_[epoch.value].validators;
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    if (members[i] == validator) return ValidatorIndex(i);
  }
  return std::nullopt;
}

std::uint32_t Book::Who(Epoch epoch, ValidatorIndex place) const {
  return epochs_[epoch.value].validators[place.value];
}

std::string Book::Name(const Hash& hash) const {
  const auto it = names_.find(hash);
  return it != names_.end() ? it->second : hash.Hex().substr(0, 8);
}

std::string Book::Describe(const CertifiedHead& head) const {
  return head.height == Height(0) ? "nothing" : Name(head.block_hash);
}

std::string Book::Describe(const ViewChange& change) const {
  std::string out = "sealed " + Describe(change.sealed);
  for (const auto& prepared : change.prepared) {
    out += fmt::format(", prepared {} at height {} in view {}", Name(prepared.at.digest),
                       prepared.at.height, prepared.at.view);
  }
  return out;
}

std::optional<MessageId> Book::Say(Epoch epoch, std::uint32_t validator, Content content) {
  const auto place = Place(epoch, validator);
  if (!place) return std::nullopt;
  const auto message =
      VerifiedMessage::Sign(keys_[validator], chain_, epoch, *place, std::move(content));
  return Note(epoch, message->Wire());
}

std::optional<MessageId> Book::Note(Epoch epoch, const Bytes& bytes) {
  const auto known = by_bytes_.find(bytes);
  if (known != by_bytes_.end()) return known->second;
  auto& slot = by_bytes_[bytes];
  const auto verified = VerifyMessage(chain_, *set(epoch), bytes);
  if (!verified) {
    ++refused_;
    return std::nullopt;
  }
  const Content& content = (*verified)->content();
  Entry entry{.message = *verified,
              .kind = Kind::kOffer,
              .epoch = epoch,
              .signer = Who(epoch, (*verified)->signer()),
              .digest = {},
              .what = {}};
  std::string about;
  const auto vote = [&](Kind kind, std::string_view name, const Position& at) {
    entry.kind = kind;
    entry.view = at.view.value;
    entry.height = at.height.value;
    entry.digest = at.digest;
    about = fmt::format("{} {} at height {} in view {}", name, Name(at.digest), at.height, at.view);
  };
  if (const auto* offer = std::get_if<PrePrepare>(&content)) {
    vote(Kind::kOffer, "PRE-PREPARE", offer->at);
  } else if (const auto* prepare = std::get_if<Prepare>(&content)) {
    vote(Kind::kPrepare, "PREPARE", prepare->at);
  } else if (const auto* commit = std::get_if<Commit>(&content)) {
    vote(Kind::kCommit, "COMMIT", commit->at);
  } else if (const auto* seal = std::get_if<SealVote>(&content)) {
    entry.kind = Kind::kSeal;
    entry.height = seal->height.value;
    entry.digest = seal->block_hash;
    about = fmt::format("SEAL block {} at height {}", Name(seal->block_hash), seal->height);
  } else if (const auto* change = std::get_if<ViewChange>(&content)) {
    entry.kind = Kind::kViewChange;
    entry.view = change->view.value;
    about = fmt::format("VIEW-CHANGE to {} ({})", change->view, Describe(*change));
  } else if (const auto* opening = std::get_if<NewView>(&content)) {
    entry.kind = Kind::kNewView;
    entry.view = opening->view.value;
    const NewViewPlan plan = PlanNewView(opening->view_changes, epochs_[epoch.value].first);
    about = fmt::format("NEW-VIEW {} (stable {}", opening->view, Describe(plan.stable));
    for (const auto& [height, digest] : plan.digests) {
      about += fmt::format(", {} at height {}", Name(digest), height);
    }
    about += ")";
  } else if (const auto* reply = std::get_if<ProposalReply>(&content)) {
    entry.kind = Kind::kReply;
    about = fmt::format("PROPOSAL-REPLY {} at height {}", Name(reply->digest), reply->height);
  } else {
    return std::nullopt;
  }
  if (epoch != Epoch(0)) about += fmt::format(" of epoch {}", epoch);
  entry.what = fmt::format("{} of {}", about, entry.signer);
  const auto id = static_cast<MessageId>(entries_.size());
  const auto [same, added] = by_meaning_.emplace(entry.what, id);
  slot = same->second;
  if (!added) return slot;
  CHECK(id < kMaxMessages, "{} messages: a bound too large", id);
  const auto [votes, first] = class_ids_.emplace(about, static_cast<ClassId>(classes_.size()));
  if (first) classes_.emplace_back();
  entry.votes = votes->second;
  classes_[votes->second].push_back(id);
  entries_.push_back(std::move(entry));
  return id;
}

}  // namespace talent::model
