// Links between replicas: connections that come and go, and frames that are late, lost or doubled.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "node/peers/p2p.h"
#include "sim/config.h"
#include "sim/world.h"

namespace talent::sim {

using FramePtr = std::shared_ptr<const node::v1::Frame>;

/// A replica; two of them may have one identity (twins).
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual std::uint32_t identity() const = 0;
  virtual bool alive() const = 0;
  /// It reads nothing before then.
  virtual std::uint64_t stalled_until() const = 0;
  virtual void Receive(std::uint32_t from, const FramePtr& frame) = 0;
  virtual void OnPeer(std::uint32_t peer, bool up) = 0;
};

/// Unlike TCP it reorders and loses within a connection, which is worse than real. Requests and
/// answers of block sync alone are never doubled: no connection does that.
class Network {
 public:
  Network(World& world, const Config& config) : world_(world), config_(config) {}

  void Add(Endpoint* endpoint) { endpoints_.push_back(endpoint); }
  /// Index of an endpoint, which is not its identity where there are twins.
  void Started(std::size_t endpoint);
  void Died(std::size_t endpoint);

  /// False: nobody of that identity is connected.
  bool Send(std::size_t from, std::uint32_t to, const FramePtr& frame);

  bool Connected(std::size_t a, std::size_t b) const;
  /// Nothing arrives this way until healed.
  void Cut(std::size_t from, std::size_t to) { cut_.emplace(from, to); }
  /// The connection ends, and both know.
  void Disconnect(std::size_t a, std::size_t b);
  void Heal();
  /// No more loss, doubling or long delay.
  void Calm() { calm_ = true; }
  /// Where set, and false: this frame does not arrive.
  std::function<bool(std::size_t from, std::size_t to, const node::v1::Frame&)> admits;

 private:
  using Pair = std::pair<std::size_t, std::size_t>;
  static Pair Ordered(std::size_t a, std::size_t b) { return {std::min(a, b), std::max(a, b)}; }
  void Tell(std::size_t a, std::size_t b, bool up);
  void Deliver(std::size_t from, std::size_t target, const FramePtr& frame,
               std::uint64_t generation);

  World& world_;
  const Config& config_;
  std::vector<Endpoint*> endpoints_;
  std::set<Pair> cut_;
  std::set<Pair> down_;
  std::map<Pair, std::uint64_t> generation_;  // frames of an earlier connection are lost
  bool calm_ = false;
};

}  // namespace talent::sim
