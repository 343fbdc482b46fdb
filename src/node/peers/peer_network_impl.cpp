#include "node/peers/peer_network_impl.h"

#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "node/await.h"
#include "node/peers/retry_pause.h"

namespace talent::node {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Out of file descriptors, say: trying again at once would only burn the processor.
constexpr std::chrono::milliseconds kAcceptPause{100};
// A connection that lasted this long was a good one: the next failure is a new story.
constexpr std::chrono::seconds kStableAfter{5};

std::shared_ptr<spdlog::logger> Silent() {
  return std::make_shared<spdlog::logger>("p2p", std::make_shared<spdlog::sinks::null_sink_mt>());
}

void Add(const PeerTraffic& traffic, PeerNetwork::Totals& to) {
  to.frames_in += traffic.frames_in;
  to.frames_out += traffic.frames_out;
  to.bytes_in += traffic.bytes_in;
  to.bytes_out += traffic.bytes_out;
  to.dropped += traffic.dropped;
}

// Enough of a key to tell peers apart in a log line.
std::string Short(const NodeKey& key) { return key.Hex().substr(0, 12); }

}  // namespace

PeerNetwork::Impl::Impl(asio::io_context& io, const NodeKey& self, asio::ssl::context tls,
                        Options options)
    : strand_(asio::make_strand(io)),
      tls_(std::move(tls)),
      self_(self),
      options_(std::move(options)),
      log_(options_.log ? options_.log : Silent()),
      acceptor_(strand_),
      accept_pause_(strand_),
      jitter_(static_cast<std::minstd_rand::result_type>(std::hash<NodeKey>()(self))) {}

Status PeerNetwork::Impl::Listen() {
  const Address address = TRY(ParseListenAddress(options_.listen));
  const tcp::endpoint endpoint(asio::ip::make_address(address.host), address.port);
  boost::system::error_code ec;
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    return Fail(Code::kIo, "p2p cannot listen on {}: {}", options_.listen, ec.message());
  }
  listen_address_ = Address{address.host, acceptor_.local_endpoint().port()}.ToString();
  return {};
}

Status PeerNetwork::Impl::StartCoroutines() {
  std::vector<Address> addresses;
  for (const Peer& peer : options_.dial) addresses.push_back(TRY(ParseAddress(peer.address)));
  asio::co_spawn(strand_, AcceptLoop(), asio::detached);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    StartDialling(std::move(addresses[i]), options_.dial[i].key, false);
  }
  return {};
}

void PeerNetwork::Impl::StartDialling(Address address, std::optional<NodeKey> key, bool learned) {
  dials_.push_back(std::make_unique<Dial>(
      Dial{std::move(address), key, tcp::resolver(strand_), asio::steady_timer(strand_), learned}));
  asio::co_spawn(strand_, DialLoop(*dials_.back()), asio::detached);
}

void PeerNetwork::Impl::SetLearned(std::map<NodeKey, std::string> addresses) {
  asio::post(strand_, [self = shared_from_this(), addresses = std::move(addresses)] {
    if (!self->stopped()) self->Replan(addresses);
  });
}

void PeerNetwork::Impl::Replan(const std::map<NodeKey, std::string>& addresses) {
  std::set<NodeKey> dialled;
  for (const auto& dial : dials_) {
    if (!dial->learned || dial->dropped) continue;
    const auto it = addresses.find(*dial->key);
    if (it != addresses.end() && it->second == dial->address.ToString()) {
      dialled.insert(it->first);
      continue;
    }
    dial->dropped = true;
    dial->resolver.cancel();
    dial->timer.cancel();
  }
  for (const auto& [key, text] : addresses) {
    auto address = ParseAddress(text);
    if (address && !dialled.contains(key)) StartDialling(*std::move(address), key, true);
  }
}

void PeerNetwork::Impl::Stop() {
  {
    const std::lock_guard lock(host_mutex_);
    stopped_ = true;
  }
  asio::post(strand_, [self = shared_from_this()] {
    boost::system::error_code ignored;
    self->acceptor_.close(ignored);
    self->accept_pause_.cancel();
    for (const auto& dial : self->dials_) {
      dial->resolver.cancel();
      dial->timer.cancel();
    }
    for (const ConnectionPtr& c : self->open_) c->Close(Error{Code::kUnavailable, "stopping"});
  });
}

asio::awaitable<void> PeerNetwork::Impl::AcceptLoop() {
  const auto self = shared_from_this();
  while (!stopped()) {
    tcp::socket socket(strand_);
    const auto [ec] = co_await acceptor_.async_accept(socket, kTuple);
    if (stopped()) break;
    if (!ec) {
      Accept(std::move(socket));
      continue;
    }
    log_->warn("cannot accept a connection: {}", ec.message());
    accept_pause_.expires_after(kAcceptPause);
    co_await accept_pause_.async_wait(kTuple);
  }
}

