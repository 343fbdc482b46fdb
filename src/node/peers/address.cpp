#include "node/peers/address.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace talent::node {

std::string Address::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool Address::IsLoopback() const {
  boost::system::error_code ec;
  const auto ip = boost::asio::ip::make_address(host, ec);
  return ec ? host == "localhost" : ip.is_loopback();
}

Result<Address> ParseAddress(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return Fail(Code::kInvalidArgument, "'{}' is not an address; write host:port", text);
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Fail(Code::kInvalidArgument, "'{}': an IPv6 address needs brackets, as in [::1]:7001",
                text);
  }
  Address out{std::string(host), 0};
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), out.port);
  if (host.empty() || digits.empty() || error != std::errc() || end != digits.end()) {
    return Fail(Code::kInvalidArgument, "'{}' is not an address; the port must be 0 to 65535",
                text);
  }
  return out;
}

Result<Address> ParseListenAddress(std::string_view text) {
  Address out = TRY(ParseAddress(text));
  boost::system::error_code ec;
  boost::asio::ip::make_address(out.host, ec);
  if (ec) {
    return Fail(Code::kInvalidArgument, "'{}': to listen on, write an IP address, not a name",
                text);
  }
  return out;
}

}  // namespace talent::node
