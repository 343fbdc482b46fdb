#include "sim/world.h"

#include <functional>

namespace talent::sim {

Config::Config(std::uint64_t s) : seed(s) {
  Rng rng(s ^ 0x7a1e27);
  const std::uint64_t size = rng.Below(100);
  validators = size < 10 ? 1 : size < 15 ? 2 : size < 20 ? 3 : size < 92 ? 4 : 7;
  window = static_cast<std::uint32_t>(rng.Between(2, 6));
  transactions = rng.Between(8, validators == 7 ? 12 : 24);
  chaos_ms = rng.Between(1200, 4200);
  delay_max_ms = rng.Percent(50) ? rng.Between(2, 20) : rng.Between(20, 400);
  loss_permille = rng.Percent(50) ? rng.Between(10, 250) : 0;
  duplicate_permille = rng.Percent(30) ? rng.Between(10, 200) : 0;
  partitions = rng.Percent(40);
  crashes = rng.Percent(50);
  crash_inside_steps = rng.Percent(30);
  power_cut = rng.Percent(20);
  refuse_permille = rng.Percent(20) ? rng.Between(10, 200) : 0;
  disk_max_ms = rng.Percent(70) ? rng.Between(1, 5) : rng.Between(5, 200);
  execute_max_ms = rng.Percent(70) ? rng.Between(1, 5) : rng.Between(5, 100);
  if (validators >= 4) {
    const std::uint64_t kind = rng.Below(100);
    if (kind < 30) byzantine = 1;
    if (kind < 10 && validators == 7) byzantine = 2;
    wipes = kind >= 80;
  }
}

std::string Config::ToString() const {
  return fmt::format(
      "seed {} n {} W {} tx {} chaos {} ms, delay {} loss {} dup {} partitions {} crashes {}/{} "
      "power cut {} wipes {} refuse {} disk {} execute {} byzantine {}",
      seed, validators, window, transactions, chaos_ms, delay_max_ms, loss_permille,
      duplicate_permille, partitions, crashes, crash_inside_steps, power_cut, wipes,
      refuse_permille, disk_max_ms, execute_max_ms, byzantine);
}

World::World(const Config& config) : config_(config), rng_(config.seed) {
  chain_.data()[0] = 0x51;
  std::vector<crypto::Validator> validators;
  for (std::uint32_t i = 0; i < config.validators; ++i) {
    crypto::Seed seed;
    seed.data()[0] = static_cast<std::uint8_t>(i + 1);
    keys_.push_back(crypto::KeyPair::FromSeed(seed));
    crypto::PublicKey node_key;
    node_key.data()[0] = static_cast<std::uint8_t>(i + 1);
    validators.push_back({fmt::format("node-{}", i), keys_.back().public_key(), node_key});
  }
  validators_ = std::make_shared<const crypto::ValidatorSet>(
      crypto::ValidatorSet::Create(Epoch(0), std::move(validators)).value());
}

void World::After(std::uint64_t ms, std::function<void()> work) {
  queue_.push(Item{now_ + ms, sequence_++, std::move(work)});
}

bool World::RunOne() {
  if (queue_.empty()) return false;
  Item item = queue_.top();
  queue_.pop();
  now_ = item.time;
  item.work();
  return true;
}

void World::Transmit(std::uint32_t from, std::uint32_t to, std::shared_ptr<const Bytes> bytes) {
  int copies = 1;
  if (chaos_) {
    if (rng_.Permille(config_.loss_permille)) return;
    if (rng_.Permille(config_.duplicate_permille)) ++copies;
  }
  for (int i = 0; i < copies; ++i) {
    const std::uint64_t delay = rng_.Between(1, chaos_ ? config_.delay_max_ms : 5);
    After(delay, [this, from, to, bytes] {
      if (Connected(from, to)) receive(from, to, *bytes);
    });
  }
}

void World::EndChaos() {
  chaos_ = false;
  HealLinks();
}

Result<consensus::MessagePtr> World::Verify(const Bytes& bytes) {
  const auto known = verified_.find(bytes);
  if (known != verified_.end()) return known->second;
  return verified_.emplace(bytes, consensus::VerifyMessage(chain_, *validators_, bytes))
      .first->second;
}

}  // namespace talent::sim