void PeerNetwork::Impl::Accept(tcp::socket socket) {
  if (handshakes_ >= options_.max_handshakes) {
    const std::lock_guard lock(mutex_);
    ++gone_.refused;
    return;  // closes the socket
  }
  auto connection = std::make_shared<Connection>(strand_, std::move(socket), tls_, options_.timing);
  if (HandshakesFrom(*connection) >= options_.max_handshakes_per_address) {
    const std::lock_guard lock(mutex_);
    ++gone_.refused;
    return;
  }
  ++handshakes_;
  open_.insert(connection);
  asio::co_spawn(strand_, ServeIncoming(std::move(connection)), asio::detached);
}

asio::awaitable<void> PeerNetwork::Impl::ServeIncoming(ConnectionPtr connection) {
  const auto self = shared_from_this();
  const Error ended = co_await Serve(connection, std::nullopt);
  log_->debug("connection from {} ended: {}", connection->remote(), ended.ToString());
}

asio::awaitable<Error> PeerNetwork::Impl::Serve(ConnectionPtr connection,
                                                std::optional<NodeKey> pinned) {
  Status ready = co_await connection->Handshake(
      [this, pinned](const NodeKey& key) { return MayConnect(key, pinned); });
  if (ready && !HasRoomFor(*connection)) {
    ready = Fail(Code::kExhausted, "no room: connected already, or too many connections");
  }
  if (ready) ready = co_await connection->Hello();
  if (!connection->outgoing()) --handshakes_;
  const auto traffic = ready ? Register(connection) : nullptr;
  Error ended{Code::kDuplicate, "another connection with the same peer is kept"};
  if (traffic) {
    const NodeKey key = connection->key();
    asio::co_spawn(strand_, connection->WriteLoop(traffic), asio::detached);
    const auto self = shared_from_this();
    asio::co_spawn(
        strand_, connection->WatchLoop([self, key] { return self->MayConnect(key, std::nullopt); }),
        asio::detached);
    ended = co_await connection->ReadLoop(traffic, [this, key](v1::Frame&& frame) {
      bool good = false;
      CallHost([&] { good = options_.on_frame(key, std::move(frame)); });
      return good;
    });
  } else {
    if (!ready) ended = ready.error();
    const std::lock_guard lock(mutex_);
    if (!connection->outgoing()) ++gone_.refused;
  }
  connection->Close(ended);
  open_.erase(connection);
  Unregister(connection);
  co_return ended;
}

asio::awaitable<void> PeerNetwork::Impl::DialLoop(Dial& dial) {
  const auto self = shared_from_this();
  std::uint32_t failures = 0;
  while (!stopped() && !dial.dropped) {
    if (dial.key && Connected(*dial.key)) {
      dial.timer.expires_at(std::chrono::steady_clock::time_point::max());
      co_await dial.timer.async_wait(kTuple);  // until Unregister says that it is gone
      continue;
    }
    const auto started = std::chrono::steady_clock::now();
    const Status ended = co_await DialOnce(dial);
    if (stopped() || dial.dropped) break;
    failures = std::chrono::steady_clock::now() - started < kStableAfter ? failures + 1 : 1;
    log_->log(failures == 1 ? spdlog::level::info : spdlog::level::debug, "peer {}: {}",
              dial.address.ToString(), ended.error().ToString());
    dial.timer.expires_after(Backoff(failures));
    co_await dial.timer.async_wait(kTuple);
  }
  std::erase_if(dials_, [&](const auto& other) { return other.get() == &dial; });
}

asio::awaitable<Status> PeerNetwork::Impl::DialOnce(Dial& dial) {
  tcp::resolver::results_type endpoints;
  boost::system::error_code no_ip;
  // Names are looked up one after the other, so a slow one must not hold up what needs no look.
  if (const auto ip = asio::ip::make_address(dial.address.host, no_ip); !no_ip) {
    endpoints = tcp::resolver::results_type::create(tcp::endpoint(ip, dial.address.port),
                                                    dial.address.host, {});
  } else {
    const auto [ec, found] = co_await dial.resolver.async_resolve(
        dial.address.host, std::to_string(dial.address.port), kTuple);
    if (ec) co_return Fail(Code::kUnavailable, "cannot resolve: {}", ec.message());
    if (stopped()) co_return Fail(Code::kUnavailable, "stopping");
    endpoints = found;
  }
  const auto connection = std::make_shared<Connection>(strand_, tls_, options_.timing);
  open_.insert(connection);
  const Status connected = co_await connection->Connect(endpoints);
  if (!connected) {
    connection->Close(connected.error());
    open_.erase(connection);
    co_return connected;
  }
  const Error ended = co_await Serve(connection, dial.key);
  // From now on this loop knows whom it waits for while another connection serves that peer.
  if (!dial.key && connection->established()) dial.key = connection->key();
  co_return tl::unexpected(ended);
}

std::chrono::milliseconds PeerNetwork::Impl::Backoff(std::uint32_t failures) {
  const auto millis = [](std::chrono::milliseconds time) {
    return Millis(static_cast<std::uint64_t>(time.count()));
  };
  const Millis pause = RetryPause(failures - 1, millis(options_.timing.redial_first),
                                  millis(options_.timing.redial_cap));
  // Between half and all of it, so that nodes that lost each other at once do not return at once.
  return std::chrono::milliseconds(pause.value / 2 + jitter_() % (pause.value / 2 + 1));
}

