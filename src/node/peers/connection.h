// One TLS connection to one peer: handshake, frames in, frames out, and the clock on all of it.
//
// PeerNetwork (p2p.cpp) decides which connections to make and keep; this does one's input and
// output.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "node/peers/p2p.h"
#include "node/peers/wire.h"

namespace talent::node {

using NetworkStrand = boost::asio::strand<boost::asio::io_context::executor_type>;

/// What belongs to a peer rather than to one connection: a connection that replaces another goes on
/// with the same queue and counters. Shared by the network and the peer's connections; thread-safe.
struct PeerTraffic {
  explicit PeerTraffic(std::size_t max_queued_bytes) : queue(max_queued_bytes) {}
  SendQueue queue;
  std::atomic<std::uint64_t> frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0,
                             dropped = 0;
};

/// Confined to the network's strand, but for Wake. Its coroutines (the members that return
/// awaitables) must be awaited by something that holds the connection; Close ends them all.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Timing = PeerNetwork::Timing;

  /// A connection not made yet (outgoing) or just accepted (incoming).
  Connection(const NetworkStrand& strand, boost::asio::ssl::context& tls, const Timing& timing);
  Connection(const NetworkStrand& strand, boost::asio::ip::tcp::socket accepted,
             boost::asio::ssl::context& tls, const Timing& timing);

  bool outgoing() const { return outgoing_; }
  /// The peer's key, once Handshake has succeeded.
  const NodeKey& key() const { return key_; }
  /// Peer's end of the socket, "127.0.0.1:50123".
  const std::string& remote() const { return remote_; }
  /// The same without its port.
  BytesView host() const { return BytesView(remote_).substr(0, remote_.rfind(':')); }
  /// Hello has succeeded once.
  bool established() const { return established_; }

  /// Connects to the first of `endpoints` that answers. Starts the handshake's clock: connecting,
  /// Handshake and Hello together get Timing::handshake.
  boost::asio::awaitable<Status> Connect(boost::asio::ip::tcp::resolver::results_type endpoints);
  /// TLS with a peer whose key `accept` says yes to. Errors: kUnauthorized, kUnavailable.
  boost::asio::awaitable<Status> Handshake(std::function<bool(const NodeKey&)> accept);
  /// Says that we keep this connection and waits for the peer to say so. In TLS 1.3 a client is
  /// through the handshake before the server has looked at its key: only this tells it.
  boost::asio::awaitable<Status> Hello();

  /// Hands over frames until the connection ends or `on_frame` refuses one. Returns why it ended.
  boost::asio::awaitable<Error> ReadLoop(std::shared_ptr<PeerTraffic> traffic,
                                         std::function<bool(v1::Frame&&)> on_frame);
  /// Writes what is queued, and a keepalive where nothing was for Timing::keepalive.
  boost::asio::awaitable<void> WriteLoop(std::shared_ptr<PeerTraffic> traffic);
  /// Closes the connection when its peer falls silent, does not read, or `authorised` says no.
  boost::asio::awaitable<void> WatchLoop(std::function<bool()> authorised);

  /// Makes WriteLoop look at the queue. Thread-safe.
  void Wake();
  /// Writes no more, but goes on reading for a moment what is in flight, then closes: another
  /// connection has taken over.
  void Retire();
  /// Ends every coroutine of this connection. The first reason given is kept.
  void Close(Error reason);

 private:
  using Clock = std::chrono::steady_clock;

  void StartHandshakeClock();
  boost::asio::awaitable<boost::system::error_code> WriteAll(BytesView bytes);
  Error Ended(std::string_view doing, const boost::system::error_code& ec) const;

  NetworkStrand strand_;
  const Timing timing_;
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
  boost::asio::steady_timer watch_, wake_;
  const bool outgoing_;
  std::string remote_;
  NodeKey key_;
  bool key_accepted_ = false;
  bool established_ = false, retired_ = false, closed_ = false, writing_ = false;
  Error close_reason_;
  Clock::time_point last_received_, last_written_, retired_at_;
};

}  // namespace talent::node
