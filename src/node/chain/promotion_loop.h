// Drives one promoter: wakes it when either chain seals, and submits what it makes.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <mutex>

#include "node/chain/chain_runner.h"
#include "tiers/promoter.h"

namespace talent::node {

/// Held by shared_ptr: by the node, and by work under way, which ends soon after Stop.
class PromotionLoop final : public std::enable_shared_from_this<PromotionLoop> {
 public:
  /// `source`, `target` and `clock` must outlive the loop's work: stop it first.
  PromotionLoop(const boost::asio::any_io_executor& executor,
                std::unique_ptr<tiers::Promoter> promoter, ChainRunner& source, ChainRunner& target,
                const Clock& clock);

  void Start();
  void Stop();  // idempotent

  tiers::Promoter::Stats stats() const;
  const std::string& from() const { return source_.chain().genesis().name(); }
  const std::string& to() const { return target_.chain().genesis().name(); }

 private:
  using Strand = boost::asio::strand<boost::asio::any_io_executor>;
  using Timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Strand>;

  void Wake();
  void Step();
  void ArmTimer();

  const std::unique_ptr<tiers::Promoter> promoter_;
  ChainRunner& source_;
  ChainRunner& target_;
  const Clock& clock_;
  Strand strand_;
  Timer timer_;
  std::string said_;  // the error of the last step, on the strand
  std::atomic<bool> woken_{false};
  std::atomic<bool> stopped_{false};
  std::vector<std::shared_ptr<void>> listening_;

  mutable std::mutex mutex_;  // guards stats_
  tiers::Promoter::Stats stats_;
};

}  // namespace talent::node