bool PeerNetwork::Impl::MayConnect(const NodeKey& key, const std::optional<NodeKey>& pinned) {
  if (key == self_ || (pinned && key != *pinned)) return false;
  bool yes = false;
  CallHost([&] { yes = options_.authorize(key); });
  return yes;
}

bool PeerNetwork::Impl::CallHost(const std::function<void()>& call) {
  const std::lock_guard lock(host_mutex_);
  if (stopped_) return false;
  call();
  return true;
}

bool PeerNetwork::Impl::Connected(const NodeKey& key) const {
  const std::lock_guard lock(mutex_);
  return entries_.contains(key);
}

bool PeerNetwork::Impl::Prefer(const Connection& candidate, const Connection& existing) const {
  // Dialled by the same end: that end knows the older one to be dead, or it would not dial.
  if (candidate.outgoing() == existing.outgoing()) return true;
  // Otherwise both dialled at once; the one dialled by the smaller key stays, which both ends
  // conclude alone.
  return candidate.outgoing() == (self_ < candidate.key());
}

std::size_t PeerNetwork::Impl::HandshakesFrom(const Connection& connection) const {
  const auto begun = std::count_if(open_.begin(), open_.end(), [&](const ConnectionPtr& other) {
    return !other->outgoing() && !other->established() && other->host() == connection.host();
  });
  return static_cast<std::size_t>(begun);
}

bool PeerNetwork::Impl::HasRoomFor(const Connection& connection) {
  bool member = false;
  CallHost([&] { member = options_.is_member && options_.is_member(connection.key()); });
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(connection.key());
  if (it != entries_.end()) return Prefer(connection, *it->second.connection);
  const bool ours = member || connection.outgoing() ||
                    std::any_of(dials_.begin(), dials_.end(),
                                [&](const auto& dial) { return dial->key == connection.key(); });
  return ours || entries_.size() < options_.max_connections - options_.max_connections / 4;
}

std::shared_ptr<PeerTraffic> PeerNetwork::Impl::Register(const ConnectionPtr& connection) {
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[connection->key()];
  if (entry.connection) {
    if (!Prefer(*connection, *entry.connection)) return nullptr;
    entry.connection->Retire();
    entry.connection = connection;
    return entry.traffic;
  }
  entry = {connection, std::make_shared<PeerTraffic>(options_.max_queued_bytes_per_peer)};
  auto traffic = entry.traffic;
  lock.unlock();
  log_->info("peer {} at {} is up", Short(connection->key()), connection->remote());
  Tell(connection->key(), true);
  return traffic;
}

void PeerNetwork::Impl::Unregister(const ConnectionPtr& connection) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(connection->key());
    if (it == entries_.end() || it->second.connection != connection) return;
    Add(*it->second.traffic, gone_);
    entries_.erase(it);
  }
  for (const auto& dial : dials_) {
    if (dial->key == connection->key()) dial->timer.cancel();
  }
  log_->info("peer {} is down", Short(connection->key()));
  Tell(connection->key(), false);
}

void PeerNetwork::Impl::Tell(const NodeKey& key, bool up) {
  CallHost([&] {
    if (options_.on_peer) options_.on_peer(key, up);
  });
}

std::size_t PeerNetwork::Impl::Queue(std::span<const NodeKey> to, const v1::Frame& frame) {
  const WireFrame wire = ToWire(frame, kMaxFrameBytes);
  const Lane lane = LaneOf(frame);
  std::size_t queued = 0;
  const std::lock_guard lock(mutex_);
  for (const NodeKey& key : to) {
    const auto it = entries_.find(key);
    if (it == entries_.end()) continue;
    const auto& [connection, traffic] = it->second;
    const auto pushed = wire ? traffic->queue.Push(lane, wire) : SendQueue::Pushed::kFull;
    if (pushed == SendQueue::Pushed::kFull) {
      ++traffic->dropped;
      continue;
    }
    ++queued;
    if (pushed == SendQueue::Pushed::kQueuedWake) connection->Wake();
  }
  return queued;
}

std::vector<PeerNetwork::PeerInfo> PeerNetwork::Impl::Peers() const {
  const std::lock_guard lock(mutex_);
  std::vector<PeerInfo> out;
  for (const auto& [key, entry] : entries_) {
    const PeerTraffic& t = *entry.traffic;
    out.push_back({key, entry.connection->remote(), entry.connection->outgoing(), t.frames_in,
                   t.frames_out, t.bytes_in, t.bytes_out, t.dropped});
  }
  return out;
}

PeerNetwork::Totals PeerNetwork::Impl::GetTotals() const {
  const std::lock_guard lock(mutex_);
  Totals out = gone_;
  for (const auto& [key, entry] : entries_) Add(*entry.traffic, out);
  return out;
}

}  // namespace talent::node
