#include "node/chain/members.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "ledger/epochs.h"
#include "tiers/governance.h"

namespace talent::node {
namespace {

using Keys = std::set<NodeKey>;

void AddNodes(const crypto::ValidatorSet& from, Keys& to) {
  for (const crypto::Validator& v : from.validators()) to.insert(v.node_key);
}

Result<Keys> ReadValidators(const ledger::StateReader& state) {
  const auto epoch = TRY(ledger::ReadEpoch(state));
  Keys out;
  AddNodes(epoch.validators, out);
  if (epoch.end) AddNodes(epoch.end->next, out);
  return out;
}

}  // namespace

Members::Members(const ledger::Chain& chain) : chain_(chain) { Refresh(); }

Result<Members::Followers> Members::ReadFollowers(const ledger::StateReader& state,
                                                  bool governed) const {
  Followers out;
  if (governed) {
    for (const auto& [name, node] : tiers::ReadFollowers(state)) {
      out.emplace(node.node_key, node.party);
    }
    return out;
  }
  // Nobody has decided who else follows: those of the genesis, and who was a validator.
  for (const auto& follower : chain_.genesis().followers()) {
    out.emplace(follower.node_key, follower.party);
  }
  Keys former;
  const Epoch now = chain_.epoch()->number();
  for (Epoch ended(0); ended < now; ++ended) {
    AddNodes(TRY(ledger::ReadEndedEpoch(state, ended)).validators, former);
  }
  for (const NodeKey& key : former) out.try_emplace(key);
  return out;
}

void Members::CannotRead(const Error& error) const {
  spdlog::error("chain {}: who its members are cannot be read: {}", chain_.genesis().name(),
                error.ToString());
}

void Members::Refresh() {
  const auto state = chain_.SealedState();
  const Bytes epoch = state->Get(ledger::kCurrentEpochKey).value_or(Bytes());
  const Bytes changed =
      state->Get(tiers::kMembersChanged.Key(tiers::kMembersChangedKey)).value_or(Bytes());
  if (const Status read = state->status(); !read) return CannotRead(read.error());
  {
    const std::lock_guard lock(mutex_);
    if (epoch == epoch_ && changed == changed_) return;
  }
  auto validators = ReadValidators(*state);
  auto followers = ReadFollowers(*state, !changed.empty());
  const Status read = state->status();
  if (!validators || !followers || !read) {
    return CannotRead(!validators  ? validators.error()
                      : !followers ? followers.error()
                                   : read.error());
  }
  const std::lock_guard lock(mutex_);
  epoch_ = epoch;
  changed_ = changed;
  validators_ = *std::move(validators);
  followers_ = *std::move(followers);
}

bool Members::Contains(const NodeKey& key) const {
  const std::lock_guard lock(mutex_);
  return validators_.contains(key) || followers_.contains(key);
}

std::optional<std::string> Members::RunnerOf(const NodeKey& key) const {
  const std::lock_guard lock(mutex_);
  if (validators_.contains(key)) return std::nullopt;
  const auto follower = followers_.find(key);
  return follower == followers_.end() ? std::string() : follower->second;
}

std::size_t Members::size() const {
  const std::lock_guard lock(mutex_);
  const auto both = std::ranges::count_if(
      followers_, [this](const auto& follower) { return validators_.contains(follower.first); });
  return validators_.size() + followers_.size() - static_cast<std::size_t>(both);
}

std::vector<NodeKey> Members::validators() const {
  const std::lock_guard lock(mutex_);
  return {validators_.begin(), validators_.end()};
}

}  // namespace talent::node
