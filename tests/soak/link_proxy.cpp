#include "soak/link_proxy.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace talent::soak {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds kStallPoll{20};
constexpr std::size_t kPieceBytes = 64 << 10;

/// What happens to bytes of one direction.
struct Direction {
  bool stalled = false;
  milliseconds delay{0};
  std::optional<std::size_t> close_after;
};

struct Pipe {
  tcp::socket near, far;

  void Close() {
    boost::system::error_code ignored;
    near.close(ignored);
    far.close(ignored);
  }
};

struct Link {
  std::string from, to;
  tcp::endpoint target;
  tcp::acceptor acceptor;
  bool cut = false;
  Direction there, back;  // of the bytes of `from`, of `to`
  std::set<std::shared_ptr<Pipe>> pipes;

  bool Joins(const std::string& a, const std::string& b) const {
    return (from == a && to == b) || (from == b && to == a);
  }
  Direction& Of(const std::string& sender) { return sender == from ? there : back; }
};

}  // namespace

// Everything but `passed` is touched by the thread alone.
struct LinkProxies::Impl {
  explicit Impl(std::uint64_t seed) : jitter(seed) {}

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::vector<std::shared_ptr<Link>> links;
  std::mt19937_64 jitter;
  std::thread thread;

  asio::awaitable<void> Accept(std::shared_ptr<Link> link) {
    while (true) {
      auto [error, socket] = co_await link->acceptor.async_accept(kTuple);
      if (error) co_return;
      if (link->cut) continue;  // closed as it goes out of scope
      asio::co_spawn(io, Join(link, std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> Join(std::shared_ptr<Link> link, tcp::socket near) {
    auto pipe = std::make_shared<Pipe>(Pipe{std::move(near), tcp::socket(io)});
    const auto [error] = co_await pipe->far.async_connect(link->target, kTuple);
    if (error || link->cut) co_return;
    link->pipes.insert(pipe);
    asio::co_spawn(io, Pump(link, pipe, pipe->near, pipe->far, link->there), asio::detached);
    asio::co_spawn(io, Pump(link, pipe, pipe->far, pipe->near, link->back), asio::detached);
  }

  asio::awaitable<void> Pump(std::shared_ptr<Link> link, std::shared_ptr<Pipe> pipe,
                             tcp::socket& in, tcp::socket& out, Direction& direction) {
    std::vector<char> piece(kPieceBytes);
    asio::steady_timer timer(io);
    while (true) {
      auto [read_error, n] = co_await in.async_read_some(asio::buffer(piece), kTuple);
      if (read_error) break;
      if (direction.delay.count() > 0) {
        timer.expires_after(direction.delay +
                            milliseconds(jitter() % (direction.delay.count() / 2 + 1)));
        co_await timer.async_wait(kTuple);
      }
      while (direction.stalled && out.is_open()) {
        timer.expires_after(kStallPoll);
        co_await timer.async_wait(kTuple);
      }
      const bool last = direction.close_after && *direction.close_after <= n;
      if (last) n = *direction.close_after;
      const auto write_error =
          std::get<0>(co_await asio::async_write(out, asio::buffer(piece.data(), n), kTuple));
      if (direction.close_after) *direction.close_after -= n;
      if (last) direction.close_after.reset();
      if (write_error || last) break;
    }
    pipe->Close();
    link->pipes.erase(pipe);
  }

  /// Runs `change` on the thread, for every link, and waits.
  template <class Change>
  void OnLinks(Change change) {
    std::promise<void> done;
    asio::post(io, [&] {
      for (const auto& link : links) change(*link);
      done.set_value();
    });
    done.get_future().wait();
  }
};

LinkProxies::LinkProxies(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {
  impl_->thread = std::thread([this] { impl_->io.run(); });
}

LinkProxies::~LinkProxies() {
  impl_->io.stop();
  impl_->thread.join();
}

Result<std::uint16_t> LinkProxies::Add(const std::string& from, const std::string& to,
                                       std::uint16_t target) {
  const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
  std::promise<Result<std::uint16_t>> done;
  asio::post(impl_->io, [&] {
    try {
      auto link = std::make_shared<Link>(Link{from,
                                              to,
                                              {asio::ip::address_v4::loopback(), target},
                                              {impl_->io, any},
                                              false,
                                              {},
                                              {},
                                              {}});
      const std::uint16_t port = link->acceptor.local_endpoint().port();
      impl_->links.push_back(link);
      asio::co_spawn(impl_->io, impl_->Accept(std::move(link)), asio::detached);
      done.set_value(port);
    } catch (const std::exception& e) {
      done.set_value(Fail(Code::kIo, "no proxy from {} to {}: {}", from, to, e.what()));
    }
  });
  return done.get_future().get();
}

void LinkProxies::Cut(const std::string& a, const std::string& b) {
  impl_->OnLinks([&](Link& link) {
    if (!link.Joins(a, b)) return;
    link.cut = true;
    for (const auto& pipe : link.pipes) pipe->Close();
  });
}

void LinkProxies::BlackHole(const std::string& from, const std::string& to) {
  impl_->OnLinks([&](Link& link) {
    if (link.Joins(from, to)) link.Of(from).stalled = true;
  });
}

void LinkProxies::Delay(const std::string& a, const std::string& b, milliseconds delay) {
  impl_->OnLinks([&](Link& link) {
    if (link.Joins(a, b)) link.there.delay = link.back.delay = delay;
  });
}

void LinkProxies::CloseAfter(const std::string& from, const std::string& to, std::size_t bytes) {
  impl_->OnLinks([&](Link& link) {
    if (link.Joins(from, to)) link.Of(from).close_after = bytes;
  });
}

void LinkProxies::Heal() {
  impl_->OnLinks([](Link& link) {
    link.cut = false;
    link.there = link.back = {};
  });
}

}  // namespace talent::soak
