#include "node/ops/http_limits.h"

#include <algorithm>

namespace talent::node {

namespace ip = boost::asio::ip;

std::string ClientKey(const ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ClientKey(ip::make_address_v4(ip::v4_mapped, v6));
  const auto bytes = v6.to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

std::optional<ip::address> ForwardedFor(std::string_view header) {
  if (const auto comma = header.rfind(','); comma != header.npos) header.remove_prefix(comma + 1);
  const auto first = header.find_first_not_of(" \t");
  if (first == header.npos) return std::nullopt;
  header = header.substr(first, header.find_last_not_of(" \t") + 1 - first);
  boost::system::error_code ec;
  const auto address = ip::make_address(header, ec);
  return ec ? std::nullopt : std::optional(address);
}

RateLimiter::Bucket& RateLimiter::Find(const std::string& client) {
  if (const auto found = young_.find(client); found != young_.end()) return found->second;
  if (young_.size() >= kMaxClients / 2) old_ = std::exchange(young_, {});
  Bucket bucket{1000ull * burst_, clock_.Now()};
  if (const auto found = old_.find(client); found != old_.end()) bucket = found->second;
  return young_.insert_or_assign(client, bucket).first->second;
}

std::optional<Millis> RateLimiter::Refuses(const std::string& client) {
  Bucket& bucket = Find(client);
  const Timestamp now = clock_.Now();
  const std::uint64_t most = 1000ull * burst_;
  if (now > bucket.filled) {
    // A thousandth a millisecond for each token a second; the time is bounded, so that the product
    // is.
    const std::uint64_t passed = std::min<std::uint64_t>(now - bucket.filled, most);
    bucket.thousandths = std::min(most, bucket.thousandths + passed * per_second_);
  }
  bucket.filled = now;  // also where the clock went back
  if (bucket.thousandths >= 1000) {
    bucket.thousandths -= 1000;
    return std::nullopt;
  }
  return Millis((1000 - bucket.thousandths + per_second_ - 1) / per_second_);
}

bool ConnectionCounts::TryAdd(const std::string& client) {
  std::size_t& open = open_[client];
  if (open >= most_) return false;  // it is above 0: the entry was there
  ++open;
  return true;
}

void ConnectionCounts::Remove(const std::string& client) {
  const auto found = open_.find(client);
  if (found != open_.end() && --found->second == 0) open_.erase(found);
}

}  // namespace talent::node
