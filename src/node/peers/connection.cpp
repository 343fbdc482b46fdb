#include "node/peers/connection.h"

#include <netinet/tcp.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "node/await.h"
#include "node/peers/address.h"
#include "node/peers/tls_identity.h"

namespace talent::node {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// One gathered write: some sixteen TLS records, a few milliseconds on a slow link.
constexpr std::size_t kWriteBatchBytes = 256u << 10;
constexpr std::size_t kReadChunkBytes = 64u << 10;
// Unsent bytes the kernel may hold: what is queued there can no longer be overtaken by a vote.
constexpr int kKernelUnsentBytes = 256 << 10;
// A retired connection is read for this long: longer than any frame in flight takes to arrive.
constexpr std::chrono::milliseconds kLinger{1000};

using NotSentLowat = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;

std::string RemoteOf(const tcp::socket& socket) {
  boost::system::error_code ec;
  const auto end = socket.remote_endpoint(ec);
  return ec ? "unknown" : Address{end.address().to_string(), end.port()}.ToString();
}

void Tune(tcp::socket& socket) {
  boost::system::error_code ignored;  // slower without, not wrong
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(NotSentLowat(kKernelUnsentBytes), ignored);
}

}  // namespace

Connection::Connection(const NetworkStrand& strand, asio::ssl::context& tls, const Timing& timing)
    : strand_(strand),
      timing_(timing),
      stream_(tcp::socket(strand), tls),
      watch_(strand),
      wake_(strand),
      outgoing_(true) {}

Connection::Connection(const NetworkStrand& strand, tcp::socket accepted, asio::ssl::context& tls,
                       const Timing& timing)
    : strand_(strand),
      timing_(timing),
      stream_(std::move(accepted), tls),
      watch_(strand_),
      wake_(strand_),
      outgoing_(false),
      remote_(RemoteOf(stream_.next_layer())) {}

void Connection::StartHandshakeClock() {
  watch_.expires_after(timing_.handshake);
  watch_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->established_) return;
    self->Close(Error{Code::kUnavailable, "the handshake took too long"});
  });
}

asio::awaitable<Status> Connection::Connect(tcp::resolver::results_type endpoints) {
  StartHandshakeClock();
  const auto [ec, endpoint] = co_await asio::async_connect(stream_.next_layer(), endpoints, kTuple);
  if (ec || closed_) co_return tl::unexpected(Ended("cannot connect", ec));
  remote_ = RemoteOf(stream_.next_layer());
  co_return Status{};
}

asio::awaitable<Status> Connection::Handshake(std::function<bool(const NodeKey&)> accept) {
  if (!outgoing_) StartHandshakeClock();
  Tune(stream_.next_layer());
  boost::system::error_code set_ec;
  // Called for the leaf, and again for each thing OpenSSL dislikes about it (that nobody vouches
  // for it); whatever that is, only the key counts.
  stream_.set_verify_callback(
      [this, accept = std::move(accept)](bool, asio::ssl::verify_context& context) {
        const auto key = KeyOfCertificate(X509_STORE_CTX_get0_cert(context.native_handle()));
        key_accepted_ = key.has_value() && accept(*key);
        if (key) key_ = *key;
        return key_accepted_;
      },
      set_ec);
  const auto type = outgoing_ ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
  const auto [ec] = co_await stream_.async_handshake(type, kTuple);
  if (ec && !key_accepted_ && !key_.IsZero()) {
    co_return Fail(Code::kUnauthorized, "node key {} is not accepted here", key_.Hex());
  }
  if (ec || closed_) co_return tl::unexpected(Ended("TLS handshake", ec));
  if (!key_accepted_ || !SpeaksP2p(stream_.native_handle())) {
    co_return Fail(Code::kUnauthorized, "the peer does not speak {}", kP2pProtocol);
  }
  co_return Status{};
}

asio::awaitable<Status> Connection::Hello() {
  std::string hello(kFrameHeaderBytes, '\0');
  const auto write_ec = co_await WriteAll(hello);
  if (write_ec || closed_) co_return tl::unexpected(Ended("hello", write_ec));
  const auto [ec, size] = co_await asio::async_read(stream_, asio::buffer(hello), kTuple);
  if (ec || closed_) co_return tl::unexpected(Ended("the peer closed instead of hello", ec));
  if (hello != std::string(kFrameHeaderBytes, '\0')) {
    co_return Fail(Code::kInvalidArgument, "the peer did not say hello");
  }
  established_ = true;
  watch_.cancel();
  last_received_ = last_written_ = Clock::now();
  co_return Status{};
}

