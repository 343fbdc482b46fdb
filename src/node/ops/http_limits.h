// How much of an HTTP server one address may have.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/env.h"

namespace talent::node {

/// What the bounds count by: an IPv4 address, or of an IPv6 one the first 64 bits, which one
/// subscriber has to itself.
std::string ClientKey(const boost::asio::ip::address& address);

/// The address that the nearest proxy put into "X-Forwarded-For": the last one, since what stands
/// before it a client can make up. nullopt: none.
std::optional<boost::asio::ip::address> ForwardedFor(std::string_view header);

/// A token bucket for each client. Not thread-safe. Bounded: of more clients than it has room for
/// those not seen for longest begin anew.
class RateLimiter {
 public:
  static constexpr std::size_t kMaxClients = 1u << 16;  // 10 MB

  /// `per_second` requests in the long run and `burst` at once. `clock` must outlive it.
  RateLimiter(std::uint32_t per_second, std::uint32_t burst, const Clock& clock)
      : per_second_(per_second), burst_(burst), clock_(clock) {}

  /// Takes one request's token. Else how long it takes until there is one again.
  std::optional<Millis> Refuses(const std::string& client);

 private:
  struct Bucket {
    std::uint64_t thousandths = 0;  // of a token
    Timestamp filled;
  };
  Bucket& Find(const std::string& client);

  const std::uint32_t per_second_, burst_;
  const Clock& clock_;
  // Never iterated. Once the young are half of the bound they are the old ones.
  std::unordered_map<std::string, Bucket> young_, old_;
};

/// How many connections each client has. Not thread-safe.
class ConnectionCounts {
 public:
  explicit ConnectionCounts(std::size_t most) : most_(most) {}
  /// False: it has as many as it may.
  bool TryAdd(const std::string& client);
  void Remove(const std::string& client);

 private:
  const std::size_t most_;
  std::unordered_map<std::string, std::size_t> open_;
};

}  // namespace talent::node
