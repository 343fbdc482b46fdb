#include "node/chain/verify_pool.h"

#include <boost/asio/post.hpp>

namespace talent::node {

VerifyPool::VerifyPool(std::size_t threads, std::size_t max_waiting)
    : max_waiting_(max_waiting), pool_(threads) {}

VerifyPool::~VerifyPool() { pool_.join(); }

bool VerifyPool::Reserve(std::size_t room) {
  if (waiting_.fetch_add(1) < room) return true;
  --waiting_;
  ++refused_;
  return false;
}

void VerifyPool::PostReserved(std::function<void()> job) {
  boost::asio::post(pool_, [this, job = std::move(job)]() mutable {
    job();
    job = nullptr;  // what it holds goes before it counts as done
    ++done_;
    --waiting_;
  });
}

}  // namespace talent::node
