// The network between the nodes of a soak: every link runs through a TCP proxy that can be made to
// fail.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace talent::soak {

/// One listener for each ordered pair of nodes, since either may dial the other; faults name the
/// pair and hold for both listeners. A thread of its own. Thread-safe.
class LinkProxies {
 public:
  explicit LinkProxies(std::uint64_t seed);
  ~LinkProxies();
  LinkProxies(const LinkProxies&) = delete;
  LinkProxies& operator=(const LinkProxies&) = delete;

  /// The port on which `from` reaches `to`, which listens on `target`. Errors: kIo.
  Result<std::uint16_t> Add(const std::string& from, const std::string& to, std::uint16_t target);

  /// Ends every connection between the two and every new one at once.
  void Cut(const std::string& a, const std::string& b);
  /// What `from` sends stays on the way until the link is healed; the other direction goes on.
  void BlackHole(const std::string& from, const std::string& to);
  /// Each piece that passes takes `delay`, and up to half of it more.
  void Delay(const std::string& a, const std::string& b, std::chrono::milliseconds delay);
  /// Lets `bytes` more pass from `from`, then ends the connection in the middle of what follows.
  void CloseAfter(const std::string& from, const std::string& to, std::size_t bytes);
  /// All links as new; connections that are not cut stay.
  void Heal();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace talent::soak