asio::awaitable<Error> Connection::ReadLoop(std::shared_ptr<PeerTraffic> traffic,
                                            std::function<bool(v1::Frame&&)> on_frame) {
  FrameDecoder decoder(PeerNetwork::kMaxFrameBytes);
  std::vector<char> chunk(kReadChunkBytes);
  const std::function<Status(v1::Frame &&)> take = [&](v1::Frame&& frame) -> Status {
    if (closed_) return tl::unexpected(close_reason_);
    ++traffic->frames_in;
    if (on_frame(std::move(frame))) return {};
    return Fail(Code::kInvalidArgument, "a frame was refused");
  };
  while (true) {
    const auto [ec, size] = co_await stream_.async_read_some(asio::buffer(chunk), kTuple);
    if (ec || closed_) co_return Ended("reading", ec);
    last_received_ = Clock::now();
    traffic->bytes_in += size;
    const Status fed = decoder.Feed(BytesView(chunk.data(), size), take);
    if (!fed) co_return fed.error();
  }
}

asio::awaitable<void> Connection::WriteLoop(std::shared_ptr<PeerTraffic> traffic) {
  const auto self = shared_from_this();
  std::string batch;
  while (!closed_ && !retired_) {
    const std::size_t frames = traffic->queue.Take(kWriteBatchBytes, batch);
    if (frames == 0) {
      wake_.expires_after(timing_.keepalive);
      const auto [woken] = co_await wake_.async_wait(kTuple);
      if (woken) continue;
      batch.assign(kFrameHeaderBytes, '\0');
    }
    const auto ec = co_await WriteAll(batch);
    if (ec) co_return Close(Ended("writing", ec));
    traffic->frames_out += frames;
    traffic->bytes_out += batch.size();
    if (batch.capacity() > 2 * kWriteBatchBytes) batch = std::string();
  }
}

asio::awaitable<boost::system::error_code> Connection::WriteAll(BytesView bytes) {
  writing_ = true;
  last_written_ = Clock::now();
  boost::system::error_code failed;
  while (!bytes.empty() && !failed) {
    const auto [ec, size] =
        co_await stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), kTuple);
    bytes.remove_prefix(size);
    last_written_ = Clock::now();
    failed = ec;
  }
  writing_ = false;
  co_return failed;
}

asio::awaitable<void> Connection::WatchLoop(std::function<bool()> authorised) {
  const auto self = shared_from_this();
  while (!closed_) {
    watch_.expires_after(retired_ ? kLinger : timing_.keepalive);
    co_await watch_.async_wait(kTuple);
    if (closed_) break;
    const auto now = Clock::now();
    if (retired_) {
      if (now - retired_at_ >= kLinger) Close(Error{Code::kDuplicate, "replaced by another"});
    } else if (now - last_received_ >= timing_.idle) {
      Close(Error{Code::kUnavailable, "the peer fell silent"});
    } else if (writing_ && now - last_written_ >= timing_.idle) {
      Close(Error{Code::kUnavailable, "the peer does not read"});
    } else if (!authorised()) {
      Close(Error{Code::kUnauthorized, "the peer's key is no longer accepted"});
    }
  }
}

void Connection::Wake() {
  asio::post(strand_, [self = shared_from_this()] { self->wake_.cancel(); });
}

void Connection::Retire() {
  retired_ = true;
  retired_at_ = Clock::now();
  wake_.cancel();
  watch_.cancel();
}

void Connection::Close(Error reason) {
  if (std::exchange(closed_, true)) return;
  close_reason_ = std::move(reason);
  boost::system::error_code ignored;
  stream_.next_layer().close(ignored);
  watch_.cancel();
  wake_.cancel();
}

Error Connection::Ended(std::string_view doing, const boost::system::error_code& ec) const {
  if (closed_) return close_reason_;
  return Error{Code::kUnavailable, fmt::format("{}: {}", doing, ec.message())};
}

}  // namespace talent::node
