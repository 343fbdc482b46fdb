#include "node/chain/promotion_loop.h"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>

namespace talent::node {
namespace {

// Seals wake the loop; the timer is for what time alone brings: backing up, offering again.
constexpr std::chrono::milliseconds kInterval{500};

}  // namespace

PromotionLoop::PromotionLoop(const boost::asio::any_io_executor& executor,
                             std::unique_ptr<tiers::Promoter> promoter, ChainRunner& source,
                             ChainRunner& target, const Clock& clock)
    : promoter_(std::move(promoter)),
      source_(source),
      target_(target),
      clock_(clock),
      strand_(boost::asio::make_strand(executor)),
      timer_(strand_) {}

void PromotionLoop::Start() {
  for (ChainRunner* const chain : {&source_, &target_}) {
    listening_.push_back(chain->OnChange([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Wake();
    }));
  }
  boost::asio::post(strand_, [self = shared_from_this()] { self->ArmTimer(); });
  Wake();
}

void PromotionLoop::Stop() {
  stopped_ = true;
  listening_.clear();
  boost::asio::post(strand_, [self = shared_from_this()] { self->timer_.cancel(); });
}

void PromotionLoop::ArmTimer() {
  if (stopped_) return;
  timer_.expires_after(kInterval);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error) return;
    self->Wake();
    self->ArmTimer();
  });
}

void PromotionLoop::Wake() {
  if (stopped_ || woken_.exchange(true)) return;
  boost::asio::post(strand_, [self = shared_from_this()] {
    self->woken_ = false;
    if (!self->stopped_) self->Step();
  });
}

void PromotionLoop::Step() {
  auto transactions = promoter_->Step(clock_.Now());
  if (!transactions) {
    // Tried again for ever, and said once: a halted chain's disk is the last that should fill.
    const std::string error = transactions.error().ToString();
    if (error != said_) spdlog::error("promotion {} to {}: {}", from(), to(), error);
    said_ = error;
    return;
  }
  said_.clear();
  for (const ledger::Transaction& tx : *transactions) {
    target_.Submit(ledger::Serialize(tx),
                   [self = shared_from_this(), kind = tx.kind](const Result<Admitted>& submitted) {
                     // A duplicate is another promoter's success; what is refused otherwise is
                     // offered again.
                     if (!submitted && submitted.error().code != Code::kDuplicate) {
                       spdlog::debug("promotion {} to {}: {} refused: {}", self->from(), self->to(),
                                     kind, submitted.error().ToString());
                     }
                   });
  }
  tiers::Promoter::Stats stats = promoter_->stats();
  const std::lock_guard lock(mutex_);
  if (stats.skipped != stats_.skipped) {
    spdlog::warn(
        "promotion {} to {}: {} blocks up to height {} are not here; nothing of theirs is promoted "
        "by this node",
        from(), to(), stats.skipped - stats_.skipped, stats.scanned);
  }
  if (stats.last_dropped != stats_.last_dropped) {
    spdlog::warn("promotion {} to {}: {} records so far were dropped, the last of them {}", from(),
                 to(), stats.dropped, stats.last_dropped);
  }
  source_.SetOutbox(stats_.waiting, stats.waiting);
  stats_ = std::move(stats);
}

tiers::Promoter::Stats PromotionLoop::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace talent::node
