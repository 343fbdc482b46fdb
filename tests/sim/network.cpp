#include "sim/network.h"

namespace talent::sim {

bool Network::Connected(std::size_t a, std::size_t b) const {
  return a != b && endpoints_[a]->alive() && endpoints_[b]->alive() &&
         endpoints_[a]->identity() != endpoints_[b]->identity() && !down_.contains(Ordered(a, b));
}

void Network::Tell(std::size_t a, std::size_t b, bool up) {
  if (endpoints_[a]->alive()) endpoints_[a]->OnPeer(endpoints_[b]->identity(), up);
  if (endpoints_[b]->alive()) endpoints_[b]->OnPeer(endpoints_[a]->identity(), up);
}

void Network::Started(std::size_t endpoint) {
  for (std::size_t other = 0; other < endpoints_.size(); ++other) {
    if (Connected(endpoint, other)) Tell(endpoint, other, true);
  }
}

void Network::Died(std::size_t endpoint) {
  for (std::size_t other = 0; other < endpoints_.size(); ++other) {
    ++generation_[Ordered(endpoint, other)];
    if (endpoints_[other]->identity() != endpoints_[endpoint]->identity()) {
      if (endpoints_[other]->alive()) {
        endpoints_[other]->OnPeer(endpoints_[endpoint]->identity(), false);
      }
    }
  }
}

void Network::Disconnect(std::size_t a, std::size_t b) {
  if (!Connected(a, b)) return;
  down_.insert(Ordered(a, b));
  ++generation_[Ordered(a, b)];
  Tell(a, b, false);
}

void Network::Heal() {
  cut_.clear();
  const auto down = std::exchange(down_, {});
  for (const auto& [a, b] : down) {
    if (Connected(a, b)) Tell(a, b, true);
  }
}

bool Network::Send(std::size_t from, std::uint32_t to, const FramePtr& frame) {
  bool connected = false;
  for (std::size_t target = 0; target < endpoints_.size(); ++target) {
    if (endpoints_[target]->identity() != to || !Connected(from, target)) continue;
    connected = true;
    Rng& rng = world_.rng();
    int copies = 1;
    if (!calm_) {
      if (rng.Permille(config_.loss_permille)) continue;
      const bool once = frame->has_sync_request() || frame->has_sync_response();
      if (rng.Permille(config_.duplicate_permille) && !once) ++copies;
    }
    const std::uint64_t generation = generation_[Ordered(from, target)];
    for (int i = 0; i < copies; ++i) {
      const std::uint64_t delay = rng.Between(1, calm_ ? 5 : config_.delay_max_ms);
      world_.After(delay, [this, from, target, frame, generation] {
        Deliver(from, target, frame, generation);
      });
    }
  }
  return connected;
}

void Network::Deliver(std::size_t from, std::size_t target, const FramePtr& frame,
                      std::uint64_t generation) {
  if (cut_.contains({from, target}) || !endpoints_[target]->alive()) return;
  if (generation_[Ordered(from, target)] != generation) return;
  const std::uint64_t ready = endpoints_[target]->stalled_until();
  if (world_.now() < ready) {
    return world_.After(ready - world_.now(), [this, from, target, frame, generation] {
      Deliver(from, target, frame, generation);
    });
  }
  if (admits && !admits(from, target, *frame)) return;
  endpoints_[target]->Receive(endpoints_[from]->identity(), frame);
}

}  // namespace talent::sim
