// "host:port" as it stands in configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace talent::node {

struct Address {
  std::string host;  // name or IP address, without brackets
  std::uint16_t port = 0;

  /// "127.0.0.1:7001", "[::1]:7001".
  std::string ToString() const;
  bool IsLoopback() const;
};

/// Errors: kInvalidArgument (no port, a port over 65535, an IPv6 address without brackets).
Result<Address> ParseAddress(std::string_view text);

/// As ParseAddress, for listening on: the host must be an IP address. Port 0 picks a free one.
Result<Address> ParseListenAddress(std::string_view text);

}  // namespace talent::node
