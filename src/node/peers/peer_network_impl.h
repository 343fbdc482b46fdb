// The inside of PeerNetwork: who is connected, who is to be dialled, which connection is kept.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <span>

#include "node/peers/address.h"
#include "node/peers/connection.h"
#include "node/peers/p2p.h"
#include "node/peers/tls_identity.h"

namespace talent::node {

/// Lives as long as the network or any of its coroutines. All but the members said to be
/// thread-safe run on the strand.
struct PeerNetwork::Impl : std::enable_shared_from_this<PeerNetwork::Impl> {
 public:
  Impl(boost::asio::io_context& io, const NodeKey& self, boost::asio::ssl::context tls,
       Options options);

  /// Both before anything else.
  Status Listen();
  Status StartCoroutines();

  // Thread-safe.
  std::string listen_address() const { return listen_address_; }
  void SetLearned(std::map<NodeKey, std::string> addresses);
  std::size_t Queue(std::span<const NodeKey> to, const v1::Frame& frame);
  std::vector<PeerInfo> Peers() const;
  Totals GetTotals() const;
  void Stop();

 private:
  using ConnectionPtr = std::shared_ptr<Connection>;

  /// One line of Options::dial, or a learned peer. `key` is the pinned one, or the one met first at
  /// that address.
  struct Dial {
    Address address;
    std::optional<NodeKey> key;
    boost::asio::ip::tcp::resolver resolver;
    boost::asio::steady_timer timer;
    bool learned = false;
    bool dropped = false;  // its loop ends, and takes it away
  };
  /// A connected peer.
  struct Entry {
    ConnectionPtr connection;
    std::shared_ptr<PeerTraffic> traffic;
  };

  boost::asio::awaitable<void> AcceptLoop();
  void StartDialling(Address address, std::optional<NodeKey> key, bool learned);
  void Replan(const std::map<NodeKey, std::string>& addresses);
  boost::asio::awaitable<void> DialLoop(Dial& dial);
  boost::asio::awaitable<Status> DialOnce(Dial& dial);
  boost::asio::awaitable<void> ServeIncoming(ConnectionPtr connection);
  /// Handshake and hello, then frames until the connection ends; returns why.
  boost::asio::awaitable<Error> Serve(ConnectionPtr connection, std::optional<NodeKey> pinned);

  void Accept(boost::asio::ip::tcp::socket socket);
  bool MayConnect(const NodeKey& key, const std::optional<NodeKey>& pinned);
  bool Connected(const NodeKey& key) const;
  bool HasRoomFor(const Connection& connection);
  /// How many incoming connections from the host of `connection` have not said hello yet.
  std::size_t HandshakesFrom(const Connection& connection) const;
  /// Of two connections with one peer: is `candidate`, the newer, the one both ends keep?
  bool Prefer(const Connection& candidate, const Connection& existing) const;
  std::shared_ptr<PeerTraffic> Register(const ConnectionPtr& connection);
  void Unregister(const ConnectionPtr& connection);
  void Tell(const NodeKey& key, bool up);
  /// Runs `call` unless the network has been destroyed, and keeps it from being so meanwhile.
  bool CallHost(const std::function<void()>& call);
  std::chrono::milliseconds Backoff(std::uint32_t failures);
  bool stopped() const { return stopped_; }

  const NetworkStrand strand_;
  boost::asio::ssl::context tls_;
  const NodeKey self_;
  const Options options_;
  const std::shared_ptr<spdlog::logger> log_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_pause_;
  std::string listen_address_;
  std::vector<std::unique_ptr<Dial>> dials_;
  std::set<ConnectionPtr> open_;  // every connection there is
  std::size_t handshakes_ = 0;    // incoming ones that have not said hello yet
  std::minstd_rand jitter_;

  mutable std::mutex mutex_;  // guards entries_ and gone_
  std::map<NodeKey, Entry> entries_;
  Totals gone_;  // of peers that are not connected any more

  std::mutex host_mutex_;  // held while the host is called; guards the change of stopped_
  std::atomic<bool> stopped_ = false;
};

}  // namespace talent::node
