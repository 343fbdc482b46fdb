#include "node/chain/asio_host.h"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <cstdlib>

#include "node/ops/metrics.h"

namespace talent::node {
namespace {

using Strand = boost::asio::strand<boost::asio::any_io_executor>;

class AsioTimer final : public ChainHost::Timer {
 public:
  explicit AsioTimer(const Strand& strand) : timer_(strand) {}

  void Set(Millis delay, std::function<void()> work) override {
    timer_.expires_after(std::chrono::milliseconds(delay.value));
    timer_.async_wait([work = std::move(work)](const boost::system::error_code& error) {
      if (!error) work();
    });
  }
  void Cancel() override { timer_.cancel(); }

 private:
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>, Strand>
      timer_;
};

class AsioHost final : public ChainHost {
 public:
  explicit AsioHost(AsioHostParts parts)
      : parts_(std::move(parts)), strand_(boost::asio::make_strand(parts_.executor)) {}

  void Post(std::function<void()> work) override { boost::asio::post(strand_, std::move(work)); }
  std::unique_ptr<Timer> MakeTimer() override { return std::make_unique<AsioTimer>(strand_); }
  bool TryVerify(std::function<void()> job) override {
    return parts_.verify->TryPost(std::move(job));
  }
  bool TryVerifyBulk(std::function<void()> job) override {
    return parts_.verify->TryPostBulk(std::move(job));
  }
  void Store(std::function<void()> job) override {
    if (parts_.metrics == nullptr) return parts_.storage->Post(std::move(job));
    // The node's metrics outlive its storage thread.
    parts_.storage->Post([metrics = parts_.metrics, job = std::move(job)] {
      const auto begun = std::chrono::steady_clock::now();
      job();
      metrics->Synced(std::chrono::steady_clock::now() - begun);
    });
  }
  Timestamp Now() const override { return parts_.clock->Now(); }
  Timestamp Steady() const override {
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    return Timestamp(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since_boot).count()));
  }
  bool Send(const NodeKey& to, const v1::Frame& frame) override { return parts_.send(to, frame); }
  void SendToAll(const std::vector<NodeKey>& to, const v1::Frame& frame) override {
    parts_.send_to_all(to, frame);
  }
  void BlockSealed(std::span<const ledger::pb::ReceiptCode> receipts) override {
    if (parts_.metrics != nullptr) parts_.metrics->BlockSealed(parts_.chain, receipts);
  }
  void VotesLost(const Error& error) override {
    spdlog::critical("chain {}: vote log: {}; stopping the process", parts_.chain,
                     error.ToString());
    spdlog::shutdown();
    std::_Exit(2);  // no image of the memory, in which the keys lie, is left behind
  }

 private:
  const AsioHostParts parts_;
  Strand strand_;
};

}  // namespace

std::unique_ptr<ChainHost> MakeAsioHost(AsioHostParts parts) {
  return std::make_unique<AsioHost>(std::move(parts));
}

}  // namespace talent::node
